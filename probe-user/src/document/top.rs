//! What `waitscope top` knows at one moment: the contract `waitscope.top/1`, one line of
//! JSON a tick. Times in ns, unknown is null. As everywhere in the document, text comes
//! from other processes and is not sanitised.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Blame;
use crate::vocabulary::{CauseKind, Tier, WaitKind, WakeSource};

/// Name and version of the contract.
pub const SCHEMA: &str = "waitscope.top/1";

/// All tasks at one moment, and what they did since the moment before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "schema", rename = "waitscope.top/1", default)]
pub struct Tick {
    /// The moment, on the clock of the records (`CLOCK_MONOTONIC`), ns.
    pub at_ns: u64,
    /// Since the tick before, or since the observation began, ns.
    pub interval_ns: u64,
    /// Counted from 1.
    pub tick: u64,
    /// Of all tasks together.
    pub summary: Summary,
    /// Each task, most urgent first.
    pub tasks: Vec<Task>,
    /// What the blocked time of the window was for, of all tasks together.
    pub window: Option<Window>,
}

/// Sums over all tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// What it is observed with; null in ticks of versions that did not say.
    pub tier: Option<Tier>,
    /// Tasks that are followed.
    pub tasks: usize,
    /// Of them: on a CPU.
    pub running: usize,
    /// On a run queue.
    pub runnable: usize,
    /// In waits that are not known to be idle, by kind.
    pub blocked: BTreeMap<WaitKind, usize>,
    /// In idle waits.
    pub idle: usize,
    /// Of the stays on run queues that ended in the interval, the 99th percentile, ns; null
    /// when none did.
    pub runqueue_p99_ns: Option<u64>,
    /// Waits that ended in the interval, per second.
    pub wakes_per_s: f64,
    /// Connections and requests that full queues of listeners dropped so far; null where
    /// listeners are not observed.
    pub overflows: Option<u64>,
    /// Records lost so far.
    pub lost: u64,
    /// CPU time of waitscope in the interval, as a share of one CPU; null in the first tick,
    /// before which it started, and where that is not known.
    pub tool_cpu: Option<f64>,
    /// Its resident memory, bytes.
    pub tool_rss_bytes: Option<u64>,
}

/// What a task does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// On a CPU.
    Running,
    /// On a run queue.
    Runnable,
    /// In a wait.
    Blocked,
    /// Records of it are missing.
    #[default]
    Unknown,
}

/// One task at the moment of the tick.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// Its process.
    pub pid: u32,
    /// Its id.
    pub tid: u32,
    /// The process that its own was last seen to be a child of.
    pub ppid: Option<u32>,
    /// Its pid in its own namespace, where that is another one.
    pub ns_pid: Option<u32>,
    /// The owner of its process, by name where there is one.
    pub user: Option<Arc<str>>,
    /// Its container, as its control group names it.
    pub container: Option<Arc<str>>,
    /// Its name.
    pub comm: String,
    /// Program and arguments.
    pub command: Arc<str>,
    /// What it does.
    pub state: TaskState,
    /// What it waits for; null where it does not.
    pub kind: Option<WaitKind>,
    /// On what.
    pub object: Option<Arc<str>>,
    /// The kernel function that it sleeps in.
    pub function: Option<Arc<str>>,
    /// Where in the kernel it sleeps, from there outwards; written only where that is known.
    #[serde(skip_serializing_if = "is_empty")]
    pub stack: Arc<[Arc<str>]>,
    /// The system call.
    pub syscall: Option<Arc<str>>,
    /// Since when it does so, ns.
    pub age_ns: u64,
    /// It did so before it was first seen: at least so long.
    pub age_at_least: bool,
    /// It waits for work that may never come; null where that is not known, and of what does
    /// not wait.
    pub idle: Option<bool>,
    /// It waits for itself, by way of others: the lowest tid of those that wait for each other,
    /// or whose deadlock it waits behind.
    pub deadlock: Option<u32>,
    /// What last ended a wait of it, in the window.
    pub last_waker: Option<LastWaker>,
    /// Who will have to wake it, where that follows from facts.
    pub waits_for: Option<WaitsFor>,
    /// The end of that chain; null where it has none that is known.
    pub because: Option<Because>,
    /// The chain, hop by hop, of a long one the first 16.
    pub chain: Vec<WaitsFor>,
    /// What it did since the tick before.
    pub interval: Interval,
    /// Its descriptor table, as far as that was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descriptors: Option<Descriptors>,
    /// What its blocked time of the window was for, largest first.
    pub blame: Vec<Blame>,
}

fn is_empty(stack: &[Arc<str>]) -> bool {
    stack.is_empty()
}

/// The descriptor table that a task uses, at the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Descriptors {
    /// How many are open in it.
    pub open: u32,
    /// How many may be, at most.
    pub limit: Option<u64>,
    /// Followed threads that use it, this one included.
    pub users: usize,
}

/// What ended a wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastWaker {
    /// What kind of waker.
    pub source: WakeSource,
    /// Its name.
    pub comm: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
    /// Its id.
    pub tid: Option<u32>,
    /// Where in the kernel that was done, from there outwards; written only where it is known.
    #[serde(skip_serializing_if = "is_empty")]
    pub stack: Arc<[Arc<str>]>,
}

/// A task that has to act before another one goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaitsFor {
    /// Its process.
    pub pid: u32,
    /// Its id; of a process as a whole that of its first thread.
    pub tid: u32,
    /// Its name.
    pub comm: String,
    /// In which part.
    pub why: Why,
}

/// Why one task waits for another.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It is the child whose end is waited for.
    #[default]
    Child,
    /// It holds the lock.
    LockHolder,
    /// It holds the interpreter's lock.
    GilHolder,
    /// It alone has the other end of the pipe, for writing.
    PipeWriter,
    /// The same, for reading.
    PipeReader,
    /// It has the other end of the connection.
    SocketPeer,
    /// It is the thread of the same process whose end is waited for.
    ThreadExit,
    /// It has locked the file.
    FileLockHolder,
}

/// What a chain of waits ends in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Because {
    /// Its kind.
    pub cause: CauseKind,
    /// Which one.
    pub detail: Option<String>,
    /// Tasks between.
    pub hops: usize,
}

/// What a task did in an interval, ns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interval {
    /// Running.
    pub on_cpu_ns: u64,
    /// Runnable, not running.
    pub runqueue_ns: u64,
    /// In waits, finished or not, by kind.
    pub waits: BTreeMap<WaitKind, u64>,
}

/// The latest part of the observation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// How long it is, ns.
    pub ns: u64,
    /// All waits in it, finished or not, ns.
    pub blocked_ns: u64,
    /// What they were for, largest first: adds up to `blocked_ns`.
    pub blame: Vec<Blame>,
}
