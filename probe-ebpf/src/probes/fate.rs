//! What ends processes from outside: signals, with who sent them, and the OOM killer.
//!
//! Both are rare. Of signals that a process handles there may be more, but each costs
//! more than this by itself.

use aya_ebpf::{
    EbpfContext, bindings::task_struct, helpers, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use probe_common::{
    loss::Program,
    oom::{FRAMES, Victim},
    signal::Sent,
    uapi::{
        RLIMIT_BYTES, RLIMIT_STACK, SI_KERNEL, SI_QUEUE, SI_TKILL, SI_USER, SIGBUS, SIGCHLD,
        SIGCONT, SIGFPE, SIGILL, SIGSEGV, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH,
    },
};

use crate::{
    current::Current,
    emit,
    filter::{self, Entry},
    maps::LIFECYCLE,
    offsets::{self, Constant, known},
    read::{self, Task, chase, field, probe},
    shared::{Shared, address, load, store, store_words},
    syscall,
};

/// Signals that by default end no process: bit 0 is signal 1.
const HARMLESS: u64 = bit(SIGCHLD)
    | bit(SIGCONT)
    | bit(SIGSTOP)
    | bit(SIGTSTP)
    | bit(SIGTTIN)
    | bit(SIGTTOU)
    | bit(SIGURG)
    | bit(SIGWINCH);

/// Signals of faults, which say where those were (`force_sig_fault`).
const WITH_ADDRESS: u64 = bit(SIGILL) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGSEGV);

/// `TRACE_SIGNAL_DELIVERED` and `TRACE_SIGNAL_LOSE_INFO` (include/trace/events/signal.h):
/// any other result is that of a signal that will not be taken.
const DELIVERED: u64 = 0;
const DELIVERED_BARE: u64 = 4;

/// `SEND_SIG_NOINFO` and `SEND_SIG_PRIV` (include/linux/sched/signal.h) in the place of a pointer:
/// by the running task, and by the kernel.
const NO_INFO: u64 = 0;
const PRIVILEGED: u64 = 1;

const fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

// TP_PROTO(int sig, struct kernel_siginfo *info, struct task_struct *task, int group,
//          int result)
#[btf_tracepoint(function = "signal_generate")]
pub fn signal_generate(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SignalGenerate);
    let task: Task = ctx.arg(2);
    let Some(entry) = filter::entry(task) else {
        return 0;
    };
    let signal = ctx.arg::<u64>(0) as u32;
    let result = ctx.arg::<u64>(4) & 0xffff_ffff;
    let is_taken = result == DELIVERED || result == DELIVERED_BARE;
    if !is_taken || (HARMLESS >> (signal.wrapping_sub(1) & 63)) & 1 != 0 {
        return 0;
    }
    emit_sent(task, entry, signal, ctx.arg(1));
    0
}

#[inline(always)]
fn emit_sent(task: Task, entry: Entry, signal: u32, info: *const u8) {
    if !known(&offsets::SIGINFO_CODE) {
        return;
    }
    let code: i32 = match info as u64 {
        NO_INFO => SI_USER,
        PRIVILEGED => SI_KERNEL,
        _ => chase(info, &offsets::SIGINFO_CODE),
    };
    let has_address = (WITH_ADDRESS >> (signal.wrapping_sub(1) & 63)) & 1 != 0;
    let is_fault = has_address && code > 0 && code < SI_KERNEL;
    emit::record(&LIFECYCLE, 0, read::now(), |to: Shared<Sent>| {
        store!(to.tid = load!(entry.tid));
        store!(to.signal = signal);
        store!(to.code = code);
        write_sender(to, code);
        if is_fault {
            store!(to.addr = address(info));
            store!(to.sp = user_register(task, entry, &offsets::REGS_SP));
            store!(to.ip = user_register(task, entry, &offsets::REGS_IP));
        } else {
            store!(to.addr = 0);
            store!(to.sp = 0);
            store!(to.ip = 0);
        }
        write_stack(to, task);
    });
}

