//! One thread's finished intervals, end to end.

use rustc_hash::FxHashMap;

use super::{cause::Cause, keys::KeyId, tries::Tries};
use crate::world::identity::ThreadId;

/// A thread's past. Memory: 48 bytes an interval, and 16 for each cause that a
/// wait is divided among; threads that have woken somebody also 16 a cause.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// Stands for the thread before its birth.
    pub(super) creator: Option<ThreadId>,
    /// First instant, ns; `None` before it was first runnable.
    pub(super) begun_ns: Option<u64>,
    /// What it does.
    pub(super) now: Now,
    /// What it did before, since the last interval's end: the programs that its
    /// burst ran until an exec, each with its end, ns.
    pub(super) before_now: Vec<(u64, Cause)>,
    /// Intervals in which it tried to get an interpreter lock, and did not.
    pub(super) tries: Tries,
    intervals: Vec<Interval>,
    index: Index,
}

/// What a thread is doing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Now {
    /// It asks to be blamed for itself.
    Cause(Cause),
    /// Not known yet: it waits, or its records were lost.
    #[default]
    Unknown,
}

/// A finished interval. It begins where the one before ended.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    pub(super) to_ns: u64,
    /// Its place among the intervals of all threads, by the time they were told.
    pub(super) seal: u64,
    pub(super) did: Did,
}

/// What an interval was and what it is blamed on.
#[derive(Clone, Debug)]
pub(super) enum Did {
    /// No wait: the thread's own doing, a run queue, or not known.
    Pass(Cause),
    /// A wait that no thread of the tree ended.
    WaitFor { key: KeyId, cause: Cause },
    /// A wait, by what its waker did, or, where that came too late for it and a
    /// timer ended it, by what the thread did that was waited for.
    WaitOn {
        key: KeyId,
        waker: ThreadId,
        timed_out: bool,
        parts: Box<[(Cause, u64)]>,
    },
}

impl Did {
    /// Calls `each` with every cause and its part of an interval of `ns`.
    pub(super) fn each(&self, ns: u64, mut each: impl FnMut(Cause, u64)) {
        match self {
            Did::Pass(cause) | Did::WaitFor { cause, .. } => each(*cause, ns),
            Did::WaitOn { parts, .. } => parts.iter().for_each(|&(cause, ns)| each(cause, ns)),
        }
    }
}

impl Log {
    /// Where the next interval begins, ns.
    pub(super) fn end_ns(&self) -> u64 {
        let last = self.intervals.last().map(|last| last.to_ns);
        last.or(self.begun_ns).unwrap_or(0)
    }

    pub(super) fn push(&mut self, to_ns: u64, seal: u64, did: Did) {
        let to_ns = to_ns.max(self.end_ns());
        self.intervals.push(Interval { to_ns, seal, did });
    }

    /// The interval that was pushed last.
    pub(super) fn latest(&self) -> usize {
        self.intervals.len().saturating_sub(1)
    }

    /// Beginning, end (ns) and key of a wait that no thread of the tree ended.
    pub(super) fn wait_at(&self, at: usize) -> Option<(u64, u64, KeyId)> {
        let interval = self.intervals.get(at)?;
        match interval.did {
            Did::WaitFor { key, .. } => Some((self.begin_ns(at), interval.to_ns, key)),
            _ => None,
        }
    }

    /// Learns what an interval was blamed on. It was settled only now, and with
    /// it what came behind.
    pub(super) fn amend(&mut self, at: usize, seal: u64, did: Did) {
        self.intervals[at].did = did;
        for interval in &mut self.intervals[at..] {
            interval.seal = seal;
        }
        let begin_ns = self.begin_ns(at);
        self.index.forget(at, begin_ns);
    }

    /// The intervals that were sealed before `seal`.
    pub(super) fn sealed_before(&self, seal: u64) -> &[Interval] {
        let end = self.intervals.partition_point(|i| i.seal < seal);
        &self.intervals[..end]
    }

