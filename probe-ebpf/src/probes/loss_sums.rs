//! Sums for the times between switches of which a record was lost: see
//! [`probe_common::loss_sums`].

use core::hint::cold_path;

use aya_ebpf::bindings::BPF_ANY;
use probe_common::{
    loss::Loss,
    loss_sums::{Key, Sum, what},
    sched::{flag, state},
};

use super::switch_record::Out;
use crate::{
    emit,
    filter::Entry,
    maps::LOSS_SUMS,
    shared::{Shared, load, store},
};

/// Flags of a switch-out that say what kind of sleep it begins.
const KIND_FLAGS: u16 = flag::COMPAT | flag::KERNEL | flag::IOWAIT | flag::LOCK | flag::THROTTLED;

/// A task has switched out; `recorded` says whether the record found room.
#[inline(always)]
pub fn account_out(entry: Entry, out: &Out, ts_ns: u64, recorded: bool) {
    if is_hidden(entry, recorded) {
        cold_path();
        let since_ns = load!(entry.since_ns);
        if since_ns != 0 {
            add(of(entry, what::CPU), ts_ns - since_ns);
        }
        if out.state & state::DEAD != 0 {
            add(of(entry, what::END), ts_ns);
        }
    }
    store!(entry.since_ns = ts_ns);
    store!(entry.sleep_state = out.state);
    store!(entry.sleep_nr = out.nr);
    store!(entry.sleep_flags = out.flags & KIND_FLAGS);
}

/// A task has switched in; its sleep and waking are still in the entry.
#[inline(always)]
pub fn account_in(entry: Entry, ts_ns: u64, recorded: bool) {
    if is_hidden(entry, recorded) {
        cold_path();
        // An arrival that is found out later may lie before.
        let begin_ns = load!(entry.since_ns).min(ts_ns);
        let has_slept = load!(entry.off_ns) != 0;
        let wake_ns = load!(entry.wake_ns);
        let mut queued_ns = begin_ns;
        // A newborn has only been woken.
        if begin_ns == 0 || has_slept {
            queued_ns = if wake_ns == 0 { ts_ns } else { wake_ns };
        }
        if queued_ns < begin_ns {
            queued_ns = begin_ns;
        }
        if queued_ns > ts_ns {
            queued_ns = ts_ns;
        }
        if begin_ns != 0 && has_slept {
            let sleep = Key {
                state: load!(entry.sleep_state),
                nr: load!(entry.sleep_nr),
                flags: load!(entry.sleep_flags),
                mode: u32::from(load!(entry.mode)),
                ..of(entry, what::SLEEP)
            };
            add(sleep, queued_ns - begin_ns);
        }
        add(of(entry, what::RUNQUEUE), ts_ns - queued_ns);
    }
    store!(entry.since_ns = ts_ns);
}

/// Whether the record of this switch or of the one before was lost.
#[inline(always)]
fn is_hidden(entry: Entry, recorded: bool) -> bool {
    let hidden = !recorded || load!(entry.record_lost) != 0;
    store!(entry.record_lost = u8::from(!recorded));
    hidden
}

#[inline(always)]
fn of(entry: Entry, what: u16) -> Key {
    Key {
        tid: load!(entry.tid),
        what,
        state: 0,
        nr: 0,
        flags: 0,
        mode: 0,
    }
}

/// In a function of its own: it is rarely called, and from many places.
#[inline(never)]
fn add(key: Key, ns: u64) {
    if let Some(sum) = LOSS_SUMS.get_ptr_mut(key) {
        // SAFETY: the map is preallocated, and its values are integers.
        let sum = unsafe { Shared::new(sum) };
        // Only the CPU that switches a task changes its sums.
        store!(sum.count = load!(sum.count) + 1);
        store!(sum.ns = load!(sum.ns) + ns);
        return;
    }
    let first = Sum { count: 1, ns };
    if LOSS_SUMS.insert(key, first, u64::from(BPF_ANY)).is_err() {
        emit::lost(Loss::Sum);
    }
}
