//! What can only be found by following all threads at once: which waits are idle, who
//! held the interpreter locks, how much went on at once. All of it follows one course.

use rustc_hash::FxHashMap;

use super::{
    concurrency::{Counts, Course},
    gil::Locks,
    idle::{Idle, Sites},
    process::Processes,
    sweep::sweep,
    threads::Namer,
};
use crate::{
    document::GilHeld,
    world::{World, identity::ThreadId, thread::Thread},
};

/// What was found.
pub struct Found {
    /// Which waits are idle.
    pub idle: Idle,
    /// How long threads held the interpreter lock.
    pub held: FxHashMap<ThreadId, GilHeld>,
    /// How much went on at once.
    pub course: Course,
}

/// Follows all threads of a world.
pub fn follow(world: &World, cpus: u32, processes: &Processes, namer: &Namer<'_>) -> Found {
    let group_of = namer.group_of();
    let mut counts = Counts::new(world, cpus, processes, group_of, namer.groups());
    let mut locks = Locks::new(world);
    let mut sites = Sites::new(world, &processes.of_thread);
    for thread in world.threads.iter().filter(|thread| concerns(thread)) {
        for lived in world.logs.history(thread.id) {
            locks.learn(thread, &lived);
            sites.learn(thread, &lived);
        }
    }
    let mut waits = sites.look(group_of);
    let threads: Vec<&Thread> = world.threads.iter().collect();
    sweep(world, &threads, |turn| {
        counts.turn(turn);
        locks.turn(turn);
        waits.turn(turn);
    });
    Found {
        idle: waits.end(),
        held: locks.end(),
        course: counts.end(),
    }
}

/// Whether a thread's past says where to look.
fn concerns(thread: &Thread) -> bool {
    let mut kinds = thread.account.waits.keys().map(|key| key.kind);
    kinds.any(|kind| Locks::concerns(kind) || Sites::concerns(kind))
}
