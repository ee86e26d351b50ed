//! What can only be found by following all threads at once: which waits are idle, who
//! held the interpreter locks, how much went on at once, what woke many for nothing. All of it follows one course.

use std::{panic::resume_unwind, thread};

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
    let threads: Vec<&Thread> = world.threads.iter().collect();
    thread::scope(|scope| {
        // They share nothing, and each costs about as much as its sweep.
        let course = scope.spawn(|| {
            let (group_of, groups) = (namer.group_of(), namer.groups());
            let cpus = info.start.host.cpus;
            let mut counts = Counts::new(world, cpus, processes, group_of, groups);
            sweep(world, &threads, |turn| counts.turn(turn));
            counts.end()
        });
        let (idle, (held, held_spans), herds) =
            follow_waits(world, info, processes, namer, &threads);
        Found {
            idle,
            held,
            held_spans,
            herds,
            course: course.join().unwrap_or_else(|panic| resume_unwind(panic)),
        }
    })
}

/// All but the course of the run.
fn follow_waits(
    world: &World,
    info: &RunInfo,
    processes: &Processes,
    namer: &Namer<'_>,
    threads: &[&Thread],
) -> (
    Idle,
    (FxHashMap<ThreadId, GilHeld>, Vec<Held>),
    herds::Found,
) {
    let group_of = namer.group_of();
    let is_return = |(class, _): &&(Loss, &str)| *class == Loss::KernelReturn;
    let returns = LOSS_NAMES.iter().find(is_return);
    let lost = returns.and_then(|(_, name)| info.lost.get(*name));
    let returns_known = lost.is_none_or(|&lost| lost == 0);
    let mut herds = Herds::new(world, group_of, info.short_run_ns, returns_known);
    let mut locks = Locks::new(world, info.wanted.trace);
    let mut sites = Sites::new(world, &processes.of_thread);
    for thread in threads.iter().filter(|thread| concerns(thread)) {
        for lived in world.logs.history(thread.id) {
            locks.learn(thread, &lived);
            sites.learn(thread, &lived);
        }
    }
    let mut waits = sites.look(group_of);
    sweep(world, threads, |turn| {
        locks.turn(turn);
        waits.turn(turn);
        herds.turn(turn);
    });
    (waits.end(), locks.end(), herds.end())
}

/// Whether a thread's past says where to look.
fn concerns(thread: &Thread) -> bool {
    let mut kinds = thread.account.waits.keys().map(|key| key.kind);
    kinds.any(|kind| Locks::concerns(kind) || Sites::concerns(kind))
}
