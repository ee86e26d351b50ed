//! Herds: one event that wakes many (`metrics::herds` has the rule).
//!
//! The rule looks at all that sleep at a place and at the order of single wakings: a lost
//! record may hide a herd, or make one. So with any loss among wakings nothing is certain.

use super::{Metric, Subject, latency::WHOLE_TREE, selection_of, trust::PARTIAL};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, up},
        unit::Unit,
    },
    document::Herd,
};

/// Woken by herds' events.
pub const WAKES: Metric = Metric {
    definition: "Wakes by events that woke many at once, most of them for nothing, by the report's \
                 rule for herds; 0 where there was none. Known of the whole tree only.",
    ..selection_of("herd_wakes", Unit::Count, |subject, _| {
        sum(subject, Unit::Count, |herd| herd.wakes)
    })
};

/// For nothing.
pub const WASTED: Metric = Metric {
    definition: "Those of them that were for nothing: the thread waited again at the same place after \
                 a run of less than --short-run, and had nothing to show. Known of the whole tree \
                 only.",
    ..selection_of("herd_wasted", Unit::Count, |subject, _| {
        sum(subject, Unit::Count, |herd| herd.wasted)
    })
};

/// By one event.
pub const FAN_OUT_MAX: Metric = Metric {
    definition: "Most threads that one event woke, of all herds; 0 where there was none. Known of the \
                 whole tree only.",
    ..selection_of("herd_fan_out_max", Unit::Count, |subject, _| {
        of_all(subject, Unit::Count, |herds| {
            herds
                .iter()
                .map(|herd| u128::from(herd.fan_out_max))
                .max()
                .unwrap_or(0)
        })
    })
};

/// What the wakers took.
pub const WAKER_TIME: Metric = Metric {
    definition: "From the first waking of each such event to its last, all events together: what the \
                 waker does before the first and after the last is left out, and the probes' own work \
                 at each waking is in it. Known of the whole tree only.",
    ..selection_of("herd_waker_ns", Unit::Time, |subject, _| {
        sum(subject, Unit::Time, |herd| herd.waker_ns)
    })
};

fn sum(subject: &Subject<'_>, unit: Unit, of: fn(&Herd) -> u64) -> Measured {
    of_all(subject, unit, |herds| {
        herds.iter().map(|herd| u128::from(of(herd))).sum()
    })
}

fn of_all(subject: &Subject<'_>, unit: Unit, of: impl Fn(&[Herd]) -> u128) -> Measured {
    let trust = subject.prepared.trust();
    let mut doubts = [subject.spoiled(), trust.of_wakings()].concat();
    doubts.extend(trust.doubts(&[(trust.returns, "returns of calls")]));
    doubts.extend(trust.partial.then_some(PARTIAL));
    doubts.extend((!subject.selection.is_tree()).then_some(WHOLE_TREE));
    match &subject.document.herds {
        Some(herds) if doubts.is_empty() => {
            let value = of(herds);
            Measured::between(down(value), up(value), Vec::new())
        }
        Some(_) => Measured::unknown(unit, doubts),
        None => Measured::unknown(unit, [doubts, vec![NOT_KNOWN]].concat()),
    }
}

const NOT_KNOWN: Doubt = Doubt::new(
    "most wakings are not verified: there may be herds",
    "a tier that sees what interrupts wake (docs/tiers-and-kernels.md)",
);
