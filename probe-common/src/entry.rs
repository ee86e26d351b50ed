//! What the kernel remembers of each traced task, between its events.

/// What the probes know of a traced task. Entries lie in the array `ENTRIES`; the
/// map `TASKS` leads from a task to its place there, and mostly need not be
/// asked: see [`slot`].
///
/// The first 64 bytes are what every switch and every waking touches.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TaskEntry {
    /// Whose it is: the address of a `task_struct`, which is unique from fork to
    /// the last switch-out, unlike a tid (a thread's may be reused before it has
    /// switched out for the last time). In the raw tier, which knows no
    /// addresses, the tid. [`key::NEVER`] and [`key::OTHER`] are nobody's.
    pub key: u64,
    /// When it switched out to sleep, ns; 0 while it runs or is preempted.
    pub off_ns: u64,
    /// First waking since then, ns; 0 when none.
    pub wake_ns: u64,
    /// See [`crate::sched::Switch::waker_tid`].
    pub waker_tid: u32,
    /// See [`crate::sched::Switch::waker_nr`].
    pub waker_nr: i16,
    /// See [`crate::sched::Switch::waker_flags`].
    pub waker_flags: u16,
    /// Its latest switch, ns; 0 before the first that was seen.
    pub since_ns: u64,
    /// Address of the registers with which it enters the kernel, which stays the
    /// same; 0 where they are looked for each time. Raw tier: 0 until its first
    /// system call.
    pub regs: u64,
    /// The tid it is reported under: its own from birth, and the leader's after an
    /// exec was emitted. (`de_thread` changes `task->pid` some 100 µs earlier.)
    pub tid: u32,
    /// Switch-outs so far.
    pub seq: u16,
    /// If its latest switch was to sleep: the system call, or -1.
    pub sleep_nr: i16,
    /// Then [`crate::sched::Switch::prev_state`].
    pub sleep_state: u16,
    /// Then what else says what kind of sleep it is ([`crate::loss_sums::Key::flags`]).
    pub sleep_flags: u16,
    /// 1 from its switch-in to its switch-out. A switch-out of a task that is
    /// not running means that the kernel hid the switch-in. [`RUNNING_UNKNOWN`]
    /// until the first switch after a seeding by user space.
    pub running: u8,
    /// 1 when the record of its latest switch was lost.
    pub record_lost: u8,
    /// 1: take a stack at the next waking, however short the sleep.
    pub needs_stack: u8,
    /// 1 in the slow path of [`TaskEntry::lock`].
    pub on_lock: u8,

    /// The kernel lock in whose slow path it is; 0 when in none.
    pub lock: u64,
    /// The file last described to user space for this task.
    pub file: u64,
    /// Its inode number, so that a reused `struct file` is seen to be another.
    pub ino: u64,
    /// The descriptor number last described.
    pub fd: i32,
    /// Type bits of the mode of the file that it last blocked on.
    pub mode: u16,
    /// When its descriptor table was last looked at, in units of 2^20 ns.
    pub fd_look: u16,
    /// CPU migrations.
    pub migrations: u32,
    /// `se.nr_migrations`, as far as user space can know each: see
    /// [`crate::sched::flag::MOVES_KNOWN`].
    pub moves: u32,
    /// `sched_info.run_delay` at the latest switch-out to sleep, ns. While it is throttled:
    /// `throttled_clock_self` of its run queue without `throttled_clock_self_time`; 0 where
    /// that is not known.
    pub run_delay_ns: u64,
    /// Where calls are noted as they begin (a 5.10 that refuses probe reads): the
    /// first argument of the one it is in. Elsewhere, while it is throttled: the address
    /// of its `cfs_rq`.
    pub arg0: u64,

    /// There: the second argument.
    pub arg1: u64,
    /// There: the call, as [`crate::sched::Switch`] has it.
    pub nr: i16,
    /// There: flags of that call ([`crate::sched::flag::COMPAT`]).
    pub nr_flags: u16,
    /// What the latest [`crate::config::lookup`] has found: flags of
    /// [`crate::sched::flag`].
    pub found: u16,
    /// 1 once its exit is emitted. Raw tier: its next switch-out in a dead state is
    /// the last one.
    pub exiting: u8,
    /// Zero.
    pub pad: u8,
    /// The name last emitted, hashed to one word.
    pub name: u64,
    /// When it entered the function of [`crate::kernel_return`] it is in, ns; 0 when in none.
    pub call_ns: u64,
    /// Raw tier: its parent process.
    pub ppid: u32,
    /// Of the address of the descriptor table that it was last reported to use.
    pub files: u32,
    /// The operations of the file last described, which distinguish an eventfd from a timerfd:
    /// all such files are one inode.
    pub file_op: u64,
    /// The remote address and port last described, hashed to one word: a socket that
    /// was connected since is described again.
    pub remote: u64,
    /// The other file of a call that moves data from one to the other, if it was last
    /// described, hashed to one word.
    pub second: u64,
    /// And the descriptor, or -1.
    pub found_fd: i32,
    /// Raw tier: its process.
    pub tgid: u32,
}

