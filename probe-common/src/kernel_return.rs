//! Finished calls of the kernel functions that the full tier watches. They add
//! counts and results to what the switches show; they replace none of it.

use crate::header::Header;

record! {
    /// A traced task's call that returned.
    #[derive(Default)]
    pub struct KernelReturn {
        /// Kind [`crate::families::kind::KERNEL_RETURN`]; `flags` is one of [`function`];
        /// `ts_ns` is the return's time.
        pub header: Header,
        /// The caller.
        pub tid: u32,
        /// What it returned: a negative error number, or as [`function`] says.
        pub result: i32,
        /// When it was entered, ns; 0 when that was before the observation.
        pub entered_ns: u64,
    }
}

/// The functions. Append-only.
pub mod function {
    /// `do_wait`: the child's id; 0 when there is none yet (`WNOHANG`);
    /// `-ECHILD`, `-ERESTARTSYS`, … otherwise.
    pub const DO_WAIT: u16 = 1;
    /// `do_epoll_wait` (or `ep_poll`): events delivered.
    pub const EPOLL: u16 = 2;
}
