//! Kernel locks, as in `probes::lock`, from the fields of the classic
//! tracepoints.

use aya_ebpf::{macros::tracepoint, programs::TracePointContext};
use probe_common::loss::Program;

use super::{
    fields::{self, field},
    who::Current,
};
use crate::{
    emit,
    probes::lock::{self, SPIN},
};

// lock:contention_begin: lock_addr, flags
#[tracepoint]
pub fn raw_contention_begin(ctx: TracePointContext) -> u32 {
    emit::ran(Program::ContentionBegin);
    let flags: u32 = field(&ctx, &fields::RAW_CONTENTION_BEGIN_FLAGS);
    if flags & SPIN != 0 {
        return 0;
    }
    if let Some((_, entry)) = Current::get().entry() {
        lock::begin(entry, field(&ctx, &fields::RAW_CONTENTION_BEGIN_LOCK));
    }
    0
}

// lock:contention_end: lock_addr, ret
#[tracepoint]
pub fn raw_contention_end(ctx: TracePointContext) -> u32 {
    emit::ran(Program::ContentionEnd);
    if let Some((_, entry)) = Current::get().entry() {
        lock::end(entry, field(&ctx, &fields::RAW_CONTENTION_END_LOCK));
    }
    0
}
