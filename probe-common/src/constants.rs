//! What differs from kernel to kernel and run to run, and is fixed before the
//! probes are loaded: member offsets, switches for features, sizes.
//!
//! In the compiled probes each is an instruction `register = MARK + index`; the
//! loader puts the value in its place. The verifier so sees a constant, drops the
//! branches behind a missing member, and nothing is loaded from memory as the
//! programs run, as it would be for each constant of a map.

use crate::{config::NO_OFFSET, ring::FEWEST};

/// The number in the place of the first constant.
pub const MARK: u32 = 0x7761_0000;

/// Hands every constant, with its value unless the loader knows another one, to
/// a macro.
#[macro_export]
macro_rules! constants {
    ($each:ident) => {
        $each! {
            TASK_PID = NO_OFFSET,
            TASK_TGID = NO_OFFSET,
            TASK_FLAGS = NO_OFFSET,
            /// `__state`, or `state` before 5.14.
            TASK_STATE = NO_OFFSET,
            TASK_ON_CPU = NO_OFFSET,
            TASK_COMM = NO_OFFSET,
            TASK_START_TIME = NO_OFFSET,
            TASK_REAL_PARENT = NO_OFFSET,
            TASK_EXIT_CODE = NO_OFFSET,
            TASK_FILES = NO_OFFSET,
            TASK_MM = NO_OFFSET,
            /// Byte that holds the bit `in_iowait`; see `IOWAIT_MASK`.
            TASK_IOWAIT = NO_OFFSET,
            /// `thread_info.status`, whose bit 1 is `TS_COMPAT` (x86).
            TASK_COMPAT = NO_OFFSET,
            /// `se.cfs_rq`.
            TASK_CFS_RQ = NO_OFFSET,
            CFS_RQ_RQ = NO_OFFSET,
            /// `throttled` (6.18): dequeued, since its cgroup has no quota left.
            TASK_THROTTLED = NO_OFFSET,
            TASK_PRIO = NO_OFFSET,
            /// `se.parent`.
            TASK_PARENT_ENTITY = NO_OFFSET,
            ENTITY_PARENT = NO_OFFSET,
            ENTITY_CFS_RQ = NO_OFFSET,
            /// How many cgroups from here up have no quota left.
            CFS_RQ_THROTTLE_COUNT = NO_OFFSET,
            CFS_RQ_GROUP = NO_OFFSET,
            /// `throttled_clock_self` (6.6): since when it is throttled.
            CFS_RQ_THROTTLED_CLOCK = NO_OFFSET,
            /// `throttled_clock_self_time`: for how long it was, together.
            CFS_RQ_THROTTLED_SUM = NO_OFFSET,
            /// `css.cgroup`.
            GROUP_CGROUP = NO_OFFSET,
            /// `cfs_bandwidth.quota`.
            GROUP_QUOTA = NO_OFFSET,
            /// `cfs_bandwidth.period`.
            GROUP_PERIOD = NO_OFFSET,
            CGROUP_NODE = NO_OFFSET,
            NODE_ID = NO_OFFSET,
            NODE_NAME = NO_OFFSET,
            RQ_CLOCK = NO_OFFSET,
            /// `sched_info.last_arrival`: rq clock at the latest switch-in.
            TASK_LAST_ARRIVAL = NO_OFFSET,
            /// `sched_info.last_queued`: rq clock when it came to the run queue.
            TASK_LAST_QUEUED = NO_OFFSET,
            /// `sched_info.run_delay`: time on run queues so far.
            TASK_RUN_DELAY = NO_OFFSET,
            /// `se.nr_migrations`, of which the low half is read.
            TASK_NR_MIGRATIONS = NO_OFFSET,
            /// `thread_info.cpu`, or `cpu` before 5.16.
            TASK_CPU = NO_OFFSET,
            TASK_BLOCKED = NO_OFFSET,
            /// `pending.signal`: sent to the thread.
            TASK_PENDING = NO_OFFSET,
            TASK_SIGNAL = NO_OFFSET,
            /// `shared_pending.signal`: sent to its process.
            SIGNAL_PENDING = NO_OFFSET,
            SIGNAL_EXIT_CODE = NO_OFFSET,
            SIGINFO_CODE = NO_OFFSET,
            /// `si_addr`.
            SIGINFO_ADDR = NO_OFFSET,
            MM_START_STACK = NO_OFFSET,
            MM_ARG_START = NO_OFFSET,
            MM_ARG_END = NO_OFFSET,
            FILES_FDT = NO_OFFSET,
            FDT_MAX_FDS = NO_OFFSET,
            FDT_FD = NO_OFFSET,
            FDT_OPEN_FDS = NO_OFFSET,
            FDT_CLOSE_ON_EXEC = NO_OFFSET,
            FILES_COUNT = NO_OFFSET,
            /// `signal_struct.live`: threads that have not exited yet.
            SIGNAL_LIVE = NO_OFFSET,
            SIGNAL_MAXRSS = NO_OFFSET,
            TASK_STACK_AREA = NO_OFFSET,
            /// `vm_struct.nr_pages`.
            AREA_PAGES = NO_OFFSET,
            /// `signal_struct.rlim`: limits, soft and hard, in the order of their numbers.
            SIGNAL_RLIM = NO_OFFSET,
            FILE_INODE = NO_OFFSET,
            FILE_OP = NO_OFFSET,
            FILE_PRIVATE = NO_OFFSET,
            /// `f_path.dentry`.
            FILE_DENTRY = NO_OFFSET,
            DENTRY_NAME_PTR = NO_OFFSET,
            INODE_MODE = NO_OFFSET,
            INODE_INO = NO_OFFSET,
            INODE_RDEV = NO_OFFSET,
            /// `request.q`, or `request.rq_disk` where queues have no pointer to their disk.
            REQUEST_DISK = NO_OFFSET,
            /// `request_queue.disk` (5.15).
            QUEUE_DISK = NO_OFFSET,
            DISK_MAJOR = NO_OFFSET,
            DISK_FIRST_MINOR = NO_OFFSET,
            SOCKET_SK = NO_OFFSET,
            SOCK_FAMILY = NO_OFFSET,
            SOCK_STATE = NO_OFFSET,
            SOCK_TYPE = NO_OFFSET,
            SOCK_PROTOCOL = NO_OFFSET,
            SOCK_LPORT = NO_OFFSET,
            SOCK_RPORT = NO_OFFSET,
            SOCK_LADDR4 = NO_OFFSET,
            SOCK_RADDR4 = NO_OFFSET,
            SOCK_LADDR6 = NO_OFFSET,
            SOCK_RADDR6 = NO_OFFSET,
            /// `sk_ack_backlog`: length of a listener's accept queue.
            SOCK_ACK_BACKLOG = NO_OFFSET,
            SOCK_MAX_ACK_BACKLOG = NO_OFFSET,
            /// `icsk_accept_queue.qlen` of the `inet_connection_sock` around the socket.
            ICSK_QUEUE_LEN = NO_OFFSET,
            SOCK_ERR = NO_OFFSET,
            /// `skc_net.net`
            SOCK_NET = NO_OFFSET,
            /// `net.ns.inum`
            NET_INUM = NO_OFFSET,
            /// `net.ipv4.sysctl_tcp_syncookies`, of which the first byte is read.
            NET_SYNCOOKIES = NO_OFFSET,
            /// `tcp_sock.bytes_received`
            TCP_RECEIVED = NO_OFFSET,
            /// `tcp_sock.segs_out`
            TCP_SENT = NO_OFFSET,
            /// `tcp_sock.total_retrans`
            TCP_AGAIN = NO_OFFSET,
            /// Where kernels without `bpf_task_pt_regs` have a task's stack begin.
            TASK_STACK = NO_OFFSET,
            /// From there to the registers at its end.
            REGS_FROM_STACK = NO_OFFSET,
            REGS_NR = NO_OFFSET,
            REGS_ARG0 = NO_OFFSET,
            REGS_ARG1 = NO_OFFSET,
            REGS_ARG2 = NO_OFFSET,
            REGS_ARG3 = NO_OFFSET,
            /// The stack pointer.
            REGS_SP = NO_OFFSET,
            /// The instruction pointer.
            REGS_IP = NO_OFFSET,
            /// Code segment, which shows 32-bit programs on x86.
            REGS_CS = NO_OFFSET,
            /// Number of a type with a word at its beginning, where `bpf_rdonly_cast` gives
            /// an address that type.
            WORD_TYPE = NO_OFFSET,
            /// Address of this CPU's `__preempt_count` minus that of its run queue.
            PREEMPT_COUNT_FROM_RQ = 0,
            /// Bits of an address within a page.
            PAGE_SHIFT = 12,
            /// Mask of the bit `in_iowait` in its byte.
            IOWAIT_MASK = 0,
            /// 1 when `sched_switch` passes the previous state as its fourth argument (5.18+).
            HAS_PREV_STATE_ARG = 0,
            /// 1 when `PREEMPT_COUNT_FROM_RQ` holds; 0 switches the reading off.
            HAS_PREEMPT_COUNT = 0,
            /// 1 when the kernel has `bpf_get_current_task_btf` (5.11).
            HAS_CURRENT_TASK_BTF = 0,
            /// 1 when the kernel has `bpf_task_pt_regs` (5.15).
            HAS_TASK_PT_REGS = 0,
            /// 1 when the kernel lets programs read at any address; 0 under
            /// `lockdown=confidentiality`.
            HAS_PROBE_READ = 1,
            /// 1 when each open descriptor is described (`--per-fd`).
            DESCRIBES_OPEN = 0,
            /// 1 when stacks may be taken.
            HAS_STACKS = 1,
            /// One less than the places in `ENTRIES`, a power of two.
            ENTRIES_MASK = 0,
            /// Records in each CPU's ring of switches, a power of two.
            SWITCHES_PER_CPU = FEWEST,

            // Fields of classic tracepoints.
            /// A `long`, of which the low half is read.
            RAW_SWITCH_PREV_STATE = NO_OFFSET,
            RAW_SWITCH_NEXT_PID = NO_OFFSET,
            RAW_MIGRATE_PID = NO_OFFSET,
            RAW_WAKING_PID = NO_OFFSET,
            RAW_WAKEUP_NEW_PID = NO_OFFSET,
            RAW_NEWTASK_PID = NO_OFFSET,
            RAW_NEWTASK_COMM = NO_OFFSET,
            RAW_NEWTASK_FLAGS = NO_OFFSET,
            RAW_EXEC_OLD_PID = NO_OFFSET,
            RAW_RENAME_PID = NO_OFFSET,
            RAW_RENAME_COMM = NO_OFFSET,
            RAW_CONTENTION_BEGIN_LOCK = NO_OFFSET,
            RAW_CONTENTION_BEGIN_FLAGS = NO_OFFSET,
            RAW_CONTENTION_END_LOCK = NO_OFFSET,
            RAW_SIGNAL_SIG = NO_OFFSET,
            RAW_SIGNAL_PID = NO_OFFSET,
        }
    };
}

macro_rules! list {
    ($($(#[$doc:meta])* $name:ident = $default:expr,)+) => {
        /// Index of each constant, by its name.
        #[expect(non_camel_case_types, reason = "the names are those of constants")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Index {
            $($(#[$doc])* $name,)+
        }

        /// Every constant by its index: name and default.
        pub const CONSTANTS: &[(&str, u32)] = &[$((stringify!($name), $default),)+];
    };
}

constants!(list);
