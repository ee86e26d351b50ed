//! The hot family: one [`Switch`] per context switch that concerns a traced
//! task, and a [`Waker`] when the waking task is outside the traced tree and needs a name.

use crate::header::Header;

record! {
    /// A context switch. The two halves are independent: `prev` is filled only
    /// when [`flag::HAS_PREV`] is set, `next` only with [`flag::HAS_NEXT`]. Where only
    /// `next` is traced, three fields of the other half say what this CPU did before,
    /// unless `prev_arg0` is 0: `prev_tid` is the thread that stops (0: the idle task; all
    /// bits: one whose switch the kernel hid), `prev_arg0` when the CPU last went from its
    /// idle task to an untraced one (ns, its lowest bit always set), `prev_seq` its lost
    /// switch records so far, wrapping.
    ///
    /// The waking of `next` travels here instead of in a record of its own, so a
    /// complete sleep costs one record at each end and none in between.
    #[derive(Default)]
    pub struct Switch {
        /// Kind [`crate::families::kind::SWITCH`], flags from [`flag`].
        pub header: Header,
        /// Thread that stops running.
        pub prev_tid: u32,
        /// Thread that starts running.
        pub next_tid: u32,
        /// `task->__state` of `prev` at the switch, see [`state`].
        pub prev_state: u16,
        /// System call `prev` is in, or -1 (page fault, preemption in user mode).
        pub prev_nr: i16,
        /// Switch-outs of `prev` so far, wrapping: a gap means lost records.
        pub prev_seq: u16,
        /// Switch-outs of `next` so far, wrapping.
        pub next_seq: u16,
        /// First argument of `prev`'s system call; see [`flag::LOOKED_UP`].
        pub prev_arg0: u64,
        /// Second argument of `prev`'s system call; see [`flag::LOOKED_UP`].
        pub prev_arg1: u64,
        /// When `next` was made runnable, ns; 0 when no waking was seen.
        pub wake_ns: u64,
        /// `current` at that waking: the waker only if the context was a task.
        pub waker_tid: u32,
        /// System call of `current` at the waking, or -1.
        pub waker_nr: i16,
        /// Context of the waking, bits from [`waker`].
        pub waker_flags: u16,
    }
}

record! {
    /// A waker that has no record of its own: a task outside the traced tree.
    #[derive(Default)]
    pub struct Waker {
        /// Kind [`crate::families::kind::WAKER`]; `ts_ns` is the waking's time.
        pub header: Header,
        /// The sleeper.
        pub tid: u32,
        /// The waker's thread id.
        pub waker_tid: u32,
        /// The waker's process id.
        pub waker_tgid: u32,
        /// Zero.
        pub pad: u32,
        /// The waker's `comm`, NUL-padded.
        pub comm: [u8; 16],
    }
}

record! {
    /// A traced task that waits on a run queue, or has yet to leave it, is moved to
    /// another CPU's. Where a waker puts a task as it wakes it is no such move.
    #[derive(Default)]
    pub struct Migration {
        /// Kind [`crate::families::kind::MIGRATION`].
        pub header: Header,
        /// Which task.
        pub tid: u32,
        /// The CPU that it leaves.
        pub from_cpu: u16,
        /// The CPU that it comes to.
        pub to_cpu: u16,
        /// When the former last went from its idle task to an untraced one, ns, the lowest
        /// bit set; all bits: it runs its idle task.
        pub idle_until_ns: u64,
    }
}

