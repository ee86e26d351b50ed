//! All that a view may see: the finished account of a run, in ns and bytes, and
//! the contract `waitscope.report/1` of the JSON. Fields stand here in the order
//! in which they are written, under the names that they have there; they are
//! added, never renamed or removed. Unknown is `None`, never 0, and null in JSON;
//! so is a part that was not observed, while an empty list was and is empty.
//!
//! Built by `metrics` from the world or read back by `read`, shown by every file
//! in `view`. Text in here comes from other processes and is *not* sanitised: each
//! view escapes for its own medium.

mod account;
mod claim;
pub mod diff;
mod fate;
mod fd_table;
mod memory;
mod network;
mod read;
mod run;
pub mod stacks;
mod timeline;
pub mod top;
pub mod trace;
mod user;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::{
    account::{
        Blame, Calls, GilHeld, LeftOut, OpenWait, RunQueuePart, Signal, Sums, Switches, Wait,
        WaitStates, Wake,
    },
    claim::{Check, CheckedRun, Decision, Evidence, Value, Verdict},
    fate::{Fate, Sender},
    fd_table::{FdKinds, FdOpen, FdTable, FdTarget, FdsOpen},
    memory::{Memory, Start, Starts},
    network::{ConnectTimes, Connection, Fates, Listener, WhileFull},
    read::Unreadable,
    run::{
        Concurrency, Coverage, Herd, Latency, LeftOutThreads, Level, Machine, Overhead, ProbeCost,
        RunqueueLatency, WaitFilter, Wakes, Window,
    },
    timeline::{CriticalPath, Did, Hop, PathSum, Step, Timeline, WaitSite},
    user::{UserFrame, UserStack},
};
pub use crate::{
    vocabulary::{Behind, Exit, FateCause, Function, Shortage, TableOrigin, Tier},
    wire::session::Host,
};

