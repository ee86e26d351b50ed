//! What lost switch records would have shown, as sums: the times stay exact, and
//! only who woke, where, and when in particular is missing.
//!
//! Each stay of a task (on a CPU, on a run queue, asleep) lies between two of its
//! switches. It is added up here when the record of either was lost, and only
//! then: user space knows the time between two records that it has.

/// Key of the `LOSS_SUMS` map.
#[repr(C)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromBytes))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// The thread, as in [`crate::sched::Switch`].
    pub tid: u32,
    /// One of [`what`].
    pub what: u16,
    /// Of a sleep: as [`crate::sched::Switch::prev_state`].
    pub state: u16,
    /// Of a sleep: its system call, or -1.
    pub nr: i16,
    /// Of a sleep: bits of [`crate::sched::flag`] (`COMPAT`, `KERNEL`, `IOWAIT`,
    /// `LOCK`, `THROTTLED`).
    pub flags: u16,
    /// Of a sleep: type bits of the mode of the file it is on, 0 if not known.
    pub mode: u32,
}

/// Value of the map.
#[repr(C)]
#[cfg_attr(feature = "zerocopy", derive(zerocopy::FromBytes))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How often.
    pub count: u64,
    /// How long together, ns; of [`what::END`] the instant.
    pub ns: u64,
}

const _: () = assert!(size_of::<Key>() == 16 && size_of::<Sum>() == 16);

/// What was added up.
pub mod what {
    /// Time on a CPU.
    pub const CPU: u16 = 0;
    /// Time on a run queue.
    pub const RUNQUEUE: u16 = 1;
    /// Sleeps, until the waking.
    pub const SLEEP: u16 = 2;
    /// No sum: the last switch-out.
    pub const END: u16 = 3;
}
