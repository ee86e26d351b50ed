//! Which disk a sleeper waited for: each finished request leaves its disk in a
//! slot of its CPU, and the wakings that it brings about follow in the same
//! context (`blk_update_request` reports the request, then ends its bios).

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_common::{disk::Disk, loss::Program, sched::waker};

use crate::{
    context,
    current::Current,
    emit,
    maps::{self, COMPLETED, EVENTS},
    offsets::{self, known},
    read::{self, field},
    shared::{Shared, load, store},
};

/// What comes later than this behind a request, ns, was not brought about by it.
/// The waker's stack is what decides; this only keeps records few.
const RECENT_NS: u64 = 1_000_000;

// TP_PROTO(struct request *rq, blk_status_t error, unsigned int nr_bytes)
#[btf_tracepoint(function = "block_rq_complete")]
pub fn block_rq_complete(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::BlockRqComplete);
    let Some(dev) = disk_of(ctx.arg(0)) else {
        return 0;
    };
    let in_hardirq = context::in_hardirq(Current::get());
    if let Some(last) = maps::of_cpu(&COMPLETED, u32::from(in_hardirq)) {
        store!(last.ts_ns = read::now());
        store!(last.dev = u64::from(dev));
    }
    0
}

/// Whether a request may have been finished just before a waking with these bits.
#[inline(always)]
pub fn may_have_finished(bits: u16, ts_ns: u64) -> bool {
    !known(&offsets::DISK_MAJOR) || last_finished(bits, ts_ns).is_some()
}

/// Emits which disk finished a request just before a waking with these bits.
#[inline(always)]
pub fn emit_disk(sleeper: u32, bits: u16, ts_ns: u64) {
    if !known(&offsets::DISK_MAJOR) {
        return;
    }
    let Some(dev) = last_finished(bits, ts_ns) else {
        return;
    };
    emit::record(&EVENTS, 0, ts_ns, |to: Shared<Disk>| {
        store!(to.tid = sleeper);
        store!(to.dev = dev);
    });
}

/// The disk that has just finished a request in the context of a waking.
#[inline(always)]
fn last_finished(bits: u16, ts_ns: u64) -> Option<u32> {
    let in_hardirq = bits & waker::HARDIRQ != 0;
    let last = maps::of_cpu(&COMPLETED, u32::from(in_hardirq))?;
    let last_ns = load!(last.ts_ns);
    let is_recent = last_ns != 0 && ts_ns.wrapping_sub(last_ns) <= RECENT_NS;
    is_recent.then(|| load!(last.dev) as u32)
}

/// The disk of a request; commands that go to no disk have none.
#[inline(always)]
fn disk_of(request: *const u8) -> Option<u32> {
    if !known(&offsets::DISK_MAJOR) {
        return None;
    }
    let mut disk: *const u8 = field(request, &offsets::REQUEST_DISK);
    if known(&offsets::QUEUE_DISK) {
        disk = field(disk, &offsets::QUEUE_DISK);
    }
    // Through a pointer that is null both read zero, which is no disk's number.
    let major: u32 = field(disk, &offsets::DISK_MAJOR);
    let minor: u32 = field(disk, &offsets::DISK_FIRST_MINOR);
    let dev = major << 20 | minor;
    (dev != 0).then_some(dev)
}
