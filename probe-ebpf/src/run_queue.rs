//! What CPUs do between traced tasks, and how these come from one run queue to
//! another: so that user space can say behind whom a thread stood.
//!
//! Only what is about an idle task costs anything, and only where no traced task goes
//! on from the idle task does it read a clock.

use probe_common::{
    ring::Position,
    sched::{Migration, flag, state},
};

use crate::{
    emit,
    filter::Entry,
    maps::{EVENTS, POSITIONS},
    offsets::{self, known},
    probes::switch_record::Out,
    read::{self, Task},
    shared::{Shared, load, store},
};

/// The idle task of every CPU.
const IDLE_TID: u32 = 0;
/// Some other task: the kernel hides switches only of tasks that it has.
const HIDDEN_TID: u32 = u32::MAX;

/// A switch from one untraced task to another.
#[inline(always)]
pub fn note_untraced(prev: Task, next: Task) {
    if read::tid(prev) == IDLE_TID {
        if let Some(position) = of_cpu(emit::cpu()) {
            store!(position.idle_until_ns = read::now());
            store!(position.idle = 0);
        }
    } else {
        note_left_to(next);
    }
}

/// A traced task leaves the CPU to this one, which is not.
#[inline(always)]
pub fn note_left_to(next: Task) {
    if read::tid(next) == IDLE_TID
        && let Some(position) = of_cpu(emit::cpu())
    {
        store!(position.idle = 1);
    }
}

/// A record of a switch on this CPU found no room.
#[inline(always)]
pub fn note_loss() {
    if let Some(position) = of_cpu(emit::cpu()) {
        store!(position.lost = load!(position.lost) + 1);
    }
}

/// What a record says of the untraced task that leaves the CPU to a traced one.
#[inline(always)]
pub fn left_by(prev: Task, out: &mut Out) {
    left(read::tid(prev), out);
}

/// The same of a task whose switch-out the kernel hid.
#[inline(always)]
pub fn left_by_hidden(out: &mut Out) {
    left(HIDDEN_TID, out);
}

#[inline(always)]
fn left(tid: u32, out: &mut Out) {
    if let Some(position) = of_cpu(emit::cpu()) {
        out.tid = tid;
        out.seq = load!(position.lost) as u16;
        out.arg0 = load!(position.idle_until_ns) | 1;
        store!(position.idle = 0);
    }
}

/// Moves of a task so far; 0 where they are not known.
#[inline(always)]
pub fn moves(task: Task) -> u32 {
    if !known(&offsets::TASK_NR_MIGRATIONS) {
        return 0;
    }
    read::field(task, &offsets::TASK_NR_MIGRATIONS)
}

/// [`flag::MOVES_KNOWN`] of a task that switches in.
#[inline(always)]
pub fn moves_known(next: Task, entry: Entry) -> u16 {
    if !known(&offsets::TASK_NR_MIGRATIONS) {
        return 0;
    }
    let moves = moves(next);
    let unknown = u64::from(load!(entry.moves) ^ moves);
    store!(entry.moves = moves);
    // In numbers rather than branches, for the verifier: the highest bit, if it was 0.
    (unknown.wrapping_sub(1) >> 63) as u16 * flag::MOVES_KNOWN
}

/// A task is given another CPU: by what wakes it, or while it waits for one.
#[inline(always)]
pub fn note_move(task: Task, entry: Entry, to_cpu: u32) {
    if !known(&offsets::TASK_NR_MIGRATIONS) || !known(&offsets::TASK_CPU) {
        return;
    }
    let is_waking = read::field::<u32>(task, &offsets::TASK_STATE) & u32::from(state::WAKING) != 0;
    if is_waking || emit_move(task, entry, to_cpu) {
        store!(entry.moves = load!(entry.moves).wrapping_add(1));
    }
}

#[inline(always)]
fn emit_move(task: Task, entry: Entry, to_cpu: u32) -> bool {
    let from_cpu: u32 = read::field(task, &offsets::TASK_CPU);
    let Some(position) = of_cpu(from_cpu) else {
        return false;
    };
    let idle_until_ns = match load!(position.idle) {
        0 => load!(position.idle_until_ns) | 1,
        _ => u64::MAX,
    };
    emit::record(&EVENTS, 0, read::now(), |to: Shared<Migration>| {
        store!(to.tid = load!(entry.tid));
        store!(to.from_cpu = from_cpu as u16);
        store!(to.to_cpu = to_cpu as u16);
        store!(to.idle_until_ns = idle_until_ns);
    })
}

#[inline(always)]
fn of_cpu(cpu: u32) -> Option<Shared<Position>> {
    // SAFETY: an array, which is preallocated, of integers.
    Some(unsafe { Shared::new(POSITIONS.get_ptr_mut(cpu)?) })
}
