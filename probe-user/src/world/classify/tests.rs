//! Sleeps and their kinds, as a table.

use super::*;

struct Case<'a> {
    call: &'a str,
    arg1: u64,
    state: u16,
    io_wait: bool,
    on_lock: bool,
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
    let call = Syscall {
        nr: nr(case.call),
        arg1: case.arg1,
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
        &stacked("openat", "~schedule wait_for_partner fifo_open"),
        WaitKind::PipeRead,
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
    };
    assert_eq!(classify(&sleep), WaitKind::Poll);
}
