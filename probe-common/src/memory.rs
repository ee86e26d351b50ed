//! How much memory a process had.

use crate::header::Header;

/// Flag of a [`Peak`]: what the process had before the program that it runs.
pub const BEFORE: u16 = 1;

record! {
    /// A process as its last thread exits; with [`BEFORE`] as it has run exec, or is found.
    #[derive(Default)]
    pub struct Peak {
        /// Kind [`crate::families::kind::PEAK`].
        pub header: Header,
        /// That thread, or the one that ran exec, or the first.
        pub tid: u32,
        /// Bytes of its stack in the kernel (`stack_vm_area`), 0 where that is not read.
        pub kernel_stack: u32,
        /// Most resident memory, bytes (`signal->maxrss`: getrusage's `ru_maxrss`, which an
        /// exec does not begin anew).
        pub rss_bytes: u64,
    }
}
