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

use rustc_hash::{FxHashMap, FxHashSet};

use super::sweep::{Phase, Turn};
use crate::{
    document::GilHeld,
    vocabulary::WaitKind,
    world::{
        World,
        account::{ObjectKey, WaitKey},
        blame::cause::Cause,
        identity::ThreadId,
        interval::{Activity, Ended, Interval},
        process::ProcessId,
        thread::Thread,
    },
};

/// Follows the locks of all processes.
pub struct Locks<'a> {
    world: &'a World,
    by_process: FxHashMap<ProcessId, Lock>,
    /// Threads that have waited for a lock and got no CPU since.
    coming: FxHashSet<ThreadId>,
    /// From when to when, if that is asked for.
    spans: Option<Vec<Held>>,
}

/// A thread held the lock of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// From when, ns.
    pub from_ns: u64,
    /// Until when, ns.
    pub to_ns: u64,
    /// Which thread.
    pub thread: ThreadId,
}

impl<'a> Locks<'a> {
    /// Those of a world. They are known when all threads' pasts have been learnt.
    pub fn new(world: &'a World, keeps_spans: bool) -> Locks<'a> {
        Locks {
            world,
            by_process: FxHashMap::default(),
            coming: FxHashSet::default(),
            spans: keeps_spans.then(Vec::new),
        }
    }

    /// Whether such a wait says where a lock is.
    pub fn concerns(kind: WaitKind) -> bool {
        kind == WaitKind::Gil
    }

    /// A wait for a lock that timed out was at a word of its condition.
    pub fn learn(&mut self, thread: &Thread, lived: &Interval) {
        if let Some(word) = timed_out_at(&lived.activity) {
            let lock = self.by_process.entry(thread.process).or_default();
            lock.condition.extend([word, word ^ OTHER_WORD]);
        }
    }

    /// Follows the course of the run.
    pub fn turn(&mut self, turn: &Turn<'_>) {
        if self.by_process.is_empty() {
            return;
        }
        let (at_ns, id) = (turn.at_ns, turn.thread);
        if let Some((key, ended)) = turn.ended.and_then(|step| step.wait.as_ref()) {
            if key.kind == WaitKind::Gil {
                self.coming.insert(id);
            } else {
                self.coming.remove(&id);
            }
            if let Some(word) = word(key) {
                let ended = inside(self.world, id, *ended);
                self.follow(at_ns, id, Change::Ends(word, ended));
            }
        }
        let Some(begun) = turn.begun else { return };
        if let Some(word) = begun.wait.as_ref().and_then(|(key, _)| word(key)) {
            self.follow(at_ns, id, Change::Begins(word));
        }
        if begun.phase == Phase::Running && self.coming.remove(&id) {
            self.follow(at_ns, id, Change::Turn);
        }
    }

    fn follow(&mut self, at_ns: u64, id: ThreadId, change: Change) {
        let process = self.world.get(id).map(|thread| thread.process);
        if let Some(lock) = process.and_then(|process| self.by_process.get_mut(&process)) {
            let held = lock.follow(at_ns, id, change);
            if let Some(spans) = &mut self.spans {
                spans.extend(held);
            }
        }
    }

    /// What each thread held, and when, if that was asked for.
    pub fn end(self) -> (FxHashMap<ThreadId, GilHeld>, Vec<Held>) {
        let locks = self.by_process.into_values();
        let held = locks.flat_map(|lock| lock.holders).collect();
        (held, self.spans.unwrap_or_default())
    }
}

/// Adds a thread's to its group's.
pub fn add(into: &mut Option<GilHeld>, from: Option<&GilHeld>) {
    let Some(from) = from else { return };
    let sum = into.get_or_insert_default();
    sum.held_ns = sum.held_ns.saturating_add(from.held_ns);
    sum.hand_overs = sum.hand_overs.saturating_add(from.hand_overs);
}

/// The word of a lock that a wait was at.
/// The word of its condition at which a wait for a lock timed out.
pub fn timed_out_at(activity: &Activity) -> Option<u64> {
    match activity {
        Activity::Wait {
            key,
            ended: Ended::For(Cause::Timer, _),
            ..
        } => word(key),
        _ => None,
    }
}

/// The word at which a wait for a lock is.
pub fn word(key: &WaitKey) -> Option<u64> {
    match (key.kind, key.object) {
        (WaitKind::Gil, ObjectKey::Futex(word)) => Some(word),
        _ => None,
    }
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

/// Another process can only interrupt a sleep, by a signal.
fn inside(world: &World, sleeper: ThreadId, ended: Ended) -> Ended {
    let process = |id| world.get(id).map(|thread| thread.process);
    match ended {
        Ended::By(waker) if process(waker) != process(sleeper) => Ended::For(Cause::Unknown, 0),
        ended => ended,
    }
}

/// A condition variable's words lie side by side, aligned to their pair.
pub const OTHER_WORD: u64 = 4;

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
    /// Returns what is known to have been held when the lock is given up.
    fn follow(&mut self, at_ns: u64, id: ThreadId, change: Change) -> Option<Held> {
        let mut held = None;
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
                    held = Some(self.given_up(holder, at_ns));
                }
                // An end that nobody verified may have been the holder's doing.
                let is_known = matches!(ended, Ended::By(_) | Ended::For(Cause::Timer, _));
                if self.sleepers == 0 || !is_known {
                    (self.closed_ns, self.held_ns) = (None, None);
                }
            }
            Change::Begins(_) | Change::Ends(..) => {}
        }
        held
    }

    fn given_up(&mut self, holder: ThreadId, at_ns: u64) -> Held {
        let closed_ns = self.closed_ns.unwrap_or(at_ns);
        let turn = self.turns.get(&holder).copied();
        let turn = turn.filter(|&ns| ns >= closed_ns);
        let from_ns = turn.into_iter().chain(self.held_ns).min();
        let from_ns = from_ns.unwrap_or(at_ns);
        let held = self.holders.entry(holder).or_default();
        held.hand_overs += 1;
        held.held_ns += at_ns - from_ns;
        (self.closed_ns, self.held_ns) = (Some(at_ns), None);
        Held {
            from_ns,
            to_ns: at_ns,
            thread: holder,
        }
    }
}
