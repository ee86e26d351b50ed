//! What differs from kernel to kernel: member offsets from the running
//! kernel's BTF and switches for features. The loader overrides them before
//! the map is frozen, so the verifier sees constants and drops the branches
//! behind a missing one.

use aya_ebpf::Global;
use probe_common::{
    config::{NO_OFFSET, SYSCALL_SLOTS, syscall_bits},
    ring,
};

/// Declares one global per offset, [`NO_OFFSET`] until the loader sets it.
macro_rules! offsets {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        $($(#[$doc])* #[unsafe(no_mangle)] pub static $name: Global<u32> = Global::new(NO_OFFSET);)+
    };
}

offsets! {
    TASK_PID,
    TASK_TGID,
    TASK_FLAGS,
    /// `__state`, or `state` before 5.14.
    TASK_STATE,
    TASK_ON_CPU,
    TASK_COMM,
    TASK_START_TIME,
    TASK_REAL_PARENT,
    TASK_EXIT_CODE,
    TASK_FILES,
    TASK_MM,
    /// Byte that holds the bit `in_iowait`; see [`IOWAIT_MASK`].
    TASK_IOWAIT,
    /// `thread_info.status`, whose bit 1 is `TS_COMPAT` (x86).
    TASK_COMPAT,
    /// `se.cfs_rq`.
    TASK_CFS_RQ,
    CFS_RQ_RQ,
    RQ_CLOCK,
    /// `sched_info.last_arrival`: rq clock at the latest switch-in.
    TASK_LAST_ARRIVAL,
    /// `sched_info.last_queued`: rq clock when it came to the run queue.
    TASK_LAST_QUEUED,
    /// `sched_info.run_delay`: time on run queues so far.
    TASK_RUN_DELAY,
    MM_ARG_START,
    MM_ARG_END,
    FILES_FDT,
    FDT_MAX_FDS,
    FDT_FD,
    FILE_INODE,
    FILE_PRIVATE,
    /// `f_path.dentry`.
    FILE_DENTRY,
    DENTRY_NAME_PTR,
    INODE_MODE,
    INODE_INO,
    INODE_RDEV,
    /// `request.q`, or `request.rq_disk` where queues have no pointer to their disk.
    REQUEST_DISK,
    /// `request_queue.disk` (5.15).
    QUEUE_DISK,
    DISK_MAJOR,
    DISK_FIRST_MINOR,
    SOCKET_SK,
    SOCK_FAMILY,
    SOCK_STATE,
    SOCK_TYPE,
    SOCK_PROTOCOL,
    SOCK_LPORT,
    SOCK_RPORT,
    SOCK_LADDR4,
    SOCK_RADDR4,
    SOCK_LADDR6,
    SOCK_RADDR6,
    /// `sk_ack_backlog`: length of a listener's accept queue.
    SOCK_ACK_BACKLOG,
    SOCK_MAX_ACK_BACKLOG,
    /// `icsk_accept_queue.qlen` of the `inet_connection_sock` around the socket.
    ICSK_QUEUE_LEN,
    /// Where kernels without `bpf_task_pt_regs` have a task's stack begin.
    TASK_STACK,
    /// From there to the registers at its end.
    REGS_FROM_STACK,
    REGS_NR,
    REGS_ARG0,
    REGS_ARG1,
    /// Code segment, which tells 32-bit programs on x86.
    REGS_CS,
    /// Number of a type with a word at its beginning, where `bpf_rdonly_cast` gives
    /// an address that type.
    WORD_TYPE,
    /// Address of this CPU's `__preempt_count` minus that of its run queue.
    PREEMPT_COUNT_FROM_RQ,
}

/// Mask of the bit `in_iowait` in its byte.
#[unsafe(no_mangle)]
pub static IOWAIT_MASK: Global<u8> = Global::new(0);

/// 1 when `sched_switch` passes the previous state as its fourth argument (5.18+).
#[unsafe(no_mangle)]
pub static HAS_PREV_STATE_ARG: Global<u8> = Global::new(0);

/// 1 when [`PREEMPT_COUNT_FROM_RQ`] holds; 0 switches the reading off.
#[unsafe(no_mangle)]
pub static HAS_PREEMPT_COUNT: Global<u8> = Global::new(0);

/// 1 when the kernel has `bpf_get_current_task_btf` (5.11).
#[unsafe(no_mangle)]
pub static HAS_CURRENT_TASK_BTF: Global<u8> = Global::new(0);

/// 1 when the kernel has `bpf_task_pt_regs` (5.15).
#[unsafe(no_mangle)]
pub static HAS_TASK_PT_REGS: Global<u8> = Global::new(0);

/// 1 when the kernel lets programs read at any address; 0 under
/// `lockdown=confidentiality`.
#[unsafe(no_mangle)]
pub static HAS_PROBE_READ: Global<u8> = Global::new(1);

/// 1 when stacks may be taken.
#[unsafe(no_mangle)]
pub static HAS_STACKS: Global<u8> = Global::new(1);

/// Sleeps at least this long carry both kernel stacks, ns.
#[unsafe(no_mangle)]
pub static STACK_THRESHOLD_NS: Global<u64> = Global::new(1_000_000);

/// One less than the places in `ENTRIES`, a power of two.
#[unsafe(no_mangle)]
pub static ENTRIES_MASK: Global<u32> = Global::new(65_535);

/// Records in each CPU's ring of switches, a power of two.
#[unsafe(no_mangle)]
pub static SWITCHES_PER_CPU: Global<u32> = Global::new(ring::FEWEST);

/// What the probes must know about a system call, by number
/// ([`probe_common::config::syscall_bits`]).
#[unsafe(no_mangle)]
static SYSCALL_BITS: [u8; SYSCALL_SLOTS] = [syscall_bits::NEEDS_STACK; SYSCALL_SLOTS];

/// The table's word on a system call; a sleep outside any needs its stack.
#[inline(always)]
pub fn bits_of(nr: i16) -> u8 {
    if nr < 0 || nr as usize >= SYSCALL_SLOTS {
        return syscall_bits::NEEDS_STACK;
    }
    // SAFETY: inside the table, whose values only the loader knows.
    unsafe { core::ptr::read_volatile((&raw const SYSCALL_BITS).cast::<u8>().add(nr as usize)) }
}

/// Whether the loader resolved an offset.
#[inline(always)]
pub fn known(offset: &Global<u32>) -> bool {
    offset.load() != NO_OFFSET
}
