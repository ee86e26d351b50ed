//! Which wait kind a sleep is: from the task state, the stack where one was
//! taken, the system call and the descriptor, in that order of authority.
//!
//! A kind is a fact or it is `unknown`: a sleep whose call does not settle the
//! matter and whose stack is not understood is shown with its stack.

use probe_common::sched::state;

use super::{
    kind::WaitKind,
    object::{FileKind, file_kind},
    stack::Symbol,
};
use crate::{
    syscall::{Class, Table},
    wire::event::{Call, Object},
};

/// All that is known of a sleep.
pub struct Sleep<'a> {
    /// The system call it is in.
    pub call: Call,
    /// Which table the call's number belongs to.
    pub table: Table,
    /// `task->__state`
    pub state: u16,
    /// `task->in_iowait`
    pub io_wait: bool,
    /// The descriptor slept on.
    pub object: Option<&'a Object>,
    /// Its stack, innermost first; empty when none was taken.
    pub stack: &'a [&'a Symbol],
}

/// The kind.
pub fn classify(sleep: &Sleep<'_>) -> WaitKind {
    by_state(sleep.state)
        .or_else(|| by_lock(sleep.stack))
        .or_else(|| by_mark(sleep.stack, INTERVENING))
        .or_else(|| by_call(sleep))
        .or_else(|| by_mark(sleep.stack, FUNCTIONS))
        .or_else(|| sleep.io_wait.then_some(WaitKind::Disk))
        .unwrap_or(WaitKind::Unknown)
}

fn by_state(bits: u16) -> Option<WaitKind> {
    if bits & (state::STOPPED | state::TRACED) != 0 {
        return Some(WaitKind::Stopped);
    }
    (bits & state::FROZEN != 0).then_some(WaitKind::Throttled)
}

/// A lock's slow path lies innermost, in scheduler text: what is further out
/// only says who wanted the lock.
fn by_lock(stack: &[&Symbol]) -> Option<WaitKind> {
    const LOCKS: &[&str] = &[
        "__mutex_lock",
        "mutex_lock",
        "__ww_mutex_lock",
        "rwsem_down_",
        "down_read",
        "down_write",
        "__down",
        "down_timeout",
        "percpu_rwsem_wait",
        "__percpu_down_read",
        "percpu_down_write",
    ];
    // Seldom more than schedule, schedule_preempt_disabled and the lock.
    let innermost = stack.iter().take(5);
    innermost
        .take_while(|s| s.sched || s.name.contains("rwsem") || s.name.contains("down"))
        .any(|s| LOCKS.iter().any(|lock| s.name.starts_with(lock)))
        .then_some(WaitKind::KernelLock)
}

