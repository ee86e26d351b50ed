//! Who is traced: tasks that have an entry in `TASKS`.

use aya_ebpf::bindings::BPF_ANY;
use probe_common::{entry::TaskEntry, loss::Loss};

use crate::{
    emit,
    maps::{TARGETS, TASKS},
    read::{self, Task},
};

/// The entry of a traced task.
#[inline(always)]
pub fn entry(task: Task) -> Option<&'static mut TaskEntry> {
    entry_at(task as u64)
}

/// The same by the address of its `task_struct`.
#[inline(always)]
pub fn entry_at(address: u64) -> Option<&'static mut TaskEntry> {
    let entry = TASKS.get_ptr_mut(address)?;
    // SAFETY: the map is preallocated, so the slot outlives the program. Two
    // CPUs may write one entry at once (a waking during a switch-out); every
    // field is a single word and every order of the two writes is a state the
    // world understands.
    Some(unsafe { &mut *entry })
}

/// Starts following a task.
#[inline(always)]
pub fn follow(task: Task) -> bool {
    let fresh = TaskEntry {
        tid: read::tid(task),
        // In none; 0 is one.
        nr: -1,
        name: read::folded(read::comm_words(task)),
        ..TaskEntry::default()
    };
    insert(task as u64, &fresh)
}

/// Makes an entry; counts it when the table is full.
#[inline(always)]
pub fn insert(key: u64, entry: &TaskEntry) -> bool {
    let inserted = TASKS.insert(key, entry, u64::from(BPF_ANY)).is_ok();
    if !inserted {
        emit::lost(Loss::TaskTable);
    }
    inserted
}

/// Stops following it.
#[inline(always)]
pub fn forget(task: Task) {
    remove(task as u64);
}

/// Takes an entry away.
#[inline(always)]
pub fn remove(key: u64) {
    // A task that was never followed has no entry: nothing to do.
    let _absent = TASKS.remove(key);
}

/// Whether its process was named by the user (attach).
#[inline(always)]
pub fn is_target(tgid: u32) -> bool {
    TARGETS.get_ptr(tgid).is_some()
}
