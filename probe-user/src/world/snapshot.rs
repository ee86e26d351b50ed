//! Snapshots: what the task iterator saw at both ends of the trace, against
//! what the records tell.

use probe_common::sched::{state, waker};

use super::{
    identity::Waker,
    interval::Interval,
    thread::{State, Thread, Wait},
    wait_site::Dictionaries,
};
use crate::wire::event::{Snapshot, Waking};

impl Thread {
    /// The iterator found it. A seed of a thread that live records have shown
    /// already tells only who it is.
    pub fn apply_snapshot(
        &mut self,
        ts_ns: u64,
        seen: &Snapshot,
        waker: Waker,
        dictionaries: &mut Dictionaries,
        ended: &mut Vec<Interval>,
    ) {
        self.pid = Some(seen.pid);
        self.ppid = Some(seen.ppid);
        self.has_migrated(seen.migrations);
        if self.comm.is_empty() {
            self.rename(&seen.comm);
        }
        if seen.last {
            self.apply_last_snapshot(ts_ns, seen, waker, dictionaries, ended);
        } else if self.start_ns.is_none() && self.state == State::Unknown {
            self.apply_seed(ts_ns, seen);
        }
    }

    fn apply_seed(&mut self, ts_ns: u64, seen: &Snapshot) {
        self.seq = Some(seen.off.seq);
        self.held = seen.held;
        self.state = if seen.held {
            State::NotStarted
        } else {
            snapshot_state(seen, true)
        };
        if self.state == State::NotStarted {
            self.since_ns = ts_ns;
            return;
        }
        self.start_at(ts_ns);
        if self.state == State::Runnable {
            self.account.runqueue_count += 1;
        }
    }

    /// The end of the trace: a waking that no switch-in has carried yet comes
    /// with the snapshot.
    fn apply_last_snapshot(
        &mut self,
        ts_ns: u64,
        seen: &Snapshot,
        by: Waker,
        dictionaries: &mut Dictionaries,
        ended: &mut Vec<Interval>,
    ) {
        self.in_last_snapshot = true;
        let mut now = snapshot_state(seen, false);
        if now == State::NotStarted && self.start_ns.is_none() {
            self.state = now;
            return;
        }
        if now == State::NotStarted {
            // The tid has a new owner; the end of this one was lost.
            now = State::Unknown;
        }
        self.ensure_started(ts_ns);
        let behind = self.seq.map_or(0, |seq| seen.off.seq.wrapping_sub(seq));
        if behind == 0 {
            self.confirm_return();
        }
        self.state = match std::mem::take(&mut self.state) {
            State::NotStarted => {
                let first = |wake: &Waking| self.held || wake.flags & waker::NEW != 0;
                let Some(wake) = seen.wake.filter(first).filter(|_| behind == 0) else {
                    // Not woken yet; or it ran, and that is told next or was lost.
                    let has_run = behind != 0 || now == State::Running;
                    self.unconfirmed = has_run.then_some((ts_ns, now));
                    self.state = State::NotStarted;
                    return;
                };
                self.be_born(ts_ns, Some(wake), by, ended);
                self.keep_unconfirmed(ts_ns, State::Runnable, now)
            }
            // It switched out between the clock and the look: told next.
            State::Running if behind == 1 => {
                self.unconfirmed = Some((ts_ns, now));
                self.state = State::Running;
                return;
            }
            State::Unknown => self.lose_to(ts_ns, now, ended),
            _ if behind != 0 => self.lose_to(ts_ns, now, ended),
            State::Waiting(wait) => match seen.wake {
                // An early waking of a task that sleeps on meant nothing, and
                // one of a task that runs belongs to its next sleep.
                Some(wake)
                    if now == State::Runnable
                        || (wake.ts_ns > self.since_ns && now != State::Running) =>
                {
                    self.wake_up(&wait, &wake, by, ts_ns, dictionaries, ended);
                    State::Runnable
                }
                _ => self.keep_unconfirmed(ts_ns, State::Waiting(wait), now),
            },
            other => self.keep_unconfirmed(ts_ns, other, now),
        };
        self.seq = Some(seen.off.seq);
    }

    /// The trace is over: what the snapshot saw and no record explained.
    pub fn settle_unconfirmed(&mut self, ended: &mut Vec<Interval>) {
        if let Some((ts_ns, seen)) = self.unconfirmed.take() {
            if self.start_ns.is_none() {
                self.start_at(ts_ns);
            }
            self.state = self.lose_to(ts_ns, seen, ended);
        }
    }

    /// Keeps the told state, with what is unconfirmed if the snapshot shows another.
    fn keep_unconfirmed(&mut self, ts_ns: u64, told: State, seen: State) -> State {
        let rank = |state: &State| match state {
            State::Waiting(_) => 0,
            State::Runnable => 1,
            _ => 2,
        };
        // A thread that is about to sleep shows so while it still runs.
        if rank(&seen) > rank(&told) {
            self.unconfirmed = Some((ts_ns, seen));
        }
        told
    }

    fn lose_to(&mut self, ts_ns: u64, state: State, ended: &mut Vec<Interval>) -> State {
        self.lose_until(ts_ns, ended);
        state
    }
}

/// What a snapshot shows a thread doing.
fn snapshot_state(seen: &Snapshot, begun_before: bool) -> State {
    if seen.off.state & state::DEAD != 0 {
        State::Dead
    } else if seen.off.state & state::NEW != 0 {
        State::NotStarted
    } else if seen.on_cpu {
        State::Running
    } else if seen.off.state == state::RUNNING && !seen.off.throttled {
        State::Runnable
    } else {
        State::Waiting(Wait {
            off: seen.off,
            begun_before,
        })
    }
}
