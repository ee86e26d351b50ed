//! Birth, naming and death of tasks, and the snapshots taken at both ends of a run.

use crate::header::Header;

/// Bytes of argv kept at an exec.
pub const ARGV_BYTES: usize = 256;

record! {
    /// A traced task made another one (`sched:sched_wakeup_new`).
    #[derive(Default)]
    pub struct Fork {
        /// Kind [`crate::families::kind::FORK`].
        pub header: Header,
        /// Thread that called clone.
        pub creator_tid: u32,
        /// The new thread.
        pub tid: u32,
        /// Its process.
        pub tgid: u32,
        /// Its parent process (the creator's parent under `CLONE_PARENT`).
        pub ppid: u32,
        /// `clone(2)` flags.
        pub clone_flags: u64,
        /// `task->start_time`, ns.
        pub start_ns: u64,
        /// NUL-padded.
        pub comm: [u8; 16],
    }
}

record! {
    /// A traced task runs another program (`sched:sched_process_exec`).
    pub struct Exec {
        /// Kind [`crate::families::kind::EXEC`].
        pub header: Header,
        /// Thread id after the exec (always the process id).
        pub tid: u32,
        /// Thread id it was reported under until now: differs when another thread than
        /// the leader called.
        pub old_tid: u32,
        /// The new `comm`, NUL-padded.
        pub comm: [u8; 16],
        /// Bytes of the argument area, of which `argv` has the first; 0 when it could not
        /// be read.
        pub argv_len: u32,
        /// Zero.
        pub pad: u32,
        /// The first bytes of the argument area: arguments separated by NUL.
        pub argv: [u8; ARGV_BYTES],
    }
}

record! {
    /// A traced task begins to exit (`sched:sched_process_exit`). It still runs for
    /// a moment; its last switch-out has state [`crate::sched::state::DEAD`].
    #[derive(Default)]
    pub struct Exit {
        /// Kind [`crate::families::kind::EXIT`], flags from [`exit`].
        pub header: Header,
        /// The thread.
        pub tid: u32,
        /// `task->exit_code`: a wait(2) status.
        pub exit_code: i32,
        /// CPU migrations over its life (`sched:sched_migrate_task`).
        pub migrations: u32,
        /// Zero.
        pub pad: u32,
    }
}

record! {
    /// A traced task's `comm` changes (`task:task_rename`).
    #[derive(Default)]
    pub struct Rename {
        /// Kind [`crate::families::kind::RENAME`].
        pub header: Header,
        /// The thread.
        pub tid: u32,
        /// Zero.
        pub pad: u32,
        /// The new `comm`, NUL-padded.
        pub comm: [u8; 16],
    }
}

record! {
    /// A task as the task iterator found it: at the start of the trace (a seed) or
    /// at its end, when wake-ups that no switch has carried yet are collected.
    #[derive(Default)]
    pub struct Snapshot {
        /// Kind [`crate::families::kind::SNAPSHOT`], flags from [`snapshot`] and
        /// [`crate::sched::flag`] (`COMPAT`, `OBJECT`, `KERNEL`, `IOWAIT`, `LOCK`,
        /// `THROTTLED`).
        pub header: Header,
        /// The thread.
        pub tid: u32,
        /// Its process.
        pub tgid: u32,
        /// Its parent process.
        pub ppid: u32,
        /// CPU migrations seen so far.
        pub migrations: u32,
        /// `task->__state`.
        pub state: u16,
        /// System call it is in, or -1.
        pub nr: i16,
        /// Switch-outs so far, wrapping.
        pub seq: u16,
        /// As [`crate::sched::Switch::waker_flags`].
        pub waker_flags: u16,
        /// First argument of its system call.
        pub arg0: u64,
        /// Second argument of its system call.
        pub arg1: u64,
        /// `task->start_time`, ns.
        pub start_ns: u64,
        /// As [`crate::sched::Switch::wake_ns`]: a waking not yet followed by a switch-in.
        pub wake_ns: u64,
        /// As [`crate::sched::Switch::waker_tid`].
        pub waker_tid: u32,
        /// As [`crate::sched::Switch::waker_nr`].
        pub waker_nr: i16,
        /// Zero.
        pub pad: u16,
        /// NUL-padded.
        pub comm: [u8; 16],
    }
}

/// Flags of [`Exit`].
pub mod exit {
    /// `exit_code` says nothing: the kernel did not let it be read.
    pub const STATUS_UNKNOWN: u16 = 1 << 0;
}

/// Flags of [`Snapshot`].
pub mod snapshot {
    /// Taken at the end of the trace; otherwise it is a seed.
    pub const FINAL: u16 = 1 << 8;
    /// On a CPU at that moment.
    pub const ON_CPU: u16 = 1 << 9;
    /// The root of a `run`, held until every probe is attached: its life
    /// begins when it is released.
    pub const HELD: u16 = 1 << 10;
}
