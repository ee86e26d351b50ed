//! What processes cost: memory, and the time to start.

use rustc_hash::FxHashSet;

use super::{
    Argument, Arguments, Metric, Subject,
    evidence::{self, Evidence},
    latency::WHOLE_TREE,
    selection_of,
    tally::{Life, Part, Tally, distinct},
    trust::{PARTIAL, unseen},
    words,
};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, up},
        unit::Unit,
    },
    document::{Memory, Tier},
};

const TIERS: &str = "full and tracepoint tier";

/// The largest process.
pub const RSS_PEAK: Metric = Metric {
    definition: "Most memory that one of the processes with a selected thread had resident at a time: \
                 what its parent gets as ru_maxrss, or VmHWM where it lives on. Pages that it shares \
                 with others are in it.",
    tiers: TIERS,
    evidence: |subject, _| largest(subject, |row| row.rss_peak),
    ..selection_of("rss_peak", Unit::Bytes, |subject, _| {
        peak(subject, |row| row.rss_peak, NO_PEAK)
    })
};

/// What of it nobody shares.
pub const RSS_PRIVATE: Metric = Metric {
    definition: "Of such a process that lived on, the memory that no other process maps, at the end of \
                 the observation: the largest. Of one that had ended nothing in the kernel counts it.",
    tiers: TIERS,
    evidence: |subject, _| largest(subject, |row| row.private_peak),
    ..selection_of("rss_private_peak", Unit::Bytes, |subject, _| {
        peak(subject, |row| row.private_peak, NO_PRIVATE)
    })
};

/// What a thread has touched of its stack.
pub const STACK_TOUCHED: Metric = Metric {
    definition: "What a thread has touched of its stack in user space. Not observed by this version.",
    tiers: "none",
    ..selection_of("stack_touched", Unit::Bytes, |_, _| {
        Measured::unknown(Unit::Bytes, vec![NO_STACKS])
    })
};

/// A stack in the kernel.
pub const KERNEL_STACK: Metric = Metric {
    definition: "What the stack of one thread takes in the kernel. All threads together take that \
                 times `threads`, if all live at once.",
    tiers: TIERS,
    ..selection_of("kernel_stack", Unit::Bytes, |subject, _| {
        kernel_stack(subject)
    })
};

/// How long a start takes.
pub const START_P50: Metric = Metric {
    arguments: Arguments::Word(words::started),
    definition: "From when clone made a task runnable to its first instruction, of half of the tree's \
                 new threads (`thread`) or processes (`process`); of processes to their first exec \
                 (`program`). What clone itself takes is its caller's time. Known to 1/64, of the \
                 whole tree only.",
    ..selection_of("start_p50", Unit::Time, start_p50)
};

/// The rows of the selected processes; `None` for one whose row is not certain.
fn rows<'a>(subject: &Subject<'a>) -> Option<Vec<&'a Memory>> {
    let list = subject.document.memory.as_ref()?;
    let threads = &subject.document.threads;
    let pid = |&process: &usize| threads[subject.prepared.leader(process)].pid;
    let pids: FxHashSet<u32> = subject.processes().iter().filter_map(pid).collect();
    Some(list.iter().filter(|row| pids.contains(&row.pid)).collect())
}

fn peak(subject: &Subject<'_>, of: fn(&Memory) -> Option<u64>, missing: Doubt) -> Measured {
    let trust = subject.prepared.trust();
    let threads = Tally::moved(subject, |_, _: &Life| Part::default(), 0);
    let mut doubts = [threads.why_unbounded(), trust.descriptors.clone()].concat();
    if !subject.spoiled().is_empty() {
        return Measured::unknown(Unit::Bytes, doubts);
    }
    let Some(rows) = rows(subject) else {
        return Measured::unknown(Unit::Bytes, vec![unobserved(subject)]);
    };
    if rows.is_empty() {
        return Measured::unknown(Unit::Bytes, vec![NOBODY]);
    }
    // A pid may have been another process's, too.
    let is_reused = rows.len() != subject.processes().len();
    let known: Vec<u64> = rows.iter().filter_map(|row| of(row)).collect();
    doubts.extend((known.len() < rows.len()).then_some(missing));
    doubts.extend(is_reused.then_some(REUSED));
    let most = known.iter().copied().max().unwrap_or(0);
    let lo = if is_reused { 0 } else { most };
    match doubts.is_empty() {
        true => Measured::exact(most),
        false => Measured::between(down(lo.into()), f64::INFINITY, distinct(doubts)),
    }
}

fn kernel_stack(subject: &Subject<'_>) -> Measured {
    let list = subject.document.memory.as_deref().unwrap_or_default();
    match list.iter().find_map(|row| row.kernel_stack) {
        Some(bytes) => Measured::exact(bytes),
        None => Measured::unknown(Unit::Bytes, vec![unobserved(subject)]),
    }
}

fn start_p50(subject: &Subject<'_>, arguments: &[Argument]) -> Measured {
    let trust = subject.prepared.trust();
    let mut doubts = subject.spoiled();
    doubts.extend(trust.of_switches());
    doubts.extend(trust.partial.then_some(PARTIAL));
    doubts.extend((!subject.selection.is_tree()).then_some(WHOLE_TREE));
    let starts = subject.document.starts.as_ref();
    let start = starts.and_then(|starts| match words::word(arguments) {
        "thread" => starts.thread.as_ref(),
        "program" => starts.program.as_ref(),
        _ => starts.process.as_ref(),
    });
    match start {
        Some(start) if doubts.is_empty() => {
            let p50 = u128::from(start.p50_ns);
            Measured::between(down(p50 - p50.div_ceil(65).min(p50)), up(p50), vec![ROUGH])
        }
        Some(_) => Measured::unknown(Unit::Time, doubts),
        None => Measured::unknown(Unit::Time, [doubts, vec![NO_START]].concat()),
    }
}

fn largest(subject: &Subject<'_>, of: fn(&Memory) -> Option<u64>) -> Vec<Evidence> {
    let mut rows = rows(subject).unwrap_or_default();
    rows.sort_by_key(|row| std::cmp::Reverse(of(row)));
    let rows = rows.into_iter().take(evidence::MOST);
    rows.map(|row| Evidence {
        pid: Some(row.pid),
        tid: row.pid,
        comm: row.comm.clone(),
        ..Evidence::default()
    })
    .collect()
}

fn unobserved(subject: &Subject<'_>) -> Doubt {
    match subject.document.tier {
        Tier::Raw => unseen(Tier::Raw, "the memory of processes"),
        Tier::Full | Tier::Tracepoint => NOT_OBSERVED,
    }
}

const NOT_OBSERVED: Doubt = Doubt::new(
    "the memory of processes was not observed, or none has ended",
    "doctor says what the kernel lacks",
);
const NOBODY: Doubt = Doubt::new("no process was selected", "");
const NO_PEAK: Doubt = Doubt::new(
    "of some processes the peak is not known",
    "observe until they end",
);
const NO_PRIVATE: Doubt = Doubt::new(
    "of processes that have ended nothing counts what they shared with nobody",
    "observe for less long than they live",
);
const NO_STACKS: Doubt = Doubt::new("what threads touch of their stacks is not observed", "");
const REUSED: Doubt = Doubt::new("one pid was that of several processes", "");
const NO_START: Doubt = Doubt::new("no such start was seen", "");
const ROUGH: Doubt = Doubt::new("percentiles are known to 1/64", "");
