//! A thread's past, told in order.

use rustc_hash::FxHashMap;

use super::{
    Ended, IntervalLogs,
    cause::Cause,
    log::{Did, Entry, IntervalLog},
};
use crate::world::{account::WaitKey, identity::ThreadId};

/// An interval of a thread's life.
#[derive(Clone, Copy, Debug)]
pub struct Interval<'a> {
    /// Its beginning, ns.
    pub from_ns: u64,
    /// Its end, ns.
    pub to_ns: u64,
    /// What it was.
    pub what: Life<'a>,
    logs: &'a IntervalLogs,
    log: &'a IntervalLog,
    did: Did,
}

/// What a thread did with an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life<'a> {
    /// Computing, on the run queue, or not known.
    Passed(Cause),
    /// A finished wait.
    Waited {
        /// What for, and where.
        key: &'a WaitKey,
        /// Who or what ended it.
        ended: Ended,
        /// Who or what was waited for: the same, but for a try that timed out.
        waited_for: Ended,
    },
}

impl Interval<'_> {
    /// The causes of a wait, which add up to its time, ns.
    pub fn blame(&self) -> Vec<(Cause, u64)> {
        let mut blame = Vec::new();
        self.log
            .each(self.did, self.to_ns - self.from_ns, |cause, ns| {
                blame.push((self.logs.cause(cause), ns));
            });
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
    pub fn until(&mut self, id: ThreadId, at_ns: u64) -> Option<Interval<'a>> {
        let log = self.logs.logs.get(id.0 as usize)?;
        let ahead = self.ahead.entry(id).or_insert(usize::MAX);
        let at = log.ending_from(at_ns, *ahead)?;
        *ahead = at + 1;
        self.logs.lived(log, log.interval(at)?)
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
    pub fn history(&self, id: ThreadId) -> impl DoubleEndedIterator<Item = Interval<'_>> {
        let log = self.logs.get(id.0 as usize);
        let intervals = log.into_iter().flat_map(|log| {
            let intervals = log.intervals();
            intervals.map(move |interval| (log, interval))
        });
        intervals.filter_map(|(log, interval)| self.lived(log, interval))
    }

    /// The finished intervals of a thread that began before an instant, ns, latest
    /// first.
    pub fn history_before(&self, id: ThreadId, at_ns: u64) -> impl Iterator<Item = Interval<'_>> {
        let log = self.logs.get(id.0 as usize);
        let intervals = log.into_iter().flat_map(move |log| {
            let intervals = log.intervals_before(at_ns);
            intervals.map(move |interval| (log, interval))
        });
        intervals.filter_map(|(log, interval)| self.lived(log, interval))
    }

    /// Where the finished intervals of a thread end, ns.
    pub fn end_ns(&self, id: ThreadId) -> u64 {
        self.logs.get(id.0 as usize).map_or(0, IntervalLog::end_ns)
    }

    fn lived<'a>(
        &'a self,
        log: &'a IntervalLog,
        (from_ns, interval): (u64, &Entry),
    ) -> Option<Interval<'a>> {
        let lived = |what| Interval {
            from_ns,
            to_ns: interval.to_ns,
            what,
            logs: self,
            log,
            did: interval.did,
        };
        let (key, ended, waited_for) = match interval.did {
            Did::Pass(cause) => return Some(lived(Life::Passed(self.cause(cause)))),
            Did::WaitFor { key, cause } => {
                let by = Ended::For(self.cause(cause));
                (key, by, by)
            }
            Did::WaitOn { key, waker, .. } => (key, Ended::By(waker), Ended::By(waker)),
            Did::TimedOut { key, waker, .. } => (key, Ended::For(Cause::Timer), Ended::By(waker)),
        };
        Some(lived(Life::Waited {
            key: self.keys.get(key.0)?,
            ended,
            waited_for,
        }))
    }
}
