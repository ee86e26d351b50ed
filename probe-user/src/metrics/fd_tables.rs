//! Descriptor tables: shared by whom, how full, and whether one grows without end.
//!
//! - *open*: what was seen at looks; a greater number in between may have been missed. The
//!   peak is exact where every system call was looked at, only one thread used the table at
//!   a time, and no look was lost or skipped by the kernel: then nothing changes the table between two looks.
//! - *share of the limit*: the highest that a look saw, of those that had no more open than the
//!   limit allowed. One that was set lower than what is open binds only what is opened next.
//! - *growth*: the slope of the line that fits the course best (least squares over
//!   [`SAMPLES`] equal steps of the table's life), if the life is a second or more, the line
//!   explains at least 90 % of the variance, and it rises by 8 descriptors or more. A table
//!   that is filled at the beginning and then stays does not lie on a line.
//! - Not counted: descriptors in flight over a Unix socket, and those of an io_uring's own
//!   table.

use super::{RunInfo, threads::origin_ns};
use crate::{
    document::{Coverage, FdKinds, FdOpen, FdTable, FdTarget, FdsOpen, Thread},
    world::{
        World,
        by_thread::ByThread,
        fd_table::{self, Target, Targets},
    },
};
use probe_common::{fd_table::of_kind, loss::Loss};

/// Steps of a table's life that a line is fitted to.
pub const SAMPLES: u32 = 100;
/// A shorter life shows no growth, ns.
const SHORTEST_NS: u64 = 1_000_000_000;
/// Least share of the variance that the line explains.
const FIT: f64 = 0.9;
/// Least rise over the life.
const RISE: f64 = 8.0;

/// All tables, in order of appearance, and what was open in them at once; `None` if none was
/// looked at. `rows`: where each thread stands among `threads`.
pub fn of(
    world: &World,
    info: &RunInfo,
    threads: &[Thread],
    rows: &ByThread<usize>,
    coverage: &Coverage,
) -> (Option<Vec<FdTable>>, Option<FdOpen>) {
    let tables = &world.fd_tables;
    if tables.list.is_empty() {
        return (None, None);
    }
    let origin_ns = origin_ns(world);
    let since = |ns: u64| ns.saturating_sub(origin_ns);
    let looks_are_whole =
        info.start.exact_descriptors && !coverage.has_lost(Loss::FdTable) && none_skipped(info);
    let of_table = |(&id, table): (&u32, &fd_table::FdTable)| {
        let users = table.threads.iter();
        let users: Vec<&Thread> = users
            .filter_map(|thread| threads.get(*rows.get(*thread)?))
            .collect();
        let to_ns = table.to_ns.unwrap_or(world.now_ns);
        FdTable {
            id,
            processes: ascending(users.iter().filter_map(|thread| thread.pid)),
            groups: ascending(users.iter().map(|thread| thread.group)),
            threads_max: table.users_max,
            origin: table.origin,
            from_ns: since(table.from_ns),
            to_ns: since(to_ns),
            limit: table.limit,
            limit_share: table.nearest.map(share),
            cut: table.cut,
            open: FdsOpen {
                first: table.first,
                last: table.last,
                peak: table.peak,
                peak_ns: since(table.peak_ns),
                peak_exact: looks_are_whole && table.users_max == 1 && !table.cut,
            },
            by_kind: table.kinds.map(kinds),
            inherited: table.through_exec.map(|counts| counts.iter().sum()),
            inherited_by_kind: table.through_exec.map(kinds),
            targets: table.targets.as_ref().map(targets),
            targets_left: table.targets.as_ref().map(left),
            inherited_targets: table.targets_through_exec.as_ref().map(targets),
            inherited_targets_left: table.targets_through_exec.as_ref().map(left),
            growth_per_s: growth_per_s(&table.points, table.from_ns, to_ns),
            series: table.points.iter().map(|&(ns, n)| (since(ns), n)).collect(),
        }
    };
    let open = FdOpen {
        peak_sum: tables.peak_sum.0,
        at_ns: since(tables.peak_sum.1),
        tables_max: tables.most_in_use,
        exact: info.start.exact_descriptors,
    };
    let list = tables.list.iter().map(of_table).collect();
    (Some(list), Some(open))
}

/// To four places: what is written is read back as it was.
fn share((open, limit): (u32, u64)) -> f64 {
    (f64::from(open) / limit as f64 * 10_000.0).round() / 10_000.0
}

fn targets(found: &Targets) -> Vec<FdTarget> {
    let target = |target: &Target| FdTarget {
        fd: target.fd,
        kind: target.kind,
        target: target.name.to_string(),
        cloexec: target.cloexec,
    };
    let mut list: Vec<FdTarget> = found.list.iter().map(target).collect();
    list.sort_by_key(|target| target.fd);
    list
}

