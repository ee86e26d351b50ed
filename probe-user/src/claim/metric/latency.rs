//! How long the woken stood on run queues.

use super::{
    Metric, Subject,
    evidence::{self, Evidence},
    percentile::{Lot, of_nothing, p99},
    selection_of,
    trust::PARTIAL,
};
use crate::claim::{
    measured::{Doubt, Measured},
    unit::Unit,
};

/// Of the threads' wake-ups.
pub const P99: Metric = Metric {
    definition: "From being woken (or made) to running: what 99 % of the threads' wake-ups did not \
                 exceed. A preemption is no wake-up. Wake-ups that no running followed may be of \
                 any length; a percentile is known to 1/64.",
    evidence: |subject, _| late(subject),
    ..selection_of("runqueue_latency_p99", Unit::Time, |subject, _| {
        of_threads(subject)
    })
};

/// Of those in bursts.
pub const P99_IN_BURSTS: Metric = Metric {
    definition: "The same of the wake-ups in bursts: milliseconds with at least max(8, 4 × CPUs) \
                 wake-ups. Known of the whole tree only.",
    evidence: |subject, _| late(subject),
    ..selection_of(
        "runqueue_latency_p99_in_bursts",
        Unit::Time,
        |subject, _| in_bursts(subject),
    )
};

fn of_threads(subject: &Subject<'_>) -> Measured {
    let trust = subject.prepared.trust();
    let mut doubts = subject.spoiled();
    doubts.extend(trust.partial.then_some(PARTIAL));
    let strangers = subject.prepared.unidentified() > 0 && !subject.selection.is_tree();
    doubts.extend(strangers.then_some(STRANGERS));
    let mut lots = Vec::with_capacity(subject.threads.len());
    let mut unknown = trust.switches.saturating_mul(2);
    for &index in subject.threads {
        let thread = &subject.document.threads[index];
        let Some(of) = &thread.runqueue_latency else {
            doubts.push(NOT_KEPT);
            break;
        };
        unknown = unknown.saturating_add(of.wakes.saturating_sub(of.known));
        lots.push(Lot {
            count: of.known,
            p99: of.p99_ns,
            max: of.max_ns,
        });
    }
    if !doubts.is_empty() {
        return Measured::unknown(Unit::Time, doubts);
    }
    let why = match trust.of_switches() {
        Some(lost) => vec![lost, ROUGH],
        None => vec![ROUGH],
    };
    p99(&lots, unknown, why).unwrap_or_else(|| of_nothing("no selected thread was woken"))
}

fn in_bursts(subject: &Subject<'_>) -> Measured {
    let trust = subject.prepared.trust();
    let mut doubts = subject.spoiled();
    doubts.extend(trust.partial.then_some(PARTIAL));
    // A waking that is missing may have made a burst, or been in one.
    doubts.extend(trust.of_switches());
    doubts.extend((!subject.selection.is_tree()).then_some(WHOLE_TREE));
    if !doubts.is_empty() {
        return Measured::unknown(Unit::Time, doubts);
    }
    let wakes = subject
        .document
        .concurrency
        .as_ref()
        .map(|course| &course.wakes);
    let inside = wakes.and_then(|wakes| wakes.latency_inside.as_ref());
    let Some(inside) = inside else {
        return of_nothing("there was no burst of wake-ups");
    };
    let lot = Lot {
        count: inside.count,
        p99: inside.p99_ns,
        max: inside.max_ns,
    };
    p99(&[lot], 0, vec![ROUGH]).unwrap_or_else(|| of_nothing("there was no burst of wake-ups"))
}

fn late(subject: &Subject<'_>) -> Vec<Evidence> {
    evidence::of_threads(subject, Some("runqueue"), |thread| {
        thread.runqueue_latency.as_ref().map_or(0, |of| of.max_ns)
    })
}

const ROUGH: Doubt = Doubt::new(
    "percentiles are kept by thread, to 1/64, and wake-ups that no running followed may be of any length",
    "",
);
const NOT_KEPT: Doubt = Doubt::new(
    "the report was written by a version that did not keep latencies",
    "make the report of the recording again",
);
const STRANGERS: Doubt = Doubt::new(
    "of some threads it is not known to which process they belong",
    "",
);

/// Known of the whole tree only.
pub const WHOLE_TREE: Doubt = Doubt::new(
    "this is known of the whole tree only",
    "ask for `tree`, and observe only what it shall be about",
);