/// Name and version of the contract.
pub const SCHEMA: &str = "waitscope.report/1";

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "waitscope.report/1", default)]
pub struct Document {
    /// The traced command; empty when processes were attached to.
    pub command: Vec<String>,
    /// Processes attached to; empty for a command.
    pub attached: Vec<u32>,
    /// Those that these had started before. Written only where there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub started_before: usize,
    /// How long the observation had lasted when the account began (`--delay`), ns.
    /// Written only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ns: Option<u64>,
    /// The part of the run that it is about (`report --from --to`). Written only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Which waits are counted (`--kind`, `--min-wait`, `--max-wait`). Written only where that
    /// is not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<WaitFilter>,
    /// Threads that are not listed (`--group`, `--thread`). Written only where some were
    /// selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out_threads: Option<LeftOutThreads>,
    /// How the command ended; `None` when it was still running or not ours.
    pub exit: Option<Exit>,
    /// It was made while the run went on: more was to come. Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interim: bool,
    /// It is of a recording that ends before the observation did. Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Where it ran.
    #[serde(with = "HostShape")]
    pub host: Host,
    /// What the probes could see.
    pub tier: Tier,
    /// From the first observed instant to the last, ns; of a part of a run its length.
    pub wall_ns: u64,
    /// Distinct processes among the threads.
    pub processes: usize,
    /// Those that still ran when the command had ended. Written only where there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub still_running: usize,
    /// How much went on at once; `None` when no time passed.
    pub concurrency: Option<Concurrency>,
    /// What the whole machine did meanwhile; `None` when that was not read.
    pub machine: Option<Machine>,
    /// How far the numbers can be trusted.
    #[serde(serialize_with = "run::with_lost_total")]
    pub coverage: Coverage,
    /// What observing cost.
    pub overhead: Overhead,
    /// Every thread of the tree, by start time.
    pub threads: Vec<Thread>,
    /// Threads of one role together, largest lifetime first.
    pub groups: Vec<Group>,
    /// Descriptor tables, in order of appearance; `None` where they were not observed.
    pub fd_tables: Option<Vec<FdTable>>,
    /// Open descriptors in all of them; `None` where they were not observed.
    pub fd_open: Option<FdOpen>,
    /// Listening sockets of the tree, and those that it connects to on this machine,
    /// those that dropped most first; `None` where they are not observed.
    pub listeners: Option<Vec<Listener>>,
    /// What the length of the run was made of; `None` when nothing was observed. Of
    /// several processes attached to, that of the busiest thread.
    pub critical_path: Option<CriticalPath>,
    /// That of each process attached to. Written only where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical_paths: Option<Vec<CriticalPath>>,
    /// The timelines of the threads asked for, by start time; `None` when none was.
    pub explained: Option<Vec<Timeline>>,
    /// Connections that the tree made, by destination, those with the biggest trouble
    /// first; `None` where they are not observed.
    pub connections: Option<Vec<Connection>>,
    /// Wakings of many for one, the most wasteful first; `None` where most wakers are not
    /// known.
    pub herds: Option<Vec<Herd>>,
    /// What processes had in memory; `None` where that was not observed.
    pub memory: Option<Vec<Memory>>,
    /// How long new threads and processes took until they ran; `None` where none was seen.
    pub starts: Option<Starts>,
    /// How processes ended that did not end cleanly, the worst first; `None` where the
    /// tier does not observe it.
    pub fates: Option<Vec<Fate>>,
    /// The frames of user stacks, each once. Written only where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_frames: Vec<UserFrame>,
    /// Verdicts on claims; `None` where none was checked.
    pub claims: Option<Vec<Verdict>>,
    /// Every interval; `None` where that was not asked for, and of a report in JSON, which
    /// does not have it.
    #[serde(skip)]
    pub trace: Option<Arc<trace::Trace>>,
    /// What waits were spent in; `None` where that was not asked for, and of a report in JSON.
    #[serde(skip)]
    pub stacks: Option<stacks::Stacks>,
    /// The run that these threads were selected from, for a page, in which all can be found:
    /// the others are its last group.
    #[serde(skip)]
    pub whole: Option<Box<Document>>,
    /// Claims are about the run up to now, and not about what it will have been: see
    /// [`crate::claim`].
    #[serde(skip)]
    pub asked_so_far: bool,
    /// When the run started; `None` of a report in JSON.
    #[serde(skip)]
    pub started: Option<Started>,
    /// What it was made from; `None` of a run that was not recorded.
    #[serde(skip)]
    pub recording: Option<Recording>,
}

/// A recording, so that it can be found again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// Its file's name, without folders.
    pub name: String,
    /// SHA-256 of all its bytes, in hexadecimal.
    pub sha256: String,
}

/// When a run started, on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// When the probes were attached, ns since 1970.
    pub realtime_ns: u64,
    /// The same instant, monotonic ns.
    pub monotonic_ns: u64,
    /// The instant that all others in the report are counted from, monotonic ns; `None` where
    /// nothing was observed.
    pub origin_ns: Option<u64>,
}

/// For what is written only where there is any.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Document {
    /// Where what is reported begins, ns since the start of the run.
    pub fn begin_ns(&self) -> u64 {
        self.window.map_or(0, |window| window.from_ns)
    }

    /// Where it ends.
    pub fn end_ns(&self) -> u64 {
        self.begin_ns().saturating_add(self.wall_ns)
    }

    /// Gives the threads that paths and timelines lead through their names. To be
    /// called when threads and groups are as they shall be.
    pub fn name_threads(&mut self) {
        let (threads, groups) = (&self.threads, &self.groups);
        let who = |thread: usize| {
            let row = threads.get(thread);
            let group = row.and_then(|row| groups.get(row.group));
            (
                row.and_then(|row| row.pid),
                row.map(|row| row.tid),
                group.map(|group| group.name.clone()),
            )
        };
        let paths = self.critical_path.iter_mut();
        let paths = paths.chain(self.critical_paths.iter_mut().flatten());
        for hop in paths.flat_map(|path| &mut path.hops) {
            (hop.pid, hop.tid, hop.name) = who(hop.thread);
        }
        for timeline in self.explained.iter_mut().flatten() {
            (timeline.pid, timeline.tid, timeline.name) = who(timeline.thread);
        }
    }
}

