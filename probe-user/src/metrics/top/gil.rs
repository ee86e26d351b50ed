//! Who holds CPython's interpreter lock while threads of a process wait for it.
//!
//! It is one that neither waits for the lock nor has ended. Who gives it up wakes one that
//! sleeps at its condition, if anybody does (`drop_gil` in CPython's `Python/ceval_gil.c`): the
//! lock is handed over. Who has not run since then does not hold it. So it is the only one that
//! is left; or the one that it was handed to last, if somebody has waited for it ever since.
//! As in `metrics::gil` the condition is known by its timeouts: its sleepers use two words, side
//! by side. Other words of the lock say nothing of who has it.

use super::present::Present;
use crate::{
    metrics::gil,
    vocabulary::WaitKind,
    world::{
        World,
        identity::ThreadId,
        interval::{Activity, Ended},
        thread::State,
    },
};

/// Between two waits of one for the lock, ns.
const TRY_AGAIN_NS: u64 = 1_000_000;

/// Of the threads of a process.
pub fn holder(world: &World, threads: &[ThreadId], present: &Present) -> Option<ThreadId> {
    let waits = |id: &ThreadId| present.kind(*id) == Some(WaitKind::Gil);
    let (waiters, free): (Vec<ThreadId>, Vec<ThreadId>) = threads.iter().partition(|id| waits(id));
    if let [only] = free[..] {
        return Some(only);
    }
    let mut all = waiters.iter().chain(&free);
    let condition = all.find_map(|&id| condition(world, id))?;
    let given = threads.iter().filter_map(|&id| given(world, id, condition));
    let (at_ns, last) = given.max()?;
    let mut left = free.iter().filter(|&&id| may_have_run(world, id, at_ns));
    if let (Some(&only), None) = (left.next(), left.next()) {
        return Some(only);
    }
    let waited_since = waiters.iter().filter_map(|&id| begun_ns(world, id));
    let is_certain = waited_since.min()? <= at_ns;
    (is_certain && !waits(&last)).then_some(last)
}

/// The words of the lock's condition, by the lower one.
fn condition(world: &World, id: ThreadId) -> Option<u64> {
    let mut history = world.logs.history(id).rev();
    history.find_map(|lived| gil::timed_out_at(&lived.activity).map(lower))
}

/// When another thread of the process last gave one the lock that it waited for, ns.
fn given(world: &World, id: ThreadId, condition: u64) -> Option<(u64, ThreadId)> {
    let process = |id| world.get(id).map(|thread| thread.process);
    let mut history = world.logs.history(id).rev();
    let given = history.find(|lived| match lived.activity {
        Activity::Wait { key, ended, .. } => {
            gil::word(&key).map(lower) == Some(condition)
                && matches!(ended, Ended::By(giver) if process(giver) == process(id))
        }
        _ => false,
    })?;
    Some((given.to_ns, id))
}

/// Of the two words of a condition.
fn lower(word: u64) -> u64 {
    word & !gil::OTHER_WORD
}

fn may_have_run(world: &World, id: ThreadId, since_ns: u64) -> bool {
    world.get(id).is_none_or(|thread| match thread.state {
        State::Waiting(_) | State::Runnable => thread.since_ns >= since_ns,
        _ => true,
    })
}

/// Since when a thread has waited for the lock, time and again, ns.
fn begun_ns(world: &World, id: ThreadId) -> Option<u64> {
    let mut begun_ns = world.get(id)?.since_ns;
    for lived in world.logs.history(id).rev() {
        match lived.activity {
            Activity::Wait { key, ended, .. } if key.kind == WaitKind::Gil => {
                if matches!(ended, Ended::By(_)) {
                    break;
                }
                begun_ns = lived.from_ns;
            }
            _ if begun_ns - lived.from_ns > TRY_AGAIN_NS => break,
            _ => {}
        }
    }
    Some(begun_ns)
}
