//! CPython's interpreter lock.
//!
//! What the report has is a lower bound (`metrics::gil`). Others waited for the lock for no
//! longer than all waits for it in the process, and than the run: no thread held it longer
//! while they did.

use rustc_hash::FxHashMap;

use super::{
    Metric, Subject,
    evidence::{self},
    kinds::{finished, unfinished},
    selection_of,
    tally::life,
    trust::PARTIAL,
};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, up},
        unit::Unit,
    },
    document::GilHeld,
    vocabulary::WaitKind,
};

/// How long it was held.
pub const GIL_HELD: Metric = Metric {
    definition: "Time in which the threads held CPython's interpreter lock while other threads of \
                 their process waited for it. What the report shows is the least that it was; all \
                 waits for the lock in the process are the most.",
    evidence: |subject, _| {
        evidence::of_threads(subject, Some("gil"), |thread| {
            thread.sums.gil.as_ref().map_or(0, |gil| gil.held_ns)
        })
    },
    ..selection_of("gil_held", Unit::Time, |subject, _| held(subject))
};

/// How often it was handed on.
pub const GIL_HANDOVERS: Metric = Metric {
    definition: "How often the threads handed the interpreter lock to one that waited for it. Only \
                 hand-overs by a waking that was seen count: a lower bound where any wait for the \
                 lock ended otherwise.",
    evidence: |subject, _| {
        evidence::of_threads(subject, Some("gil"), |thread| {
            thread.sums.gil.as_ref().map_or(0, |gil| gil.hand_overs)
        })
    },
    ..selection_of("gil_handovers", Unit::Count, |subject, _| {
        hand_overs(subject)
    })
};

/// What waits for the lock come to in each process that has a selected thread: ns and number.
fn waits(subject: &Subject<'_>) -> Option<(u128, u128)> {
    let (prepared, threads) = (subject.prepared, &subject.document.threads);
    let trust = prepared.trust();
    let selected = subject
        .threads
        .iter()
        .map(|&index| prepared.process_of(index));
    let mut by_process: FxHashMap<usize, (u128, u128)> =
        selected.map(|process| (process, (0, 0))).collect();
    for (index, thread) in threads.iter().enumerate() {
        let Some(sum) = by_process.get_mut(&prepared.process_of(index)) else {
            continue;
        };
        let life = life(subject, index);
        if life.goes_on {
            return None;
        }
        let of = finished(trust, &thread.sums, Some(WaitKind::Gil));
        let (open_ns, maybe_open_ns) = unfinished(trust, &thread.sums, Some(WaitKind::Gil));
        let parts = [
            of.sure_ns,
            of.shaky_ns,
            of.maybe_ns,
            open_ns,
            maybe_open_ns,
            life.unsure_ns,
        ];
        sum.0 += parts.iter().map(|&ns| u128::from(ns)).sum::<u128>();
        sum.1 += u128::from(of.sure) + u128::from(of.shaky) + u128::from(of.maybe);
    }
    if trust.switches > 0 && !subject.is_beginning_known() {
        return None;
    }
    // The run may have been longer than it looks.
    let wall = match trust.switches {
        0 => u128::from(subject.document.wall_ns),
        _ => u128::MAX,
    };
    let sums = by_process.into_values();
    Some(sums.fold((0, 0), |all, (ns, count)| {
        (all.0 + ns.min(wall), all.1 + count)
    }))
}

fn held(subject: &Subject<'_>) -> Measured {
    measured(subject, |gil| gil.held_ns, |(ns, _)| ns)
}

fn hand_overs(subject: &Subject<'_>) -> Measured {
    let hidden = 2 * u128::from(subject.prepared.trust().switches);
    measured(subject, |gil| gil.hand_overs, |(_, count)| count + hidden)
}

fn measured(
    subject: &Subject<'_>,
    part: impl Fn(&GilHeld) -> u64,
    most: impl Fn((u128, u128)) -> u128,
) -> Measured {
    let trust = subject.prepared.trust();
    let mut doubts = [subject.spoiled(), trust.of_wakings()].concat();
    if trust.partial {
        doubts.push(PARTIAL);
    }
    let found = subject
        .threads
        .iter()
        .filter_map(|&index| subject.document.threads[index].sums.gil.as_ref());
    let lo = found.fold(0_u128, |sum, gil| sum + u128::from(part(gil)));
    let waits = waits(subject)
        .filter(|_| subject.spoiled().is_empty() && trust.stacks == 0 && !trust.partial);
    let is_whole = doubts.is_empty();
    // A loss may make two hand-overs look like one hold.
    let lo = if is_whole { lo } else { 0 };
    let hi = waits.map_or(f64::INFINITY, |waits| up(most(waits).max(lo)));
    doubts.push(LOWER_BOUND);
    if hi <= down(lo) {
        doubts.clear();
    }
    Measured::between(down(lo), hi, doubts)
}

const LOWER_BOUND: Doubt = Doubt::new("a lock that nobody waits for is taken without a trace", "");
