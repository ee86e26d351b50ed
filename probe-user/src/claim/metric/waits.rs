//! Single waits: how many, the longest, and in what state of the task.

use super::{
    Arguments, Metric, Subject, evidence,
    kinds::{Is, OfKind, finished, of_open},
    selection_of,
    tally::{Life, Part, Tally, distinct, life},
    time::why_kinds,
    trust::{PARTIAL, Trust},
    words,
};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, up},
        unit::Unit,
    },
    document::Thread,
    vocabulary::WaitKind,
};

/// How many.
pub const WAITS: Metric = Metric {
    arguments: Arguments::OptionalWord(words::kinds),
    definition: "Finished waits (of a kind, or of any), all threads together: one is from a \
                 switch-out to the waking behind it. A call may wait several times.",
    evidence: |subject, arguments| evidence::of_waits(subject, words::kind(arguments)),
    ..selection_of("waits", Unit::Count, |subject, arguments| {
        let kind = words::kind(arguments);
        let trust = subject.prepared.trust();
        let part = |thread: &Thread, _: &Life| {
            let of: OfKind = finished(trust, &thread.sums, kind);
            Part {
                sure: of.sure,
                shaky: of.shaky,
                piece: u64::from(of.piece_ns > 0),
                maybe: of.maybe,
                ..Part::default()
            }
        };
        let tally = Tally::of(subject, part).doubt(why_kinds(subject, kind));
        tally.count()
    })
};

/// The longest.
pub const LONGEST: Metric = Metric {
    arguments: Arguments::OptionalWord(words::kinds),
    definition: "The longest wait (of a kind, or of any) of any of the threads. One that had begun \
                 before the observation, or is not finished, may be of any greater length.",
    evidence: |subject, arguments| {
        let kind = words::kind(arguments);
        evidence::of_longest(subject, kind)
    },
    ..selection_of("longest", Unit::Time, |subject, arguments| {
        longest(subject, words::kind(arguments))
    })
};

fn longest(subject: &Subject<'_>, kind: Option<WaitKind>) -> Measured {
    let trust = subject.prepared.trust();
    if !subject.spoiled().is_empty() {
        return Measured::unknown(Unit::Time, subject.spoiled());
    }
    let (mut lo, mut hi) = (0, 0);
    let mut endless = Vec::new();
    for &index in subject.threads {
        let sums = &subject.document.threads[index].sums;
        let life = life(subject, index);
        hi = hi.max(life.unsure_ns);
        if life.is_open && life.unsure_ns > 0 {
            endless.extend(trust.of_switches());
        }
        if life.goes_on {
            continue;
        }
        let of = finished(trust, sums, kind);
        lo = lo.max(of.longest_ns);
        hi = hi.max(of.longest_maybe_ns);
        if of.begun_before {
            endless.push(BEGUN_BEFORE);
        }
        for open in &sums.open {
            let is = of_open(trust, open, kind);
            if is == Is::Sure {
                lo = lo.max(open.so_far_ns.saturating_sub(life.tail_ns));
            }
            if is != Is::No {
                endless.push(UNFINISHED);
            }
        }
    }
    if trust.partial {
        endless.push(PARTIAL);
    }
    let endless = distinct(endless);
    let hi = if endless.is_empty() {
        up(hi.into())
    } else {
        f64::INFINITY
    };
    let lo = down(lo.into());
    let doubts = match lo < hi {
        true => distinct([endless, why_kinds(subject, kind), trust.of_wakings()].concat()),
        false => Vec::new(),
    };
    Measured::between(lo, hi, doubts)
}

const BEGUN_BEFORE: Doubt = Doubt::new(
    "some of these waits had begun before the observation",
    "observe from the start",
);
const UNFINISHED: Doubt = Doubt::new("some of these waits are not finished", "observe for longer");

/// In what state.
pub const STATE: Metric = Metric {
    arguments: Arguments::Word(words::states),
    definition: "Of the time of finished waits, the share in a state of the task: `interruptible` \
                 (S, a signal ends it), or `uninterruptible` (D, the killable ones included). The \
                 rest was stopped, traced, frozen or without CPU quota.",
    evidence: |subject, _| evidence::of_waits(subject, None),
    ..selection_of("state", Unit::Share, |subject, arguments| {
        let is_unasked =
            |&index: &usize| subject.document.threads[index].sums.wait_states.is_none();
        if subject.threads.iter().any(is_unasked) {
            return Measured::unknown(Unit::Share, vec![NO_STATES]);
        }
        let is_d = words::word(arguments) == "uninterruptible";
        let part = |thread: &Thread, _: &Life| {
            let states = thread.sums.wait_states.unwrap_or_default();
            let (own, other) = match is_d {
                true => (states.uninterruptible_ns, states.interruptible_ns),
                false => (states.interruptible_ns, states.uninterruptible_ns),
            };
            let whole = finished_ns(thread);
            Part {
                sure: own,
                whole: whole.max(own.saturating_add(other)),
                unsure: perhaps_finished_ns(subject.prepared.trust(), thread),
                ..Part::default()
            }
        };
        Tally::of(subject, part).share(NO_WAIT)
    })
};

/// Nothing was waited for.
pub const NO_WAIT: Doubt = Doubt::new("no wait of the selected threads has finished", "");

const NO_STATES: Doubt = Doubt::new(
    "the report was written by a version that did not keep the states of waits",
    "make the report of the recording again",
);

/// Time of a thread's waits that look unfinished, ns, where they may have finished: the record
/// of that may be lost.
pub fn perhaps_finished_ns(trust: &Trust, thread: &Thread) -> u64 {
    match trust.switches {
        0 => 0,
        _ => thread.sums.open_ns,
    }
}

/// Time of a thread's finished waits, ns.
pub fn finished_ns(thread: &Thread) -> u64 {
    let waits = thread.sums.waits.iter();
    waits.fold(0, |sum, wait| sum.saturating_add(wait.total_ns))
}
