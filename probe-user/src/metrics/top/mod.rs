//! World → tick: what each task does at a moment, whom it waits for, and what that chain
//! ends in.

pub mod around;
mod chain;
mod gil;
mod idle;
mod interval;
mod present;
mod rows;
mod window;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use self::{
    around::{Around, Question},
    chain::Chains,
    interval::Course,
    present::Present,
    rows::Commands,
};
use super::{process, run_info::RunInfo, threads::Namer};
use crate::{
    document::top::Tick,
    wire::{event::On, session::Wakings},
    world::{World, identity::ThreadId, process::ProcessId, thread::Thread},
};

/// What a tick is of.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Its number, from 1.
    pub tick: u64,
    /// When the tick before was, or the observation began, ns.
    pub since_ns: u64,
    /// Where the window begins, ns.
    pub window_ns: u64,
}

/// What is known of sleeps that go on at the moment, but not yet part of the world.
#[derive(Debug)]
pub struct Sleeps {
    /// By tid, the next switch-in behind the moment, where its record is there by now.
    pub next: FxHashMap<u32, On>,
    /// Who does not run by now, and has been woken.
    pub wakings: Wakings,
}

/// What one tick leaves for the next.
#[derive(Default)]
pub struct Kept {
    present: Present,
    commands: Commands,
}

/// The present moment of a world. `look` finds out what no record says: of these processes,
/// and of what these waits are on.
pub fn tick(
    world: &mut World,
    info: &RunInfo,
    sleeps: &Sleeps,
    span: Span,
    kept: &mut Kept,
    look: impl FnOnce(&BTreeMap<u32, ProcessId>, &[Question]) -> Around,
) -> Tick {
    let at_ns = world.seen_until_ns();
    let present = Present::of(world, sleeps, &kept.present);
    let around = &look(&processes(world), &present.questions(world));
    let chains = Chains::of(world, present, around);
    let blame = window::of(world, &chains, span.window_ns, at_ns);
    let world = &*world;
    let processes = process::rows(world);
    let namer = Namer::new(world, &processes);
    let mut course = Course::of(world, &chains.present, span.since_ns, at_ns);
    let idle = idle::of(world, &chains, around);
    let rows = rows::Rows {
        world,
        namer: &namer,
        processes: &processes,
        chains: &chains,
        idle: &idle,
        around,
        at_ns,
    };
    let mut blame = window::Named::new(world, &namer, &blame);
    let tasks = rows.all(&mut course, &mut blame, &mut kept.commands);
    let tick = Tick {
        at_ns,
        interval_ns: at_ns.saturating_sub(span.since_ns),
        tick: span.tick,
        summary: rows::summary(world, info, &course, &tasks),
        window: Some(blame.whole(at_ns.saturating_sub(span.window_ns))),
        tasks,
    };
    kept.present = chains.present;
    tick
}

/// Processes that are there.
fn processes(world: &World) -> BTreeMap<u32, ProcessId> {
    let processes = living(world).filter_map(|thread| Some((thread.pid?, thread.process)));
    processes.collect()
}

/// Their identities.
fn ids(world: &World) -> impl Iterator<Item = ThreadId> {
    living(world).map(|thread| thread.id)
}

/// Threads that are there.
fn living(world: &World) -> impl Iterator<Item = &Thread> {
    let threads = world.threads.iter();
    threads.filter(|thread| !thread.is_dead() && thread.start_ns.is_some())
}