const _: () = assert!(size_of::<TaskEntry>() == 192);

impl TaskEntry {
    /// Of a task of which nothing is known. A look for another task at its
    /// place shall ask `TASKS`, so its key is not [`key::NEVER`].
    pub const FRESH: TaskEntry = TaskEntry {
        key: key::OTHER,
        off_ns: 0,
        wake_ns: 0,
        waker_tid: 0,
        waker_nr: 0,
        waker_flags: 0,
        since_ns: 0,
        regs: 0,
        tid: 0,
        seq: 0,
        sleep_nr: 0,
        sleep_state: 0,
        sleep_flags: 0,
        running: 0,
        record_lost: 0,
        needs_stack: 0,
        on_lock: 0,
        lock: 0,
        file: 0,
        ino: 0,
        fd: 0,
        mode: 0,
        fd_look: 0,
        migrations: 0,
        moves: 0,
        run_delay_ns: 0,
        arg0: 0,
        arg1: 0,
        // In none; 0 is one.
        nr: -1,
        nr_flags: 0,
        found: 0,
        exiting: 0,
        pad: 0,
        name: 0,
        call_ns: 0,
        ppid: 0,
        files: 0,
        file_op: 0,
        remote: 0,
        second: 0,
        found_fd: 0,
        tgid: 0,
    };
}

/// See [`TaskEntry::running`].
pub const RUNNING_UNKNOWN: u8 = 2;

/// Keys that are no task's ([`TaskEntry::key`]).
pub mod key {
    /// Nobody whose tid leads to this place has ever been traced.
    pub const NEVER: u64 = 0;
    /// A traced task whose tid leads to this place may have its entry elsewhere:
    /// `TASKS` knows.
    pub const OTHER: u64 = u64::MAX;
}

/// Places to try for a new entry.
pub const TRIES: u32 = 16;

/// Where the entry of the task with this tid lies, at the `attempt`-th try; the
/// first one is where it is looked for without asking `TASKS`. `mask`: one less
/// than the number of places, a power of two.
///
/// Tids are handed out in turn, so that the first place is almost always free;
/// the others lie far apart, since neighbours are taken by threads born together.
#[inline(always)]
pub fn slot(tid: u32, attempt: u32, mask: u32) -> u32 {
    /// 2³² / φ
    const STEP: u32 = 0x9e37_79b9;
    tid.wrapping_add(attempt.wrapping_mul(STEP)) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_apart() {
        for tid in [0, 1, 4711, u32::MAX] {
            let mut slots = [0; TRIES as usize];
            for (attempt, place) in (0..).zip(&mut slots) {
                *place = slot(tid, attempt, 0xffff);
            }
            assert_eq!(slots[0], tid & 0xffff);
            slots.sort_unstable();
            assert!(slots.windows(2).all(|pair| pair[1] - pair[0] > 1000));
        }
    }
}
