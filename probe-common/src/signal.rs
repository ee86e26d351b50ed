//! Signals: what a sleeper had pending as it was woken, and who sent what may end a process.

use crate::header::Header;

record! {
    /// The signals that a sleeper had pending and did not block at its waking, recorded when
    /// there was any: the kernel adds a signal to them before it wakes who is to take it.
    /// Whether the waking was for one of them is for the waker's stack to say, which is taken
    /// with it.
    #[derive(Default)]
    pub struct Pending {
        /// Kind [`crate::families::kind::SIGNAL`]; `ts_ns` is the waking's time.
        pub header: Header,
        /// The sleeper.
        pub tid: u32,
        /// `signal->group_exit_code`: as wait(2) has it, what its process ends by, where that
        /// is decided.
        pub exit_code: u32,
        /// Sent to the thread. Bit 0 is signal 1. With SIGKILL the kernel ends every thread
        /// of a process that ends, by whatever signal or call.
        pub own: u64,
        /// Sent to its process.
        pub shared: u64,
    }
}

record! {
    /// A signal was sent to a traced task that ends a process unless that handles it
    /// (`signal:signal_generate`).
    #[derive(Default)]
    pub struct Sent {
        /// Kind [`crate::families::kind::SENT`].
        pub header: Header,
        /// The task that it was sent to: any one of its process, if it is for that.
        pub tid: u32,
        /// Its number.
        pub signal: u32,
        /// `si_code`: below 1 where a task sent it, above where the kernel did.
        pub code: i32,
        /// Process of the task that sent it; 0 where no task did.
        pub sender_tgid: u32,
        /// That task's `comm`, NUL-padded.
        pub comm: [u8; 16],
        /// `si_addr` of a fault.
        pub addr: u64,
        /// Of a fault: the stack pointer of the program; 0 where that is not known.
        pub sp: u64,
        /// Its instruction pointer.
        pub ip: u64,
        /// `mm->start_stack`: where the stack of the first thread begins; 0 where that
        /// is not known.
        pub stack_start: u64,
        /// Soft RLIMIT_STACK, bytes; 0 where that is not known.
        pub stack_limit: u64,
    }
}
