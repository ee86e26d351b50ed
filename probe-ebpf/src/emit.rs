//! The only path from a probe to user space: reserve, fill, submit; a failed
//! reserve is counted by class. The reader drains on a timer and is never
//! woken from here: that would cost 500 ns and show up in the data.

use core::mem::MaybeUninit;

use aya_ebpf::{bindings::BPF_RB_NO_WAKEUP, helpers, maps::RingBuf};
use probe_common::{
    header::Header,
    loss::{Loss, Program, RUNS_BASE},
};

use crate::maps::COUNTERS_BY_CPU;

/// Reserves a record in `ring`, lets `fill` write every field behind the
/// header, and submits it. Returns whether there was room.
#[inline(always)]
pub fn record<T: 'static>(
    ring: &RingBuf,
    loss: Loss,
    header: Header,
    fill: impl FnOnce(*mut T),
) -> bool {
    let Some(mut slot) = ring.reserve::<T>(0) else {
        lost(loss);
        return false;
    };
    let slot_ptr: *mut T = MaybeUninit::as_mut_ptr(&mut slot);
    // SAFETY: every record begins with a Header.
    unsafe { slot_ptr.cast::<Header>().write(header) };
    fill(slot_ptr);
    slot.submit(u64::from(BPF_RB_NO_WAKEUP));
    true
}

/// The header of a record of type `T`.
#[inline(always)]
pub fn header<T>(kind: u16, flags: u16, ts_ns: u64) -> Header {
    // SAFETY: no precondition.
    let cpu = unsafe { helpers::generated::bpf_get_smp_processor_id() } as u16;
    Header {
        kind,
        size: size_of::<T>() as u16,
        cpu,
        flags,
        ts_ns,
    }
}

/// Counts a lost record.
#[inline(always)]
pub fn lost(class: Loss) {
    add_one(class as u32);
}

/// Counts a run of a program.
#[inline(always)]
pub fn ran(program: Program) {
    add_one(RUNS_BASE + program as u32);
}

#[inline(always)]
fn add_one(slot: u32) {
    if let Some(counter) = COUNTERS_BY_CPU.get_ptr_mut(slot) {
        // SAFETY: a per-CPU slot of a preallocated array; programs of one CPU
        // nest at most in interrupts, where a lost increment is one in many.
        unsafe { *counter += 1 };
    }
}
