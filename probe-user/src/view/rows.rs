//! The budget of one thread or group as rows, biggest first: its waits merged
//! by kind, what is still open, the run queue, the CPU, and what was lost.
//!
//! The rows' time adds up to the account's; [`residual`] is what is missing to
//! the lifetime. Rows below 0.5 % of the lifetime become one row `other (n)`, and so
//! do those behind the eighth.

use std::cmp::Reverse;

use super::merge::{Key, Named, Part, merge};
use super::run_queue;
use super::units::{Unit, is_below};
use super::woken::Waker;
use crate::document::Sums;
use crate::vocabulary::{CauseKind, WaitKind};

/// Rows below such a part of the lifetime become one.
const PARTS: u64 = 200;
/// Rows of a budget that stand alone.
const MOST: usize = 8;

/// What waits are called that a filter does not count.
const LEFT_OUT: &str = "left out";

/// One line of a budget. Text in it is not sanitised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it accounts for.
    pub state: State,
    /// Wait kind or name of the state.
    pub label: String,
    /// Kernel function, system call in parentheses, or stack.
    pub place: Option<Named>,
    /// `place` is a stack: long, and readable from its beginning alone.
    pub stack: bool,
    /// Time, ns.
    pub ns: u64,
    /// What it is a share of, ns: the lifetime, or the waits of a kind.
    pub whole_ns: u64,
    /// That of all times of the block.
    pub unit: Unit,
    /// `ns` is a lower bound (`≥`).
    pub lower_bound: bool,
    /// Waits, or entries into the run queue; `None` where nothing is counted.
    pub count: Option<u64>,
    /// Who ended the waits.
    pub woken: Option<Named>,
    /// Of finished waits: what kind of thing ended them, and the task if it was one.
    pub waker: Option<(Waker, Option<Named>)>,
    /// Why the wait cost the run nothing, if it did not.
    pub quiet: Option<Quiet>,
    /// 0 for a group, 1 for a thread below it; one more behind a wait kind.
    pub depth: usize,
}

/// What a row accounts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Finished waits.
    Wait,
    /// Waits not finished at the end.
    Open,
    /// Runnable, not running.
    RunQueue,
    /// Running.
    OnCpu,
    /// What was behind the waits of a kind.
    Cause,
    /// Covered by lost records.
    Lost,
    /// Waits that a filter does not count.
    LeftOut,
    /// Rows too small to stand alone.
    Other,
}

/// A wait that nobody would want to be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quiet {
    /// For work.
    Idle,
    /// Not finished at the end.
    Open,
    /// Until its process ended.
    UntilEnd,
    /// For a signal.
    Signal,
}

impl Quiet {
    fn of(key: &Key, waker: Option<Waker>) -> Option<Quiet> {
        match waker {
            _ if key.idle => Some(Quiet::Idle),
            _ if key.open => Some(Quiet::Open),
            Some(Waker::OwnEnd) => Some(Quiet::UntilEnd),
            _ if key.kind == WaitKind::Signal => Some(Quiet::Signal),
            _ => None,
        }
    }
}

/// The rows of `sums`, of the group of that name or of a thread in it; with `all`,
/// small ones too stand alone.
pub fn rows(sums: &Sums, group: &str, all: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (key, merged) in merge(&sums.waits, &sums.open, group) {
        let bound = merged.lower_bound;
        let parts = merged.divided(all).into_iter();
        let first = rows.len();
        rows.extend(parts.map(|part| wait_row(&key, &part, bound)));
        if key.kind == WaitKind::Throttled {
            let unnamed = rows[first..].iter_mut().filter(|row| row.place.is_none());
            unnamed.for_each(|row| row.place = cgroups(sums));
        }
    }
    rows.extend(state_rows(sums));
    rows.sort_by(|a, b| rank(a).cmp(&rank(b)));
    if !all {
        rows = small_rows(rows, sums.lifetime_ns, MOST);
    }
    for row in &mut rows {
        row.whole_ns = sums.lifetime_ns;
        row.unit = Unit::of(sums.lifetime_ns);
    }
    rows
}

/// The cgroup whose quota threads of several waited for longest, and how many others.
fn cgroups(sums: &Sums) -> Option<Named> {
    let causes = sums
        .blame
        .iter()
        .filter(|blame| (blame.kind, blame.cause) == (WaitKind::Throttled, CauseKind::CpuQuota));
    let named = causes.filter_map(|blame| Some((blame.ns, blame.detail.as_ref()?)));
    let mut named: Vec<_> = named.collect();
    named.sort_by_key(|&(ns, name)| (Reverse(ns), name));
    let (_, text) = named.first()?;
    Some(Named {
        text: (*text).clone(),
        more: named.len() - 1,
    })
}

/// Everything that is accounted for, ns.
pub fn accounted(sums: &Sums) -> i128 {
    let waits = sums.waits.iter().map(|wait| wait.total_ns);
    waits
        .chain([
            sums.on_cpu_ns,
            sums.runqueue_ns,
            sums.open_ns,
            sums.unknown_ns,
            sums.left_out.unwrap_or_default().total_ns,
        ])
        .map(i128::from)
        .sum()
}

