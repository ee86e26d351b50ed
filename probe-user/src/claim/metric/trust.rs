//! What losses mean for numbers: which of them a loss can have changed, and how far.
//!
//! The soundness of every metric rests on this list. Each record that is lost is counted in
//! the class of its family ([`probe_common::loss`]); what it would have changed:
//!
//! - **Births, names, ends** (`task`, `task-table`), runs of a probe of the scheduler that the
//!   kernel skipped, and records that are broken or late: threads may be taken for one
//!   another, and times may go to the wrong state without a trace. Nothing is certain of
//!   threads and their times ([`Trust::spoiled`]).
//! - **Switches** (`switch`). A number in every record shows what a thread has lost; that
//!   time is its `unknown_ns`, and may have been anything. What is said to be known is true
//!   (`world_lost_records_cost_only_what_they_covered`), but for: what living threads did
//!   since the last look at them (`tail_ns`), of which nothing is known; what came before the
//!   first record of a thread whose first run was lost; and where any two threads of the run
//!   had one tid, which may be taken for each other, nothing is certain as above. Each lost record hides a switch-out and a switch-in at
//!   most, so that a count is too small by two for each. Waits that come from the kernel's
//!   sums have lost their stacks and descriptors: their kinds are not certain.
//! - **Stacks** (`stack`). A wait without its stack may be counted under another kind, and a
//!   waking without its waker's under another source. One record is of one wait.
//! - **Wakers** (`waker`): names of tasks outside, and signals that were pending. A wait that
//!   a signal ended may have the source of its waking instead. One record is of one wait.
//! - **Descriptors** (`object`): the waits of a thread until the next record may be on what it
//!   waited for before. Among kinds that a descriptor distinguishes nothing is certain.
//! - **Returns, requests, connections, looks at descriptor tables**: only the metrics of
//!   these.
//! - `disk`, `migration`, `fold`: names of disks, what was behind the run queue, and sums,
//!   whose time stays `unknown_ns`. No metric depends on them but by that.
//!
//! A part of a run (`--from`, `--to`) is a run of its own, and whole; where switches were lost
//! nothing is certain of it, since how much of that is its own is not known.
//!
//! A report of a run that went on ([`Trust::partial`]) bounds sums from below by what the
//! threads did that had ended; everything else may have changed: what a thread waited for may
//! show later, and so may its name. Where the question is what is so by now
//! ([`Trust::so_far`]), living threads count, too.
//!
//! *What is blamed* follows chains of wakers, so that one lost record may change the blame of
//! many waits: [`super::blame`] says what is left.

use std::borrow::Cow;

use probe_common::loss::{LOSS_NAMES, Loss};

use crate::{
    claim::measured::Doubt,
    document::{Coverage, Document, Tier},
};

/// What was lost, by what it spoils. Numbers are of records.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The observation went on behind what this is a report of.
    pub partial: bool,
    /// Numbers are of what is known by now.
    pub so_far: bool,
    /// Why nothing is certain of threads and their times; empty if it is.
    pub spoiled: Vec<Doubt>,
    /// Records of switches.
    pub switches: u64,
    /// Stacks.
    pub stacks: u64,
    /// Wakers and pending signals.
    pub wakers: u64,
    /// Descriptors.
    pub objects: u64,
    /// Returns of watched functions.
    pub returns: u64,
    /// Why nothing is certain of connections and listeners; empty if it is.
    pub network: Vec<Doubt>,
    /// Why numbers of descriptors are lower bounds; empty if they are not.
    pub descriptors: Vec<Doubt>,
    /// From the last look at all threads to the end, ns; of the whole life where there was
    /// none.
    pub tail_ns: u64,
    /// Waits for an interpreter lock may be counted as futex.
    pub gil_as_futex: bool,
}

/// What helps against lost records.
pub const LARGER_RING: &str = "record again with a larger --ring-size";
/// What helps against skipped runs and broken records.
const AGAIN: &str = "record again";

/// More was to come.
pub const PARTIAL: Doubt = Doubt::new(
    "the report is of a run that went on",
    "use a recording of the whole run",
);

/// Threads that had one tid, where switches were lost.
pub const TAKEN_FOR_EACH_OTHER: Doubt = Doubt::new(
    "threads that had the same tid may be taken for each other",
    "",
);

/// Programs that observe connections and listeners.
const NETWORK: [&str; 6] = ["tcp", "inet", "ingress", "conn", "syn", "listen"];
/// Programs that look at descriptor tables and memory.
const DESCRIPTORS: [&str; 2] = ["look_at", "fd_"];
/// Programs that see sleeps on kernel locks.
const LOCKS: &str = "contention";
/// Programs that watch calls.
const CALLS: [&str; 3] = ["do_wait", "epoll", "ep_poll"];

