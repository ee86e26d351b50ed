//! Who is traced: tasks that have an entry in `ENTRIES`. The map `TASKS` says
//! where, and is right in every case; but it costs 35 ns to ask, and a switch and
//! its waking ask four times. So the place that the task's tid leads to is looked
//! at first. It answers when it holds the task's entry, or has never been
//! any traced task's; else `TASKS` is asked. Tids may change hands, with the
//! owner's thread not gone yet: whatever `key` an entry bears is compared.

use core::hint::cold_path;

use aya_ebpf::{
    bindings::{BPF_ANY, BPF_NOEXIST},
    helpers,
};
use probe_common::{
    entry::{TRIES, TaskEntry, key, slot},
    loss::Loss,
};

use crate::{
    emit,
    maps::{ENTRIES, SLOTS, TARGETS, TASKS},
    offsets::{Constant as _, ENTRIES_MASK},
    read::{self, Task},
    run_queue,
    shared::{Shared, load, store},
    syscall,
};

/// The entry of a traced task. Two CPUs may write one at once (a waking during a
/// switch-out): every field is a single word, and every order of the two writes is a
/// state the world understands.
pub type Entry = Shared<TaskEntry>;

/// The entry of a traced task.
#[inline(always)]
pub fn entry(task: Task) -> Option<Entry> {
    find(task as u64, read::tid(task))
}

/// The entry with a key that has the tid in its lower half (raw tier).
#[inline(always)]
pub fn entry_at(key: u64) -> Option<Entry> {
    find(key, key as u32)
}

/// The entry with a key, of the task that has this tid.
#[inline(always)]
pub fn find(key: u64, tid: u32) -> Option<Entry> {
    let place = at(slot(tid, 0, ENTRIES_MASK.load() as u32))?;
    let found = load!(place.key);
    // Also where the idle task's tid is asked for as a key.
    if found == key::NEVER {
        return None;
    }
    if found != key {
        cold_path();
        return at(slot_of(key)?);
    }
    Some(place)
}

/// Starts following a task.
#[inline(always)]
pub fn follow(task: Task) -> bool {
    let tid = read::tid(task);
    let fresh = TaskEntry {
        tid,
        name: read::comm_hash(read::comm_words(task)),
        regs: syscall::registers(task),
        moves: run_queue::moves(task),
        ..TaskEntry::FRESH
    };
    // An exec gives it the tid of its process.
    mark(read::tgid(task));
    insert(task as u64, tid, &raw const fresh)
}

/// Makes an entry, a copy of another one; counts it when the table is full.
#[inline(always)]
pub fn insert(key: u64, tid: u32, entry: *const TaskEntry) -> bool {
    let inserted = try_insert(key, tid, entry);
    if !inserted {
        emit::lost(Loss::TaskTable);
    }
    inserted
}

#[inline(always)]
fn try_insert(key: u64, tid: u32, entry: *const TaskEntry) -> bool {
    let known = slot_of(key);
    let slot = match known {
        Some(slot) => slot,
        None => match claim(tid) {
            Some(slot) => slot,
            None => return false,
        },
    };
    // Nobody finds it yet, and a task that has lost it does not find it here either:
    // its key comes last.
    copy_to(slot, entry);
    if known.is_none() && TASKS.insert(key, slot, u64::from(BPF_NOEXIST)).is_err() {
        let _absent = SLOTS.remove(slot);
        // Another CPU was faster, or there is no room.
        return slot_of(key).is_some();
    }
    mark(tid);
    if let Some(place) = at(slot) {
        store!(place.key = key);
    }
    true
}

/// Takes a place for the entry of a task. Two CPUs may look for one at once.
#[inline(always)]
fn claim(tid: u32) -> Option<u32> {
    for attempt in 0..TRIES {
        let slot = slot(tid, attempt, ENTRIES_MASK.load() as u32);
        if SLOTS.insert(slot, tid, u64::from(BPF_NOEXIST)).is_ok() {
            return Some(slot);
        }
    }
    None
}

/// Has `TASKS` asked for any task that bears this tid.
#[inline(always)]
fn mark(tid: u32) {
    if let Some(place) = at(slot(tid, 0, ENTRIES_MASK.load() as u32)) {
        // If another task's key gets lost here, `TASKS` is asked for that task.
        if load!(place.key) == key::NEVER {
            store!(place.key = key::OTHER);
        }
    }
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
    let Some(slot) = slot_of(key) else {
        return;
    };
    if let Some(place) = at(slot) {
        store!(place.key = key::OTHER);
    }
    let _absent = TASKS.remove(key);
    let _absent = SLOTS.remove(slot);
}

#[inline(always)]
fn at(slot: u32) -> Option<Entry> {
    // SAFETY: `ENTRIES` is an array, which is preallocated, of integers.
    Some(unsafe { Shared::new(ENTRIES.get_ptr_mut(slot)?) })
}

/// Where the entry with a key lies, by the map that is always right.
#[inline(always)]
fn slot_of(key: u64) -> Option<u32> {
    let slot = TASKS.get_ptr(key)?;
    // SAFETY: a word of a preallocated map.
    Some(unsafe { slot.read_volatile() })
}

/// Copies an entry. The kernel does it, since it may be one that lies in the map.
#[inline(always)]
fn copy_to(slot: u32, entry: *const TaskEntry) {
    // SAFETY: the helper knows the sizes, and checks all three pointers.
    unsafe {
        let _no_slot = helpers::generated::bpf_map_update_elem(
            (&raw const ENTRIES).cast_mut().cast(),
            (&raw const slot).cast(),
            entry.cast(),
            u64::from(BPF_ANY),
        );
    }
}

/// Whether its process was named by the user (attach).
#[inline(always)]
pub fn is_target(tgid: u32) -> bool {
    TARGETS.get_ptr(tgid).is_some()
}
