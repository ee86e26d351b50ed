//! A thread's life as a chain of steps without gaps: what it did from when to
//! when, and which steps a waking began.

use std::iter;

use crate::{
    metrics::sums,
    world::{
        World,
        identity::ThreadId,
        interval::Activity,
        thread::{State, Thread},
    },
};

/// What a thread does, as far as counting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    Queued,
    Blocked,
    Unknown,
}

/// A stay in one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
    pub(super) phase: Phase,
    /// A waking began it: of a sleeper, or of a thread that was just made.
    pub(super) woken: bool,
}

/// All its steps up to the world's present moment.
pub(super) fn of(world: &World, id: ThreadId) -> impl Iterator<Item = Step> {
    let thread = world.get(id);
    let begun_ns = thread.and_then(|thread| thread.start_ns).unwrap_or(0);
    let mut woken = thread.is_some_and(|thread| !thread.account.first_wakeups.is_empty());
    let mut from_ns = begun_ns;
    stays(world, id, thread).filter_map(move |(to_ns, phase)| {
        let step = Step {
            from_ns,
            to_ns: to_ns.max(from_ns),
            phase,
            woken,
        };
        from_ns = step.to_ns;
        woken = phase == Phase::Blocked;
        (step.to_ns > step.from_ns).then_some(step)
    })
}

/// Ends of intervals, and what they were: the finished ones and the present one.
fn stays<'a>(
    world: &'a World,
    id: ThreadId,
    thread: Option<&'a Thread>,
) -> impl Iterator<Item = (u64, Phase)> + 'a {
    let finished = world.logs.history(id);
    let finished = finished.map(|lived| (lived.to_ns, of_activity(&lived.activity)));
    let present = thread.and_then(|thread| {
        let phase = of_state(&thread.state).filter(|_| thread.start_ns.is_some())?;
        Some((sums::end_ns(world, thread), phase))
    });
    finished.chain(iter::once(present).flatten())
}

fn of_activity(activity: &Activity) -> Phase {
    match activity {
        Activity::Cpu(_) => Phase::Running,
        Activity::RunQueue => Phase::Queued,
        Activity::Unknown => Phase::Unknown,
        Activity::Wait { .. } => Phase::Blocked,
    }
}

fn of_state(state: &State) -> Option<Phase> {
    match state {
        State::Running => Some(Phase::Running),
        State::Runnable => Some(Phase::Queued),
        State::Waiting(_) => Some(Phase::Blocked),
        State::Unknown => Some(Phase::Unknown),
        State::NotStarted | State::Dead => None,
    }
}