/// Lifetime that nothing accounts for, ns; negative when something was counted
/// twice.
pub fn residual(sums: &Sums) -> i128 {
    i128::from(sums.lifetime_ns) - accounted(sums)
}

fn wait_row(key: &Key, part: &Part, lower_bound: bool) -> Row {
    let place = match &key.stack {
        Some(text) => Some(Named {
            text: text.clone(),
            more: 0,
        }),
        None if key.idle => Some(idle(part.place())),
        None => part.place(),
    };
    Row {
        place,
        stack: key.stack.is_some(),
        lower_bound,
        count: Some(part.count),
        woken: part.woken(),
        waker: part.waker.map(|waker| (waker, part.task())),
        quiet: Quiet::of(key, part.waker),
        ..row(
            if key.open { State::Open } else { State::Wait },
            key.kind.as_str(),
            part.ns,
        )
    }
}

/// `futex_wait idle` for waits for work.
fn idle(place: Option<Named>) -> Named {
    let Some(Named { text, more }) = place else {
        return Named {
            text: "idle".to_owned(),
            more: 0,
        };
    };
    Named {
        text: format!("{text} idle"),
        more,
    }
}

fn state_rows(sums: &Sums) -> impl Iterator<Item = Row> {
    let lost = Named {
        text: "(lost records)".to_owned(),
        more: 0,
    };
    let left_out = sums.left_out.unwrap_or_default();
    let rows = [
        Row {
            count: Some(sums.runqueue_count),
            woken: run_queue::behind(sums),
            ..row(State::RunQueue, "run queue", sums.runqueue_ns)
        },
        row(State::OnCpu, "on cpu", sums.on_cpu_ns),
        Row {
            place: Some(lost),
            ..row(State::Lost, "unknown", sums.unknown_ns)
        },
        Row {
            count: Some(left_out.count),
            ..row(State::LeftOut, LEFT_OUT, left_out.total_ns)
        },
    ];
    rows.into_iter().filter(|row| row.ns > 0)
}

/// A row with nothing but its time.
pub fn row(state: State, label: &str, ns: u64) -> Row {
    Row {
        state,
        label: label.to_owned(),
        place: None,
        stack: false,
        ns,
        whole_ns: 0,
        unit: Unit::of(0),
        lower_bound: false,
        count: None,
        woken: None,
        waker: None,
        quiet: None,
        depth: 0,
    }
}

/// Biggest first; of equals the most counted, then by name.
fn rank(row: &Row) -> impl Ord + use<'_> {
    let place = row.place.as_ref().map(|place| &place.text);
    (
        Reverse(row.ns),
        Reverse(row.count),
        &row.label,
        place,
        row.state,
    )
}

/// Whether a part is too small to stand alone: below 0.5 % of its whole.
pub fn is_small(part_ns: u64, whole_ns: u64) -> bool {
    is_below(part_ns, whole_ns, PARTS)
}

/// Small rows of a sorted account, and those behind the first `most`, as one at its
/// end. Lost time, and what is left out, are never hidden, and one row alone takes no more room than that; a row
/// without any time is none.
pub fn small_rows(mut rows: Vec<Row>, whole_ns: u64, most: usize) -> Vec<Row> {
    rows.retain(|row| row.ns > 0);
    let is_folded = |at: usize, row: &Row| {
        !matches!(row.state, State::Lost | State::LeftOut)
            && (at >= most || is_small(row.ns, whole_ns))
    };
    let folded = rows
        .iter()
        .enumerate()
        .filter(|(at, row)| is_folded(*at, row));
    if folded.count() < 2 {
        return rows;
    }
    let (mut small, mut kept) = (Vec::new(), Vec::new());
    for (at, row) in rows.into_iter().enumerate() {
        let list = if is_folded(at, &row) {
            &mut small
        } else {
            &mut kept
        };
        list.push(row);
    }
    let mut other = row(State::Other, &format!("other ({})", small.len()), 0);
    for row in small {
        other.ns = other.ns.saturating_add(row.ns);
        other.lower_bound |= row.lower_bound;
        if let Some(count) = row.count {
            other.count = Some(other.count.unwrap_or(0).saturating_add(count));
        }
    }
    kept.push(other);
    kept
}

#[cfg(test)]
mod tests {
    use super::super::merge::NOBODY_YET;
    use super::*;
    use crate::document::{OpenWait, Wait};

    fn wait(kind: &str, total_ns: u64) -> Wait {
        Wait {
            kind: kind.parse().unwrap(),
            total_ns,
            count: 1,
            ..Wait::default()
        }
    }

    /// `label time` of each row, with `≥` where it is a lower bound.
    fn check(sums: &Sums, all: bool, expect: &[&str]) {
        let rows = rows(sums, "own", all);
        let shown: Vec<String> = rows
            .iter()
            .map(|row| {
                let bound = if row.lower_bound { "≥" } else { "" };
                format!("{} {bound}{}", row.label, row.ns)
            })
            .collect();
        assert_eq!(shown, expect);
        assert!(rows.iter().all(|row| row.whole_ns == sums.lifetime_ns));
        let shown_ns: i128 = rows.iter().map(|row| i128::from(row.ns)).sum();
        assert_eq!(shown_ns + residual(sums), i128::from(sums.lifetime_ns));
    }

