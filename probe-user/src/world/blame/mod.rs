//! Blame: what the sleepers were really waiting for.
//!
//! The blame of a wait [s, w) that B ended is what B was doing during [s, w):
//! its time on the CPU is `computing`, its time on the run queue `run queue`, and
//! its own waits are blamed in the same way, each on its own waker and only for
//! the part inside [s, w). Before B was born, its creator stands for it. A wait
//! that an interrupt ended is blamed on the timer, the disk or the network peer
//! behind it; one that a task outside the tree ended, on that task. What lost
//! records cover, and wakers that could not be verified, are `unknown`. A wait for
//! an interpreter lock goes on behind its timeouts: see `gil_timeouts`.
//!
//! Every instant of a wait goes to exactly one cause, so Σ blame = Σ waits, to
//! the nanosecond.
//!
//! In a chain of N processes, each of which waits for the next, the waits have N²/2
//! causes. So a wait with many is one cause to those that contain it whole
//! ([`Cause::Behind`]), which has its own only when causes are named.
//!
//! Each thread has a log of its finished intervals. A wait is blamed when it
//! ends: its waker was running then, so all it did before is in its log. Share
//! of a wait can be asked for later only by a wait that ended later; intervals
//! are sealed with a running number, and a wait looks only at what was sealed
//! before itself. So every look ends, also in a world that broken input makes
//! circular, and the shares of a wait always add up to the whole.

pub mod cause;
mod forget;
mod gil_timeouts;
pub mod history;
mod keys;
pub mod links;
mod log;
mod recent;
mod walk;

use self::{
    cause::Cause,
    keys::{Numbered, Place},
    log::{Did, IntervalLog, Now, Shares},
    walk::Piece,
};
use rustc_hash::FxHashMap;

use crate::{spill::SpillBudget, vocabulary::WaitKind};

use super::{
    by_thread::ByThread,
    filter::{Counted, WaitFilter},
    identity::ThreadId,
    interval::{Activity, Ended, Interval},
    thread::{State, Thread},
};

pub use self::keys::CauseId;

/// Every thread's past.
#[derive(Debug)]
pub struct IntervalLogs {
    /// By [`ThreadId`].
    logs: ByThread<IntervalLog>,
    /// The sequence number of the next interval.
    next_seq: u64,
    keys: Numbered<Place>,
    causes: Numbered<Cause>,
    scratch: walk::Scratch,
    /// Which waits are counted apart from all.
    pub filter: Option<WaitFilter>,
    /// Where it is kept.
    pub budget: SpillBudget,
}

impl Default for IntervalLogs {
    fn default() -> IntervalLogs {
        let mut causes = Numbered::default();
        // In the order of their numbers.
        for cause in [Cause::Unknown, Cause::RunQueue, Cause::Older] {
            causes.number(cause);
        }
        IntervalLogs {
            logs: ByThread::default(),
            next_seq: 0,
            keys: Numbered::default(),
            causes,
            scratch: walk::Scratch::default(),
            filter: None,
            budget: SpillBudget::default(),
        }
    }
}

impl IntervalLogs {
    /// Takes in what a thread did until the latest event about it, and adds that,
    /// and the blame of its waits, to its account.
    pub fn settle(&mut self, thread: &mut Thread, ended: &[Interval]) {
        let id = thread.id;
        // Looked up once for most events: there is one for every switch.
        let mut log = self.logs.entry(id);
        log.know(thread);
        for interval in ended {
            thread.account.add(interval, self.filter);
            if interval.to_ns <= interval.from_ns {
                continue;
            }
            let to_ns = interval.to_ns;
            let cause = match interval.activity {
                Activity::Cpu(execs) => {
                    log.gil_timeouts.run(to_ns.saturating_sub(log.end_ns()));
                    log.computing(id, execs, &mut self.causes)
                }
                Activity::RunQueue => CauseId::RUN_QUEUE,
                Activity::Unknown => CauseId::UNKNOWN,
                Activity::Wait { key, ended, end } => {
                    let stacks = end.map(|end| end.stacks).unwrap_or_default();
                    self.append_wait(to_ns, Place { key, stacks }, ended, thread);
                    log = &mut self.logs[id];
                    continue;
                }
            };
            log.push(to_ns, self.next_seq, Did::Pass(cause), &mut self.budget);
            self.next_seq += 1;
        }
        log.now = match thread.state {
            State::Running => Now::Cause(log.computing(id, thread.execs, &mut self.causes)),
            State::Runnable => Now::Cause(CauseId::RUN_QUEUE),
            _ => Now::Unknown,
        };
        log.before_now.clear();
        if thread.is_dead() {
            log.close();
        }
        if thread.state == State::Running {
            for (end_ns, n) in thread.former_programs_of_burst() {
                let cause = CauseId(self.causes.number(Cause::Computing(id, n)));
                log.before_now.push((end_ns, cause));
            }
        }
    }

