//! Sleeps and their kinds, as a table.

use super::*;

struct Case<'a> {
    call: &'a str,
    arg1: u64,
    state: u16,
    io_wait: bool,
    on_lock: bool,
    object: Option<Object>,
    looked_up: bool,
    finished: Option<WaitKind>,
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
        .map(|f| Symbol::new(f.trim_start_matches('~').into(), f.starts_with('~')))
        .collect();
    let stack: Vec<&Symbol> = symbols.iter().collect();
    let call = Syscall {
        nr: nr(case.call),
        arg1: case.arg1,
        looked_up: case.looked_up,
        ..Syscall::default()
    };
    let sleep = Sleep {
        call,
        table: Table::X86_64,
        state: case.state,
        io_wait: case.io_wait,
        on_lock: case.on_lock,
        object: case.object.as_ref(),
        stack: &stack,
        finished: case.finished,
    };
    assert_eq!(classify(&sleep), expected, "{} {}", case.call, case.stack);
}

fn call(call: &str) -> Case<'_> {
    Case {
        call,
        arg1: 0,
        state: S,
        io_wait: false,
        on_lock: false,
        object: None,
        looked_up: false,
        finished: None,
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
fn classify_calls_that_settle_the_kind() {
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
fn classify_reads_and_writes_are_told_by_their_file() {
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
    // A page of the buffer, or the file of a sendfile.
    let elsewhere = |name, object, io_wait, stack| Case {
        state: D,
        io_wait,
        stack,
        ..on(name, object)
    };
    let pipe = || file(0o010_600, "");
    let faulting = elsewhere("write", pipe(), true, "");
    check(&faulting, WaitKind::Unknown);
    let faulting = elsewhere(
        "write",
        pipe(),
        true,
        "~io_schedule filemap_fault handle_mm_fault",
    );
    check(&faulting, WaitKind::PageFault);
    let cold = "~io_schedule folio_wait_bit_common splice_folio_into_pipe do_sendfile";
    let sending = elsewhere("sendfile", file(0o140_777, ""), true, cold);
    check(&sending, WaitKind::Disk);
}

#[test]
fn classify_waiting_for_io_is_for_a_disk_if_the_stack_says_for_no_page() {
    let case = |stack| Case {
        io_wait: true,
        state: D,
        stack,
        ..call("openat")
    };
    let directory = "~io_schedule wait_for_something ext4_lookup path_openat do_sys_openat2";
    check(&case(directory), WaitKind::Disk);
    check(&case(""), WaitKind::Unknown);
}

#[test]
fn classify_fcntl_waits_only_for_locks() {
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
#[expect(clippy::too_many_lines, reason = "a table")]
fn classify_stacks_overrule_calls() {
    let stacked = |name, stack| Case {
        stack,
        state: D,
        ..call(name)
    };
    let queued = stacked("write", "ext4_buffered_write_iter vfs_write");
    check(
        &Case {
            on_lock: true,
            object: file(0o100_644, "f"),
            ..queued
        },
        WaitKind::KernelLock,
    );
    check(
        &Case {
            object: file(0o100_644, "f"),
            ..stacked("write", "ext4_buffered_write_iter vfs_write")
        },
        WaitKind::Unknown,
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
        &stacked(
            "clone",
            "~wait_for_completion_state kernel_clone __do_sys_clone",
        ),
        WaitKind::Vfork,
    );
    check(
        &Case {
            state: S,
            ..stacked("futex", "get_signal arch_do_signal_or_restart")
        },
        WaitKind::Throttled,
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
        &stacked("openat", "~schedule something_new"),
        WaitKind::Unknown,
    );
}

#[test]
fn classify_puts_what_comes_between_before_the_calls_own_purpose() {
    let pipe = || file(0o010_600, "");
    let storage = || file(0o100_644, "f");
    for (name, state, object, stack, kind) in [
        (
            "read",
            S,
            pipe(),
            "~schedule handle_userfault handle_mm_fault exc_page_fault pipe_read",
            WaitKind::PageFault,
        ),
        (
            "futex",
            S,
            None,
            "~schedule handle_userfault handle_mm_fault faultin_page get_futex_key",
            WaitKind::PageFault,
        ),
        (
            "read",
            D,
            storage(),
            "~io_schedule folio_wait_bit_common filemap_fault handle_mm_fault vfs_read",
            WaitKind::PageFault,
        ),
        // The strongest mark first.
        (
            "read",
            D,
            storage(),
            "~io_schedule folio_wait_bit_common do_swap_page handle_mm_fault vfs_read",
            WaitKind::Swap,
        ),
        (
            "fsync",
            D,
            None,
            "~schedule_timeout shrink_node try_to_free_pages ext4_sync_file",
            WaitKind::Memory,
        ),
    ] {
        let sleep = Case {
            state,
            object,
            stack,
            io_wait: true,
            ..call(name)
        };
        check(&sleep, kind);
    }
}

#[test]
fn classify_some_functions_sleep_for_one_reason_only() {
    let below = |name, stack| Case {
        state: D,
        stack,
        ..call(name)
    };
    for (name, stack, kind) in [
        (
            "accept4",
            "~schedule expand_files alloc_fd",
            WaitKind::KernelLock,
        ),
        ("accept4", "expand_files", WaitKind::KernelLock),
        (
            "munmap",
            "rwsem_down_write_slowpath __vm_munmap",
            WaitKind::KernelLock,
        ),
        // The lock of the address space, not the page.
        (
            "write",
            "~down_read do_user_addr_fault exc_page_fault",
            WaitKind::KernelLock,
        ),
        (
            "write",
            "handle_userfault do_user_addr_fault exc_page_fault",
            WaitKind::PageFault,
        ),
    ] {
        check(&below(name, stack), kind);
    }
}

#[test]
fn classify_states_overrule_everything() {
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
fn classify_tasks_without_a_usable_call_number_are_told_by_their_stack() {
    let symbols = [
        Symbol::new("schedule".into(), true),
        Symbol::new("do_sys_poll".into(), false),
    ];
    let stack: Vec<&Symbol> = symbols.iter().collect();
    let compat = Syscall {
        nr: 168,
        compat: true,
        ..Syscall::default()
    };
    let sleep = Sleep {
        call: compat,
        table: Table::X86_64,
        state: S,
        io_wait: false,
        on_lock: false,
        object: None,
        stack: &stack,
        finished: None,
    };
    assert_eq!(classify(&sleep), WaitKind::Poll);
}

#[test]
fn classify_a_move_of_data_waits_at_the_end_that_its_stack_shows() {
    let full = "~schedule pipe_wait_writable wait_for_space splice_file_to_pipe do_splice";
    let empty = "~schedule pipe_wait_readable splice_from_pipe_next splice_to_socket do_splice";
    let peer = "wait_woken sk_stream_wait_memory tcp_sendmsg_locked splice_to_socket do_splice";
    let quiet = "wait_woken sk_wait_data tcp_splice_read do_splice";
    for name in ["splice", "tee", "sendfile", "copy_file_range", "vmsplice"] {
        let moves = |object, stack| Case {
            object,
            stack,
            ..call(name)
        };
        for input in [
            file(0o010_600, ""),
            file(0o100_644, "f"),
            file(0o140_777, ""),
            None,
        ] {
            check(&moves(input.clone(), full), WaitKind::PipeWrite);
            check(&moves(input.clone(), empty), WaitKind::PipeRead);
            check(&moves(input.clone(), peer), WaitKind::SocketSend);
            check(&moves(input.clone(), quiet), WaitKind::SocketRecv);
            check(&moves(input, ""), WaitKind::Unknown);
        }
    }
}

#[test]
fn classify_a_fifo_that_is_opened_waits_for_its_other_end() {
    const O_RDONLY: u64 = 0;
    const O_WRONLY_CLOEXEC: u64 = 0o2_000_001;
    let opens = |name, arg1, looked_up| Case {
        arg1,
        looked_up,
        stack: "~schedule wait_for_partner fifo_open do_dentry_open",
        ..call(name)
    };
    for name in ["openat", "openat2", "open_by_handle_at"] {
        check(&opens(name, O_WRONLY_CLOEXEC, true), WaitKind::PipeWrite);
        check(&opens(name, O_RDONLY, true), WaitKind::PipeRead);
        // The second argument is an address.
        check(&opens(name, 0x7fff_0001, false), WaitKind::Unknown);
    }
    check(&opens("open", O_WRONLY_CLOEXEC, false), WaitKind::PipeWrite);
    check(&opens("open", O_RDONLY, false), WaitKind::PipeRead);
    check(&opens("creat", 0o644, false), WaitKind::PipeWrite);
    let other = Case {
        stack: "~schedule something_new do_dentry_open",
        ..opens("open", O_WRONLY_CLOEXEC, false)
    };
    check(&other, WaitKind::Unknown);
}

#[test]
fn classify_asynchronous_io_waits_for_what_is_seen_to_end() {
    let waits = |finished, stack| Case {
        finished,
        stack,
        ..call("io_getevents")
    };
    let stack = "~schedule read_events do_io_getevents";
    check(&waits(None, stack), WaitKind::Unknown);
    check(&waits(None, ""), WaitKind::Unknown);
    for kind in [WaitKind::Disk, WaitKind::Poll, WaitKind::Sync] {
        check(&waits(Some(kind), stack), kind);
    }
}

#[test]
fn classify_a_call_that_a_supervisor_holds_has_not_begun() {
    let stack = "~schedule seccomp_do_user_notification __seccomp_filter syscall_trace_enter";
    for name in ["connect", "wait4", "read", "futex", "openat", "mkdir"] {
        let held = Case {
            object: file(0o140_777, ""),
            stack,
            ..call(name)
        };
        check(&held, WaitKind::Stopped);
    }
}

#[test]
fn classify_what_goes_on_after_an_interruption_is_told_by_its_stack() {
    let goes_on = |stack| Case {
        stack,
        ..call("restart_syscall")
    };
    for (stack, kind) in [
        (
            "do_syscall_64 entry_SYSCALL_64_after_hwframe",
            WaitKind::Sleep,
        ),
        (
            "~do_nanosleep hrtimer_nanosleep_restart __x64_sys_restart_syscall do_syscall_64 \
             entry_SYSCALL_64_after_hwframe",
            WaitKind::Sleep,
        ),
        (
            "alarmtimer_do_nsleep do_syscall_64 entry_SYSCALL_64_after_hwframe",
            WaitKind::Sleep,
        ),
        (
            "poll_schedule_timeout do_sys_poll do_restart_poll do_syscall_64",
            WaitKind::Poll,
        ),
        ("futex_wait_queue futex_wait do_syscall_64", WaitKind::Futex),
        ("something_new do_syscall_64", WaitKind::Unknown),
        ("", WaitKind::Unknown),
    ] {
        check(&goes_on(stack), kind);
    }
}

/// Call, stack and kind.
const BY_FUNCTION: &[(&str, &str, WaitKind)] = &[
    (
        "close",
        "~wait_for_completion rcu_barrier tun_chr_close __fput",
        WaitKind::KernelLock,
    ),
    (
        "ioctl",
        "~wait_for_completion __flush_work loop_clr_fd lo_ioctl",
        WaitKind::KernelLock,
    ),
    (
        "inotify_rm_watch",
        "__flush_work fsnotify_destroy_group",
        WaitKind::KernelLock,
    ),
    (
        "ioctl",
        "blk_mq_freeze_queue_wait loop_set_status lo_ioctl",
        WaitKind::Disk,
    ),
    (
        "swapoff",
        "~wait_for_completion __do_sys_swapoff do_syscall_64",
        WaitKind::Swap,
    ),
    (
        "io_destroy",
        "__x64_sys_io_destroy do_syscall_64",
        WaitKind::KernelLock,
    ),
    (
        "exit_group",
        "exit_aio __mmput do_exit",
        WaitKind::KernelLock,
    ),
    (
        "umount2",
        "rcu_sync_enter percpu_down_write freeze_super",
        WaitKind::KernelLock,
    ),
    (
        "openat",
        "d_alloc_parallel __lookup_slow walk_component",
        WaitKind::KernelLock,
    ),
    (
        "munmap",
        "__vma_start_write do_vmi_align_munmap",
        WaitKind::KernelLock,
    ),
    (
        "unlink",
        "inode_wait_for_writeback evict do_unlinkat",
        WaitKind::Sync,
    ),
    (
        "sched_setaffinity",
        "affine_move_task __set_cpus_allowed_ptr",
        WaitKind::KernelLock,
    ),
    (
        "execve",
        "stop_one_cpu sched_exec bprm_execve",
        WaitKind::KernelLock,
    ),
    (
        "write",
        "cpuhp_kick_ap_work _cpu_down cpu_subsys_offline",
        WaitKind::KernelLock,
    ),
    (
        "setns",
        "__wait_rcu_gp synchronize_rcu",
        WaitKind::KernelLock,
    ),
    (
        "mkdir",
        "wait_transaction_locked add_transaction_credits start_this_handle",
        WaitKind::Sync,
    ),
    (
        "rename",
        "xlog_grant_head_wait xfs_log_reserve",
        WaitKind::Sync,
    ),
    (
        "unlink",
        "btrfs_wait_ordered_range btrfs_evict_inode",
        WaitKind::Sync,
    ),
    (
        "openat",
        "fanotify_handle_event fsnotify do_dentry_open",
        WaitKind::Stopped,
    ),
    (
        "openat",
        "request_wait_answer __fuse_simple_request fuse_lookup",
        WaitKind::Ipc,
    ),
    ("mmap", "reclaim_throttle shrink_node", WaitKind::Memory),
    ("exit", "zap_pid_ns_processes", WaitKind::ChildExit),
    ("", "vfs_coredump get_signal", WaitKind::Stopped),
    (
        "",
        "anon_pipe_write dump_emit vfs_coredump",
        WaitKind::PipeWrite,
    ),
    (
        "execve",
        "begin_new_exec load_elf_binary",
        WaitKind::KernelLock,
    ),
    ("truncate", "inode_dio_wait ext4_setattr", WaitKind::Disk),
    (
        "close",
        "sk_stream_wait_close tcp_close",
        WaitKind::SocketSend,
    ),
    ("", "io_uring_cancel_generic", WaitKind::IoUring),
    ("", "request_module_new", WaitKind::Unknown),
];

#[test]
fn classify_what_the_kernel_waits_for_by_itself_is_told_by_the_function() {
    for (name, stack, kind) in BY_FUNCTION {
        let whole = format!("{stack} do_exit __x64_sys_exit_group do_syscall_64");
        let case = Case {
            state: D,
            stack: &whole,
            ..call(name)
        };
        check(&case, *kind);
    }
}

#[test]
fn classify_of_two_functions_that_tell_the_innermost_does() {
    let nested = |stack| Case {
        state: D,
        stack,
        ..call("close")
    };
    check(
        &nested("inode_dio_wait sync_filesystem __fput"),
        WaitKind::Disk,
    );
    check(
        &nested("sync_filesystem inode_dio_wait __fput"),
        WaitKind::Sync,
    );
}
