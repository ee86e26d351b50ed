//! What the waits were really for.
//!
//! Blame follows chains of wakers: what is wrong of one waking may be in the blame of all
//! waits behind it. So a lost record is not one wait's here:
//!
//! - *Switches*: what a thread did while its records are missing is blamed on `unknown`, and
//!   so is a wait whose waker is not known. But a wait for an interpreter lock that timed out
//!   stays with the timer where the hand-over behind it was lost. And a waker of which records
//!   were lost just before its waking was taken to run on, or to stand on a run queue: that is
//!   noticed with its next record. At each instant a thread waits for one other: what was
//!   wrongly said of its waits is no longer than all threads' unknown times together.
//!   Where the kernel hid switches as well, which later records show, or records of stacks,
//!   wakers or descriptors were lost, too, what was blamed before depends on which records
//!   there are: nothing is certain.
//! - *Stacks, wakers, descriptors*: which of the causes outside the tree's own doing
//!   ([`is_outer`]) it was is not certain; what threads of the tree did is.

use wildmatch::WildMatch;

use super::{
    Argument, Arguments, Metric, Subject,
    evidence::{self},
    seconds, selection_of,
    tally::{Life, Part, Tally},
    trust::{LARGER_RING, Trust},
    waits::{NO_WAIT, finished_ns, perhaps_finished_ns},
    words,
};
use crate::{
    claim::{
        measured::{Doubt, Measured},
        unit::Unit,
    },
    document::{Blame, Thread},
    vocabulary::{CauseKind, WaitKind},
};

/// Behind the waits.
pub const BLAME: Metric = Metric {
    arguments: Arguments::WordAndGlob(words::causes),
    definition: "Of the time of finished waits, the share that was really for a cause: what the \
                 waker did meanwhile, and what that waited for itself, and so on. With a text in \
                 quotes only where the cause's detail (the program that computed, the peer, the \
                 disk, …) matches it: `*` is any text. What is blamed on `unknown` may be any \
                 cause.",
    evidence: |subject, arguments| {
        let wanted = Wanted::of(arguments);
        evidence::of_blame(subject, |row| wanted.matches(row) == Some(true))
    },
    ..selection_of("blame", Unit::Share, blame)
};

/// What is asked for.
struct Wanted {
    cause: Option<CauseKind>,
    detail: Option<WildMatch>,
}

impl Wanted {
    fn of(arguments: &[Argument]) -> Wanted {
        let detail = match arguments.get(1) {
            Some(Argument::Glob(glob) | Argument::Word(glob)) => Some(WildMatch::new(glob)),
            None => None,
        };
        Wanted {
            cause: words::word(arguments).parse().ok(),
            detail,
        }
    }

    /// `None`: it may.
    fn matches(&self, row: &Blame) -> Option<bool> {
        if Some(row.cause) != self.cause {
            return Some(false);
        }
        match (&self.detail, &row.detail) {
            (None, _) => Some(true),
            (Some(glob), Some(detail)) => Some(glob.matches(detail)),
            (Some(_), None) => None,
        }
    }
}

fn blame(subject: &Subject<'_>, arguments: &[Argument]) -> Measured {
    let (trust, wanted) = (subject.prepared.trust(), Wanted::of(arguments));
    let unknown_ns = subject.prepared.unknown_ns();
    let part = |thread: &Thread, _: &Life| {
        let (mut sure, mut maybe) = (0_u64, 0_u64);
        // What may be mistaken: of what is asked for, and of the rest.
        let (mut taken, mut others) = (0_u64, 0_u64);
        for row in &thread.sums.blame {
            let may_be_mistaken = trust.switches > 0 && !is_outer(row.cause);
            let sum = match stands(trust, &wanted, row) {
                Some(true) if may_be_mistaken => &mut taken,
                Some(true) => &mut sure,
                Some(false) if may_be_mistaken => &mut others,
                Some(false) => continue,
                None => &mut maybe,
            };
            *sum = sum.saturating_add(row.ns);
        }
        let mistaken = taken.min(unknown_ns);
        sure = sure.saturating_add(taken - mistaken);
        maybe = maybe.saturating_add(mistaken.saturating_add(others.min(unknown_ns)));
        Part {
            sure,
            maybe,
            whole: finished_ns(thread),
            unsure: perhaps_finished_ns(trust, thread),
            ..Part::default()
        }
    };
    let hidden = subject.document.coverage.recovered_switches;
    let is_elsewhere = trust.switches > 0 && (hidden > 0 || has_lost_outer(trust));
    let tally = Tally::moved(subject, part, 0).at_least(is_elsewhere.then_some(ELSEWHERE));
    let lost = trust.of_wakings();
    tally
        .doubt(unknown(subject))
        .doubt(nameless(subject, &wanted))
        .doubt(lost)
        .share(NO_WAIT)
}

/// How a row stands to what is asked for; `None`: it may be it or not.
fn stands(trust: &Trust, wanted: &Wanted, row: &Blame) -> Option<bool> {
    use CauseKind::{Computing, Starting, Timer, Unknown};
    let cause = wanted.cause?;
    let has_lost_outer = has_lost_outer(trust);
    let is_timeout = trust.switches > 0 && row.kind == WaitKind::Gil && row.cause == Timer;
    let is_lost_outer = has_lost_outer && is_outer(row.cause);
    if is_timeout || is_lost_outer && (is_outer(cause) || row.cause == Unknown) {
        return None;
    }
    match (row.cause, cause) {
        // With every record there might be less of it.
        (Unknown, Unknown) => (!trust.has_lost_wakings()).then_some(true),
        (Unknown, _) => None,
        // Names of tasks outside are records of their own.
        _ if has_lost_outer && wanted.detail.is_some() && row.cause == cause => {
            matches!(cause, Computing | Starting).then(|| wanted.matches(row))?
        }
        _ => wanted.matches(row),
    }
}

/// Causes that no thread of the tree is.
fn is_outer(cause: CauseKind) -> bool {
    use CauseKind as C;
    match cause {
        C::Network | C::Disk | C::Timer | C::Interrupt | C::Outside | C::Signal => true,
        C::Unknown | C::Open => true,
        C::Computing | C::Starting | C::RunQueue | C::CpuQuota => false,
    }
}

/// Records that say which of the causes outside the tree it was.
fn has_lost_outer(trust: &Trust) -> bool {
    trust.stacks > 0 || trust.wakers > 0 || trust.objects > 0
}

const ELSEWHERE: Doubt = Doubt::new(
    "switches were lost, and others hidden by the kernel or not explained: blame may be elsewhere",
    LARGER_RING,
);

fn unknown(subject: &Subject<'_>) -> Option<Doubt> {
    let rows = subject
        .threads
        .iter()
        .flat_map(|&index| &subject.document.threads[index].sums.blame);
    let unknown = rows.filter(|row| row.cause == CauseKind::Unknown);
    let ns = unknown.fold(0_u64, |sum, row| sum.saturating_add(row.ns));
    (ns > 0).then(|| {
        let what = format!("what {} of the waits were for is unknown", seconds(ns));
        Doubt::said(what, "")
    })
}

fn nameless(subject: &Subject<'_>, wanted: &Wanted) -> Option<Doubt> {
    let rows = subject
        .threads
        .iter()
        .flat_map(|&index| &subject.document.threads[index].sums.blame);
    let mut may_match = rows.filter(|row| wanted.matches(row).is_none());
    let is_any = may_match.next().is_some();
    is_any.then(|| Doubt::new("of some of it the detail is not known", ""))
}