/// Where a fault was. It lies in a union, of which the verifier before 6.2 knows the first member:
/// two integers of half its size.
#[inline(always)]
fn address(info: *const u8) -> u64 {
    let low: u32 = chase(info, &offsets::SIGINFO_ADDR);
    let high: u32 = chase(info.wrapping_add(size_of::<u32>()), &offsets::SIGINFO_ADDR);
    u64::from(high) << u32::BITS | u64::from(low)
}

/// The running task, where it is one that has sent it.
#[inline(always)]
fn write_sender(to: Shared<Sent>, code: i32) {
    let current = Current::get();
    let is_sender = code == SI_USER || code == SI_QUEUE || code == SI_TKILL;
    store!(to.sender_tgid = if is_sender { current.tgid() } else { 0 });
    store_words!(to.comm = current.comm());
}

/// Where the stack of the process's first thread begins, and how far it may grow.
#[inline(always)]
fn write_stack(to: Shared<Sent>, task: Task) {
    if !known(&offsets::MM_START_STACK) || !known(&offsets::TASK_PENDING) {
        store!(to.stack_start = 0);
        store!(to.stack_limit = 0);
        return;
    }
    let mm: *const u8 = chase(task, &offsets::TASK_MM);
    store!(to.stack_start = chase(mm, &offsets::MM_START_STACK));
    store!(to.stack_limit = stack_limit(task));
}

/// `task->signal->rlim[RLIMIT_STACK].rlim_cur`; 0 where that cannot be read.
#[inline(always)]
fn stack_limit(task: Task) -> u64 {
    if !known(&offsets::SIGNAL_RLIM) {
        return 0;
    }
    let group: *const u8 = chase(task, &offsets::TASK_SIGNAL);
    chase(
        group.wrapping_add((RLIMIT_STACK * RLIMIT_BYTES) as usize),
        &offsets::SIGNAL_RLIM,
    )
}

/// A register with which a task has entered the kernel; 0 where that cannot be read.
#[inline(always)]
fn user_register(task: Task, entry: Entry, register: &impl Constant) -> u64 {
    if !known(register) {
        return 0;
    }
    if offsets::HAS_TASK_PT_REGS.load() == 0 {
        if offsets::HAS_PROBE_READ.load() == 0 {
            return 0;
        }
        return probe(syscall::registers_of(task, entry), register);
    }
    // SAFETY: `task` is a BTF-typed task pointer, as the helper demands.
    let regs =
        unsafe { helpers::generated::bpf_task_pt_regs(task.cast_mut().cast::<task_struct>()) };
    field(regs as *const u8, register)
}

// TP_PROTO(struct task_struct *task, uid_t uid)      -- since 6.9
#[btf_tracepoint(function = "mark_victim")]
pub fn mark_victim_task(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::MarkVictim);
    if let Some(entry) = filter::entry(ctx.arg(0)) {
        emit_victim(&ctx, load!(entry.tid));
    }
    0
}

// TP_PROTO(int pid)      -- before
//
// The id leads to no task: user space knows which are traced. A machine has few victims.
#[btf_tracepoint(function = "mark_victim")]
pub fn mark_victim_id(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::MarkVictim);
    emit_victim(&ctx, ctx.arg::<u64>(0) as u32);
    0
}

#[inline(always)]
fn emit_victim(ctx: &impl EbpfContext, tid: u32) {
    const BYTES: u32 = (FRAMES * 8) as u32;
    emit::record(&LIFECYCLE, 0, read::now(), |to: Shared<Victim>| {
        // As with the stacks of wakings, what is behind `len` frames is not read.
        store!(to.tid = tid);
        store!(to.len = 0);
        if offsets::HAS_STACKS.load() != 0 {
            let frames = address!(to.frames).cast();
            // SAFETY: `frames` has room for `BYTES`.
            let taken =
                unsafe { helpers::generated::bpf_get_stack(ctx.as_ptr(), frames, BYTES, 0) };
            store!(to.len = if taken > 0 { taken as u32 / 8 } else { 0 });
        }
    });
}
