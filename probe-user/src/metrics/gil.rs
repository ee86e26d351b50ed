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
//! The condition is told from the other words of the lock (its mutexes, and
//! `switch_cond`, where the giver waits until the lock was taken) by its
//! timeouts, which only waits for the lock itself have; its sleepers use two
//! words, 4 bytes apart, in turn (`__g_signals` of glibc's condition
//! variables). Where no wait ever timed out, nothing is told.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use crate::{
    document::{GilHeld, Thread},
    world::{
        World,
        account::ObjectKey,
        blame::{Ended, cause::Cause, history::Life},
        identity::ThreadId,
        kind::WaitKind,
        thread::State,
    },
};

/// Gives every thread's row what it held. `threads` are in the world's order.
pub fn tell(world: &World, threads: &mut [Thread]) {
    for lock in locks(world).values() {
        for (holder, held) in lock.holders() {
            let sums = &mut threads[holder.0 as usize].sums;
            add(&mut sums.gil, Some(&held));
        }
    }
}

/// Adds a thread's to its group's.
pub fn add(into: &mut Option<GilHeld>, from: Option<&GilHeld>) {
    let Some(from) = from else { return };
    let sum = into.get_or_insert_default();
    sum.held_ns += from.held_ns;
    sum.hand_overs += from.hand_overs;
}

/// The waits for one process's lock.
#[derive(Default)]
struct Lock {
    sleeps: Vec<Sleep>,
    /// When each thread got a CPU after a wait for the lock, ns, in order.
    turns: FxHashMap<ThreadId, Vec<u64>>,
}

struct Sleep {
    from_ns: u64,
    to_ns: u64,
    word: u64,
    ended: Ended,
}

fn locks(world: &World) -> FxHashMap<u32, Lock> {
    let mut locks: FxHashMap<u32, Lock> = FxHashMap::default();
    for (id, thread) in (0..).map(ThreadId).zip(&world.threads) {
        let waits = thread.account.waits.keys();
        let waited = waits.map(|key| key.kind).any(|kind| kind == WaitKind::Gil);
        if let Some(pid) = thread.pid.filter(|_| waited) {
            locks.entry(pid).or_default().learn(world, id);
        }
    }
    locks
}

impl Lock {
    /// Takes in a thread's history.
    fn learn(&mut self, world: &World, id: ThreadId) {
        let turns = self.turns.entry(id).or_default();
        let mut has_waited = false;
        for lived in world.past.history(id) {
            match lived.what {
                Life::Waited { key, ended, .. } if key.kind == WaitKind::Gil => {
                    has_waited = true;
                    if let ObjectKey::Futex(word) = key.object {
                        self.sleeps.push(Sleep {
                            from_ns: lived.from_ns,
                            to_ns: lived.to_ns,
                            word,
                            ended: inside(world, id, ended),
                        });
                    }
                }
                Life::Passed(Cause::Computing(..)) if has_waited => {
                    turns.push(lived.from_ns);
                    has_waited = false;
                }
                // It is on its way.
                Life::Passed(_) => {}
                Life::Waited { .. } => has_waited = false,
            }
        }
        let present = world.get(id).filter(|t| t.state == State::Running);
        turns.extend(present.filter(|_| has_waited).map(|t| t.since_ns));
    }

    /// The words that the lock itself is waited for at.
    fn condition(&self) -> BTreeSet<u64> {
        let timed_out = |sleep: &&Sleep| sleep.ended == Ended::For(Cause::Timer);
        let words = self.sleeps.iter().filter(timed_out).map(|s| s.word);
        words.flat_map(|w| [w, w ^ OTHER_WORD]).collect()
    }

    /// What each holder held.
    fn holders(&self) -> FxHashMap<ThreadId, GilHeld> {
        let condition = self.condition();
        let sleeps = self.sleeps.iter().filter(|s| condition.contains(&s.word));
        let mut changes: Vec<(u64, Change)> = sleeps
            .flat_map(|sleep| {
                let end = Change::Ends(sleep.ended);
                [(sleep.from_ns, Change::Begins), (sleep.to_ns, end)]
            })
            .collect();
        // Stable: whoever is woken and sleeps again at one instant does so in order.
        changes.sort_by_key(|&(at_ns, _)| at_ns);
        let mut course = Course::default();
        for (at_ns, change) in changes {
            course.follow(at_ns, change, self);
        }
        course.holders
    }

    /// When a thread last got a CPU after a wait for the lock, up to `at_ns`.
    fn turn(&self, id: ThreadId, at_ns: u64) -> Option<u64> {
        let turns = self.turns.get(&id)?;
        let behind = turns.partition_point(|&turn_ns| turn_ns <= at_ns);
        turns.get(behind.checked_sub(1)?).copied()
    }
}

/// Another process can only interrupt a sleep, by a signal.
fn inside(world: &World, sleeper: ThreadId, ended: Ended) -> Ended {
    let pid = |id| world.get(id).and_then(|thread| thread.pid);
    match ended {
        Ended::By(waker) if pid(waker) != pid(sleeper) => Ended::For(Cause::Unknown),
        ended => ended,
    }
}

/// A condition variable's words lie side by side, aligned to their pair.
const OTHER_WORD: u64 = 4;

#[derive(Clone, Copy)]
enum Change {
    /// Somebody goes to sleep at the condition.
    Begins,
    /// Somebody's sleep there ends.
    Ends(Ended),
}

/// One lock over time.
#[derive(Default)]
struct Course {
    sleepers: usize,
    /// Since when there is always a sleeper, and nobody gave the lock up, ns.
    closed_ns: Option<u64>,
    /// The first instant since then at which it was certainly held, ns.
    held_ns: Option<u64>,
    holders: FxHashMap<ThreadId, GilHeld>,
}

impl Course {
    fn follow(&mut self, at_ns: u64, change: Change, lock: &Lock) {
        match change {
            Change::Begins => {
                self.sleepers += 1;
                self.closed_ns.get_or_insert(at_ns);
                self.held_ns.get_or_insert(at_ns);
            }
            Change::Ends(ended) => {
                self.sleepers -= 1;
                if let Ended::By(holder) = ended {
                    self.given_up(holder, at_ns, lock);
                }
                // An end that nobody verified may have been the holder's doing.
                let told = matches!(ended, Ended::By(_) | Ended::For(Cause::Timer));
                if self.sleepers == 0 || !told {
                    (self.closed_ns, self.held_ns) = (None, None);
                }
            }
        }
    }

    fn given_up(&mut self, holder: ThreadId, at_ns: u64, lock: &Lock) {
        let closed_ns = self.closed_ns.unwrap_or(at_ns);
        let turn = lock.turn(holder, at_ns).filter(|&ns| ns >= closed_ns);
        let from_ns = turn.into_iter().chain(self.held_ns).min();
        let held = self.holders.entry(holder).or_default();
        held.hand_overs += 1;
        held.held_ns += at_ns - from_ns.unwrap_or(at_ns);
        (self.closed_ns, self.held_ns) = (Some(at_ns), None);
    }
}
