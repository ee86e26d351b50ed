//! How a process ended that did not end cleanly.

use serde::{Deserialize, Serialize};

use super::{Exit, FateCause, Shortage};

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fate {
    /// Process id; `None` when its birth was not seen.
    pub pid: Option<u32>,
    /// The thread whose fault it was, or else the one that stands for the process.
    pub tid: u32,
    /// That thread's last `comm`.
    pub comm: String,
    /// Its group: index into [`super::Document::groups`].
    pub group: usize,
    /// How it ended.
    pub exit: Exit,
    /// What by.
    pub cause: FateCause,
    /// Whose memory was short, where the OOM killer ended it; `None` otherwise, or if that
    /// is not known.
    pub shortage: Option<Shortage>,
    /// It left a core.
    pub core: bool,
    /// Who sent the signal; `None` if no task did, or that was not seen.
    pub sender: Option<Sender>,
    /// The kernel sent it of its own accord: for a fault, a key, for want of memory.
    #[serde(default)]
    pub by_kernel: bool,
    /// Where its fault was; `None` if it had none, or that was not seen.
    pub address: Option<u64>,
    /// The other threads of its process that ended with it.
    pub siblings: u64,
    /// When, ns since the start of the run.
    pub at_ns: u64,
}

/// Who sent a signal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sender {
    /// Its process.
    pub pid: u32,
    /// Its name.
    pub comm: String,
    /// It is waitscope, which has passed on what it was sent.
    pub passed_on: bool,
}
