//! The waking, from the fields of the classic tracepoint. Whether an interrupt
//! did it cannot be read: only the waker's stack may show it.

use aya_ebpf::{macros::tracepoint, programs::TracePointContext};
use probe_common::{
    loss::Program,
    sched::{Waker, waker},
};

use super::{
    fields::{self, field},
    syscall,
    who::Current,
};
use crate::{
    context, emit,
    filter::{self, Entry},
    maps::EVENTS,
    offsets::{self, Constant as _},
    probes::{packet, wake::waker_stack},
    read,
    shared::{Shared, load, store, store_words},
};

// sched:sched_waking: comm, pid, prio, target_cpu
#[tracepoint]
pub fn raw_sched_waking(ctx: TracePointContext) -> u32 {
    emit::ran(Program::SchedWaking);
    let tid: u32 = field(&ctx, &fields::RAW_WAKING_PID);
    let Some(entry) = filter::entry_at(u64::from(tid)) else {
        return 0;
    };
    let ts_ns = read::now();
    let off_ns = load!(entry.off_ns);
    // The first waking of a sleep counts: see `probes::wake`.
    if off_ns != 0 && load!(entry.wake_ns) > off_ns {
        return 0;
    }
    let current = Current::get();
    let bits = note_waker(entry, current, ts_ns);
    let idle = context::is_interrupt(bits);
    if bits & waker::TRACED == 0 && !idle {
        name_external(load!(entry.tid), current, ts_ns);
    }
    let long = off_ns != 0 && ts_ns - off_ns >= offsets::STACK_THRESHOLD_NS.load();
    if offsets::HAS_STACKS.load() != 0 && (long || idle) {
        waker_stack(&ctx, load!(entry.tid), ts_ns);
    }
    0
}

// sched:sched_wakeup_new: comm, pid, prio, target_cpu
#[tracepoint]
pub fn raw_sched_wakeup_new(ctx: TracePointContext) -> u32 {
    emit::ran(Program::SchedWakeupNew);
    let tid: u32 = field(&ctx, &fields::RAW_WAKEUP_NEW_PID);
    if let Some(entry) = filter::entry_at(u64::from(tid)) {
        note_waker(entry, Current::get(), read::now());
        store!(entry.waker_flags = load!(entry.waker_flags) | waker::NEW);
    }
    0
}

/// Writes the waker into the sleeper's entry and returns its flags.
#[inline(always)]
fn note_waker(entry: Entry, current: Current, ts_ns: u64) -> u16 {
    let mut bits = packet::mark(if current.tid == 0 { waker::IDLE } else { 0 }, ts_ns);
    let mut waker_tid = current.tid;
    let mut nr = -1;
    if let Some((_, by)) = current.entry() {
        let call = syscall::of(by);
        bits |= waker::TRACED;
        waker_tid = load!(by.tid);
        nr = call.nr;
        if call.compat {
            bits |= waker::COMPAT;
        }
        if load!(by.exiting) != 0 {
            bits |= waker::EXITING;
        }
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
        store!(to.waker_tid = current.tid);
        store!(to.waker_tgid = current.tgid);
        store!(to.pad = 0);
        store_words!(to.comm = read::current_comm());
    });
}
