//! What the waits of one kind were really for, as rows: cause, detail, time,
//! share of the kind. Shown only where that says more than who woke.

use std::cmp::Reverse;

use super::merge::Named;
use super::rows::{self, Row, State};
use super::units::{self, Unit};
use crate::document::{Blame, Sums};
use crate::vocabulary::{CauseKind, WaitKind};

/// Causes of one kind that stand alone.
const MOST: usize = 5;

/// More peers than this are one row.
const PEERS: usize = 3;

/// The causes behind one wait kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Wait kind.
    pub kind: WaitKind,
    /// Its finished waits, ns: what the rows add up to.
    pub ns: u64,
    /// Biggest first.
    pub rows: Vec<Row>,
}

impl Behind {
    /// That of all its times.
    pub fn unit(&self) -> Unit {
        self.rows.first().map_or(Unit::of(self.ns), |row| row.unit)
    }
}

/// The kinds that matter, biggest first; with `all`, every kind and cause that
/// has something to say.
pub fn behind(sums: &Sums, all: bool) -> Vec<Behind> {
    let mut kinds: Vec<(WaitKind, u64)> = Vec::new();
    for blame in &sums.blame {
        match kinds.iter_mut().find(|(kind, _)| *kind == blame.kind) {
            Some((_, ns)) => *ns = ns.saturating_add(blame.ns),
            None => kinds.push((blame.kind, blame.ns)),
        }
    }
    kinds.sort_by_key(|&(kind, ns)| (Reverse(ns), kind.as_str()));
    let matters = |ns| all || !rows::is_small(ns, sums.lifetime_ns);
    let shown = kinds.into_iter().filter(|&(_, ns)| matters(ns));
    shown
        .filter_map(|(kind, ns)| of_kind(sums, kind, ns, all))
        .collect()
}

fn of_kind(sums: &Sums, kind: WaitKind, ns: u64, all: bool) -> Option<Behind> {
    let mut causes: Vec<&Blame> = sums.blame.iter().filter(|b| b.kind == kind).collect();
    let weighty = |b: &&&Blame| all || !rows::is_small(b.ns, ns);
    let mut seen = causes.iter().filter(weighty);
    let is_alone = (seen.next(), seen.next());
    if let (Some(only), None) = is_alone
        && follows_from_the_waker(only.cause, only.detail.as_deref())
    {
        return None;
    }
    causes.sort_by_key(|b| (Reverse(b.ns), b.cause.as_str(), &b.detail));
    let rows: Vec<Row> = causes.into_iter().map(row).collect();
    let mut rows = if all {
        rows
    } else {
        rows::small_rows(peers_together(rows), ns, MOST)
    };
    for row in &mut rows {
        row.whole_ns = ns;
        row.unit = Unit::of(sums.lifetime_ns);
        row.depth = 1;
    }
    Some(Behind { kind, ns, rows })
}

/// Many peers as one row, `32 peers, most 127.0.0.1:9418 (git)`, of rows that are biggest
/// first.
fn peers_together(rows: Vec<Row>) -> Vec<Row> {
    let is_peer = |row: &Row| row.label == CauseKind::Network.as_str() && row.place.is_some();
    let (peers, mut rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(is_peer);
    if peers.len() <= PEERS {
        rows.extend(peers);
    } else if let Some(Row {
        place: Some(most), ..
    }) = peers.first()
    {
        let text = format!(
            "{} peers, most {}",
            units::count(peers.len() as u64),
            most.text
        );
        let ns = peers.iter().map(|row| row.ns).fold(0, u64::saturating_add);
        rows.push(Row {
            place: Some(Named { text, more: 0 }),
            ..rows::row(State::Cause, CauseKind::Network.as_str(), ns)
        });
    }
    rows.sort_by_key(|row| Reverse(row.ns));
    rows
}

/// The waker was not kept waiting itself: there is nothing behind.
pub fn follows_from_the_waker(cause: CauseKind, detail: Option<&str>) -> bool {
    match cause {
        CauseKind::Timer
        | CauseKind::Interrupt
        | CauseKind::Outside
        | CauseKind::Signal
        | CauseKind::Unknown => true,
        CauseKind::Network | CauseKind::Disk | CauseKind::CpuQuota => detail.is_none(),
        CauseKind::Computing | CauseKind::Starting | CauseKind::RunQueue | CauseKind::Open => false,
    }
}

fn row(blame: &Blame) -> Row {
    let detail = match blame.cause {
        CauseKind::Starting => Some("fork, exec".to_owned()),
        _ => blame.detail.clone(),
    };
    Row {
        place: detail.map(|text| Named { text, more: 0 }),
        ..rows::row(State::Cause, word(blame.cause), blame.ns)
    }
}

/// A cause as people say it.
pub fn word(cause: CauseKind) -> &'static str {
    match cause {
        CauseKind::RunQueue => "run queue",
        CauseKind::Open => "not finished",
        CauseKind::CpuQuota => "CPU quota",
        CauseKind::Computing
        | CauseKind::Starting
        | CauseKind::Network
        | CauseKind::Disk
        | CauseKind::Timer
        | CauseKind::Interrupt
        | CauseKind::Outside
        | CauseKind::Signal
        | CauseKind::Unknown => cause.as_str(),
    }
}

