//! How many, and how many at once.
//!
//! Threads on a CPU, runnable or blocked are counted over the whole tree (`metrics::concurrency`).
//! Time of which nothing is known is counted apart there: at every instant the true number
//! lies between the one that is known and that and the unknown ones together.
//!
//! Processes are counted from the lives of their threads: of each selection. One is alive
//! from its first thread's beginning to its last one's end.

use super::{
    Metric, Subject,
    evidence::{self},
    latency::WHOLE_TREE,
    selection_of,
    tally::{Life, Part, Tally, distinct, life},
    trust::PARTIAL,
};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, quotient_down, quotient_up, up},
        unit::Unit,
    },
    document::{Concurrency, Level},
};

/// Threads.
pub const THREADS: Metric = Metric {
    definition: "Threads, those that ended included.",
    evidence: |subject, _| evidence::of_threads(subject, None, |thread| thread.sums.lifetime_ns),
    ..selection_of("threads", Unit::Count, |subject, _| {
        let part = |_: &_, _: &Life| Part::default();
        let seen = subject.threads.len() as u64;
        number(subject, Tally::moved(subject, part, 0), seen)
    })
};

/// Processes.
pub const PROCESSES: Metric = Metric {
    definition: "Processes that have a selected thread, those that ended included.",
    evidence: |subject, _| evidence::of_threads(subject, None, |thread| thread.sums.lifetime_ns),
    ..selection_of("processes", Unit::Count, |subject, _| {
        let part = |_: &_, _: &Life| Part::default();
        let seen = subject.processes().len() as u64;
        let tally = Tally::moved(subject, part, 0);
        number(subject, tally.at_least(subject.strangers()), seen)
    })
};

/// Births are records of their own: no other loss changes how many there are.
fn number(subject: &Subject<'_>, tally: Tally, seen: u64) -> Measured {
    let doubts = tally.why_unbounded();
    if !subject.spoiled().is_empty() {
        return Measured::unknown(Unit::Count, doubts);
    }
    match doubts.is_empty() {
        true => Measured::exact(seen),
        false => Measured::between(down(seen.into()), f64::INFINITY, doubts),
    }
}

/// On CPUs, on average.
pub const RUNNING_MEAN: Metric = Metric {
    definition: "Threads of the tree on a CPU, on average over the run. Known of the whole tree only.",
    ..selection_of("running_mean", Unit::Count, |subject, _| {
        mean(subject, |course| &course.running)
    })
};

/// On CPUs, at most.
pub const RUNNING_MAX: Metric = Metric {
    definition: "Threads of the tree on a CPU at once, at most. Known of the whole tree only.",
    ..selection_of("running_max", Unit::Count, |subject, _| {
        most(subject, |course| &course.running, |level| level.max)
    })
};

/// Runnable, on average.
pub const RUNNABLE_MEAN: Metric = Metric {
    definition: "Threads of the tree that run or could run, on average over the run. Known of the \
                 whole tree only.",
    ..selection_of("runnable_mean", Unit::Count, |subject, _| {
        mean(subject, |course| &course.runnable)
    })
};

/// Runnable, for 99 % of the time.
pub const RUNNABLE_P99: Metric = Metric {
    definition: "So many threads of the tree run or could run at once that it was no more for 99 % of \
                 the run. Known of the whole tree only.",
    ..selection_of("runnable_p99", Unit::Count, |subject, _| {
        most(subject, |course| &course.runnable, |level| level.p99)
    })
};

/// Runnable, at most.
pub const RUNNABLE_MAX: Metric = Metric {
    definition: "Threads of the tree that run or could run at once, at most. Known of the whole tree \
                 only.",
    ..selection_of("runnable_max", Unit::Count, |subject, _| {
        most(subject, |course| &course.runnable, |level| level.max)
    })
};

