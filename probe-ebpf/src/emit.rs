//! The only path from a probe to user space: reserve, fill, submit; a failed
//! reserve is counted by class. Switches have rings of their own. The reader
//! drains on a timer and is never woken from here: that would cost 500 ns and show
//! up in the data.

use core::{
    hint::cold_path,
    mem::MaybeUninit,
    sync::atomic::{Ordering, compiler_fence},
};

use aya_ebpf::{bindings::BPF_RB_NO_WAKEUP, helpers, maps::RingBuf};
use probe_common::{
    families::Record,
    header::Header,
    loss::{Loss, Program, RUNS_BASE},
    ring::Position,
    sched::Switch,
};

use crate::{
    maps::{COUNTERS_BY_CPU, EVENTS, POSITIONS, SWITCHES},
    offsets::{self, Constant as _},
    run_queue,
    shared::{Shared, address, load, store},
};

/// Reserves a record in `ring`, lets `fill` write every field behind the
/// header, and submits it. Returns whether there was room.
#[inline(always)]
pub fn record<T: Record>(
    ring: &RingBuf,
    flags: u16,
    ts_ns: u64,
    fill: impl FnOnce(Shared<T>),
) -> bool {
    let Some(mut slot) = ring.reserve::<T>(0) else {
        lost(T::LOSS);
        return false;
    };
    let header = T::header(cpu() as u16, flags, ts_ns);
    let place: *mut T = MaybeUninit::as_mut_ptr(&mut slot);
    // SAFETY: every record begins with a header. What was reserved stays until it is
    // submitted.
    unsafe {
        place.cast::<Header>().write(header);
        fill(Shared::new(place));
    }
    slot.submit(u64::from(BPF_RB_NO_WAKEUP));
    true
}

/// Has `fill` write every field behind the header of a switch record into this
/// CPU's ring. Returns whether there was room. Only for the programs at the
/// switch itself: a ring has one writer.
#[inline(always)]
pub fn switch(flags: u16, ts_ns: u64, fill: impl FnOnce(Shared<Switch>)) -> bool {
    let cpu = cpu();
    // A store of the position that is seen after the record needs a barrier on
    // other machines, and programs have none before 6.15.
    if !cfg!(bpf_target_arch = "x86_64") {
        let recorded = record(&EVENTS, flags, ts_ns, fill);
        if !recorded {
            run_queue::note_loss();
        }
        return recorded;
    }
    let Some((position, place, written)) = room_for_switch(cpu) else {
        cold_path();
        lost(Switch::LOSS);
        run_queue::note_loss();
        return false;
    };
    let header = Switch::header(cpu as u16, flags, ts_ns);
    let opening = address!(place.header);
    // SAFETY: a slot that the reader has left, and does not know of again yet.
    unsafe { opening.write(header) };
    fill(place);
    // Stores are seen in their order; the compiler must keep it.
    compiler_fence(Ordering::Release);
    store!(position.written = written.wrapping_add(1));
    true
}

#[inline(always)]
fn room_for_switch(cpu: u32) -> Option<(Shared<Position>, Shared<Switch>, u64)> {
    let position = POSITIONS.get_ptr_mut(cpu)?;
    let per_cpu = offsets::SWITCHES_PER_CPU.load() as u32;
    // SAFETY: a slot of the array, which is preallocated and of integers.
    let position = unsafe { Shared::new(position) };
    // This CPU's own; user space may store the other at any time, and it only grows.
    let (written, read) = (load!(position.written), load!(position.read));
    if written.wrapping_sub(read) >= u64::from(per_cpu) {
        return None;
    }
    let first = cpu.wrapping_mul(per_cpu);
    let record = SWITCHES.get_ptr_mut(first.wrapping_add(written as u32 & (per_cpu - 1)))?;
    // SAFETY: the same.
    Some((position, unsafe { Shared::new(record) }, written))
}

/// This CPU.
#[inline(always)]
pub fn cpu() -> u32 {
    // SAFETY: no precondition.
    unsafe { helpers::generated::bpf_get_smp_processor_id() as u32 }
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
