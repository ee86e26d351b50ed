//! Who holds CPython's interpreter lock while threads of a process wait for it.
//!
//! It is named where two things are proved (`take_gil`, `drop_gil` in CPython's
//! `Python/ceval_gil.c`):
//!
//! - *Somebody has it.* One goes to sleep at the lock's condition only while it is held, and who
//!   gives it up wakes one that sleeps there. So it is held if a thread sleeps there that has
//!   certainly not been woken, and no other one was woken since it fell asleep: else the lock
//!   may be free, and on its way to that one.
//! - *All others have it not*: they certainly sleep at the condition, too; or they have slept
//!   for something else since before another thread gave it up. A thread at another word of the
//!   lock may have it still (it gives it up, and waits for the lock's mutex) or have it no more
//!   (it waits until the other one has taken it).
//!
//! As in `metrics::gil` the condition is known by its timeouts: its sleepers use two words, side
//! by side.

use super::present::Present;
use crate::{
    metrics::gil,
    vocabulary::WaitKind,
    world::{
        World,
        blame::cause::Cause,
        identity::ThreadId,
        interval::{Activity, Ended},
        thread::{State, Thread},
    },
};

/// Of the threads of a process.
pub fn holder(world: &World, threads: &[ThreadId], present: &Present) -> Option<ThreadId> {
    let condition = threads.iter().find_map(|&id| condition(world, id))?;
    let threads = || threads.iter().filter_map(|&id| world.get(id));
    let waits = |thread: &Thread| present.kind_since_run(thread.id) == Some(WaitKind::Gil);
    let sleeps = |thread: &Thread| {
        let is_here = waits(thread) && word_of(thread).map(lower) == Some(condition);
        is_here && present.is_asleep(thread.id)
    };
    let sleepers = threads().filter(|thread| sleeps(thread));
    // Somebody had it then.
    let had_ns = sleepers.map(|thread| thread.since_ns).max()?;
    let woken = || threads().filter_map(|thread| last_woken(world, thread, condition));
    if woken().any(|woken| woken.at_ns >= had_ns) {
        return None;
    }
    let given_ns = woken().filter_map(|woken| woken.given_ns).max();
    let has_slept = |thread: &Thread| {
        matches!(thread.state, State::Waiting(_))
            && !waits(thread)
            && given_ns.is_some_and(|given_ns| thread.since_ns < given_ns)
    };
    let mut left = threads().filter(|thread| !sleeps(thread) && !has_slept(thread));
    let only = left.next().filter(|_| left.next().is_none())?;
    (!waits(only)).then_some(only.id)
}

/// The words of the lock's condition, by the lower one.
fn condition(world: &World, id: ThreadId) -> Option<u64> {
    let mut history = world.logs.history(id).rev();
    history.find_map(|lived| gil::timed_out_at(&lived.activity).map(lower))
}

/// The word of memory that a thread sleeps at, if it sleeps at one.
fn word_of(thread: &Thread) -> Option<u64> {
    match &thread.state {
        State::Waiting(wait) => Some(wait.off.call.arg0),
        _ => None,
    }
}

/// The latest ends of a thread's waits at the condition.
struct LastWoken {
    /// By anything but a timer, ns.
    at_ns: u64,
    /// By another thread of the process, which has given the lock up, ns.
    given_ns: Option<u64>,
}

fn last_woken(world: &World, thread: &Thread, condition: u64) -> Option<LastWoken> {
    let is_other = |id: ThreadId| {
        let giver = world.get(id).map(|giver| giver.process);
        id != thread.id && giver == Some(thread.process)
    };
    let history = world.logs.history(thread.id).rev();
    let mut woken = history.filter_map(|lived| match lived.activity {
        Activity::Wait { key, ended, .. } => {
            let is_here = gil::word(&key).map(lower) == Some(condition);
            let is_waking = !matches!(ended, Ended::For(Cause::Timer, _));
            let is_given = matches!(ended, Ended::By(giver) if is_other(giver));
            (is_here && is_waking).then_some((lived.to_ns, is_given))
        }
        _ => None,
    });
    let (at_ns, is_given) = woken.next()?;
    let given = match is_given {
        true => Some((at_ns, true)),
        false => woken.find(|&(_, is_given)| is_given),
    };
    Some(LastWoken {
        at_ns,
        given_ns: given.map(|(at_ns, _)| at_ns),
    })
}

/// Of the two words of a condition.
fn lower(word: u64) -> u64 {
    word & !gil::OTHER_WORD
}