/// Function and what a sleep below it waits for.
type Mark = (&'static str, WaitKind);

fn by_mark(stack: &[&Symbol], marks: &[Mark]) -> Option<WaitKind> {
    marks
        .iter()
        .find(|(function, _)| stack.iter().any(|s| *s.name == **function))
        .map(|&(_, kind)| kind)
}

/// What may come between any system call and its own purpose, strongest first:
/// a read(2) that faults on its buffer waits for the page, not for the file.
const INTERVENING: &[Mark] = &[
    ("handle_userfault", WaitKind::PageFault),
    ("do_swap_page", WaitKind::Swap),
    ("swap_read_folio", WaitKind::Swap),
    ("swap_readpage", WaitKind::Swap),
    ("shmem_swapin_folio", WaitKind::Swap),
    ("try_to_free_pages", WaitKind::Memory),
    ("try_to_free_mem_cgroup_pages", WaitKind::Memory),
    ("mem_cgroup_handle_over_high", WaitKind::Memory),
    ("__mem_cgroup_handle_over_high", WaitKind::Memory),
    ("throttle_direct_reclaim", WaitKind::Memory),
    ("mem_cgroup_oom_synchronize", WaitKind::Memory),
    ("out_of_memory", WaitKind::Memory),
    ("wait_for_vfork_done", WaitKind::Vfork),
    ("__refrigerator", WaitKind::Throttled),
    ("do_freezer_trap", WaitKind::Throttled),
    ("get_signal_freezer", WaitKind::Throttled),
    ("ptrace_stop", WaitKind::Stopped),
    ("do_signal_stop", WaitKind::Stopped),
    ("balance_dirty_pages", WaitKind::Sync),
    ("jbd2_log_wait_commit", WaitKind::Sync),
    ("jbd2_journal_lock_updates", WaitKind::Sync),
    ("wait_transaction_locked", WaitKind::Sync),
    ("add_transaction_credits", WaitKind::Sync),
    ("do_get_write_access", WaitKind::Sync),
    ("folio_wait_writeback", WaitKind::Sync),
    ("wait_on_page_writeback", WaitKind::Sync),
    ("handle_mm_fault", WaitKind::PageFault),
    ("exc_page_fault", WaitKind::PageFault),
    ("do_user_addr_fault", WaitKind::PageFault),
    ("do_page_fault", WaitKind::PageFault),
    ("faultin_page", WaitKind::PageFault),
];

fn by_call(sleep: &Sleep<'_>) -> Option<WaitKind> {
    if sleep.call.nr < 0 || sleep.call.compat || sleep.call.kernel {
        return None;
    }
    let file = sleep.object.map(file_kind);
    let storage = sleep.io_wait || sleep.state & state::UNINTERRUPTIBLE != 0;
    match sleep.table.class(sleep.call.nr) {
        Class::ChildExit => Some(WaitKind::ChildExit),
        Class::Vfork => Some(WaitKind::Vfork),
        Class::Epoll => Some(WaitKind::Epoll),
        Class::Poll => Some(WaitKind::Poll),
        Class::Select => Some(WaitKind::Select),
        Class::Futex => Some(WaitKind::Futex),
        Class::Sleep => Some(WaitKind::Sleep),
        Class::Signal => Some(WaitKind::Signal),
        Class::Recv => Some(WaitKind::SocketRecv),
        Class::Send => Some(WaitKind::SocketSend),
        Class::Accept => Some(WaitKind::SocketAccept),
        Class::Connect => Some(WaitKind::SocketConnect),
        Class::Fsync | Class::Sync => Some(WaitKind::Sync),
        Class::Flock => Some(WaitKind::FileLock),
        Class::Fcntl => is_lock_command(sleep.call.arg1).then_some(WaitKind::FileLock),
        Class::Ipc => Some(WaitKind::Ipc),
        Class::IoUring => Some(WaitKind::IoUring),
        Class::Aio => Some(WaitKind::Disk),
        Class::Read => read_or_write(file?, storage, WaitKind::PipeRead, WaitKind::SocketRecv),
        Class::Write => read_or_write(file?, storage, WaitKind::PipeWrite, WaitKind::SocketSend),
        Class::Other => None,
    }
}

/// `F_SETLKW`, `F_OFD_SETLKW` (fcntl(2)).
fn is_lock_command(command: u64) -> bool {
    matches!(command, 7 | 38)
}

fn read_or_write(
    file: FileKind,
    storage: bool,
    pipe: WaitKind,
    socket: WaitKind,
) -> Option<WaitKind> {
    match file {
        FileKind::Pipe => Some(pipe),
        FileKind::Socket => Some(socket),
        FileKind::Tty => Some(WaitKind::Tty),
        FileKind::Timer => Some(WaitKind::Timer),
        FileKind::Event => Some(WaitKind::Event),
        // A file in /proc or on a FUSE mount sleeps interruptibly, for
        // something else than a disk.
        FileKind::Storage => storage.then_some(WaitKind::Disk),
        FileKind::Other => None,
    }
}

/// What a sleep in a function waits for, for tasks whose call number says
/// nothing: 32-bit tasks, io_uring workers, calls outside the tables.
const FUNCTIONS: &[Mark] = &[
    ("do_wait", WaitKind::ChildExit),
    ("do_epoll_wait", WaitKind::Epoll),
    ("ep_poll", WaitKind::Epoll),
    ("do_sys_poll", WaitKind::Poll),
    ("do_select", WaitKind::Select),
    ("core_sys_select", WaitKind::Select),
    ("futex_wait", WaitKind::Futex),
    ("futex_lock_pi", WaitKind::Futex),
    ("do_futex", WaitKind::Futex),
    ("hrtimer_nanosleep", WaitKind::Sleep),
    ("timerfd_read", WaitKind::Timer),
    ("timerfd_read_iter", WaitKind::Timer),
    ("eventfd_read", WaitKind::Event),
    ("signalfd_read", WaitKind::Event),
    ("signalfd_read_iter", WaitKind::Event),
    ("inotify_read", WaitKind::Event),
    ("fanotify_read", WaitKind::Event),
    ("do_sigtimedwait", WaitKind::Signal),
    ("sigsuspend", WaitKind::Signal),
    ("__do_sys_pause", WaitKind::Signal),
    ("wait_for_partner", WaitKind::PipeRead),
    ("pipe_read", WaitKind::PipeRead),
    ("anon_pipe_read", WaitKind::PipeRead),
    ("fifo_pipe_read", WaitKind::PipeRead),
    ("pipe_write", WaitKind::PipeWrite),
    ("anon_pipe_write", WaitKind::PipeWrite),
    ("fifo_pipe_write", WaitKind::PipeWrite),
    ("inet_csk_accept", WaitKind::SocketAccept),
    ("unix_accept", WaitKind::SocketAccept),
    ("vsock_accept", WaitKind::SocketAccept),
    ("__sys_connect", WaitKind::SocketConnect),
    ("sock_recvmsg", WaitKind::SocketRecv),
    ("sock_read_iter", WaitKind::SocketRecv),
    ("__sys_recvfrom", WaitKind::SocketRecv),
    ("sock_sendmsg", WaitKind::SocketSend),
    ("sock_write_iter", WaitKind::SocketSend),
    ("__sys_sendto", WaitKind::SocketSend),
    ("n_tty_read", WaitKind::Tty),
    ("n_tty_write", WaitKind::Tty),
    ("tty_wait_until_sent", WaitKind::Tty),
    ("fcntl_setlk", WaitKind::FileLock),
    ("posix_lock_inode_wait", WaitKind::FileLock),
    ("flock_lock_inode_wait", WaitKind::FileLock),
    ("locks_lock_inode_wait", WaitKind::FileLock),
    ("__break_lease", WaitKind::FileLock),
    ("do_msgrcv", WaitKind::Ipc),
    ("do_msgsnd", WaitKind::Ipc),
    ("do_semtimedop", WaitKind::Ipc),
    ("__do_semtimedop", WaitKind::Ipc),
    ("wq_sleep", WaitKind::Ipc),
    ("io_cqring_wait", WaitKind::IoUring),
    ("io_wq_worker", WaitKind::IoUring),
    ("io_sq_thread", WaitKind::IoUring),
    ("sync_inodes_sb", WaitKind::Sync),
    ("__filemap_fdatawait_range", WaitKind::Sync),
    ("vfs_fsync_range", WaitKind::Sync),
    ("ksys_sync", WaitKind::Sync),
    ("submit_bio_wait", WaitKind::Disk),
    ("filemap_read", WaitKind::Disk),
    ("read_cache_folio", WaitKind::Disk),
    ("__wait_on_buffer", WaitKind::Disk),
    ("__bread_gfp", WaitKind::Disk),
    ("blkdev_direct_IO", WaitKind::Disk),
    ("iomap_dio_rw", WaitKind::Disk),
    ("blk_mq_get_tag", WaitKind::Disk),
];

#[cfg(test)]
mod tests {
    use super::*;

    struct Case<'a> {
        call: &'a str,
        arg1: u64,
        state: u16,
        io_wait: bool,
        object: Option<Object>,
        /// `name` or `~name` for a frame in scheduler text.
        stack: &'a str,
    }

    const S: u16 = state::INTERRUPTIBLE;
    const D: u16 = state::UNINTERRUPTIBLE;

    fn nr(call: &str) -> i16 {
        (0..600)
            .find(|&nr| Table::X86_64.name(nr) == Some(call))
            .unwrap_or(-1)
    }

    fn check(case: &Case<'_>, expected: WaitKind) {
        let symbols: Vec<Symbol> = case
            .stack
            .split_whitespace()
            .map(|f| Symbol {
                name: f.trim_start_matches('~').into(),
                sched: f.starts_with('~'),
            })
            .collect();
        let stack: Vec<&Symbol> = symbols.iter().collect();
        let call = Call {
            nr: nr(case.call),
            arg1: case.arg1,
            ..Call::default()
        };
        let sleep = Sleep {
            call,
            table: Table::X86_64,
            state: case.state,
            io_wait: case.io_wait,
            object: case.object.as_ref(),
            stack: &stack,
        };
        assert_eq!(classify(&sleep), expected, "{} {}", case.call, case.stack);
    }

    fn call(call: &str) -> Case<'_> {
        Case {
            call,
            arg1: 0,
            state: S,
            io_wait: false,
            object: None,
            stack: "",
        }
    }

    fn file(mode: u32, name: &str) -> Option<Object> {
        Some(Object {
            mode,
            name: name.as_bytes().into(),
            ..Object::default()
        })
    }

    #[test]
    fn calls_that_settle_the_kind() {
        for (name, kind) in [
            ("wait4", WaitKind::ChildExit),
            ("epoll_pwait", WaitKind::Epoll),
            ("ppoll", WaitKind::Poll),
            ("pselect6", WaitKind::Select),
            ("futex", WaitKind::Futex),
            ("clock_nanosleep", WaitKind::Sleep),
            ("rt_sigtimedwait", WaitKind::Signal),
            ("accept4", WaitKind::SocketAccept),
            ("connect", WaitKind::SocketConnect),
            ("recvmsg", WaitKind::SocketRecv),
            ("sendto", WaitKind::SocketSend),
            ("flock", WaitKind::FileLock),
            ("mq_timedreceive", WaitKind::Ipc),
            ("io_uring_enter", WaitKind::IoUring),
            ("fsync", WaitKind::Sync),
            ("vfork", WaitKind::Vfork),
        ] {
            check(&call(name), kind);
        }
    }

    #[test]
    fn reads_and_writes_are_told_by_their_file() {
        let on = |name, object| Case {
            object,
            ..call(name)
        };
        check(&on("read", file(0o010_600, "")), WaitKind::PipeRead);
        check(&on("write", file(0o010_600, "")), WaitKind::PipeWrite);
        check(&on("read", file(0o140_777, "")), WaitKind::SocketRecv);
        check(&on("writev", file(0o140_777, "")), WaitKind::SocketSend);
        check(&on("read", file(0o600, "[eventfd]")), WaitKind::Event);
        check(&on("read", file(0o600, "[timerfd]")), WaitKind::Timer);
        check(&on("read", file(0o100_644, "kmsg")), WaitKind::Unknown);
        check(
            &Case {
                io_wait: true,
                state: D,
                ..on("read", file(0o100_644, "f"))
            },
            WaitKind::Disk,
        );
        check(&call("read"), WaitKind::Unknown);
    }

    #[test]
    fn fcntl_waits_only_for_locks() {
        check(
            &Case {
                arg1: 7,
                ..call("fcntl")
            },
            WaitKind::FileLock,
        );
        check(
            &Case {
                arg1: 3,
                ..call("fcntl")
            },
            WaitKind::Unknown,
        );
    }

    #[test]
    fn stacks_overrule_calls() {
        let stacked = |name, stack| Case {
            stack,
            state: D,
            ..call(name)
        };
        check(
            &stacked(
                "write",
                "~schedule ~rwsem_down_write_slowpath ~down_write ext4_file_write_iter vfs_write",
            ),
            WaitKind::KernelLock,
        );
        check(
            &stacked(
                "read",
                "~io_schedule folio_wait_bit_common filemap_fault __do_fault handle_mm_fault exc_page_fault",
            ),
            WaitKind::PageFault,
        );
        check(
            &stacked(
                "clone3",
                "~schedule wait_for_vfork_done kernel_clone __do_sys_clone3",
            ),
            WaitKind::Vfork,
        );
        check(
            &stacked("write", "~schedule jbd2_log_wait_commit ext4_sync_file"),
            WaitKind::Sync,
        );
        check(
            &stacked("futex", "~schedule futex_wait_queue do_futex"),
            WaitKind::Futex,
        );
        check(
            &stacked(
                "",
                "~schedule handle_userfault handle_mm_fault exc_page_fault",
            ),
            WaitKind::PageFault,
        );
        check(
            &stacked(
                "",
                "~schedule_timeout shrink_node try_to_free_pages handle_mm_fault",
            ),
            WaitKind::Memory,
        );
        check(
            &stacked("openat", "~schedule wait_for_partner fifo_open"),
            WaitKind::PipeRead,
        );
        check(
            &stacked("openat", "~schedule something_new"),
            WaitKind::Unknown,
        );
    }

    #[test]
    fn states_overrule_everything() {
        check(
            &Case {
                state: state::STOPPED | 0x100,
                ..call("read")
            },
            WaitKind::Stopped,
        );
        check(
            &Case {
                state: state::TRACED,
                ..call("futex")
            },
            WaitKind::Stopped,
        );
        check(
            &Case {
                state: state::FROZEN,
                ..call("futex")
            },
            WaitKind::Throttled,
        );
    }

    #[test]
    fn tasks_without_a_usable_call_number_are_told_by_their_stack() {
        let symbols = [
            Symbol {
                name: "schedule".into(),
                sched: true,
            },
            Symbol {
                name: "do_sys_poll".into(),
                sched: false,
            },
        ];
        let stack: Vec<&Symbol> = symbols.iter().collect();
        let compat = Call {
            nr: 168,
            compat: true,
            ..Call::default()
        };
        let sleep = Sleep {
            call: compat,
            table: Table::X86_64,
            state: S,
            io_wait: false,
            object: None,
            stack: &stack,
        };
        assert_eq!(classify(&sleep), WaitKind::Poll);
    }
}
