//! A thread's past, in order.

use std::ops::Deref;

use rustc_hash::FxHashMap;

use super::{
    IntervalLogs,
    cause::Cause,
    keys::KeyId,
    log::{Did, Entry, IntervalLog},
};
use crate::world::{
    identity::ThreadId,
    interval::{Activity, Ended, Interval, Stacks},
};

/// An interval as it was kept.
#[derive(Clone, Copy, Debug)]
pub struct Logged<'a> {
    interval: Interval,
    logs: &'a IntervalLogs,
    log: &'a IntervalLog,
    did: Did,
    /// Of a wait, as [`crate::world::interval::End::stacks`].
    pub stacks: Stacks,
}

impl Deref for Logged<'_> {
    type Target = Interval;

    fn deref(&self) -> &Interval {
        &self.interval
    }
}

impl Logged<'_> {
    /// Who or what a wait was for: who ended it, but for a timeout at an interpreter
    /// lock; `None` of anything else.
    pub fn waited_for(&self) -> Option<Ended> {
        match (self.did, self.activity) {
            (Did::TimedOut { waker, .. }, _) => Some(Ended::By(waker)),
            (_, Activity::Wait { ended, .. }) => Some(ended),
            _ => None,
        }
    }

    /// The causes of a wait, which add up to its time, ns.
    pub fn blame(&self) -> Vec<(Cause, u64)> {
        let mut blame = Vec::new();
        let mut todo = Vec::new();
        self.log
            .each(self.did, self.ns(), |cause, ns| todo.push((cause, ns)));
        let mut done = 0;
        while let Some(&(cause, ns)) = todo.get(done) {
            done += 1;
            match self.logs.cause(cause) {
                Cause::Behind(thread, at) => self
                    .logs
                    .behind(thread, at, ns, |cause, ns| todo.push((cause, ns))),
                cause => blame.push((cause, ns)),
            }
        }
        blame
    }
}

/// A look at what threads did, that goes back in time.
#[derive(Clone, Debug)]
pub struct Backwards<'a> {
    logs: &'a IntervalLogs,
    /// By thread, how many of its intervals a look may still find.
    ahead: FxHashMap<ThreadId, usize>,
}

impl<'a> Backwards<'a> {
    /// The interval of a thread that an instant, ns, ends or lies in; `None`
    /// behind its last finished one and before its birth. No later instant than
    /// any before.
    pub fn until(&mut self, id: ThreadId, at_ns: u64) -> Option<Logged<'a>> {
        let log = self.logs.logs.get(id)?;
        let ahead = self.ahead.entry(id).or_insert(usize::MAX);
        let at = log.ending_from(at_ns, *ahead)?;
        *ahead = at + 1;
        self.logs.read(id, log, log.interval(at)?)
    }
}

impl IntervalLogs {
    /// For looks that go back in time.
    pub fn backwards(&self) -> Backwards<'_> {
        Backwards {
            logs: self,
            ahead: FxHashMap::default(),
        }
    }

    /// The finished intervals of a thread, end to end, oldest first.
    pub fn history(&self, id: ThreadId) -> impl DoubleEndedIterator<Item = Logged<'_>> {
        let log = self.logs.get(id);
        let intervals = log.into_iter().flat_map(|log| {
            let intervals = log.intervals();
            intervals.map(move |interval| (log, interval))
        });
        intervals.filter_map(move |(log, interval)| self.read(id, log, interval))
    }

    /// The finished intervals of a thread that began before an instant, ns, latest
    /// first.
    pub fn history_before(&self, id: ThreadId, at_ns: u64) -> impl Iterator<Item = Logged<'_>> {
        let log = self.logs.get(id);
        let intervals = log.into_iter().flat_map(move |log| {
            let intervals = log.intervals_before(at_ns);
            intervals.map(move |interval| (log, interval))
        });
        intervals.filter_map(move |(log, interval)| self.read(id, log, interval))
    }

    /// Where that which is not forgotten of a thread begins, ns.
    pub fn known_since_ns(&self, id: ThreadId) -> u64 {
        let first = self.history(id).next();
        first.map_or_else(|| self.end_ns(id), |first| first.from_ns)
    }

    /// Where the finished intervals of a thread end, ns.
    pub fn end_ns(&self, id: ThreadId) -> u64 {
        self.logs.get(id).map_or(0, IntervalLog::end_ns)
    }

    fn read<'a>(
        &'a self,
        thread: ThreadId,
        log: &'a IntervalLog,
        (from_ns, entry): (u64, &Entry),
    ) -> Option<Logged<'a>> {
        let mut stacks = Stacks::default();
        let mut wait = |key: KeyId, ended| {
            let place = self.keys.get(key.0)?;
            stacks = place.stacks;
            Some(Activity::Wait {
                key: place.key,
                ended,
                end: None,
            })
        };
        let activity = match entry.did {
            Did::Pass(cause) => match self.cause(cause) {
                Cause::Computing(_, program) => Activity::Cpu(program),
                Cause::RunQueue => Activity::RunQueue,
                _ => Activity::Unknown,
            },
            Did::WaitFor {
                key,
                cause,
                current,
            } => wait(key, Ended::For(self.cause(cause), current))?,
            Did::WaitOn { key, waker, .. } => wait(key, Ended::By(waker))?,
            Did::TimedOut { key, .. } => wait(key, Ended::For(Cause::Timer, 0))?,
        };
        Some(Logged {
            interval: Interval {
                thread,
                from_ns,
                to_ns: entry.to_ns,
                activity,
            },
            logs: self,
            log,
            did: entry.did,
            stacks,
        })
    }
}
