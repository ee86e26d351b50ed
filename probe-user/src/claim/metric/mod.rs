//! The metrics that a claim may name: this list is the language's, the documentation's and
//! the evaluation's.

mod arguments;
mod at_once;
mod blame;
mod calls;
mod ends;
mod evidence;
mod fds;
mod gil;
mod herds;
mod kinds;
mod latency;
mod memory;
mod network;
mod percentile;
mod prepared;
mod run;
mod switches;
mod tally;
#[cfg(test)]
mod tests;
mod time;
mod trust;
mod waits;
mod wakes;
mod words;

use super::{
    measured::{Doubt, Measured},
    selection::{Process, Selection},
    unit::Unit,
};
use crate::{
    document::{Document, Thread},
    vocabulary::WakeSource,
};

pub use self::{
    arguments::{Refusal, nearest},
    evidence::{Evidence, evidence},
    prepared::{Maker, Prepared},
};

/// Every metric, in the order of the documentation.
pub static METRICS: &[Metric] = &[
    at_once::THREADS,
    at_once::PROCESSES,
    time::LIFETIME,
    time::ON_CPU,
    time::RUNQUEUE,
    time::WAIT,
    waits::WAITS,
    waits::LONGEST,
    time::SHARE,
    wakes::WOKEN_BY,
    blame::BLAME,
    time::IDLE,
    gil::GIL_HELD,
    gil::GIL_HANDOVERS,
    time::CPU_ASLEEP,
    waits::STATE,
    switches::VOLUNTARY,
    switches::INVOLUNTARY,
    switches::MIGRATIONS,
    switches::PER_SECOND,
    switches::COST,
    latency::P99,
    latency::P99_IN_BURSTS,
    at_once::RUNNING_MEAN,
    at_once::RUNNING_MAX,
    at_once::RUNNABLE_MEAN,
    at_once::RUNNABLE_P99,
    at_once::RUNNABLE_MAX,
    at_once::BLOCKED_MEAN,
    at_once::PROCESSES_MAX,
    at_once::CHILDREN_MAX,
    at_once::WAKES_PER_MS_MAX,
    ends::EXITS,
    calls::SEEN,
    fds::TABLES,
    fds::SHARERS_MAX,
    fds::PEAK_TABLE,
    fds::PEAK_SUM,
    fds::LIMIT_SHARE,
    fds::GROWTH,
    network::CONNECTS,
    network::FAILED,
    network::CONNECT_P99,
    network::SYN_RETRANSMITS,
    network::SYN_WAIT,
    network::OVERFLOWS,
    network::OVERFLOWS_OURS,
    network::SYN_DROPS,
    herds::WAKES,
    herds::WASTED,
    herds::FAN_OUT_MAX,
    herds::WAKER_TIME,
    memory::RSS_PEAK,
    memory::RSS_PRIVATE,
    memory::STACK_TOUCHED,
    memory::KERNEL_STACK,
    memory::START_P50,
    run::WALL,
    run::CPUS,
    run::CPU_SHARE,
    run::EXIT_CODE,
    run::LOST,
];

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// One metric.
pub struct Metric {
    /// As written in a claim: `share`.
    pub name: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// What may stand in its parentheses.
    pub arguments: Arguments,
    /// Of a selection of threads (`pool.share(epoll)`), or of the whole run (`wall`).
    pub of: Whole,
    /// One or two sentences: what is counted and what is not.
    pub definition: &'static str,
    /// Where it can be measured, in words: `every tier`, `full tier only`.
    pub tiers: &'static str,
    /// Measures it. The arguments were checked by [`Arguments::check`].
    pub measure: fn(&Subject<'_>, &[Argument]) -> Measured,
    /// The threads that have some of it, in any order ([`evidence`] is what to call).
    pub evidence: fn(&Subject<'_>, &[Argument]) -> Vec<Evidence>,
}

/// A metric of a selection without arguments, on every tier, that no single thread decides:
/// what to begin with.
const fn selection_of(
    name: &'static str,
    unit: Unit,
    measure: fn(&Subject<'_>, &[Argument]) -> Measured,
) -> Metric {
    Metric {
        name,
        unit,
        arguments: Arguments::None,
        of: Whole::Selection,
        definition: "",
        tiers: "every tier",
        measure,
        evidence: evidence::none,
    }
}

/// What a metric is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// The selected threads (and their processes).
    Selection,
    /// The run.
    Run,
}

/// A document and the threads of it that a claim selects.
pub struct Subject<'a> {
    /// The report of the run.
    pub document: &'a Document,
    /// Indices into [`Document::threads`], ascending.
    pub threads: &'a [usize],
    /// How they were selected: which others there may be depends on that.
    pub selection: &'a Selection,
    /// What was prepared once per document.
    pub prepared: &'a Prepared,
}

impl Subject<'_> {
    /// The processes that have a selected thread, ascending.
    fn processes(&self) -> Vec<usize> {
        // One that is not known may be any of the others.
        let threads = self.threads.iter();
        let threads = threads.filter(|&&index| self.document.threads[index].pid.is_some());
        let mut processes: Vec<usize> = threads
            .map(|&index| self.prepared.process_of(index))
            .collect();
        processes.sort_unstable();
        processes.dedup();
        processes
    }

