//! Where the time of the selected threads went. The parts of a life add up to it; what lost
//! records cover may belong to any part ([`super::tally`]).

use super::{
    Arguments, Metric, Subject,
    evidence::{self, Evidence},
    kinds::{finished, unfinished},
    seconds, selection_of,
    tally::{Life, Part, Tally},
    trust::unseen,
    words,
};
use crate::{
    claim::{measured::Doubt, unit::Unit},
    document::{Thread, Tier},
    vocabulary::WaitKind,
};

/// How long they lived.
pub const LIFETIME: Metric = Metric {
    definition: "The lifetimes of the threads, added up: from a thread's first observed instant to \
                 its last. What lies before the observation, or behind it, is not in it.",
    evidence: |subject, _| evidence::of_threads(subject, None, |thread| thread.sums.lifetime_ns),
    ..selection_of("lifetime", Unit::Time, |subject, _| {
        Tally::of(subject, |_, life| Part {
            sure: life.known_ns,
            ..Part::default()
        })
        .time()
    })
};

/// On a CPU.
pub const ON_CPU: Metric = Metric {
    definition: "Time on a CPU, of all threads together; interrupts that came meanwhile are in it.",
    evidence: |subject, _| on_cpu_evidence(subject),
    ..selection_of("on_cpu", Unit::Time, |subject, _| {
        Tally::of(subject, on_cpu).time()
    })
};

/// Runnable and not running.
pub const RUNQUEUE: Metric = Metric {
    definition: "Time in which the threads were runnable and had no CPU, all together. Waiting for \
                 CPU quota is the wait `throttled`, where the kernel shows it.",
    evidence: |subject, _| runqueue_evidence(subject),
    ..selection_of("runqueue", Unit::Time, |subject, _| {
        runqueue(subject).time()
    })
};

/// In waits.
pub const WAIT: Metric = Metric {
    arguments: Arguments::OptionalWord(words::kinds),
    definition: "Time in waits (of a kind, or of any), all threads together, as far as it was \
                 observed. A wait that is not finished counts for as long as it lasted; where only \
                 its stack would show its kind it may be of another.",
    evidence: |subject, arguments| evidence::of_waits(subject, words::kind(arguments)),
    ..selection_of("wait", Unit::Time, |subject, arguments| {
        waiting(subject, words::kind(arguments)).time()
    })
};

/// Waits for work.
pub const IDLE: Metric = Metric {
    definition: "Time in finished waits for work, by the rule of the report's *idle*: of a worker at \
                 its queue. Waits of which the rule does not decide, and those that are not \
                 finished, may be idle or not.",
    evidence: |subject, _| evidence::of_idle(subject),
    ..selection_of("idle", Unit::Time, |subject, _| idle_tally(subject).time())
};

/// A part of the lifetimes.
pub const SHARE: Metric = Metric {
    arguments: Arguments::Word(words::shares),
    definition: "Of the lifetimes of the threads, the share in waits of a kind (as `wait`), on a CPU \
                 (`on_cpu`), on run queues (`runqueue`), or in waits for work (`idle`).",
    evidence: |subject, arguments| match words::word(arguments) {
        "on_cpu" => on_cpu_evidence(subject),
        "runqueue" => runqueue_evidence(subject),
        "idle" => evidence::of_idle(subject),
        _ => evidence::of_waits(subject, words::kind(arguments)),
    },
    ..selection_of("share", Unit::Share, |subject, arguments| {
        let tally = match words::word(arguments) {
            "on_cpu" => Tally::of(subject, on_cpu),
            "runqueue" => runqueue(subject),
            "idle" => idle_tally(subject),
            _ => waiting(subject, words::kind(arguments)),
        };
        tally.share(NOBODY)
    })
};

/// On a CPU while asleep.
pub const CPU_ASLEEP: Metric = Metric {
    definition: "Time on a CPU between a wait's switch-out and the waking that ends it. A CPU runs a \
                 thread only from a switch-in to a switch-out, and no wait in the records has a \
                 switch-in before its waking: so it is 0, but for what lost records cover.",
    ..selection_of("cpu_asleep", Unit::Time, |subject, _| {
        Tally::of(subject, |_, _| Part::default()).time()
    })
};

/// There is nothing to take a share of.
pub const NOBODY: Doubt = Doubt::new("no selected thread has lived for any time", "");

fn on_cpu(thread: &Thread, life: &Life) -> Part {
    Part::reported(thread.sums.on_cpu_ns, life)
}

fn runqueue(subject: &Subject<'_>) -> Tally {
    let is_raw = subject.document.tier == Tier::Raw;
    let part = |thread: &Thread, life: &Life| {
        let ns = thread.sums.runqueue_ns;
        // All of it may have been for CPU quota.
        match is_raw {
            true => Part {
                maybe: ns,
                whole: life.known_ns,
                ..Part::default()
            },
            false => Part::reported(ns, life),
        }
    };
    Tally::of(subject, part).doubt(throttled_unseen(subject))
}