    /// Calls `each` with what it did from `from_ns`, where the `known` intervals
    /// that had been sealed of it end, to `to_ns`: what it was doing then needs
    /// no look at others, or is not known.
    pub(super) fn unsealed(
        &self,
        known: usize,
        from_ns: u64,
        to_ns: u64,
        mut each: impl FnMut(Cause, u64),
    ) {
        let intervals = self.intervals[known..].iter().map(|interval| {
            let cause = match interval.did {
                Did::Pass(cause) => Some(cause),
                Did::WaitFor { .. } | Did::WaitOn { .. } => None,
            };
            (interval.to_ns, cause)
        });
        let before = self.before_now.iter();
        let before = before.map(|&(until_ns, cause)| (until_ns, Some(cause)));
        let now = match self.now {
            Now::Cause(cause) => Some(cause),
            Now::Unknown => None,
        };
        let mut at_ns = from_ns;
        for (until_ns, cause) in intervals.chain(before).chain([(to_ns, now)]) {
            let Some(cause) = cause else { break };
            let until_ns = until_ns.clamp(at_ns, to_ns);
            each(cause, until_ns - at_ns);
            at_ns = until_ns;
            if at_ns == to_ns {
                return;
            }
        }
        each(Cause::Unknown, to_ns - at_ns);
    }

    /// All of them, oldest first, each with its beginning, ns.
    pub(super) fn intervals(&self) -> impl DoubleEndedIterator<Item = (u64, &Interval)> {
        let beginning = |at| self.begin_ns(at);
        let numbered = self.intervals.iter().enumerate();
        numbered.map(move |(at, interval)| (beginning(at), interval))
    }

    /// The one that an instant ends or lies in, with its beginning, ns.
    pub(super) fn ending_from(&self, at_ns: u64) -> Option<(u64, &Interval)> {
        let at = self.intervals.partition_point(|i| i.to_ns < at_ns);
        let interval = self.intervals.get(at)?;
        let from_ns = self.begin_ns(at);
        (from_ns < at_ns).then_some((from_ns, interval))
    }

    /// Where an interval begins, ns.
    pub(super) fn begin_ns(&self, interval: usize) -> u64 {
        match interval.checked_sub(1) {
            Some(before) => self.intervals[before].to_ns,
            None => self.begun_ns.unwrap_or(0),
        }
    }

    /// Adds up the causes of whole intervals: one by one, or, where that is
    /// more work, from running sums by cause.
    pub(super) fn sum(&mut self, from: usize, to: usize, mut each: impl FnMut(Cause, u64)) {
        if from >= to {
            return;
        }
        if to - from > 4 * self.index.sums.len() + 16 {
            self.index
                .extend(&self.intervals, self.begun_ns.unwrap_or(0));
            return self.index.sum(from, to, each);
        }
        for at in from..to {
            let ns = self.intervals[at].to_ns - self.begin_ns(at);
            self.intervals[at].did.each(ns, &mut each);
        }
    }
}

/// Running sums by cause, of as many intervals as were asked for.
#[derive(Clone, Debug, Default)]
struct Index {
    covers: usize,
    end_ns: u64,
    /// The interval after which a sum holds, and the sum.
    sums: FxHashMap<Cause, Vec<(usize, u64)>>,
}

impl Index {
    /// Forgets an interval, which begins at `begin_ns`, and those behind it.
    fn forget(&mut self, interval: usize, begin_ns: u64) {
        if self.covers <= interval {
            return;
        }
        for sums in self.sums.values_mut() {
            sums.truncate(sums.partition_point(|&(at, _)| at < interval));
        }
        (self.covers, self.end_ns) = (interval, begin_ns);
    }

    fn extend(&mut self, intervals: &[Interval], begun_ns: u64) {
        if self.covers == 0 {
            self.end_ns = begun_ns;
        }
        for (at, interval) in intervals.iter().enumerate().skip(self.covers) {
            let ns = interval.to_ns - self.end_ns;
            interval.did.each(ns, |cause, ns| {
                let sums = self.sums.entry(cause).or_default();
                let before = sums.last().map_or(0, |&(_, sum)| sum);
                sums.push((at, before + ns));
            });
            self.end_ns = interval.to_ns;
        }
        self.covers = intervals.len();
    }

    fn sum(&self, from: usize, to: usize, mut each: impl FnMut(Cause, u64)) {
        for (cause, sums) in &self.sums {
            let up_to = |interval: usize| {
                let after = sums.partition_point(|&(at, _)| at < interval);
                after.checked_sub(1).map_or(0, |last| sums[last].1)
            };
            let ns = up_to(to) - up_to(from);
            if ns > 0 {
                each(*cause, ns);
            }
        }
    }
}
