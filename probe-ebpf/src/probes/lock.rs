//! Kernel locks: whether a task that goes to sleep does so in the slow path of
//! a mutex, rwsem or semaphore.
//!
//! Stacks of sleepers do not show it: the kernel leaves scheduler text, where
//! these slow paths live, out of another task's stack (`stack_trace_save_tsk`).
//! The tracepoints exist since 5.19 and run only under contention.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_common::loss::Program;

use crate::{
    current::Current,
    emit,
    filter::Entry,
    shared::{load, store},
};

/// `LCB_F_SPIN` (include/trace/events/lock.h): spins, does not sleep.
pub const SPIN: u32 = 1;

// TP_PROTO(void *lock, unsigned int flags)
#[btf_tracepoint(function = "contention_begin")]
pub fn contention_begin(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::ContentionBegin);
    if ctx.arg::<u32>(1) & SPIN != 0 {
        return 0;
    }
    if let Some(entry) = Current::get().entry() {
        begin(entry, ctx.arg(0));
    }
    0
}

// TP_PROTO(void *lock, int ret)
#[btf_tracepoint(function = "contention_end")]
pub fn contention_end(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::ContentionEnd);
    if let Some(entry) = Current::get().entry() {
        end(entry, ctx.arg(0));
    }
    0
}

/// The task is in the slow path of a lock.
#[inline(always)]
pub fn begin(entry: Entry, lock: u64) {
    store!(entry.lock = lock);
    store!(entry.on_lock = 1);
}

/// It is out of that of this lock.
#[inline(always)]
pub fn end(entry: Entry, lock: u64) {
    // An interrupt may spin for a lock of its own meanwhile.
    if load!(entry.lock) == lock {
        store!(entry.lock = 0);
        store!(entry.on_lock = 0);
    }
}
