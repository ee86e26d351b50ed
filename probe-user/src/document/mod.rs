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
mod read;
mod run;
mod timeline;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};

pub use self::{
    account::{Blame, Calls, GilHeld, OpenWait, Sums, Switches, Wait, Wake},
    read::Unreadable,
    run::{Concurrency, Coverage, Latency, Level, Listener, Overhead, ProbeCost, Wakes},
    timeline::{CriticalPath, Did, Hop, PathSum, Step, Timeline, WaitSite},
};
pub use crate::{
    vocabulary::{Exit, Function, Tier},
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
    /// Processes attached to with `--pid`; empty for a command.
    pub attached: Vec<u32>,
    /// How the command ended; `None` when it was still running or not ours.
    pub exit: Option<Exit>,
    /// It was made while the run went on: more was to come. Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interim: bool,
    /// Where it ran.
    #[serde(with = "HostShape")]
    pub host: Host,
    /// What the probes could see.
    pub tier: Tier,
    /// From the first observed instant to the last, ns.
    pub wall_ns: u64,
    /// Distinct processes among the threads.
    pub processes: usize,
    /// Those that still ran when the command had ended. Written only where there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub still_running: usize,
    /// How much went on at once; `None` when no time passed.
    pub concurrency: Option<Concurrency>,
    /// How far the numbers can be trusted.
    #[serde(serialize_with = "run::with_lost_total")]
    pub coverage: Coverage,
    /// What observing cost.
    pub overhead: Overhead,
    /// Every thread of the tree, by start time.
    pub threads: Vec<Thread>,
    /// Threads of one role together, largest lifetime first.
    pub groups: Vec<Group>,
    /// Descriptor tables: not observed yet.
    pub fd_tables: Unobserved,
    /// Listening sockets that were asked for connections, the busiest first;
    /// `None` where the tier does not observe them.
    pub listeners: Option<Vec<Listener>>,
    /// What the length of the run was made of; `None` when nothing was observed.
    pub critical_path: Option<CriticalPath>,
    /// The timelines of the threads asked for, by start time; `None` when none was.
    pub explained: Option<Vec<Timeline>>,
    /// Connections made: not observed yet.
    pub connections: Unobserved,
    /// Wakings of many for one: not observed yet.
    pub herds: Unobserved,
    /// Verdicts on claims: not made yet.
    pub claims: Unobserved,
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
        for hop in self
            .critical_path
            .iter_mut()
            .flat_map(|path| &mut path.hops)
        {
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
    #[serde(default)]
    kernel: String,
    #[serde(default)]
    arch: String,
    #[serde(default)]
    cpus: u32,
}

/// A part of the contract that this version does not observe: null. What another
/// version wrote there is kept out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unobserved;

impl Serialize for Unobserved {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_none()
    }
}

impl<'de> Deserialize<'de> for Unobserved {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Unobserved, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|IgnoredAny| Unobserved)
    }
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
    /// Last `comm`.
    pub comm: String,
    /// Earlier names, oldest first.
    pub former_comms: Vec<String>,
    /// Arguments of its last exec (or its process's), cut at 256 bytes.
    pub argv: Vec<String>,
    /// There were more arguments, or the last one is longer. Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub argv_cut: bool,
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
    /// The account.
    #[serde(flatten)]
    pub sums: Sums,
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
