//! How long each thread held CPython's interpreter lock while others waited.
//!
//! Whoever gives the lock up wakes a thread that sleeps at its condition, if
//! there is one (`drop_gil` in CPython's `Python/ceval_gil.c`), and nobody goes
//! to sleep there unless the lock is held. So as long as somebody sleeps there,
//! the lock was never free in between two such wake-ups, but for the moment
//! until it was taken; and it was held by whoever does the next wake-up. *Held*
//! counts from the first of these instants behind the former wake-up until that
//! next one, if somebody slept all the time in between:
//!
//! - another thread went to sleep at the condition;
//! - the holder itself got a CPU after its own last wait for the lock.
//!
//! It is a lower bound, to the nanosecond where records are whole: a lock that
//! is held while nobody sleeps leaves no trace, neither when it is taken nor when
//! it is given up, and none of that time is counted.
//!
//! The condition is distinguished from the other words of the lock (its mutexes, and
//! `switch_cond`, where the giver waits until the lock was taken) by its
//! timeouts, which only waits for the lock itself have; its sleepers use two
//! words, 4 bytes apart, in turn (`__g_signals` of glibc's condition
//! variables). Where no wait ever timed out, nothing is reported.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::merge::in_order;
use crate::{
    document::{GilHeld, Thread},
    vocabulary::WaitKind,
    world::{
        World,
        account::ObjectKey,
        blame::cause::Cause,
        identity::ThreadId,
        interval::{Activity, Ended},
        process::ProcessId,
        thread::State,
    },
};

/// Gives every thread's row what it held. `threads` are in the world's order.
pub fn fill(world: &World, threads: &mut [Thread]) {
    let waiters = waiters(world);
    // By process.
    let mut locks: FxHashMap<ProcessId, Lock> = FxHashMap::default();
    for &(id, process) in &waiters {
        let condition = &mut locks.entry(process).or_default().condition;
        let words = timed_out(world, id).flat_map(|word| [word, word ^ OTHER_WORD]);
        condition.extend(words);
    }
    let lives = waiters.iter().map(|&(id, _)| changes(world, id));
    for (index, at_ns, change) in in_order(lives) {
        let (id, process) = waiters[index];
        if let Some(lock) = locks.get_mut(&process) {
            lock.follow(at_ns, id, change);
        }
    }
    for (holder, held) in locks.values().flat_map(|lock| &lock.holders) {
        let sums = &mut threads[holder.0 as usize].sums;
        add(&mut sums.gil, Some(held));
    }
}

/// Adds a thread's to its group's.
pub fn add(into: &mut Option<GilHeld>, from: Option<&GilHeld>) {
    let Some(from) = from else { return };
    let sum = into.get_or_insert_default();
    sum.held_ns = sum.held_ns.saturating_add(from.held_ns);
    sum.hand_overs = sum.hand_overs.saturating_add(from.hand_overs);
}

/// Every thread that has waited for its process's lock, with that.
fn waiters(world: &World) -> Vec<(ThreadId, ProcessId)> {
    let threads = (0..).map(ThreadId).zip(world.threads.iter());
    let waiter = threads.filter_map(|(id, thread)| {
        let mut waits = thread.account.waits.keys();
        let has_waited = waits.any(|key| key.kind == WaitKind::Gil);
        has_waited.then_some((id, thread.process))
    });
    waiter.collect()
}

/// The words at which a thread's waits for the lock have timed out.
fn timed_out(world: &World, id: ThreadId) -> impl Iterator<Item = u64> {
    world
        .logs
        .history(id)
        .filter_map(|lived| match lived.activity {
            Activity::Wait { key, ended, .. } if key.kind == WaitKind::Gil => match key.object {
                ObjectKey::Futex(word) if ended == Ended::For(Cause::Timer) => Some(word),
                _ => None,
            },
            _ => None,
        })
}

#[derive(Clone, Copy)]
enum Change {
    /// The thread goes to sleep at a word of the lock.
    Begins(u64),
    /// Its sleep there ends.
    Ends(u64, Ended),
    /// It gets a CPU after it waited for the lock.
    Turn,
}

