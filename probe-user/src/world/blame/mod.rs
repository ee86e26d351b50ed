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
mod log;
mod walk;

use self::{
    cause::Cause,
    keys::{KeyId, Numbered},
    log::{Did, IntervalLog, Now, Shares},
    walk::Piece,
};
use crate::spill::SpillBudget;

use super::{
    account::WaitKey,
    by_thread::ByThread,
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
    keys: Numbered<WaitKey>,
    causes: Numbered<Cause>,
    scratch: walk::Scratch,
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
            budget: SpillBudget::default(),
        }
    }
}

impl IntervalLogs {
    /// Takes in what a thread did until the latest event about it, and adds that,
    /// and the blame of its waits, to its account.
    pub fn settle(&mut self, thread: &mut Thread, ended: &[Interval]) {
        let id = thread.id;
        self.know(thread);
        for interval in ended {
            thread.account.add(interval);
            if interval.to_ns > interval.from_ns {
                self.append(interval, thread);
            }
        }
        let now = match thread.state {
            State::Running => Now::Cause(self.computing(id, thread.execs)),
            State::Runnable => Now::Cause(CauseId::RUN_QUEUE),
            _ => Now::Unknown,
        };
        let log = &mut self.logs[id];
        log.now = now;
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

    /// The cause with a number.
    pub fn cause(&self, id: CauseId) -> Cause {
        self.causes.get(id.0).copied().unwrap_or(Cause::Unknown)
    }

    /// The cause that a thread is itself, mostly the same as last time.
    fn computing(&mut self, id: ThreadId, execs: u16) -> CauseId {
        let log = &mut self.logs[id];
        match log.own {
            Some((of, cause)) if of == execs => cause,
            _ => {
                let cause = CauseId(self.causes.number(Cause::Computing(id, execs)));
                log.own = Some((execs, cause));
                cause
            }
        }
    }

    /// The number of a key, mostly the same as that of the thread's last wait.
    fn key(&mut self, id: ThreadId, key: &WaitKey) -> KeyId {
        let log = &mut self.logs[id];
        match log.last_key {
            Some(number) if self.keys.get(number.0) == Some(key) => number,
            _ => {
                let number = KeyId(self.keys.number(*key));
                log.last_key = Some(number);
                number
            }
        }
    }

    /// What is known of a thread before what it did.
    fn know(&mut self, thread: &Thread) {
        let log = match self.logs.get_mut(thread.id) {
            Some(log) => log,
            None => self.logs.entry(thread.id),
        };
        log.creator = thread.creator;
        if log.begun_ns.is_none() {
            log.begun_ns = thread.start_ns;
        }
    }

    fn append(&mut self, interval: &Interval, thread: &mut Thread) {
        let id = interval.thread;
        let cause = match interval.activity {
            Activity::Cpu(execs) => self.computing(id, execs),
            Activity::RunQueue => CauseId::RUN_QUEUE,
            Activity::Unknown => CauseId::UNKNOWN,
            Activity::Wait { key, ended, .. } => {
                return self.append_wait(interval.to_ns, key, ended, thread);
            }
        };
        let log = &mut self.logs[id];
        if let Activity::Cpu(_) = interval.activity {
            let ns = interval.to_ns.saturating_sub(log.end_ns());
            log.gil_timeouts.run(ns);
        }
        let did = Did::Pass(cause);
        log.push(interval.to_ns, self.next_seq, did, &mut self.budget);
        self.next_seq += 1;
    }

    fn append_wait(&mut self, to_ns: u64, key: WaitKey, ended: Ended, thread: &mut Thread) {
        let id = thread.id;
        let from_ns = self.logs[id].end_ns();
        let did = self.blamed(id, key, ended, from_ns, to_ns);
        let log = &mut self.logs[id];
        log.each(did, to_ns.saturating_sub(from_ns), |cause, ns| {
            *thread.account.blame.entry((key.kind, cause)).or_default() += ns;
        });
        log.push(to_ns, self.next_seq, did, &mut self.budget);
        self.end_wait(thread, id, key, ended);
        self.next_seq += 1;
    }

    fn blamed(
        &mut self,
        id: ThreadId,
        key: WaitKey,
        ended: Ended,
        from_ns: u64,
        to_ns: u64,
    ) -> Did {
        let key = self.key(id, &key);
        let waker = match ended {
            Ended::For(cause) => {
                let cause = CauseId(self.causes.number(cause));
                return Did::WaitFor { key, cause };
            }
            Ended::By(waker) => waker,
        };
        let shares = self.divide(id, waker, from_ns, to_ns);
        Did::WaitOn { key, waker, shares }
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
