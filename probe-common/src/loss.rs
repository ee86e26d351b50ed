//! Per-CPU counters the probes keep: lost records by class, runs by program.

/// The classes with their names: neither can be without the other.
macro_rules! classes {
    ($($(#[$doc:meta])* $class:ident = $number:literal $name:literal,)*) => {
        /// Classes of loss: the record's family, or the table that was full.
        /// Append-only: the numbers are stored in recordings.
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Loss {
            $($(#[$doc])* $class = $number,)*
        }

        /// Every class with the name used in reports and JSON, by number.
        pub const LOSS_NAMES: [(Loss, &str); [$($number),*].len()] =
            [$((Loss::$class, $name)),*];

        const _: () = assert!([$($number),*].len() <= RUNS_BASE as usize);
    };
}

classes! {
    /// A [`crate::sched::Switch`] found no room in the ring.
    Switch = 0 "switch",
    /// A [`crate::sched::Waker`] or [`crate::signal::Pending`] found no room.
    Waker = 1 "waker",
    /// A [`crate::stack::Stack`] found no room.
    Stack = 2 "stack",
    /// A [`crate::fd::Object`] found no room.
    Object = 3 "object",
    /// A record of the task family found no room.
    Task = 4 "task",
    /// A task could not be followed: the table of traced tasks was full.
    TaskTable = 5 "task-table",
    /// A [`crate::kernel_return::KernelReturn`] found no room.
    KernelReturn = 6 "call",
    /// A [`crate::listen::Request`] found no room.
    Request = 7 "request",
    /// A [`crate::disk::Disk`] found no room.
    Disk = 8 "disk",
    /// A sum of [`crate::loss_sums`] found no place in its table.
    Sum = 9 "fold",
    /// A [`crate::sched::Migration`] found no room.
    Migration = 10 "migration",
    /// A record of the family [`crate::connection`] found no room, or a socket none in
    /// the table of those that are followed.
    Connection = 11 "connection",
    /// A record of the descriptor tables found no room.
    FdTable = 12 "fd-table",
    /// A record of the family [`crate::user_stack`] found no room.
    UserStack = 13 "user-stack",
}

/// First counter index of program runs, after room for more loss classes.
pub const RUNS_BASE: u32 = 16;

/// Programs whose runs are counted. Append-only.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `sched_switch`
    SchedSwitch = 0,
    /// `sched_waking`
    SchedWaking = 1,
    /// `sched_wakeup_new`
    SchedWakeupNew = 2,
    /// `task_newtask`, which is used no more
    TaskNewtask = 3,
    /// `sched_process_exec`
    SchedProcessExec = 4,
    /// `sched_process_exit`
    SchedProcessExit = 5,
    /// `sched_process_free`
    SchedProcessFree = 6,
    /// `sched_migrate_task`
    SchedMigrateTask = 7,
    /// `task_rename`
    TaskRename = 8,
    /// The task iterator, counted once per task visited.
    TaskIter = 9,
    /// `contention_begin`
    ContentionBegin = 10,
    /// `contention_end`
    ContentionEnd = 11,
    /// `do_wait`, entry and return
    DoWait = 12,
    /// `do_epoll_wait` or `ep_poll`, entry and return
    Epoll = 13,
    /// `tcp_conn_request`
    ConnRequest = 14,
    /// `sys_enter` (raw tier, and where calls are noted as they begin)
    SysEnter = 15,
    /// `sys_exit` (where calls are noted as they begin)
    SysExit = 16,
    /// `block_rq_complete`
    BlockRqComplete = 17,
    /// `softirq_entry`
    SoftirqEntry = 18,
    /// `softirq_exit`
    SoftirqExit = 19,
    /// `netif_rx`
    NetifRx = 20,
    /// `netif_receive_skb`
    NetifReceiveSkb = 21,
    /// `signal_generate`
    SignalGenerate = 22,
    /// `mark_victim`
    MarkVictim = 23,
    /// `inet_sock_set_state`
    InetSockSetState = 30,
    /// `tcp_retransmit_skb`
    TcpRetransmitSkb = 31,
    /// Packets that come in (`cgroup_skb/ingress`)
    Ingress = 32,
    /// `tcp_v4_syn_recv_sock`, `tcp_v6_syn_recv_sock`
    SynRecvSock = 33,
    /// `inet_csk_accept`
    InetCskAccept = 34,
    /// `sched_process_exec` (descriptors)
    LookAtExec = 38,
    /// `sched_process_exit` (descriptors, memory)
    LookAtExit = 39,
    /// `sys_exit` (exact numbers of descriptors)
    FdSysExit = 40,
    /// `sched_switch` (user stacks of sleepers)
    UserStack = 41,
}

/// Slots in the counter array: losses, then program runs.
pub const COUNTERS: u32 = 64;
