//! Waits for an interpreter lock that ended too soon.
//!
//! Who waits for CPython's lock looks every 5 ms by a timer whether it is free,
//! and sleeps again. That timer is not what it waited for: the wait for the lock
//! is over when somebody hands it on, and the tries before that are blamed on
//! the same thread, each for its own interval.
//!
//! A lock that is free at a try is taken without a waking: nobody is known to
//! have held it, and the tries stay with the timer. That it was taken shows in
//! the thread's next wait, if that is for something else, or else in its having
//! run for longer than another try takes.

use super::{CauseId, IntervalLogs, cause::Cause, counted, log::Did};
use crate::{
    vocabulary::WaitKind,
    world::{identity::ThreadId, interval::Ended, thread::Thread},
};

/// CPU time of another try at most, ns; as in the definition of a wasted wake.
const RETRY_NS: u64 = 50_000;

/// Waits of one thread that timed out, and by which it has not got the lock.
#[derive(Clone, Debug, Default)]
pub(super) struct GilTimeouts {
    intervals: Vec<usize>,
    /// What it has run since.
    cpu_ns: u64,
}

impl GilTimeouts {
    /// Intervals before this one are forgotten: they stay with the timer.
    pub(super) fn forget(&mut self, first: usize) {
        self.intervals.retain(|&at| at >= first);
    }

    /// The thread has run.
    #[inline]
    pub(super) fn run(&mut self, ns: u64) {
        self.cpu_ns += ns;
        if self.cpu_ns > RETRY_NS {
            self.intervals.clear();
        }
    }

    /// A wait ended, whose interval is at this place. If a thread ended with it tries
    /// before it, returns that and these.
    #[inline]
    pub(super) fn end_wait(
        &mut self,
        at: usize,
        kind: WaitKind,
        ended: Ended,
    ) -> Option<(ThreadId, Vec<usize>)> {
        self.cpu_ns = 0;
        match ended {
            Ended::For(Cause::Timer, _) if kind == WaitKind::Gil => self.intervals.push(at),
            Ended::By(waker) if kind == WaitKind::Gil && !self.intervals.is_empty() => {
                return Some((waker, std::mem::take(&mut self.intervals)));
            }
            _ => self.intervals.clear(),
        }
        None
    }
}

impl IntervalLogs {
    /// Blames a thread's tries to get the lock, oldest first, on what the one did
    /// meanwhile that handed it on with its latest wait.
    pub(super) fn blame_timeouts(&mut self, thread: &mut Thread, tries: &[usize], waker: ThreadId) {
        if let Some(&oldest) = tries.first() {
            self.logs[thread.id].resequence(oldest, self.next_seq);
        }
        for &at in tries {
            self.blame_timeout(thread, at, waker);
        }
    }

    fn blame_timeout(&mut self, thread: &mut Thread, at: usize, waker: ThreadId) {
        let id = thread.id;
        let log = &self.logs[id];
        let Some((from_ns, to_ns, key)) = log.wait_at(at) else {
            return;
        };
        let shares = self.divide(id, waker, from_ns, to_ns);
        let did = Did::TimedOut { key, waker, shares };
        let timer = CauseId(self.causes.number(Cause::Timer));
        let ns = to_ns - from_ns;
        let account = &mut thread.account;
        let counted = counted(&mut account.counted, WaitKind::Gil, ns);
        for blame in [&mut account.blame].into_iter().chain(counted) {
            if let Some(timer) = blame.get_mut(&(WaitKind::Gil, timer)) {
                *timer -= ns;
            }
            self.logs[id].each(did, ns, |cause, ns| {
                *blame.entry((WaitKind::Gil, cause)).or_default() += ns;
            });
            blame.retain(|_, ns| *ns > 0);
        }
        self.logs[id].amend(at, did);
    }
}