/// In waits, on average.
pub const BLOCKED_MEAN: Metric = Metric {
    definition: "Threads of the tree in a wait, finished or not, on average over the run. Known of \
                 the whole tree only.",
    ..selection_of("blocked_mean", Unit::Count, |subject, _| {
        mean(subject, |course| &course.blocked)
    })
};

/// Wake-ups of a millisecond.
pub const WAKES_PER_MS_MAX: Metric = Metric {
    definition: "Wake-ups of threads of the tree in one millisecond of the run, at most (bins of 1 ms \
                 from its start). Known of the whole tree only.",
    ..selection_of("wakes_per_ms_max", Unit::Count, |subject, _| {
        let hidden = subject.prepared.trust().switches.saturating_mul(2);
        match course(subject) {
            Err(doubts) => Measured::unknown(Unit::Count, doubts),
            Ok((course, doubts)) => {
                let most = course.wakes.max_per_ms;
                // The bins begin with the run, whose first instant may be lost.
                let lo = if hidden > 0 { 0 } else { most };
                range(lo.into(), u128::from(most) + u128::from(hidden), doubts)
            }
        }
    })
};

/// The course of the whole tree, and why it is not certain; or why nothing is.
fn course<'a>(subject: &Subject<'a>) -> Result<(&'a Concurrency, Vec<Doubt>), Vec<Doubt>> {
    let trust = subject.prepared.trust();
    let mut doubts = subject.spoiled();
    doubts.extend(trust.partial.then_some(PARTIAL));
    doubts.extend((!subject.selection.is_tree()).then_some(WHOLE_TREE));
    match &subject.document.concurrency {
        Some(course) if doubts.is_empty() => {
            Ok((course, trust.of_switches().into_iter().collect()))
        }
        Some(_) => Err(doubts),
        None => Err([doubts, vec![NO_TIME]].concat()),
    }
}

/// Of how many threads of the tree nothing is known for some time that the course does not
/// count, and whose part of it is not certain.
fn loose(subject: &Subject<'_>) -> Vec<Life> {
    let all = 0..subject.document.threads.len();
    let lives = all.map(|index| (index, life(subject, index)));
    lives
        .filter(|(index, life)| {
            let told_ns = subject.document.threads[*index].sums.unknown_ns;
            life.unsure_ns > told_ns
        })
        .map(|(_, life)| life)
        .collect()
}

fn mean(subject: &Subject<'_>, of: fn(&Concurrency) -> &Level) -> Measured {
    let (course, doubts) = match course(subject) {
        Ok(course) => course,
        Err(doubts) => return Measured::unknown(Unit::Count, doubts),
    };
    let level = of(course);
    let loose = loose(subject);
    let loose_ns: u128 = loose.iter().map(|life| u128::from(life.unsure_ns)).sum();
    let total = u128::from(level.total_ns);
    let (lo, hi) = (
        total.saturating_sub(loose_ns),
        total + u128::from(course.unknown.total_ns) + loose_ns,
    );
    let (over_lo, over_hi) = over(subject, level.over_ns);
    if over_lo == 0 {
        return Measured::unknown(Unit::Count, vec![NO_TIME]);
    }
    let doubts = if lo < hi { doubts } else { Vec::new() };
    Measured::between(quotient_down(lo, over_hi), quotient_up(hi, over_lo), doubts)
}

/// How long the run may have been, ns: a lost first or last record makes it look longer or
/// shorter.
fn over(subject: &Subject<'_>, told_ns: u64) -> (u128, u128) {
    if subject.prepared.trust().switches == 0 {
        return (told_ns.into(), told_ns.into());
    }
    let wall = super::run::wall(subject);
    let hi = if wall.hi.is_finite() {
        wall.hi as u128 + 1
    } else {
        u128::MAX
    };
    (wall.lo as u128, hi)
}