/// The fields of [`Host`], which a recording has in a shape of its own.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Host")]
struct HostShape {
    #[serde(skip)]
    name: Option<String>,
    #[serde(default)]
    kernel: String,
    #[serde(default)]
    arch: String,
    #[serde(default)]
    cpus: u32,
}

/// One thread of the traced tree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thread {
    /// Process id; `None` when its birth was not seen.
    pub pid: Option<u32>,
    /// Thread id.
    pub tid: u32,
    /// Parent process; `None` when its birth was not seen.
    pub ppid: Option<u32>,
    /// Thread that made it; `None` for roots.
    pub creator_tid: Option<u32>,
    /// Its process, by a number that no other has; `None` in reports of versions that did not
    /// say.
    pub process: Option<usize>,
    /// Thread that made it: index into [`Document::threads`]. `None` for roots, and in
    /// reports of versions that did not say.
    pub creator: Option<usize>,
    /// Last `comm`.
    pub comm: String,
    /// Earlier names, oldest first.
    pub former_comms: Vec<String>,
    /// Arguments of its last exec (or its process's), cut at 256 bytes.
    pub argv: Vec<String>,
    /// There were more arguments, or the last one is longer. Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub argv_cut: bool,
    /// What its process had written over its arguments when it was found, which may change
    /// at any time; `argv` is empty then. Written only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `comm` with a `*` for trailing numbers: `worker-*`.
    pub role: String,
    /// Group it belongs to: index into [`Document::groups`].
    pub group: usize,
    /// First observed instant, ns since the start of the run.
    pub start_ns: u64,
    /// Last observed instant, ns since the start of the run.
    pub end_ns: u64,
    /// `None` while it lives.
    pub exit: Option<Exit>,
    /// From waking to running; `None` in reports of versions that did not ask.
    pub runqueue_latency: Option<RunqueueLatency>,
    /// The account.
    #[serde(flatten)]
    pub sums: Sums,
}

/// Threads of one role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// `python3 gitsync`, `git index-pack`, `python3 gitsync (threads)`, …
    pub name: String,
    /// Threads in it.
    pub threads: usize,
    /// Their processes, ascending.
    pub pids: Vec<u32>,
    /// How they ended, with counts; threads alive at the end are absent.
    #[serde(with = "endings")]
    pub exits: BTreeMap<Exit, u64>,
    /// Processes that they made, alive at once; `None` if they made none.
    pub children: Option<Level>,
    /// What a runtime has them for: `jvm gc`, `go sysmon`, `tokio pool`. Written only
    /// where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// They work for that runtime and not for the program. Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub helper: bool,
    /// They were not asked for (`--group`, `--thread`): in pages alone. Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unlisted: bool,
    /// The account.
    #[serde(flatten)]
    pub sums: Sums,
    /// How long the critical path led through one of its threads, ns: through that which
    /// did what a hop says, or one that waited for it. `None` if that is not known.
    pub critical_path_ns: Option<u64>,
}

/// Ends with their counts, as a list: an end is no key of an object.
mod endings {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Ending {
        exit: Exit,
        count: u64,
    }

    pub(super) fn serialize<S: Serializer>(
        exits: &BTreeMap<Exit, u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(exits.iter().map(|(&exit, &count)| Ending { exit, count }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Exit, u64>, D::Error> {
        let list: Vec<Ending> = Deserialize::deserialize(deserializer)?;
        Ok(list.into_iter().map(|end| (end.exit, end.count)).collect())
    }
}