    /// A cause's number.
    pub fn number(&mut self, cause: Cause) -> CauseId {
        CauseId(self.causes.number(cause))
    }

    /// The cause with a number.
    pub fn cause(&self, id: CauseId) -> Cause {
        self.causes.get(id.0).copied().unwrap_or(Cause::Unknown)
    }

    /// Calls `each` with every cause of a wait that is one cause to others
    /// ([`Cause::Behind`]) and its part of that: itself causes of this kind, of waits that
    /// ended before. `ns`: its length.
    pub fn behind(&self, id: ThreadId, at: u32, ns: u64, mut each: impl FnMut(CauseId, u64)) {
        let log = self.logs.get(id);
        match log.and_then(|log| Some((log, log.kept(at as usize)?))) {
            Some((log, interval)) => log.each(interval.did, ns, each),
            None => each(CauseId::OLDER, ns),
        }
    }

    /// Whether a thread's interval at this place is not forgotten.
    pub fn is_there(&self, id: ThreadId, at: u32) -> bool {
        let log = self.logs.get(id);
        log.is_some_and(|log| log.kept(at as usize).is_some())
    }

    /// How many shares of waits are kept.
    #[cfg(test)]
    pub(super) fn kept_shares(&self) -> usize {
        self.logs.iter().map(IntervalLog::kept_shares).sum()
    }

    fn append_wait(&mut self, to_ns: u64, place: Place, ended: Ended, thread: &mut Thread) {
        let id = thread.id;
        let log = &mut self.logs[id];
        let from_ns = log.end_ns();
        let kind = place.key.kind;
        let key = log.key(&place, &mut self.keys);
        let (log, did) = match ended {
            Ended::For(cause, current) => {
                let cause = CauseId(self.causes.number(cause));
                let did = Did::WaitFor {
                    key,
                    cause,
                    current,
                };
                (log, did)
            }
            Ended::By(waker) => {
                let shares = self.divide(id, waker, from_ns, to_ns);
                (&mut self.logs[id], Did::WaitOn { key, waker, shares })
            }
        };
        let ns = to_ns.saturating_sub(from_ns);
        let mut counted = counted(&mut thread.account.counted, kind, ns);
        log.each(did, ns, |cause, ns| {
            *thread.account.blame.entry((kind, cause)).or_default() += ns;
            if let Some(blame) = &mut counted {
                *blame.entry((kind, cause)).or_default() += ns;
            }
        });
        let tries = log.gil_timeouts.end_wait(log.len(), kind, ended);
        log.push(to_ns, self.next_seq, did, &mut self.budget);
        if let Some((waker, tries)) = tries {
            self.blame_timeouts(thread, &tries, waker);
        }
        self.next_seq += 1;
    }

    /// Divides a wait of a thread among the causes in what its waker did.
    fn divide(&mut self, id: ThreadId, waker: ThreadId, from_ns: u64, to_ns: u64) -> Shares {
        self.walk(Piece {
            thread: waker,
            from_ns,
            to_ns,
            before: self.next_seq,
        });
        self.logs[id].add_shares(&self.scratch.shares, &mut self.budget)
    }
}

/// The blame of the counted waits, if one of this length is among these.
fn counted(
    counted: &mut Option<Box<Counted>>,
    kind: WaitKind,
    ns: u64,
) -> Option<&mut FxHashMap<(WaitKind, CauseId), u64>> {
    let counted = counted.as_mut()?;
    let is_counted = counted.filter.counts(kind, ns);
    is_counted.then_some(&mut counted.account.blame)
}