    /// Threads that may be of any process.
    fn strangers(&self) -> Option<Doubt> {
        let count = self.prepared.unidentified();
        let what = format!("of {count} threads it is not known to which process they belong");
        (count > 0).then(|| Doubt::said(what, ""))
    }

    /// Why nothing is certain of the selected threads; empty if it is.
    fn spoiled(&self) -> Vec<Doubt> {
        let trust = self.prepared.trust();
        let mut doubts = trust.spoiled.clone();
        let selection = self.selection;
        let is_by_name = selection.name.is_some() || matches!(selection.process, Process::Glob(_));
        if trust.partial && !trust.so_far && is_by_name {
            // Its threads may take other names, and its processes run other programs.
            doubts.push(trust::PARTIAL);
        }
        if trust.switches > 0 && self.prepared.has_shared_tids() {
            doubts.extend(trust.of_switches());
            doubts.push(trust::TAKEN_FOR_EACH_OTHER);
        }
        doubts
    }

    /// Whether it is known when the run began: the first switch-in of its first thread was seen,
    /// or all that there was has been looked at.
    fn is_beginning_known(&self) -> bool {
        let is_born = |thread: &Thread| {
            let mut wakes = thread.sums.wakes.iter();
            wakes.any(|wake| wake.source == WakeSource::New)
        };
        let root = self.prepared.root().map(|root| self.prepared.leader(root));
        let root = root.map(|root| &self.document.threads[root]);
        !self.document.attached.is_empty() || root.is_some_and(is_born)
    }

    /// The processes that selected threads have made; `None` if that is not known of one.
    fn children(&self) -> Option<Vec<usize>> {
        let mut is_selected = vec![false; self.document.threads.len()];
        self.threads
            .iter()
            .for_each(|&index| is_selected[index] = true);
        let mut own = Vec::new();
        for process in 0..self.prepared.processes() {
            match self.prepared.maker(process) {
                Maker::Thread(maker) if is_selected[maker] => own.push(process),
                Maker::Thread(_) | Maker::Nobody => {}
                Maker::Someone => return None,
            }
        }
        Some(own)
    }
}

/// `2.5 s`, `340 ms`, `17 µs`: for sentences.
fn seconds(ns: u64) -> String {
    match ns {
        1_000_000_000.. => format!("{}.{} s", ns / 1_000_000_000, ns / 100_000_000 % 10),
        1_000_000.. => format!("{} ms", ns / 1_000_000),
        1_000.. => format!("{} µs", ns / 1_000),
        _ => format!("{ns} ns"),
    }
}

/// What a metric takes.
#[derive(Clone, Copy, Debug)]
pub enum Arguments {
    /// Nothing: `lifetime`.
    None,
    /// One of a list of words: `share(epoll)`.
    Word(fn() -> Vec<&'static str>),
    /// The same, or nothing: `wait`, `wait(epoll)`.
    OptionalWord(fn() -> Vec<&'static str>),
    /// A cause, and possibly a glob on its detail: `blame(network, "127.*")`.
    WordAndGlob(fn() -> Vec<&'static str>),
    /// A name that is not from a list: `syscalls_seen(kqueue)`.
    Name,
}

/// One argument as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Argument {
    /// A word: letters, digits, `-` and `_`.
    Word(String),
    /// What stood in quotes: a glob.
    Glob(String),
}