/// `computing git index-pack`, `run queue`.
pub fn describe(cause: CauseKind, detail: Option<&str>) -> String {
    match detail {
        // What is known of it is all that there is to say: a deadlock.
        Some(detail) if cause == CauseKind::Unknown => detail.to_owned(),
        Some(detail) => format!("{} {detail}", word(cause)),
        None => word(cause).to_owned(),
    }
}

/// `computing git index-pack`, as [`describe`] has it.
pub fn describe_row(row: &Row) -> String {
    match &row.place {
        Some(place) => format!("{} {}", row.label, place.text),
        None => row.label.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blame(kind: &str, cause: &str, detail: &str, ns: u64) -> Blame {
        Blame {
            kind: kind.parse().unwrap(),
            cause: cause.parse().unwrap(),
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            ns,
        }
    }

    /// `kind ns: label detail ns, …` of each block, in a lifetime of 10 µs.
    fn check(blame: &[Blame], all: bool, expect: &[&str]) {
        let sums = Sums {
            lifetime_ns: 10_000,
            blame: blame.to_vec(),
            ..Sums::default()
        };
        let blocks = behind(&sums, all);
        let cell = |row: &Row| {
            let place = row.place.as_ref().map(|place| format!(" {}", place.text));
            format!("{}{} {}", row.label, place.unwrap_or_default(), row.ns)
        };
        let shown: Vec<String> = blocks
            .iter()
            .map(|block| {
                let rows: Vec<String> = block.rows.iter().map(cell).collect();
                let sum: u64 = block.rows.iter().map(|row| row.ns).sum();
                assert_eq!(sum, block.ns, "{blame:?}");
                format!("{} {}: {}", block.kind, block.ns, rows.join(", "))
            })
            .collect();
        assert_eq!(shown, expect);
    }

    #[test]
    fn the_biggest_kind_and_cause_come_first() {
        check(
            &[
                blame("pipe-read", "computing", "sort", 300),
                blame("child-exit", "starting", "", 1_000),
                blame("child-exit", "computing", "git", 3_000),
                blame("child-exit", "run-queue", "", 1_000),
            ],
            false,
            &[
                "child-exit 5000: computing git 3000, run queue 1000, starting fork, exec 1000",
                "pipe-read 300: computing sort 300",
            ],
        );
    }

    #[test]
    fn what_the_waker_says_already_is_not_said_again() {
        for cause in ["timer", "interrupt", "unknown", "network", "disk"] {
            check(&[blame("sleep", cause, "", 500)], false, &[]);
            check(&[blame("sleep", cause, "", 500)], true, &[]);
        }
        check(&[blame("poll", "outside", "sshd", 500)], false, &[]);
        check(
            &[blame("poll", "network", "[::1]:22", 500)],
            false,
            &["poll 500: network [::1]:22 500"],
        );
        check(
            &[
                blame("poll", "timer", "", 300),
                blame("poll", "outside", "sshd", 200),
            ],
            false,
            &["poll 500: timer 300, outside sshd 200"],
        );
    }

    #[test]
    fn behind_many_peers_are_one_row_unless_all() {
        let peer = |at: u64| blame("poll", "network", &format!("10.0.0.{at}:80"), at * 100);
        let mut causes: Vec<Blame> = (1..=4).map(peer).collect();
        causes.push(blame("poll", "network", "", 600));
        causes.push(blame("poll", "timer", "", 200));
        let merged = "poll 1800: network 4 peers, most 10.0.0.4:80 1000, network 600, timer 200";
        check(&causes, false, &[merged]);
        causes.remove(0);
        check(
            &causes,
            false,
            &[
                "poll 1700: network 600, network 10.0.0.4:80 400, network 10.0.0.3:80 300, \
               timer 200, network 10.0.0.2:80 200",
            ],
        );
    }

    #[test]
    fn behind_small_kinds_and_causes_become_one_unless_all() {
        let small = [
            blame("futex", "computing", "python3", 49),
            blame("poll", "timer", "", 1_993),
            blame("poll", "run-queue", "", 4),
            blame("poll", "disk", "", 3),
        ];
        check(&small, false, &[]);
        check(
            &small,
            true,
            &[
                "poll 2000: timer 1993, run queue 4, disk 3",
                "futex 49: computing python3 49",
            ],
        );
        check(
            &[
                blame("poll", "computing", "git", 1_993),
                blame("poll", "run-queue", "", 4),
                blame("poll", "disk", "", 3),
            ],
            false,
            &["poll 2000: computing git 1993, other (2) 7"],
        );
    }
}
