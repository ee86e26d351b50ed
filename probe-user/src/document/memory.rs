//! What a process costs: memory, and the time until it runs.

use serde::{Deserialize, Serialize};

/// Memory of a process, bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub comm: String,
    /// Most that was resident: `ru_maxrss` of getrusage(2) where it has ended, or else `VmHWM`
    /// at the end of the observation. `None` where that is not its program's own, for the
    /// process had no less before its exec, or used the memory of who made it.
    pub rss_peak: Option<u64>,
    /// What of it nobody else had at the end of the observation; `None` where it had ended.
    pub private_peak: Option<u64>,
    /// Threads that it had.
    pub threads: usize,
    /// Of a thread's stack what it has touched: not observed.
    pub stack_touched: Option<u64>,
    /// A thread's stack in the kernel; `None` before a process has run exec or ended.
    pub kernel_stack: Option<u64>,
}

/// How long new tasks took until they ran: from when clone(2) had made them runnable. What
/// clone did before is its caller's time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Starts {
    /// Threads, to their first instruction; `None` of none.
    pub thread: Option<Start>,
    /// Processes, to their first instruction.
    pub process: Option<Start>,
    /// Processes, to their first exec.
    pub program: Option<Start>,
}

/// Times until the first instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Start {
    /// Of so many.
    pub count: u64,
    /// Not exceeded by half of them, ns; too great by 1/64 at most.
    pub p50_ns: u64,
    /// Not exceeded by 99 % of them, ns; too great by 1/64 at most.
    pub p99_ns: u64,
    /// The longest, ns.
    pub max_ns: u64,
}