impl Trust {
    /// What a report says about itself.
    pub fn of(document: &Document) -> Trust {
        let coverage = &document.coverage;
        let lost = |class| lost(coverage, class);
        // What is asked about a part of a run is asked about all of that part.
        let ended = document.overhead.probe_runs.is_some() || document.window.is_some();
        let mut trust = Trust {
            partial: coverage.partial || document.interim || !ended,
            so_far: document.asked_so_far,
            switches: lost(Loss::Switch),
            stacks: lost(Loss::Stack),
            wakers: lost(Loss::Waker),
            objects: lost(Loss::Object),
            returns: lost(Loss::KernelReturn),
            tail_ns: coverage.tail_ns.unwrap_or(u64::MAX),
            gil_as_futex: coverage.gil_as_futex,
            ..Trust::default()
        };
        trust.spoil(lost(Loss::Task), "births, names and ends of threads");
        trust.spoil(lost(Loss::TaskTable), "threads that could not be followed");
        let is_lossy = document.window.is_some() && trust.switches > 0;
        if is_lossy {
            let what = "records of switches were lost, nobody knows in which part of the run";
            trust.spoiled.push(Doubt::new(what, LARGER_RING));
        }
        if coverage.broken_records > 0 {
            let what = format!("{} records were late or broken", coverage.broken_records);
            trust.spoiled.push(Doubt::said(what, AGAIN));
        }
        let network = [
            (lost(Loss::Request), "connection requests"),
            (lost(Loss::Connection), "connections and listeners"),
        ];
        let network = network.map(|(count, what)| of_class(count, what));
        trust.network.extend(network.into_iter().flatten());
        let looks = of_class(lost(Loss::FdTable), "descriptor tables");
        trust.descriptors.extend(looks);
        trust.skip(coverage);
        trust
    }

    fn spoil(&mut self, count: u64, what: &str) {
        self.spoiled.extend(of_class(count, what));
    }

    /// The kernel skipped runs of probes: what a program would have seen may be missing.
    fn skip(&mut self, coverage: &Coverage) {
        for (program, &count) in coverage.skipped.iter().filter(|(_, count)| **count > 0) {
            let has = |parts: &[&str]| parts.iter().any(|part| program.contains(part));
            let what = format!("the kernel skipped {count} runs of the probe {program}");
            let doubt = Doubt::said(what, AGAIN);
            match () {
                () if has(&CALLS) => self.returns = self.returns.saturating_add(count),
                // One at the beginning hides what a wait is on, one at the end puts the next on it.
                () if program.contains(LOCKS) => {
                    self.stacks = self.stacks.saturating_add(count.saturating_mul(2));
                }
                () if has(&NETWORK) => self.network.push(doubt),
                () if has(&DESCRIPTORS) => self.descriptors.push(doubt),
                () => self.spoiled.push(doubt),
            }
        }
    }

    /// Something was lost that decides who woke whom, or at which place.
    pub fn has_lost_wakings(&self) -> bool {
        self.switches > 0 || self.stacks > 0 || self.wakers > 0 || self.objects > 0
    }

    /// Why numbers may have been changed by lost records of these classes.
    pub fn doubts(&self, of: &[(u64, &str)]) -> Vec<Doubt> {
        let doubts = of.iter().filter_map(|&(count, what)| of_class(count, what));
        doubts.collect()
    }

    /// Why the time of threads is not certain.
    pub fn of_switches(&self) -> Option<Doubt> {
        of_class(self.switches, SWITCHES)
    }

    /// All that decides who woke whom.
    pub fn of_wakings(&self) -> Vec<Doubt> {
        self.doubts(&[
            (self.switches, SWITCHES),
            (self.stacks, "stacks"),
            (self.wakers, "wakers"),
            (self.objects, "descriptors"),
        ])
    }
}

/// What lost records of this class are called.
pub const SWITCHES: &str = "switches";

fn lost(coverage: &Coverage, class: Loss) -> u64 {
    let name = LOSS_NAMES.iter().find(|(known, _)| *known == class);
    let count = name.and_then(|(_, name)| coverage.lost.get(*name));
    count.copied().unwrap_or(0)
}

fn of_class(count: u64, what: &str) -> Option<Doubt> {
    let said = match count {
        0 => return None,
        1 => format!("1 record of {what} was lost"),
        _ => format!("{count} records of {what} were lost"),
    };
    Some(Doubt::said(said, LARGER_RING))
}

/// What this tier does not see.
pub fn unseen(tier: Tier, what: &str) -> Doubt {
    Doubt {
        what: Cow::Owned(format!("the {tier} tier does not see {what}")),
        remedy: Cow::Borrowed("docs/tiers-and-kernels.md says where it is seen"),
    }
}
