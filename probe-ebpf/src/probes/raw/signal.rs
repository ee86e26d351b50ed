//! Signals, from the fields of the classic tracepoint. It comes behind the waking of the
//! thread that is to take the signal: of that, where it is the one that was sent to, or the
//! leader of the process.

use aya_ebpf::{macros::tracepoint, programs::TracePointContext};
use probe_common::{loss::Program, signal::Pending};

use super::{
    fields::{self, field},
    who::Current,
};
use crate::{
    emit, filter,
    maps::EVENTS,
    shared::{Shared, load, store},
};

/// Numbers of signals begin at 1 and end here (`_NSIG`, include/uapi/asm-generic/signal.h).
const LAST: u32 = 64;

// signal:signal_generate: sig, errno, code, comm, pid, group, result
#[tracepoint]
pub fn raw_signal_generate(ctx: TracePointContext) -> u32 {
    emit::ran(Program::SignalGenerate);
    let tid: u32 = field(&ctx, &fields::RAW_SIGNAL_PID);
    let Some(entry) = filter::entry_at(u64::from(tid)) else {
        return 0;
    };
    let current = Current::get();
    let own_tid = match current.entry() {
        Some((_, by)) => load!(by.tid),
        None => current.tid,
    };
    let (wake_ns, number) = (
        load!(entry.wake_ns),
        field::<u32>(&ctx, &fields::RAW_SIGNAL_SIG),
    );
    if wake_ns == 0 || load!(entry.waker_tid) != own_tid || number.wrapping_sub(1) >= LAST {
        return 0;
    }
    emit::record(&EVENTS, 0, wake_ns, |to: Shared<Pending>| {
        store!(to.tid = load!(entry.tid));
        store!(to.exit_code = number);
        store!(to.own = 1 << (number - 1));
        store!(to.shared = 0);
    });
    0
}