/// In waits of a kind, or of any.
fn waiting(subject: &Subject<'_>, kind: Option<WaitKind>) -> Tally {
    let trust = subject.prepared.trust();
    let tally = Tally::of(subject, |thread, life| {
        let of = finished(trust, &thread.sums, kind);
        let (open_ns, maybe_open_ns) = unfinished(trust, &thread.sums, kind);
        // Without its CPU quota a thread looks runnable.
        let queued_ns = match hides_quota(subject, kind) {
            true => thread.sums.runqueue_ns,
            false => 0,
        };
        let reported = Part::reported(of.sure_ns.saturating_add(open_ns), life);
        let maybe = [of.maybe_ns, maybe_open_ns, queued_ns];
        Part {
            shaky: of.shaky_ns,
            piece: of.piece_ns,
            maybe: maybe.into_iter().fold(reported.maybe, u64::saturating_add),
            ..reported
        }
    });
    tally.doubt(why_kinds(subject, kind)).doubt(
        hides_quota(subject, kind)
            .then(|| throttled_unseen(subject))
            .flatten(),
    )
}

/// What makes it uncertain whether waits are of a kind.
pub fn why_kinds(subject: &Subject<'_>, kind: Option<WaitKind>) -> Vec<Doubt> {
    let Some(kind) = kind else { return Vec::new() };
    let trust = subject.prepared.trust();
    let mut doubts = trust.doubts(&[(trust.objects, "descriptors")]);
    doubts.extend(trust.of_switches());
    let (mut unknown_ns, mut open) = (0_u64, 0_u64);
    for &index in subject.threads {
        let sums = &subject.document.threads[index].sums;
        let unknown = sums
            .waits
            .iter()
            .filter(|wait| wait.kind == WaitKind::Unknown);
        unknown_ns = unknown.fold(unknown_ns, |sum, wait| sum.saturating_add(wait.total_ns));
        open += unfinished(trust, sums, Some(kind)).1.min(1);
    }
    if unknown_ns > 0 && kind != WaitKind::Unknown {
        let what = format!("of waits of {} the kind is unknown", seconds(unknown_ns));
        doubts.push(Doubt::said(what, "the report has their stacks (--all)"));
    }
    if open > 0 {
        let what = format!("{open} threads are in waits whose kind only their end will show");
        doubts.push(Doubt::said(what, "observe for longer"));
    }
    if trust.gil_as_futex && matches!(kind, WaitKind::Gil | WaitKind::Futex) {
        doubts.push(Doubt::new(
            "where an interpreter lock is was not found: its waits are counted as futex",
            "the report says which Python it is, and why",
        ));
    }
    doubts
}

/// Whether waits of this kind are counted as run queue.
fn hides_quota(subject: &Subject<'_>, kind: Option<WaitKind>) -> bool {
    let concerns = kind.is_none_or(|kind| kind == WaitKind::Throttled);
    concerns && subject.document.tier == Tier::Raw
}

fn throttled_unseen(subject: &Subject<'_>) -> Option<Doubt> {
    let is_raw = subject.document.tier == Tier::Raw;
    is_raw.then(|| {
        unseen(
            Tier::Raw,
            "waits for CPU quota: they are in the time on run queues",
        )
    })
}

fn idle_tally(subject: &Subject<'_>) -> Tally {
    let trust = subject.prepared.trust();
    // Who wakes whom at a place, over the whole run, decides of every wait there.
    let is_open = trust.has_lost_wakings() || trust.partial;
    let tally = Tally::of(subject, |thread, life| {
        let sums = &thread.sums;
        let waits = sums.waits.iter();
        let may_be = waits.filter(|wait| is_open || wait.idle.is_none());
        let maybe = may_be.fold(sums.open_ns, |sum, wait| sum.saturating_add(wait.total_ns));
        let sure = match is_open {
            true => 0,
            false => sums.idle_ns,
        };
        Part {
            sure,
            maybe,
            whole: life.known_ns,
            ..Part::default()
        }
    });
    tally.doubt(trust.of_wakings()).doubt([Doubt::new(
        "of some waits, or of those that are not finished, it is not known whether they were for work",
        "",
    )])
}

fn on_cpu_evidence(subject: &Subject<'_>) -> Vec<Evidence> {
    evidence::of_threads(subject, Some("on_cpu"), |thread| thread.sums.on_cpu_ns)
}

fn runqueue_evidence(subject: &Subject<'_>) -> Vec<Evidence> {
    evidence::of_threads(subject, Some("runqueue"), |thread| thread.sums.runqueue_ns)
}
