//! Disks: which one finished the request that a sleeper was woken behind.

use crate::header::Header;

record! {
    /// The block device whose request was finished last on the CPU of a waking and
    /// in its context, recorded when that was a moment before. Whether the waking
    /// belongs to that request is for the waker's stack to say.
    #[derive(Default)]
    pub struct Disk {
        /// Kind [`crate::families::kind::DISK`]; `ts_ns` is the waking's time.
        pub header: Header,
        /// The sleeper.
        pub tid: u32,
        /// The whole disk (kernel encoding: major << 20 | minor).
        pub dev: u32,
    }
}
