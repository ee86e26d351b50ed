//! Random scheduler histories: what the probes would have written, and the
//! truth about every thread, kept independently.

mod actions;
mod calls;
mod contexts;
mod lives;
mod simulation;
mod sleeps;
pub(super) mod told;
pub(super) mod truth;

mod variety;
mod wakings;

use proptest::prelude::*;

pub(super) use simulation::History;

/// One step: how much time passes, and bytes from which an action is chosen.
pub(super) type Step = (u64, [u8; 5]);

/// How a history goes. Every script is a valid one: what cannot happen in the
/// present state is skipped.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// CPUs.
    cpus: usize,
    /// Threads that are there before; none: a held root.
    seeds: Vec<u8>,
    /// Until the last snapshot.
    steps: Vec<Step>,
    /// Between the last snapshot and the end.
    tail: Vec<Step>,
}

fn step() -> impl Strategy<Value = Step> {
    let time = prop_oneof![4 => 0..2000_u64, 1 => 0..3_000_000_u64];
    (time, any::<[u8; 5]>())
}

/// Scripts of some hundred steps at most.
pub(super) fn script() -> impl Strategy<Value = Script> {
    let seeds = prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 1..4)
    ];
    let steps = proptest::collection::vec(step(), 0..220);
    let tail = proptest::collection::vec(step(), 0..10);
    (1..=4_usize, seeds, steps, tail).prop_map(|(cpus, seeds, steps, tail)| Script {
        cpus,
        seeds,
        steps,
        tail,
    })
}
