//! Switches and migrations.

use super::{
    Metric, Subject,
    evidence::{self},
    selection_of,
    tally::{Life, Part, Tally, distinct},
};
use crate::{
    claim::{
        measured::{Doubt, Measured},
        unit::Unit,
    },
    document::Thread,
};

/// To sleep.
pub const VOLUNTARY: Metric = Metric {
    definition: "Switch-outs of the threads to sleep.",
    evidence: |subject, _| evidence::by_count(subject, |thread| thread.sums.switches.voluntary),
    ..selection_of("switches_voluntary", Unit::Count, |subject, _| {
        switches(subject, |thread| thread.sums.switches.voluntary)
    })
};

/// While runnable.
pub const INVOLUNTARY: Metric = Metric {
    definition: "Switch-outs of the threads while they were runnable, or because their CPU quota was \
                 used up.",
    evidence: |subject, _| evidence::by_count(subject, |thread| thread.sums.switches.involuntary),
    ..selection_of("switches_involuntary", Unit::Count, |subject, _| {
        switches(subject, |thread| thread.sums.switches.involuntary)
    })
};

/// Both, over the run.
pub const PER_SECOND: Metric = Metric {
    definition: "Switch-outs of the threads, of both sorts, for each second of the run.",
    evidence: |subject, _| evidence::by_count(subject, all),
    ..selection_of("switches_per_s", Unit::PerSecond, |subject, _| {
        let wall_ns = subject.document.wall_ns;
        let trust = subject.prepared.trust();
        let mut doubts = subject.spoiled();
        if trust.partial {
            doubts.push(super::trust::PARTIAL);
        }
        if wall_ns == 0 {
            doubts.push(NO_TIME);
        }
        if !doubts.is_empty() {
            return Measured::unknown(Unit::PerSecond, doubts);
        }
        let count = switches(subject, all);
        let wall = super::run::wall(subject);
        let doubts = [count.doubts, wall.doubts].concat();
        Measured::between(
            (count.lo / wall.hi * 1e9).next_down().max(0.0),
            (count.hi / wall.lo * 1e9).next_up(),
            distinct(doubts),
        )
    })
};

/// To another CPU.
pub const MIGRATIONS: Metric = Metric {
    definition: "How often the kernel moved a thread to another CPU, as it counts itself.",
    evidence: |subject, _| evidence::by_count(subject, |thread| thread.sums.migrations),
    ..selection_of("migrations", Unit::Count, |subject, _| {
        let trust = subject.prepared.trust();
        let part = |thread: &Thread, _: &Life| Part {
            sure: thread.sums.migrations,
            ..Part::default()
        };
        // They come with the records of ends, of the last look, and of switches.
        let lives = |&index: &usize| subject.document.threads[index].exit.is_none();
        let is_short = trust.switches > 0 && subject.threads.iter().any(lives);
        let tally = Tally::moved(subject, part, 0);
        tally
            .at_least(trust.of_switches().filter(|_| is_short))
            .count()
    })
};

/// What one costs.
pub const COST: Metric = Metric {
    definition: "What one context switch costs, on average over the threads' switches, at most: the \
                 switch itself is in the time on a CPU of the thread that is switched in, and no \
                 record shows where it ends there. So it is no more than all time on a CPU for each \
                 switch: close to it for threads that do nothing else, such as a ping-pong over a \
                 pipe, and the observer's own work is in it.",
    ..selection_of("switch_cost", Unit::Time, |subject, _| {
        let on_cpu = (super::time::ON_CPU.measure)(subject, &[]);
        let count = switches(subject, all);
        if count.lo == 0.0 {
            let doubts = [vec![NO_SWITCH], count.doubts].concat();
            return Measured::unknown(Unit::Time, doubts);
        }
        let doubts = [vec![NOT_ALONE], on_cpu.doubts, count.doubts].concat();
        Measured::between(0.0, (on_cpu.hi / count.lo).next_up(), distinct(doubts))
    })
};

const NO_TIME: Doubt = Doubt::new("the run has lasted for no time", "");
const NO_SWITCH: Doubt = Doubt::new("no switch of the selected threads was seen", "");
const NOT_ALONE: Doubt = Doubt::new(
    "what of the time on a CPU is the switch itself no record shows",
    "compare it with a bound from above, on a workload that does nothing but switch",
);

fn all(thread: &Thread) -> u64 {
    let switches = &thread.sums.switches;
    switches.voluntary.saturating_add(switches.involuntary)
}

fn switches(subject: &Subject<'_>, of: impl Fn(&Thread) -> u64) -> Measured {
    let part = |thread: &Thread, _: &Life| Part {
        sure: of(thread),
        ..Part::default()
    };
    Tally::moved(subject, part, 0).count()
}
