//! A thread's past, told in order.

use super::{
    Ended, Past,
    cause::Cause,
    log::{Did, Interval},
};
use crate::world::{account::WaitKey, identity::ThreadId};

/// An interval of a thread's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lived<'a> {
    /// Its beginning, ns.
    pub from_ns: u64,
    /// Its end, ns.
    pub to_ns: u64,
    /// What it was.
    pub what: Life<'a>,
}

/// What a thread did with an interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life<'a> {
    /// Computing, on the run queue, or not known.
    Passed(Cause),
    /// A finished wait.
    Waited {
        /// What for, and where.
        key: &'a WaitKey,
        /// Who or what ended it.
        ended: Ended,
        /// Its causes, which add up to its time, ns.
        blame: Vec<(Cause, u64)>,
    },
}

impl Past {
    /// The interval of a thread that an instant, ns, ends or lies in; `None`
    /// behind its last finished one and before its birth.
    pub fn until(&self, id: ThreadId, at_ns: u64) -> Option<Lived<'_>> {
        let log = self.logs.get(id.0 as usize)?;
        self.lived(log.ending_from(at_ns)?)
    }

    /// The finished intervals of a thread, end to end, oldest first.
    pub fn history(&self, id: ThreadId) -> impl DoubleEndedIterator<Item = Lived<'_>> {
        let log = self.logs.get(id.0 as usize);
        let intervals = log.into_iter().flat_map(|log| log.intervals());
        intervals.filter_map(|interval| self.lived(interval))
    }

    fn lived(&self, (from_ns, interval): (u64, &Interval)) -> Option<Lived<'_>> {
        let to_ns = interval.to_ns;
        let mut blame = Vec::new();
        interval
            .did
            .each(to_ns - from_ns, |cause, ns| blame.push((cause, ns)));
        let what = match interval.did {
            Did::Pass(cause) => Life::Passed(cause),
            Did::WaitFor { key, cause } => Life::Waited {
                key: self.keys.get(key)?,
                ended: Ended::For(cause),
                blame,
            },
            Did::WaitOn { key, waker, .. } => Life::Waited {
                key: self.keys.get(key)?,
                ended: Ended::By(waker),
                blame,
            },
        };
        Some(Lived {
            from_ns,
            to_ns,
            what,
        })
    }
}
