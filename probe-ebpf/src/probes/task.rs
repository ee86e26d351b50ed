//! Birth, naming and death.

use aya_ebpf::{helpers, macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_common::{
    fd_table::why,
    loss::Program,
    sched::waker,
    task::{ARGV_BYTES, Exec, Exit, Fork, Rename},
    uapi::CLONE_THREAD,
};

use super::{fd_table, wake::note_waker};
use crate::{
    current::Current,
    emit,
    filter::{self, Entry},
    maps::LIFECYCLE,
    offsets::{self, Constant, known},
    read::{self, Task},
    run_queue,
    shared::{Shared, address, load, store, store_words},
};

// TP_PROTO(struct task_struct *p)
//
// Not `task_newtask`: from 7.0 on that program may be preempted, and the kernel
// skips a program for a task that comes while another one is in it on that CPU. A
// task is woken for the first time by its creator, under the run queue's lock.
#[btf_tracepoint(function = "sched_wakeup_new")]
pub fn sched_wakeup_new(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SchedWakeupNew);
    let task: Task = ctx.arg(0);
    let creator = Current::get();
    let ts_ns = read::now();
    if filter::entry(task).is_none() && !emit_fork(task, creator, ts_ns) {
        return 0;
    }
    #[cfg(feature = "log")]
    aya_log_ebpf::debug!(&ctx, "new task {}", read::tid(task));
    if let Some(entry) = filter::entry(task) {
        fd_table::at(task, entry, ts_ns, why::BIRTH);
        note_waker(entry, creator, ts_ns);
        store!(entry.waker_flags = load!(entry.waker_flags) | waker::NEW);
    }
    0
}

/// Emits the birth. Returns whether the task is followed from now on.
#[inline(always)]
fn emit_fork(task: Task, creator: Current, ts_ns: u64) -> bool {
    // The second test is for a thread made by a thread that the seeding
    // iterator has not reached yet.
    let creator_tid = match creator.entry() {
        Some(entry) => load!(entry.tid),
        None if filter::is_target(creator.tgid()) => creator.tid(),
        None => return false,
    };
    if !filter::follow(task) {
        return false;
    }
    let same_process = read::tgid(task) == creator.tgid();
    let recorded = emit::record(&LIFECYCLE, 0, ts_ns, |to: Shared<Fork>| {
        store!(to.creator_tid = creator_tid);
        store!(to.tid = read::tid(task));
        store!(to.tgid = read::tgid(task));
        store!(to.ppid = read::ppid(task));
        store!(to.clone_flags = if same_process { CLONE_THREAD } else { 0 });
        store!(to.start_ns = read::field(task, &offsets::TASK_START_TIME));
        store_words!(to.comm = read::comm_words(task));
    });
    if !recorded && let Some(entry) = filter::entry(task) {
        // Its name is emitted at the end.
        store!(entry.name = 0);
    }
    true
}

// TP_PROTO(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
#[btf_tracepoint(function = "sched_process_exec")]
pub fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SchedProcessExec);
    let task: Task = ctx.arg(0);
    let Some(entry) = filter::entry(task) else {
        return 0;
    };
    let old_tid = load!(entry.tid);
    let tid = read::tid(task);
    let ts_ns = read::now();
    let recorded = emit::record(&LIFECYCLE, 0, ts_ns, |to: Shared<Exec>| {
        // The bytes of `argv` behind `argv_len` keep what the ring held, and user space
        // does not read them.
        store!(to.tid = tid);
        store!(to.old_tid = old_tid);
        store_words!(to.comm = read::comm_words(task));
        store!(to.argv_len = read_argv(task, address!(to.argv)));
        store!(to.pad = 0);
    });
    if recorded {
        store!(entry.name = read::comm_hash(read::comm_words(task)));
    }
    // Not before: a task that is preempted in here switches under the tid known so far.
    store!(entry.tid = tid);
    0
}