/// Open, and not among those that are known.
fn left(found: &Targets) -> u32 {
    let known = u32::try_from(found.list.len()).unwrap_or(u32::MAX);
    found.open.saturating_sub(known)
}

/// The kernel has run every probe, as far as is known by now (from 7.0 on it may skip some).
fn none_skipped(info: &RunInfo) -> bool {
    info.end.as_ref().is_some_and(|end| end.skipped.is_empty())
}

fn ascending<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut list: Vec<T> = values.collect();
    list.sort_unstable();
    list.dedup();
    list
}

fn kinds(counts: [u32; of_kind::COUNT]) -> FdKinds {
    FdKinds {
        socket: counts[of_kind::SOCKET],
        pipe: counts[of_kind::PIPE],
        file: counts[of_kind::FILE],
        tty: counts[of_kind::TTY],
        event: counts[of_kind::EVENT],
        timer: counts[of_kind::TIMER],
        epoll: counts[of_kind::EPOLL],
        other: counts[of_kind::OTHER],
    }
}

/// See the head of this file. `points`: instants, ns, and the value from then on.
fn growth_per_s(points: &[(u64, u32)], from_ns: u64, to_ns: u64) -> Option<f64> {
    let life_ns = to_ns.saturating_sub(from_ns);
    if life_ns < SHORTEST_NS {
        return None;
    }
    let seconds = |ns: u64| ns as f64 / 1e9;
    let step_s = seconds(life_ns) / f64::from(SAMPLES);
    let mut left = points.iter().peekable();
    let (mut value, mut fit) = (0, Fit::default());
    for sample in 0..SAMPLES {
        let at_s = step_s * (f64::from(sample) + 0.5);
        while let Some(&(_, open)) =
            left.next_if(|(ns, _)| seconds(ns.saturating_sub(from_ns)) <= at_s)
        {
            value = open;
        }
        fit.add(at_s, f64::from(value));
    }
    let (slope, explained) = fit.line()?;
    // What is written is read back as it was.
    let rounded = (slope * 1000.0).round() / 1000.0;
    (explained >= FIT && slope * seconds(life_ns) >= RISE).then_some(rounded)
}

/// Sums for a line through points, by least squares.
#[derive(Default)]
struct Fit {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
    yy: f64,
}

impl Fit {
    fn add(&mut self, x: f64, y: f64) {
        self.n += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    /// Slope, and the share of the variance that the line explains; `None` where the points
    /// do not vary.
    fn line(&self) -> Option<(f64, f64)> {
        let across = |a: f64, b: f64, ab: f64| self.n * ab - a * b;
        let (xx, yy) = (
            across(self.x, self.x, self.xx),
            across(self.y, self.y, self.yy),
        );
        let xy = across(self.x, self.y, self.xy);
        (xx > 0.0 && yy > 0.0).then(|| (xy / xx, xy * xy / (xx * yy)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second, in ns.
    const S: u64 = 1_000_000_000;

    /// `points`: tenths of a second and values.
    #[track_caller]
    fn check(points: &[(u64, u32)], tenths: u64, expected: Option<f64>) {
        let points: Vec<(u64, u32)> = points.iter().map(|&(at, n)| (S + at * S / 10, n)).collect();
        let slope = growth_per_s(&points, S, S + tenths * S / 10);
        match (slope, expected) {
            (Some(slope), Some(expected)) => {
                assert!((slope / expected - 1.0).abs() < 0.05, "{slope} {expected}");
            }
            (slope, expected) => assert_eq!(slope, expected),
        }
    }

    #[test]
    fn growth_is_the_slope_of_a_line() {
        let leak: Vec<(u64, u32)> = (0..60).map(|at| (at, 4 + at as u32)).collect();
        check(&leak, 60, Some(10.0));
        let by_tens: Vec<(u64, u32)> = (0..12).map(|at| (at * 10, 4 + 10 * at as u32)).collect();
        check(&by_tens, 120, Some(10.0));
        let falling: Vec<(u64, u32)> = (0..60).map(|at| (at, 100 - at as u32)).collect();
        check(&falling, 60, None);
    }

    #[test]
    fn growth_is_none_where_there_is_no_line() {
        check(&[(0, 4)], 60, None);
        // All in the beginning.
        check(&[(0, 4), (1, 300)], 60, None);
        // Up and down.
        let saw: Vec<(u64, u32)> = (0..60).map(|at| (at, 4 + at as u32 % 10)).collect();
        check(&saw, 60, None);
        // Too little, and too short.
        let little: Vec<(u64, u32)> = (0..6).map(|at| (at * 10, 4 + at as u32)).collect();
        check(&little, 60, None);
        let short: Vec<(u64, u32)> = (0..9).map(|at| (at, 4 + 10 * at as u32)).collect();
        check(&short, 9, None);
        check(&[], 60, None);
    }
}
