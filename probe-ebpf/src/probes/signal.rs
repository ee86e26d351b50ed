//! Which signals a sleeper has pending as it is woken. The kernel adds a signal to a
//! thread's or process's before it wakes the thread that is to take it
//! (`__send_signal_locked`, then `complete_signal`).

use core::hint::cold_path;

use probe_common::signal::Pending;

use crate::{
    emit,
    maps::EVENTS,
    offsets::{self, known},
    read::{Task, chase, field},
    shared::{Shared, store},
};

/// Emits what the sleeper has pending and does not block. Returns whether there is any.
#[inline(always)]
pub fn emit_pending(sleeper: Task, tid: u32, ts_ns: u64) -> bool {
    if !known(&offsets::TASK_PENDING) {
        return false;
    }
    let taken: u64 = !field::<u64>(sleeper, &offsets::TASK_BLOCKED);
    let group: *const u8 = chase(sleeper, &offsets::TASK_SIGNAL);
    let own = field::<u64>(sleeper, &offsets::TASK_PENDING) & taken;
    let shared = chase::<u64>(group, &offsets::SIGNAL_PENDING) & taken;
    if own | shared == 0 {
        return false;
    }
    cold_path();
    emit::record(&EVENTS, 0, ts_ns, |to: Shared<Pending>| {
        store!(to.tid = tid);
        store!(to.exit_code = chase(group, &offsets::SIGNAL_EXIT_CODE));
        store!(to.own = own);
        store!(to.shared = shared);
    });
    true
}
