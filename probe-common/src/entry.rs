//! What the kernel remembers of each traced task, between its events.

/// Value of the `TASKS` map. The key is the address of the `task_struct`: it
/// is unique from fork to the last switch-out, which a tid is not (a thread's
/// tid may be reused before it has switched out for the last time). In the raw
/// tier, which knows no addresses, it is the tid.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskEntry {
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
    /// `sched_info.run_delay` at the latest switch-out, ns.
    pub run_delay_ns: u64,
    /// The file last described to user space for this task.
    pub file: u64,
    /// Its inode number, so that a reused `struct file` is told apart.
    pub ino: u64,
    /// The kernel lock in whose slow path it is; 0 when in none.
    pub lock: u64,
    /// Switch-outs so far.
    pub seq: u16,
    /// Take a stack at the next waking, however short the sleep.
    pub needs_stack: u16,
    /// CPU migrations.
    pub migrations: u32,
    /// The tid it is told under: its own from birth, and the leader's after an
    /// exec was told. (`de_thread` changes `task->pid` some 100 µs earlier.)
    pub tid: u32,
    /// The descriptor number last described.
    pub fd: i32,
    /// 1 from its switch-in to its switch-out. A switch-out of a task that is
    /// not running means that the kernel hid the switch-in. [`RUNNING_UNKNOWN`]
    /// until the first switch after a seeding by user space.
    pub running: u32,
    /// Remote port last described: a socket that was connected since is told again.
    pub remote_port: u32,
    /// The name last told, folded to one word.
    pub name: u64,
    /// When it entered the function of [`crate::call`] it is in, ns; 0 when in none.
    pub call_ns: u64,
    /// Where calls are noted as they begin (a 5.10 that refuses probe reads): the
    /// one it is in, as [`crate::sched::Switch`] tells it.
    pub nr: i16,
    /// There: flags of that call ([`crate::sched::flag::COMPAT`]).
    pub nr_flags: u16,
    /// Raw tier: its parent process.
    pub ppid: u32,
    /// There: its first argument.
    pub arg0: u64,
    /// There: its second argument.
    pub arg1: u64,
    /// Its latest switch, ns; 0 before the first that was seen.
    pub since_ns: u64,
    /// That switch, if it went to sleep: as [`crate::sched::Switch::prev_state`].
    pub sleep_state: u16,
    /// Then its system call, or -1.
    pub sleep_nr: i16,
    /// Then what else says what kind of sleep it is ([`crate::fold::Key::flags`]).
    pub sleep_flags: u16,
    /// 1 when the record of its latest switch was lost.
    pub untold: u16,
    /// Type bits of the mode of the file that it last blocked on.
    pub mode: u32,
    /// Zero.
    pub pad: u32,
    /// Raw tier: its process.
    pub tgid: u32,
    /// 1 once its exit is told. Raw tier: its next switch-out in a dead state is
    /// the last one.
    pub exiting: u32,
    /// Raw tier: address of the registers with which it enters the kernel; 0
    /// until its first system call.
    pub regs: u64,
}

/// See [`TaskEntry::running`].
pub const RUNNING_UNKNOWN: u32 = 2;
