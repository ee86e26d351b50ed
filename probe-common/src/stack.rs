//! Kernel stacks, taken at a waking (never at a switch: about 1 µs each).

use crate::header::Header;

/// Frames kept, innermost first.
pub const FRAMES: usize = 32;

record! {
    /// A kernel stack of a sleeper or of its waker.
    pub struct Stack {
        /// Kind [`crate::families::kind::STACK`]; `flags` is one of [`role`]; `ts_ns`
        /// is the waking's time, or the snapshot's.
        pub header: Header,
        /// The sleeper, for either role.
        pub tid: u32,
        /// Frames filled.
        pub len: u32,
        /// Return addresses, innermost first.
        pub frames: [u64; FRAMES],
    }
}

/// Whose stack it is.
pub mod role {
    /// Of the task that slept.
    pub const SLEEPER: u16 = 0;
    /// Of whatever ran the wake-up.
    pub const WAKER: u16 = 1;
}