/// Flags of [`Switch`].
pub mod flag {
    /// `prev` is traced and its half is filled.
    pub const HAS_PREV: u16 = 1 << 0;
    /// `next` is traced and its half is filled.
    pub const HAS_NEXT: u16 = 1 << 1;
    /// `prev` was preempted: it is still runnable whatever its state says.
    pub const PREEMPT: u16 = 1 << 2;
    /// `prev` is in a 32-bit system call (`TS_COMPAT`): the number and
    /// arguments belong to another table.
    pub const COMPAT: u16 = 1 << 3;
    /// `prev`'s system call works on the descriptor that its latest
    /// [`crate::fd::Object`] record described.
    pub const OBJECT: u16 = 1 << 4;
    /// `prev` is a kernel thread or an io_uring worker: no system call.
    pub const KERNEL: u16 = 1 << 5;
    /// `prev` sleeps for I/O (`task->in_iowait`).
    pub const IOWAIT: u16 = 1 << 6;
    /// The kernel showed no switch-in of `next`; this one was synthesised at
    /// its switch-out, at the time that the run queue's clock gave it.
    pub const RECOVERED: u16 = 1 << 7;
    /// Since its latest switch-in `next` has been moved from run queue to run queue only
    /// where a [`super::Migration`] says so, and by what woke it.
    pub const MOVES_KNOWN: u16 = 1 << 8;
    /// `prev` is still runnable, in a cgroup that has used up its CPU quota: it waits for
    /// that. The first argument is that cgroup's ([`crate::cgroup::Cgroup::id`]), not
    /// the call's; the waking is that with [`waker::UNTHROTTLED`].
    pub const THROTTLED: u16 = 1 << 14;
    /// `prev` sleeps in the slow path of a kernel lock (mutex, rwsem, …).
    pub const LOCK: u16 = 1 << 11;
    /// The other descriptor of `prev`'s system call is the one that its latest
    /// [`crate::fd::Object`] record with [`crate::fd::SECOND`] described.
    pub const SECOND_OBJECT: u16 = 1 << 12;
    /// The arguments of `prev` are not the call's first two, but what says on what
    /// it sleeps ([`crate::config::lookup`]): the third in the place of the second, or
    /// the addresses of the first two futexes. Bit 0 of the second address: there are
    /// more of them.
    pub const LOOKED_UP: u16 = 1 << 13;
}

/// Task states as the scheduler's tracepoint reports them
/// (`include/linux/sched.h`; the numbers are the same from 5.10 to 7.2).
pub mod state {
    /// Runnable.
    pub const RUNNING: u16 = 0;
    /// `TASK_INTERRUPTIBLE`
    pub const INTERRUPTIBLE: u16 = 0x1;
    /// `TASK_UNINTERRUPTIBLE`
    pub const UNINTERRUPTIBLE: u16 = 0x2;
    /// `__TASK_STOPPED`
    pub const STOPPED: u16 = 0x4;
    /// `__TASK_TRACED`
    pub const TRACED: u16 = 0x8;
    /// `TASK_DEAD`: the last switch-out of this task.
    pub const DEAD: u16 = 0x80;
    /// `TASK_WAKING`: a waker is choosing a CPU for it.
    pub const WAKING: u16 = 0x200;
    /// `TASK_NEW`: not yet on a run queue for the first time.
    pub const NEW: u16 = 0x800;
    /// `TASK_FROZEN` (6.1 and later)
    pub const FROZEN: u16 = 0x8000;
}

/// Bits of `waker_flags`.
pub mod waker {
    /// The interrupt bits below could be read; without this bit they say nothing.
    pub const CONTEXT_KNOWN: u16 = 1 << 0;
    /// Inside a hardware interrupt or NMI.
    pub const HARDIRQ: u16 = 1 << 1;
    /// Serving a softirq.
    pub const SOFTIRQ: u16 = 1 << 2;
    /// `current` is a kernel thread.
    pub const KTHREAD: u16 = 1 << 3;
    /// `current` is on its way out (`PF_EXITING`).
    pub const EXITING: u16 = 1 << 4;
    /// `current` is the idle task, which itself wakes nobody.
    pub const IDLE: u16 = 1 << 5;
    /// `current` belongs to the traced tree.
    pub const TRACED: u16 = 1 << 6;
    /// First wake-up of a new task (`sched_wakeup_new`).
    pub const NEW: u16 = 1 << 7;
    /// `current` is in a 32-bit system call.
    pub const COMPAT: u16 = 1 << 8;
    /// The kernel showed no waking; the time is that at which the sleeper came
    /// to the run queue, the waker is not known.
    pub const RECOVERED: u16 = 1 << 9;
    /// Where a packet's delivery did it: `current` has sent that packet, or the one
    /// that it answers.
    pub const SENDER: u16 = 1 << 10;
    /// In the softirq that delivers packets, and nothing else did it. No stack need
    /// show so, and for a short sleep none was taken.
    pub const NET_RX: u16 = 1 << 11;
    /// No waking: the cgroup that the task is in has got quota again. Where the kernel does
    /// not show when, the time is that of the switch-in.
    pub const UNTHROTTLED: u16 = 1 << 12;
}
