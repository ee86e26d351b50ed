//! The waking: who, in which context, and for long sleeps both stacks.
//!
//! `sched_waking`, never `sched_wakeup`: the latter may run on the target's
//! CPU from an interrupt, long after the fact.

use core::hint::cold_path;

use aya_ebpf::{
    EbpfContext, bindings::task_struct, helpers, macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use probe_common::{
    loss::Program,
    sched::{Waker, waker},
    stack::{FRAMES, Stack, role},
};

use super::{disk, packet, signal};
use crate::{
    context,
    current::Current,
    emit,
    filter::{self, Entry},
    maps::EVENTS,
    offsets::{self, Constant as _},
    read::{self, Task},
    shared::{Shared, address, load, store, store_words},
};

// TP_PROTO(struct task_struct *p)
#[btf_tracepoint(function = "sched_waking")]
pub fn sched_waking(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SchedWaking);
    let task: Task = ctx.arg(0);
    let Some(entry) = filter::entry(task) else {
        return 0;
    };
    let ts_ns = read::now();
    let off_ns = load!(entry.off_ns);
    // The first waking of a sleep counts. One from before the switch-out is
    // kept only until one after it comes: it may have found the task still
    // running and meant nothing, or it may have raced with the switch-out.
    if off_ns != 0 && load!(entry.wake_ns) > off_ns {
        return 0;
    }
    let current = Current::get();
    let bits = note_waker(entry, current, ts_ns);
    let asleep = off_ns != 0;
    let by_interrupt = context::is_interrupt(bits);
    if bits & waker::TRACED == 0 && (!by_interrupt || bits & waker::SENDER != 0) {
        cold_path();
        name_external(load!(entry.tid), current, ts_ns);
    }
    let has_signal = signal::emit_pending(task, load!(entry.tid), ts_ns);
    if offsets::HAS_STACKS.load() == 0 {
        return 0;
    }
    let long = asleep && ts_ns - off_ns >= offsets::STACK_THRESHOLD_NS.load();
    if long || asleep && load!(entry.needs_stack) != 0 {
        cold_path();
        sleeper_stack(task, load!(entry.tid), ts_ns);
    }
    // An interrupt's stack is most often the only thing that shows what it was, also
    // where the waking races with a switch-out on another CPU; and so it is with a signal.
    if long || has_signal || by_interrupt && bits & waker::NET_RX == 0 {
        cold_path();
        waker_stack(&ctx, load!(entry.tid), ts_ns);
        disk::emit_disk(load!(entry.tid), bits, ts_ns);
    }
    0
}

/// Writes the waker into the sleeper's entry and returns its flags.
#[inline(always)]
pub fn note_waker(entry: Entry, current: Current, ts_ns: u64) -> u16 {
    let flags = current.flags();
    let tid = current.tid();
    let mut bits = packet::mark(context::describe(current, flags, tid), ts_ns);
    let waker_entry = filter::find(current.address(), tid);
    let mut nr = -1;
    if tid != 0 && !read::is_kernel(flags) {
        let compat;
        (nr, compat) = current.call(waker_entry);
        if compat {
            bits |= waker::COMPAT;
        }
    }
    let mut waker_tid = tid;
    if let Some(waker_entry) = waker_entry {
        bits |= waker::TRACED;
        waker_tid = load!(waker_entry.tid);
    }
    store!(entry.waker_tid = waker_tid);
    store!(entry.waker_nr = nr);
    store!(entry.waker_flags = bits);
    store!(entry.wake_ns = ts_ns);
    bits
}

/// A waker outside the tree has no records of its own: name it here.
#[inline(always)]
fn name_external(sleeper: u32, current: Current, ts_ns: u64) {
    emit::record(&EVENTS, 0, ts_ns, |to: Shared<Waker>| {
        store!(to.tid = sleeper);
        store!(to.waker_tid = current.tid());
        store!(to.waker_tgid = current.tgid());
        store!(to.pad = 0);
        store_words!(to.comm = current.comm());
    });
}

/// The stack of a task that is off CPU.
#[inline(always)]
pub fn sleeper_stack(task: Task, tid: u32, ts_ns: u64) {
    emit_stack(role::SLEEPER, tid, ts_ns, |frames, bytes| {
        // SAFETY: `task` is a BTF-typed pointer; `frames` has room for `bytes`.
        unsafe {
            helpers::generated::bpf_get_task_stack(
                task.cast_mut().cast::<task_struct>(),
                frames,
                bytes,
                0,
            )
        }
    });
}

/// The stack of whatever runs the waking.
#[inline(always)]
pub fn waker_stack(ctx: &impl EbpfContext, tid: u32, ts_ns: u64) {
    emit_stack(role::WAKER, tid, ts_ns, |frames, bytes| {
        // SAFETY: `frames` has room for `bytes`.
        unsafe { helpers::generated::bpf_get_stack(ctx.as_ptr(), frames, bytes, 0) }
    });
}

#[inline(always)]
fn emit_stack(
    whose: u16,
    tid: u32,
    ts_ns: u64,
    take: impl FnOnce(*mut core::ffi::c_void, u32) -> i64,
) {
    const BYTES: u32 = (FRAMES * 8) as u32;
    emit::record(&EVENTS, whose, ts_ns, |to: Shared<Stack>| {
        // The frames behind `len` keep what the ring held before; user space reads
        // `len` frames only.
        store!(to.tid = tid);
        let taken = take(address!(to.frames).cast(), BYTES);
        let len = if taken > 0 { taken as u32 / 8 } else { 0 };
        store!(to.len = len);
    });
}