fn most(
    subject: &Subject<'_>,
    of: fn(&Concurrency) -> &Level,
    which: fn(&Level) -> u64,
) -> Measured {
    let (course, doubts) = match course(subject) {
        Ok(course) => course,
        Err(doubts) => return Measured::unknown(Unit::Count, doubts),
    };
    let reported = u128::from(which(of(course)));
    let loose = loose(subject).len() as u128;
    // A percentile also moves with the length of the run.
    let lost = subject.prepared.trust().switches > 0;
    let lo = if lost { 0 } else { reported };
    let hi = match lost {
        true => u128::from(of(course).max) + u128::from(course.unknown.max) + loose,
        false => reported + u128::from(course.unknown.max),
    };
    range(lo, hi, doubts)
}

fn range(lo: u128, hi: u128, doubts: Vec<Doubt>) -> Measured {
    let doubts = if lo < hi { doubts } else { Vec::new() };
    Measured::between(down(lo), up(hi), doubts)
}

const NO_TIME: Doubt = Doubt::new("the run has lasted for no time", "");

/// Processes at once.
pub const PROCESSES_MAX: Metric = Metric {
    definition: "Processes that have a selected thread, alive at once, at most: from a process's first \
                 thread to its last one's end. A zombie is not alive.",
    evidence: |subject, _| evidence::of_threads(subject, None, |thread| thread.sums.lifetime_ns),
    ..selection_of("processes_max", Unit::Count, |subject, _| {
        let doubts = subject.strangers().into_iter().collect();
        at_once(subject, &subject.processes(), doubts)
    })
};

/// Children at once.
pub const CHILDREN_MAX: Metric = Metric {
    definition: "Processes that selected threads have made, alive at once, at most.",
    evidence: |subject, _| evidence::of_children(subject),
    ..selection_of("children_max", Unit::Count, |subject, _| {
        let Some(children) = subject.children() else {
            return Measured::unknown(Unit::Count, vec![NO_MAKER]);
        };
        at_once(subject, &children, Vec::new())
    })
};

const NO_MAKER: Doubt = Doubt::new(
    "of some processes it is not known which thread made them",
    "",
);

/// How many of these processes were alive at once.
fn at_once(subject: &Subject<'_>, processes: &[usize], mut doubts: Vec<Doubt>) -> Measured {
    let trust = subject.prepared.trust();
    let tally = Tally::moved(subject, |_, _: &Life| Part::default(), 0);
    doubts.extend(tally.why_unbounded());
    if !subject.spoiled().is_empty() {
        return Measured::unknown(Unit::Count, doubts);
    }
    if trust.switches > 0 {
        // When they began and ended is not certain of any that has lost a record.
        doubts.extend(trust.of_switches());
        let hi = if trust.partial {
            f64::INFINITY
        } else {
            up(processes.len() as u128)
        };
        return Measured::between(0.0, hi, distinct(doubts));
    }
    let reported = deepest(
        processes
            .iter()
            .map(|&process| subject.prepared.life(process)),
    );
    match doubts.is_empty() {
        true => Measured::exact(reported),
        false => Measured::between(down(reported.into()), f64::INFINITY, distinct(doubts)),
    }
}

/// The most intervals that any instant lies in. What ends as another begins is gone by then.
fn deepest(lives: impl Iterator<Item = (u64, u64)>) -> u64 {
    let changes = lives.filter(|(from, to)| from < to);
    let mut changes: Vec<(u64, bool)> = changes
        .flat_map(|(from, to)| [(from, true), (to, false)])
        .collect();
    changes.sort_unstable();
    let (mut now, mut most) = (0_u64, 0);
    for (_, begins) in changes {
        now = if begins { now + 1 } else { now - 1 };
        most = most.max(now);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_once_what_ends_as_another_begins_is_gone() {
        assert_eq!(deepest([(0, 5), (5, 9), (2, 7), (3, 3)].into_iter()), 2);
        assert_eq!(deepest(std::iter::empty()), 0);
        assert_eq!(deepest([(0, 9); 3].into_iter()), 3);
    }
}
