//! Sums for the times between switches of which a record was lost: see
//! [`probe_common::loss_sums`].

use core::hint::cold_path;

use aya_ebpf::bindings::BPF_ANY;
use probe_common::{
    entry::TaskEntry,
    loss::Loss,
    loss_sums::{Key, Sum, what},
    sched::{flag, state},
};

use super::switch_record::Out;
use crate::{emit, maps::LOSS_SUMS};

/// Flags of a switch-out that say what kind of sleep it begins.
const KIND_FLAGS: u16 = flag::COMPAT | flag::KERNEL | flag::IOWAIT | flag::LOCK;

/// A task has switched out; `recorded` says whether the record found room.
#[inline(always)]
pub fn account_out(entry: &mut TaskEntry, out: &Out, ts_ns: u64, recorded: bool) {
    if is_hidden(entry, recorded) {
        cold_path();
        if entry.since_ns != 0 {
            add(of(entry, what::CPU), ts_ns - entry.since_ns);
        }
        if out.state & state::DEAD != 0 {
            add(of(entry, what::END), ts_ns);
        }
    }
    entry.since_ns = ts_ns;
    entry.sleep_state = out.state;
    entry.sleep_nr = out.nr;
    entry.sleep_flags = out.flags & KIND_FLAGS;
}

/// A task has switched in; its sleep and waking are still in the entry.
#[inline(always)]
pub fn account_in(entry: &mut TaskEntry, ts_ns: u64, recorded: bool) {
    if is_hidden(entry, recorded) {
        cold_path();
        // An arrival that is found out later may lie before.
        let begin_ns = entry.since_ns.min(ts_ns);
        let mut queued_ns = begin_ns;
        // A newborn has only been woken.
        if begin_ns == 0 || entry.off_ns != 0 {
            queued_ns = if entry.wake_ns == 0 {
                ts_ns
            } else {
                entry.wake_ns
            };
        }
        if queued_ns < begin_ns {
            queued_ns = begin_ns;
        }
        if queued_ns > ts_ns {
            queued_ns = ts_ns;
        }
        if begin_ns != 0 && entry.off_ns != 0 {
            let sleep = Key {
                state: entry.sleep_state,
                nr: entry.sleep_nr,
                flags: entry.sleep_flags,
                mode: entry.mode,
                ..of(entry, what::SLEEP)
            };
            add(sleep, queued_ns - begin_ns);
        }
        add(of(entry, what::RUNQUEUE), ts_ns - queued_ns);
    }
    entry.since_ns = ts_ns;
}

/// Whether the record of this switch or of the one before was lost.
#[inline(always)]
fn is_hidden(entry: &mut TaskEntry, recorded: bool) -> bool {
    let hidden = !recorded || entry.record_lost != 0;
    entry.record_lost = u8::from(!recorded);
    hidden
}

#[inline(always)]
fn of(entry: &TaskEntry, what: u16) -> Key {
    Key {
        tid: entry.tid,
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
        // SAFETY: the map is preallocated, and only the CPU that switches a task
        // changes its sums.
        unsafe {
            (*sum).count += 1;
            (*sum).ns += ns;
        }
        return;
    }
    let first = Sum { count: 1, ns };
    if LOSS_SUMS.insert(key, first, u64::from(BPF_ANY)).is_err() {
        emit::lost(Loss::Sum);
    }
}
