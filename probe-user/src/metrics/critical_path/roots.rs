//! Which thread a path ends with, and which one it goes back to.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use crate::{
    document::Thread,
    metrics::sums,
    world::{World, identity::ThreadId, thread},
};

fn has_begun(thread: &thread::Thread) -> bool {
    thread.start_ns.is_some()
}

pub(super) fn first(world: &World) -> Option<ThreadId> {
    let thread = world.threads.iter().find(|thread| has_begun(thread));
    thread.map(|thread| thread.id)
}

/// The first threads of the processes attached to.
pub(super) fn roots(world: &World, attached: &[u32]) -> Vec<ThreadId> {
    let mut by_tid: FxHashMap<u32, ThreadId> = FxHashMap::default();
    if !attached.is_empty() {
        for thread in world.threads.iter().filter(|thread| has_begun(thread)) {
            by_tid.entry(thread.tid).or_insert(thread.id);
        }
    }
    let roots = attached.iter().filter_map(|pid| by_tid.get(pid));
    roots.copied().collect()
}

/// The thread with the most time on a CPU, on the run queue and in finished waits that
/// were not idle; of several the oldest.
pub(super) fn busiest(world: &World, threads: &[Thread]) -> Option<ThreadId> {
    let busy_ns = |row: &Thread| {
        let sums = &row.sums;
        let waits = sums.waits.iter().filter(|wait| wait.idle != Some(true));
        let waits = waits.map(|wait| wait.total_ns);
        waits.fold(
            sums.on_cpu_ns.saturating_add(sums.runqueue_ns),
            u64::saturating_add,
        )
    };
    let both = world.threads.iter().zip(threads);
    let begun = both.filter(|(thread, _)| has_begun(thread));
    let busiest = begun.max_by_key(|(thread, row)| (busy_ns(row), Reverse(thread.id)));
    busiest.map(|(thread, _)| thread.id)
}

/// The oldest of those that led to a thread: who made it, and that one, and so on.
pub(super) fn oldest_ancestor(world: &World, thread: ThreadId) -> ThreadId {
    let creator = |&id: &ThreadId| {
        let creator = world.get(world.get(id)?.creator?)?;
        // Creators are older, whatever broken input says.
        (has_begun(creator) && creator.id < id).then_some(creator.id)
    };
    let ancestors = std::iter::successors(Some(thread), creator);
    ancestors.last().unwrap_or(thread)
}

/// The thread of the root's process that ends last; of several the one that says what
/// it runs. A root that does not lead its process stands for itself.
pub(super) fn last_of(world: &World, root: ThreadId) -> ThreadId {
    let thread = world.get(root).filter(|thread| thread.is_leader());
    let process = thread.and_then(|thread| world.processes.get(thread.process));
    let end_of = |id: &ThreadId| {
        let thread = world.get(*id).filter(|thread| has_begun(thread))?;
        let is_main = process.is_some_and(|process| process.runs == *id);
        Some((sums::end_ns(world, thread), is_main, *id == root))
    };
    let threads = process.iter().flat_map(|process| &process.threads);
    threads.copied().max_by_key(end_of).unwrap_or(root)
}
