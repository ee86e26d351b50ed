//! Processes that the kernel ends for want of memory.

use crate::header::Header;

/// Frames kept, innermost first.
pub const FRAMES: usize = 32;

record! {
    /// The OOM killer has chosen a task (`oom:mark_victim`). Of every task of the machine,
    /// where the kernel gives no more than its id.
    pub struct Victim {
        /// Kind [`crate::families::kind::OOM`].
        pub header: Header,
        /// The task.
        pub tid: u32,
        /// Frames filled.
        pub len: u32,
        /// The kernel stack of whatever had it chosen: return addresses, innermost first.
        pub frames: [u64; FRAMES],
    }
}
