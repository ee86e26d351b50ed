//! What can only be found by following all threads at once: which waits are idle, who
//! held the interpreter locks, how much went on at once, what woke many for nothing. All of it follows one course.

use probe_common::loss::{LOSS_NAMES, Loss};
use rustc_hash::FxHashMap;

use super::{
    RunInfo,
    concurrency::{Counts, Course},
    gil::{Held, Locks},
    herds::{self, Herds},
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
    /// And when, where a trace is asked for.
    pub held_spans: Vec<Held>,
    /// How much went on at once.
    pub course: Course,
    /// What woke many for nothing.
    pub herds: herds::Found,
}

/// Follows all threads of a world.
pub fn follow(world: &World, info: &RunInfo, processes: &Processes, namer: &Namer<'_>) -> Found {
    let group_of = namer.group_of();
    let cpus = info.start.host.cpus;
    let mut counts = Counts::new(world, cpus, processes, group_of, namer.groups());
    let is_return = |(class, _): &&(Loss, &str)| *class == Loss::KernelReturn;
    let returns = LOSS_NAMES.iter().find(is_return);
    let lost = returns.and_then(|(_, name)| info.lost.get(*name));
    let returns_known = lost.is_none_or(|&lost| lost == 0);
    let mut herds = Herds::new(world, group_of, info.short_run_ns, returns_known);
    let mut locks = Locks::new(world, info.wanted.trace);
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
        herds.turn(turn);
    });
    let (held, held_spans) = locks.end();
    Found {
        idle: waits.end(),
        held,
        held_spans,
        course: counts.end(),
        herds: herds.end(),
    }
}

/// Whether a thread's past says where to look.
fn concerns(thread: &Thread) -> bool {
    let mut kinds = thread.account.waits.keys().map(|key| key.kind);
    kinds.any(|kind| Locks::concerns(kind) || Sites::concerns(kind))
}
