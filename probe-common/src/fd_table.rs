//! How many descriptors a table has open, as it is looked at now and then.

use crate::header::Header;

record! {
    /// A descriptor table (`task->files`) as a task that uses it found it. Sent when the
    /// task's table or the number has changed, and at the looks of [`why`] that say so.
    #[derive(Default)]
    pub struct Look {
        /// Kind [`crate::families::kind::FD_TABLE`], flags from [`why`].
        pub header: Header,
        /// The task.
        pub tid: u32,
        /// Bits set in its map of open descriptors: also those that a call under way (an
        /// accept, an open of a FIFO) has reserved and not yet filled.
        pub open: u32,
        /// Address of the `files_struct`, which another one may have later.
        pub files: u64,
        /// The task's soft limit (`RLIMIT_NOFILE`).
        pub limit: u64,
    }
}

record! {
    /// What the descriptors of a table are. Follows a [`Look`] at an exec, at the exit of
    /// the table's last task or a process's last one, and at the end of the trace.
    #[derive(Default)]
    pub struct Kinds {
        /// Kind [`crate::families::kind::FD_KINDS`], flags from [`why`].
        pub header: Header,
        /// Address of the `files_struct`.
        pub files: u64,
        /// The task.
        pub tid: u32,
        /// As in a [`Look`]; 0 in recordings from before it was here.
        pub open: u32,
        /// How many of each of [`of_kind`].
        pub counts: [u32; of_kind::COUNT],
    }
}

/// Flags of a [`Look`]: the occasion, a number in the lower half.
pub mod why {
    /// A switch-out, a millisecond or more after the last such look at the table.
    pub const SWITCH: u16 = 0;
    /// The task's birth; always sent.
    pub const BIRTH: u16 = 1;
    /// An exec of its process, behind the closing of what that closes; always sent.
    pub const EXEC: u16 = 2;
    /// The task's exit; always sent.
    pub const EXIT: u16 = 3;
    /// It was there before the trace; always sent.
    pub const SEED: u16 = 4;
    /// The end of the trace; always sent.
    pub const FINAL: u16 = 5;
    /// The end of a system call (`--fds`).
    pub const CALL: u16 = 6;
    /// Of the bits.
    pub const MASK: u16 = 0xff;
    /// There may be more: the table is larger than what is looked at.
    pub const CUT: u16 = 1 << 8;
    /// Of [`Kinds`]: with an [`Object`](crate::fd::Object) of each descriptor that was looked
    /// at, of the same task and instant.
    pub const DESCRIBED: u16 = 1 << 9;
}

/// Indexes of [`Kinds::counts`].
pub mod of_kind {
    /// Sockets.
    pub const SOCKET: usize = 0;
    /// Pipes and FIFOs.
    pub const PIPE: usize = 1;
    /// Regular files, directories, block devices.
    pub const FILE: usize = 2;
    /// Terminals.
    pub const TTY: usize = 3;
    /// eventfd, signalfd, inotify, fanotify, pidfd, userfaultfd, perf event.
    pub const EVENT: usize = 4;
    /// timerfd.
    pub const TIMER: usize = 5;
    /// epoll.
    pub const EPOLL: usize = 6;
    /// Other devices and anonymous files.
    pub const OTHER: usize = 7;
    /// How many.
    pub const COUNT: usize = 8;
}

/// Words of a table's map of open descriptors that a look counts: 16,384 descriptors. The
/// verifier walks through each step, every time that a program is loaded.
pub const WORDS: u32 = 256;
/// Descriptors of which the kinds are looked at.
pub const KINDS_OF: u32 = 256;
