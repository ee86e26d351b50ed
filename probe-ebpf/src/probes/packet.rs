//! Who sent the packet that a softirq delivers. On a loopback or virtual device
//! that is most often the running task itself, as it leaves the section that
//! held softirqs back. But it then works off the whole queue of its CPU, in which
//! there may be what a timer resent and what another task left. So each packet
//! is noted with its sender as it is queued (`netif_rx`), and looked up as it is
//! delivered (`netif_receive_skb`). What the kernel sends in answer to a packet, while
//! it delivers that one, is of the same sender.

use aya_ebpf::{helpers, macros::raw_tracepoint, programs::RawTracePointContext};
use probe_common::{loss::Program, sched::waker};

use super::disk;
use crate::{
    context,
    current::Current,
    emit,
    maps::{self, DELIVERY, QUEUED},
    shared::{Shared, load, store},
};

/// Places in `QUEUED`, a power of two.
pub const PLACES: u32 = 1 << PLACES_BITS;
const PLACES_BITS: u32 = 10;

/// Bits of a thread id (`PID_MAX_LIMIT`, include/linux/threads.h).
const TID_BITS: u32 = 22;

/// `NET_RX_SOFTIRQ` (include/linux/interrupt.h), the same from 5.10 to 7.2.
const NET_RX: u32 = 3;

/// What a CPU does.
#[repr(C)]
pub struct Delivery {
    /// Address of the packet (`struct sk_buff`) that is delivered, or was last.
    packet: u64,
    /// Thread that sent it; 0 where that is not known.
    sender: u32,
    /// One of [`serving`].
    serves: u16,
    /// [`waker::NET_RX`] while packets are delivered, and [`waker::SENDER`] where
    /// that thread runs.
    mark: u16,
}

/// Which softirq is served.
mod serving {
    pub const NONE: u16 = 0;
    pub const NET_RX: u16 = 1;
    pub const OTHER: u16 = 2;
}

// TP_PROTO(unsigned int vec_nr)
#[raw_tracepoint(tracepoint = "softirq_entry")]
pub fn softirq_entry(ctx: RawTracePointContext) -> i32 {
    emit::ran(Program::SoftirqEntry);
    serve(if ctx.arg::<u32>(0) == NET_RX {
        serving::NET_RX
    } else {
        serving::OTHER
    });
    0
}

// TP_PROTO(unsigned int vec_nr)
#[raw_tracepoint(tracepoint = "softirq_exit")]
pub fn softirq_exit(_ctx: RawTracePointContext) -> i32 {
    emit::ran(Program::SoftirqExit);
    serve(serving::NONE);
    0
}

#[inline(always)]
fn serve(serves: u16) {
    // Softirqs do not nest.
    if let Some(delivery) = maps::of_cpu(&DELIVERY, 0) {
        let mark = if serves == serving::NET_RX {
            waker::NET_RX
        } else {
            0
        };
        store!(delivery.packet = 0);
        store!(delivery.sender = 0);
        store!(delivery.serves = serves);
        store!(delivery.mark = mark);
    }
}

// TP_PROTO(struct sk_buff *skb)
#[raw_tracepoint(tracepoint = "netif_rx")]
pub fn netif_rx(ctx: RawTracePointContext) -> i32 {
    emit::ran(Program::NetifRx);
    let packet: u64 = ctx.arg(0);
    let place = QUEUED.get_ptr_mut(place_of(packet));
    let (Some(delivery), Some(place)) = (maps::of_cpu(&DELIVERY, 0), place) else {
        return 0;
    };
    // SAFETY: a word of the array. Another CPU may write it at any time, as a whole.
    unsafe { place.write_volatile(tag(packet) | u64::from(sender(delivery))) };
    0
}

/// Who sends a packet that is queued now.
#[inline(always)]
fn sender(delivery: Shared<Delivery>) -> u32 {
    if context::in_hardirq(Current::get()) {
        return 0;
    }
    match load!(delivery.serves) {
        serving::NONE => current_tid(),
        // What answers a packet is of the one who sent that.
        serving::NET_RX => load!(delivery.sender),
        // What a timer sends is of nobody.
        _ => 0,
    }
}

// TP_PROTO(struct sk_buff *skb)
#[raw_tracepoint(tracepoint = "netif_receive_skb")]
pub fn netif_receive_skb(ctx: RawTracePointContext) -> i32 {
    emit::ran(Program::NetifReceiveSkb);
    let packet: u64 = ctx.arg(0);
    let place = QUEUED.get_ptr_mut(place_of(packet));
    let (Some(delivery), Some(place)) = (maps::of_cpu(&DELIVERY, 0), place) else {
        return 0;
    };
    let mut sender = 0;
    // SAFETY: as in `netif_rx`.
    let queued = unsafe { place.read_volatile() };
    if queued >> TID_BITS << TID_BITS == tag(packet) {
        // SAFETY: the same.
        unsafe { place.write_volatile(0) };
        sender = queued as u32 & ((1 << TID_BITS) - 1);
    } else if load!(delivery.packet) == packet {
        // A bridge hands on what it was handed.
        return 0;
    }
    let is_own = sender != 0 && sender == current_tid();
    store!(delivery.packet = packet);
    store!(delivery.sender = sender);
    let of_sender = if is_own { waker::SENDER } else { 0 };
    store!(delivery.mark = load!(delivery.mark) & !waker::SENDER | of_sender);
    0
}

/// The bits of a waking at `ts_ns` with what is known of a packet that may have
/// brought it about.
#[inline(always)]
pub fn mark(bits: u16, ts_ns: u64) -> u16 {
    let context = bits & (waker::CONTEXT_KNOWN | waker::SOFTIRQ | waker::HARDIRQ);
    if context == waker::CONTEXT_KNOWN {
        return bits;
    }
    let Some(delivery) = maps::of_cpu(&DELIVERY, 0) else {
        return bits;
    };
    // The packet may have ended a request to a disk beyond the network.
    let is_alone =
        context == waker::CONTEXT_KNOWN | waker::SOFTIRQ && !disk::may_have_finished(bits, ts_ns);
    let mark = load!(delivery.mark);
    bits | if is_alone { mark } else { mark & waker::SENDER }
}

#[inline(always)]
fn current_tid() -> u32 {
    helpers::bpf_get_current_pid_tgid() as u32
}

/// The upper bits of a packet's word in `QUEUED`, which has its sender in the lower
/// ones: those bits of its address in which two packets differ.
#[inline(always)]
fn tag(packet: u64) -> u64 {
    const ALIGNMENT_BITS: u32 = 3;
    packet >> ALIGNMENT_BITS << TID_BITS
}

/// The place of a packet in `QUEUED`. Where two have the same, the sender of the
/// earlier is forgotten. (Fibonacci hashing: Knuth, TAOCP 3, 6.4.)
#[inline(always)]
fn place_of(packet: u64) -> u32 {
    (packet.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - PLACES_BITS)) as u32
}