/// What a thread has to do with the lock, in order of time, ns.
fn changes(world: &World, id: ThreadId) -> impl Iterator<Item = (u64, Change)> {
    let mut has_waited = false;
    let past = world.logs.history(id).flat_map(move |lived| {
        let had_waited = has_waited;
        has_waited = waited_behind(lived.activity, had_waited);
        let [mut first, mut second] = [None, None];
        match lived.activity {
            Activity::Wait { key, ended, .. } => {
                if let (WaitKind::Gil, ObjectKey::Futex(word)) = (key.kind, key.object) {
                    first = Some((lived.from_ns, Change::Begins(word)));
                    let ended = inside(world, id, ended);
                    second = Some((lived.to_ns, Change::Ends(word, ended)));
                }
            }
            Activity::Cpu(_) if had_waited => {
                first = Some((lived.from_ns, Change::Turn));
            }
            _ => {}
        }
        [first, second].into_iter().flatten()
    });
    let present = world.get(id).filter(|t| t.state == State::Running);
    let mut latest = world.logs.history(id).rev();
    // Up to what says something of it.
    let waited = latest.find_map(|lived| {
        let [if_had, if_not] = [true, false].map(|had| waited_behind(lived.activity, had));
        (if_had == if_not).then_some(if_had)
    });
    let turn = present.filter(|_| waited == Some(true));
    past.chain(turn.map(|thread| (thread.since_ns, Change::Turn)))
}

/// Whether, behind an interval, a thread has waited for the lock and got no CPU
/// since.
fn waited_behind(what: Activity, had_waited: bool) -> bool {
    match what {
        Activity::Wait { key, .. } => key.kind == WaitKind::Gil,
        Activity::Cpu(_) => false,
        // It is on its way.
        Activity::RunQueue | Activity::Unknown => had_waited,
    }
}

/// Another process can only interrupt a sleep, by a signal.
fn inside(world: &World, sleeper: ThreadId, ended: Ended) -> Ended {
    let process = |id| world.get(id).map(|thread| thread.process);
    match ended {
        Ended::By(waker) if process(waker) != process(sleeper) => Ended::For(Cause::Unknown),
        ended => ended,
    }
}

/// A condition variable's words lie side by side, aligned to their pair.
const OTHER_WORD: u64 = 4;

/// One process's lock over time.
#[derive(Default)]
struct Lock {
    /// The words that the lock itself is waited for at.
    condition: BTreeSet<u64>,
    sleepers: usize,
    /// Since when there is always a sleeper, and nobody gave the lock up, ns.
    closed_ns: Option<u64>,
    /// The first instant since then at which it was certainly held, ns.
    held_ns: Option<u64>,
    /// When each thread last got a CPU after a wait for the lock, ns.
    turns: FxHashMap<ThreadId, u64>,
    holders: FxHashMap<ThreadId, GilHeld>,
}

impl Lock {
    fn follow(&mut self, at_ns: u64, id: ThreadId, change: Change) {
        match change {
            Change::Turn => {
                self.turns.insert(id, at_ns);
            }
            Change::Begins(word) if self.condition.contains(&word) => {
                self.sleepers += 1;
                self.closed_ns.get_or_insert(at_ns);
                self.held_ns.get_or_insert(at_ns);
            }
            Change::Ends(word, ended) if self.condition.contains(&word) => {
                self.sleepers -= 1;
                if let Ended::By(holder) = ended {
                    self.given_up(holder, at_ns);
                }
                // An end that nobody verified may have been the holder's doing.
                let told = matches!(ended, Ended::By(_) | Ended::For(Cause::Timer));
                if self.sleepers == 0 || !told {
                    (self.closed_ns, self.held_ns) = (None, None);
                }
            }
            Change::Begins(_) | Change::Ends(..) => {}
        }
    }

    fn given_up(&mut self, holder: ThreadId, at_ns: u64) {
        let closed_ns = self.closed_ns.unwrap_or(at_ns);
        let turn = self.turns.get(&holder).copied();
        let turn = turn.filter(|&ns| ns >= closed_ns);
        let from_ns = turn.into_iter().chain(self.held_ns).min();
        let held = self.holders.entry(holder).or_default();
        held.hand_overs += 1;
        held.held_ns += at_ns - from_ns.unwrap_or(at_ns);
        (self.closed_ns, self.held_ns) = (Some(at_ns), None);
    }
}
