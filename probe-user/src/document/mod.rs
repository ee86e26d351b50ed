//! All that a view may see: the finished account of a run, in ns and bytes.
//!
//! Built by `metrics` from the world, read by every file in `view`. Unknown is
//! `None`, never 0. Text in here comes from other processes and is *not*
//! sanitised: each view escapes for its own medium.

mod account;
mod run;
mod timeline;

use std::collections::BTreeMap;

pub use self::{
    account::{Blame, Calls, GilHeld, OpenWait, Sums, Wait, Wake},
    run::{Concurrency, Coverage, Latency, Level, Listener, Overhead, Wakes},
    timeline::{CriticalPath, Did, Hop, PathSum, Place, Step, Timeline},
};
pub use crate::{
    vocabulary::{Exit, Function, Tier},
    wire::session::{Host, ProgramCost},
};

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The traced command; empty when processes were attached to.
    pub command: Vec<String>,
    /// Processes attached to with `--pid`; empty for a command.
    pub attached: Vec<u32>,
    /// How the command ended; `None` when it was still running or not ours.
    pub exit: Option<Exit>,
    /// It was made while the run went on: more was to come.
    pub interim: bool,
    /// Where it ran.
    pub host: Host,
    /// What the probes could see.
    pub tier: Tier,
    /// From the first observed instant to the last, ns.
    pub wall_ns: u64,
    /// How far the numbers can be trusted.
    pub coverage: Coverage,
    /// What observing cost.
    pub overhead: Overhead,
    /// Distinct processes among the threads.
    pub processes: usize,
    /// How much went on at once; `None` when no time passed.
    pub concurrency: Option<Concurrency>,
    /// Every thread of the tree, by start time.
    pub threads: Vec<Thread>,
    /// Threads of one role together, largest lifetime first.
    pub groups: Vec<Group>,
    /// Listening sockets that were asked for connections, the busiest first;
    /// `None` where the tier does not observe them.
    pub listeners: Option<Vec<Listener>>,
    /// What the length of the run was made of; `None` when nothing was observed.
    pub critical_path: Option<CriticalPath>,
    /// The timelines of the threads asked for, by start time; `None` when none was.
    pub explained: Option<Vec<Timeline>>,
}

impl Document {
    /// The group of a thread, by the thread's index.
    pub fn group_of(&self, thread: usize) -> Option<&Group> {
        self.groups.get(self.threads.get(thread)?.group)
    }
}

/// One thread of the traced tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thread {
    /// Process id; `None` when its birth was not seen.
    pub pid: Option<u32>,
    /// Thread id.
    pub tid: u32,
    /// Parent process; `None` when its birth was not seen.
    pub ppid: Option<u32>,
    /// Thread that made it; `None` for roots.
    pub creator_tid: Option<u32>,
    /// Last `comm`.
    pub comm: String,
    /// Earlier names, oldest first.
    pub former_comms: Vec<String>,
    /// Arguments of its last exec (or its process's), cut at 256 bytes.
    pub argv: Vec<String>,
    /// `comm` with trailing numbers folded: `worker-*`.
    pub role: String,
    /// Group it belongs to: index into [`Document::groups`].
    pub group: usize,
    /// First observed instant, ns since the start of the run.
    pub start_ns: u64,
    /// Last observed instant, ns since the start of the run.
    pub end_ns: u64,
    /// `None` while it lives.
    pub exit: Option<Exit>,
    /// The account.
    pub sums: Sums,
}

/// Threads of one role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// `python3 gitsync`, `git index-pack`, `python3 gitsync (threads)`, …
    pub name: String,
    /// Threads in it.
    pub threads: usize,
    /// Their processes, ascending.
    pub pids: Vec<u32>,
    /// How they ended, with counts; threads alive at the end are absent.
    pub exits: BTreeMap<Exit, u64>,
    /// Processes that they made, alive at once; `None` if they made none.
    pub children: Option<Level>,
    /// The account.
    pub sums: Sums,
}
