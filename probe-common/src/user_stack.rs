//! User stacks (`--user-stacks`): which one a task goes to sleep with, and what is in each, once.

use crate::header::Header;

/// Frames kept, innermost first.
pub const FRAMES: usize = 48;

/// Words of a frame: `struct bpf_stack_build_id`.
pub const FRAME_WORDS: usize = 4;

record! {
    /// The user stack that a task goes to sleep with.
    pub struct UserStack {
        /// Kind [`crate::families::kind::USER_STACK`]; `ts_ns` is that of its switch-out.
        pub header: Header,
        /// The task.
        pub tid: u32,
        /// Padding.
        pub pad: u32,
        /// A hash of the stack and of the memory that it lies in.
        pub stack: u64,
    }
}

record! {
    /// What is in such a stack: as the kernel describes it with `BPF_F_USER_BUILD_ID`. More
    /// than once where less was found before.
    pub struct UserFrames {
        /// Kind [`crate::families::kind::USER_FRAMES`].
        pub header: Header,
        /// The task that it was first seen of.
        pub tid: u32,
        /// Frames filled.
        pub len: u32,
        /// As [`UserStack::stack`].
        pub stack: u64,
        /// `status:i32 build_id[20] offset:u64` each ([`status`]).
        pub frames: [[u64; FRAME_WORDS]; FRAMES],
    }
}

/// What a frame is: `enum bpf_stack_build_id_status`, `include/uapi/linux/bpf.h`.
pub mod status {
    /// A build id, and an offset in the file.
    pub const VALID: u32 = 1;
    /// An address: the file has no build id, or the memory's map was being changed.
    pub const IP: u32 = 2;
}