    #[test]
    fn biggest_first_whatever_it_is() {
        let sums = Sums {
            lifetime_ns: 1000,
            on_cpu_ns: 500,
            runqueue_ns: 100,
            open_ns: 50,
            unknown_ns: 1,
            waits: vec![wait("futex", 300), wait("sleep", 49)],
            open: vec![OpenWait {
                kind: WaitKind::Poll,
                so_far_ns: 50,
                ..OpenWait::default()
            }],
            ..Sums::default()
        };
        let rows = [
            "on cpu 500",
            "futex 300",
            "run queue 100",
            "poll ≥50",
            "sleep 49",
            "unknown 1",
        ];
        check(&sums, false, &rows);
    }

    #[test]
    fn waits_for_work_are_a_row_of_their_own_that_says_so() {
        let futex = |idle, function: Option<&str>, total_ns| Wait {
            idle,
            function: function.map(str::to_owned),
            ..wait("futex", total_ns)
        };
        let sums = Sums {
            lifetime_ns: 1000,
            waits: vec![
                futex(Some(true), Some("futex_wait"), 500),
                futex(Some(false), Some("futex_wait"), 260),
                futex(None, Some("futex_wait"), 40),
                Wait {
                    idle: Some(true),
                    ..wait("pipe-read", 200)
                },
            ],
            ..Sums::default()
        };
        check(&sums, false, &["futex 500", "futex 300", "pipe-read 200"]);
        let rows = rows(&sums, "own", false);
        let places: Vec<_> = rows
            .iter()
            .map(|row| row.place.as_ref().map(|place| place.text.as_str()))
            .collect();
        let expected = ["futex_wait idle", "futex_wait", "idle"];
        assert_eq!(places, expected.map(Some));
    }

    #[test]
    fn a_wait_begun_before_is_one_row_with_one_that_is_not_finished() {
        let open = |so_far_ns| OpenWait {
            kind: WaitKind::Poll,
            so_far_ns,
            count: 1,
            ..OpenWait::default()
        };
        let mut sums = Sums {
            lifetime_ns: 100,
            on_cpu_ns: 60,
            open_ns: 30,
            waits: vec![Wait {
                begun_before: 1,
                ..wait("poll", 10)
            }],
            open: vec![open(30)],
            ..Sums::default()
        };
        check(&sums, true, &["on cpu 60", "poll ≥40"]);
        let row = rows(&sums, "own", true).remove(1);
        assert_eq!(
            (row.count, row.woken.unwrap().text),
            (Some(2), NOBODY_YET.to_owned())
        );
        // What was seen whole is a row of its own.
        sums.waits[0].begun_before = 0;
        check(&sums, true, &["on cpu 60", "poll ≥30", "poll 10"]);
        // Begun in the last instant.
        (sums.open, sums.open_ns) = (vec![open(0)], 0);
        check(&sums, true, &["on cpu 60", "poll 10"]);
    }

    #[test]
    fn rows_below_half_a_percent_become_one_unless_all() {
        let sums = Sums {
            lifetime_ns: 10_000,
            on_cpu_ns: 9_896,
            runqueue_ns: 49,
            unknown_ns: 1,
            waits: vec![
                wait("futex", 50),
                Wait {
                    begun_before: 1,
                    ..wait("sleep", 4)
                },
            ],
            ..Sums::default()
        };
        check(
            &sums,
            false,
            &["on cpu 9896", "futex 50", "unknown 1", "other (2) ≥53"],
        );
        check(
            &sums,
            true,
            &[
                "on cpu 9896",
                "futex 50",
                "run queue 49",
                "sleep ≥4",
                "unknown 1",
            ],
        );
    }

    #[test]
    fn rows_one_small_row_stands_alone() {
        let sums = Sums {
            lifetime_ns: 10_000,
            on_cpu_ns: 9_990,
            waits: vec![wait("futex", 10)],
            ..Sums::default()
        };
        check(&sums, false, &["on cpu 9990", "futex 10"]);
        let at_once = Sums {
            lifetime_ns: 10,
            on_cpu_ns: 10,
            waits: vec![wait("unknown", 0)],
            ..Sums::default()
        };
        check(&at_once, false, &["on cpu 10"]);
    }

    #[test]
    fn what_is_not_accounted_for_is_the_residual() {
        let sums = Sums {
            lifetime_ns: 100,
            on_cpu_ns: 90,
            ..Sums::default()
        };
        assert_eq!(residual(&sums), 10);
        let twice = Sums {
            lifetime_ns: 100,
            on_cpu_ns: 110,
            ..Sums::default()
        };
        assert_eq!(residual(&twice), -10);
        check(&Sums::default(), false, &[]);
    }
}