/// Copies the beginning of the new program's arguments; returns how long they are.
#[inline(always)]
fn read_argv(task: Task, into: *mut [u8; ARGV_BYTES]) -> u32 {
    if !known(&offsets::MM_ARG_START) {
        return 0;
    }
    let mm = read::chase(task, &offsets::TASK_MM);
    let start: u64 = read::chase(mm, &offsets::MM_ARG_START);
    let end: u64 = read::chase(mm, &offsets::MM_ARG_END);
    let all = end.wrapping_sub(start);
    let len = if all > ARGV_BYTES as u64 {
        ARGV_BYTES as u32
    } else {
        all as u32
    };
    // SAFETY: `into` has room for ARGV_BYTES ≥ len; the helper checks the source.
    let failed = unsafe {
        helpers::generated::bpf_probe_read_user(into.cast(), len, start as *const core::ffi::c_void)
    };
    if failed == 0 { all as u32 } else { 0 }
}

// TP_PROTO(struct task_struct *p)   -- and bool group_dead since 6.16
#[btf_tracepoint(function = "sched_process_exit")]
pub fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SchedProcessExit);
    let task: Task = ctx.arg(0);
    let Some(entry) = filter::entry(task) else {
        return 0;
    };
    let ts_ns = read::now();
    emit_exit(task, entry, ts_ns);
    0
}

/// Emits it once: at the exit itself, or, when the kernel skipped the program
/// there or there was no room, at the last switch-out.
#[inline(always)]
pub fn emit_exit(task: Task, entry: Entry, ts_ns: u64) {
    if load!(entry.exiting) != 0 {
        return;
    }
    emit_late_name(task, entry, ts_ns);
    let recorded = emit::record(&LIFECYCLE, 0, ts_ns, |to: Shared<Exit>| {
        store!(to.tid = load!(entry.tid));
        store!(to.exit_code = read::field(task, &offsets::TASK_EXIT_CODE));
        store!(to.migrations = load!(entry.migrations));
        store!(to.pad = 0);
    });
    store!(entry.exiting = u8::from(recorded));
}

// TP_PROTO(struct task_struct *p)
//
// The last switch-out has removed the entry already; this catches a task that
// was created but never ran.
#[btf_tracepoint(function = "sched_process_free")]
pub fn sched_process_free(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SchedProcessFree);
    filter::forget(ctx.arg(0));
    0
}

// TP_PROTO(struct task_struct *p, int dest_cpu)
#[btf_tracepoint(function = "sched_migrate_task")]
pub fn sched_migrate_task(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SchedMigrateTask);
    let task: Task = ctx.arg(0);
    if let Some(entry) = filter::entry(task) {
        store!(entry.migrations = load!(entry.migrations) + 1);
        run_queue::note_move(task, entry, ctx.arg::<u64>(1) as u32);
    }
    0
}

// TP_PROTO(struct task_struct *task, const char *comm)
#[btf_tracepoint(function = "task_rename")]
pub fn task_rename(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::TaskRename);
    let task: Task = ctx.arg(0);
    let Some(entry) = filter::entry(task) else {
        return 0;
    };
    // Emitted at the end, where the kernel forbids to read it now.
    if offsets::HAS_PROBE_READ.load() == 0 {
        return 0;
    }
    let new: u64 = ctx.arg(1);
    let mut comm = [0; 2];
    // SAFETY: there is room for 16 bytes; the helper checks the source, and puts a NUL
    // behind what it copies.
    unsafe {
        let _cut = helpers::generated::bpf_probe_read_kernel_str(
            (&raw mut comm).cast(),
            size_of_val(&comm) as u32,
            new as *const core::ffi::c_void,
        );
    }
    emit_name(entry, read::now(), comm);
    0
}

/// Emits the name that a task bears by now, if that was not emitted when it was
/// given: the kernel forbade to read it, or skipped the program.
#[inline(always)]
fn emit_late_name(task: Task, entry: Entry, ts_ns: u64) {
    let comm = read::comm_words(task);
    if read::comm_hash(comm) != load!(entry.name) {
        emit_name(entry, ts_ns, comm);
    }
}

#[inline(always)]
fn emit_name(entry: Entry, ts_ns: u64, comm: [u64; 2]) {
    emit::record(&LIFECYCLE, 0, ts_ns, |to: Shared<Rename>| {
        store!(to.tid = load!(entry.tid));
        store!(to.pad = 0);
        store_words!(to.comm = comm);
        store!(entry.name = read::comm_hash(comm));
    });
}
