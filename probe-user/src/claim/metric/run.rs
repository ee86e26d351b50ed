//! The whole run.

use super::{
    Metric, Subject, Whole,
    evidence::{self},
    selection_of,
    tally::{Life, Part, Tally, distinct, life},
    trust::PARTIAL,
};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, up},
        unit::Unit,
    },
    document::{Exit, Thread},
};

/// How long it took.
pub const WALL: Metric = Metric {
    of: Whole::Run,
    definition: "From the first observed instant of any thread to the last.",
    ..selection_of("wall", Unit::Time, |subject, _| wall(subject))
};

/// How many CPUs there were.
pub const CPUS: Metric = Metric {
    of: Whole::Run,
    definition: "CPUs of the machine that were online when the observation began.",
    ..selection_of("cpus", Unit::Count, |subject, _| cpus(subject))
};

/// How busy they were.
pub const CPU_SHARE: Metric = Metric {
    of: Whole::Run,
    definition: "The time of the tree's threads on a CPU, as a share of `wall` times `cpus`.",
    evidence: |subject, _| {
        evidence::of_all_threads(subject, Some("on_cpu"), |thread| thread.sums.on_cpu_ns)
    },
    ..selection_of("cpu_share", Unit::Share, |subject, _| cpu_share(subject))
};

/// How the command ended.
pub const EXIT_CODE: Metric = Metric {
    of: Whole::Run,
    definition: "The status that the command exited with; 128 and the number of the signal that it \
                 ended by.",
    ..selection_of("exit_code", Unit::Count, |subject, _| {
        match subject.document.exit {
            Some(Exit::Code(code)) => point(i64::from(code)),
            Some(Exit::Signal(number)) => point(128 + i64::from(number)),
            None => Measured::unknown(Unit::Count, vec![NO_EXIT]),
        }
    })
};

/// Lost records.
pub const LOST: Metric = Metric {
    of: Whole::Run,
    definition: "Records of the probes that were lost, of all classes, those that were broken or late, \
                 and runs that the kernel skipped.",
    ..selection_of("lost", Unit::Count, |subject, _| {
        let coverage = &subject.document.coverage;
        let skipped = coverage
            .skipped
            .values()
            .fold(0, |sum: u64, &n| sum.saturating_add(n));
        let all = [coverage.lost_total(), coverage.broken_records, skipped];
        let all = all.iter().map(|&n| u128::from(n)).sum();
        match subject.prepared.trust().partial {
            true => Measured::between(down(all), f64::INFINITY, vec![PARTIAL]),
            false => Measured::between(down(all), up(all), Vec::new()),
        }
    })
};

/// How long the run was.
pub fn wall(subject: &Subject<'_>) -> Measured {
    let trust = subject.prepared.trust();
    let wall_ns = u128::from(subject.document.wall_ns);
    if !subject.spoiled().is_empty() {
        return Measured::unknown(Unit::Time, subject.spoiled());
    }
    let lost: Vec<Doubt> = trust.of_switches().into_iter().collect();
    // It went on: for longer, not for less.
    let more: &[Doubt] = if trust.partial { &[PARTIAL] } else { &[] };
    let doubts = [&lost, more].concat();
    if lost.is_empty() {
        let hi = if trust.partial {
            f64::INFINITY
        } else {
            up(wall_ns)
        };
        return Measured::between(down(wall_ns), hi, doubts);
    }
    // A thread whose last switch was lost ends with the observation.
    let certain = |(index, thread): (usize, &Thread)| {
        let end_ns = thread.end_ns.saturating_sub(subject.document.begin_ns());
        end_ns.saturating_sub(life(subject, index).unsure_ns)
    };
    let lo = subject
        .document
        .threads
        .iter()
        .enumerate()
        .map(certain)
        .max();
    let is_sure = subject.is_beginning_known() && !trust.partial;
    let hi = if is_sure { up(wall_ns) } else { f64::INFINITY };
    Measured::between(down(lo.unwrap_or(0).into()), hi, doubts)
}

fn cpus(subject: &Subject<'_>) -> Measured {
    match subject.document.host.cpus {
        0 => Measured::unknown(Unit::Count, vec![NO_CPUS]),
        cpus => Measured::exact(cpus.into()),
    }
}

fn cpu_share(subject: &Subject<'_>) -> Measured {
    let all: Vec<usize> = (0..subject.document.threads.len()).collect();
    let whole = crate::claim::selection::Selection::default();
    let tree = Subject {
        threads: &all,
        selection: &whole,
        ..*subject
    };
    let on_cpu = Tally::moved(
        &tree,
        |thread, life: &Life| Part::reported(thread.sums.on_cpu_ns, life),
        0,
    );
    let (on_cpu, wall, cpus) = (on_cpu.time(), wall(subject), cpus(subject));
    let doubts = distinct([on_cpu.doubts, wall.doubts, cpus.doubts].concat());
    if wall.hi.is_infinite() || cpus.hi.is_infinite() || wall.lo == 0.0 {
        let doubts = if doubts.is_empty() {
            vec![NO_TIME]
        } else {
            doubts
        };
        return Measured::unknown(Unit::Share, doubts);
    }
    let lo = (on_cpu.lo / (wall.hi * cpus.hi)).next_down().max(0.0);
    let hi = (on_cpu.hi / (wall.lo * cpus.lo)).next_up().next_up();
    Measured::between(lo, hi, doubts)
}

fn point(value: i64) -> Measured {
    let value = value as f64;
    Measured::between(value, value, Vec::new())
}

const NO_CPUS: Doubt = Doubt::new("the report does not say how many CPUs there were", "");
const NO_EXIT: Doubt = Doubt::new("the command still ran, or was not waitscope's own", "");
const NO_TIME: Doubt = Doubt::new("the run has lasted for no time", "");
