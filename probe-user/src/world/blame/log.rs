//! One thread's finished intervals, end to end.

use std::num::NonZeroU32;

use rustc_hash::FxHashMap;

use super::{
    cause::Cause,
    gil_timeouts::GilTimeouts,
    keys::{CauseId, KeyId, Numbered, Place},
};
use crate::{
    spill::{SpillBudget, SpillVec},
    world::{identity::ThreadId, thread::Thread},
};

/// A thread's past. Memory: 32 bytes an interval, and 16 for each cause that a
/// wait is divided among; threads that have woken somebody also 16 a cause.
#[derive(Debug, Default)]
pub(super) struct IntervalLog {
    /// Stands for the thread before its birth.
    pub(super) creator: Option<ThreadId>,
    /// First instant, ns; `None` before it was first runnable.
    pub(super) begun_ns: Option<u64>,
    /// What it does.
    pub(super) now: Now,
    /// What it did before, since the last interval's end: the programs that its
    /// burst ran until an exec, each with its end, ns.
    pub(super) before_now: Vec<(u64, CauseId)>,
    /// The cause that it is itself, after so many execs.
    own: Option<(u16, CauseId)>,
    /// What its latest wait was.
    last_key: Option<KeyId>,
    /// Intervals in which it tried to get an interpreter lock, and did not.
    pub(super) gil_timeouts: GilTimeouts,
    intervals: SpillVec<Entry>,
    /// The first interval that is not forgotten.
    first: usize,
    /// Where the last one that is forgotten ended, ns.
    cut_ns: Option<u64>,
    shares: AllShares,
    index: Index,
}

/// What the waits that a thread of the tree ended are divided among, one behind the
/// other.
#[derive(Debug, Default)]
struct AllShares(SpillVec<Share>);

/// A cause, and how much of a wait is blamed on it.
#[derive(Clone, Copy, Debug)]
struct Share {
    cause: CauseId,
    /// The next one is another wait's.
    is_last: bool,
    ns: u64,
}

/// What a thread is doing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Now {
    /// It asks to be blamed for itself.
    Cause(CauseId),
    /// Not known yet: it waits, or its records were lost.
    #[default]
    Unknown,
}

/// A finished interval. It begins where the one before ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) to_ns: u64,
    /// Its place among the intervals of all threads, by the time they were told.
    pub(super) seq: u64,
    pub(super) did: Did,
}

const _: () = assert!(size_of::<Entry>() == 32);

/// What an interval was and what it is blamed on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Did {
    /// No wait: the thread's own doing, a run queue, or not known.
    Pass(CauseId),
    /// A wait that no thread of the tree ended.
    WaitFor {
        key: KeyId,
        cause: CauseId,
        /// See [`super::super::interval::Ended::For`].
        current: u32,
    },
    /// A wait, by what its waker did.
    WaitOn {
        key: KeyId,
        waker: ThreadId,
        shares: Shares,
    },
    /// The same where the waker came too late for it and a timer ended it: by what
    /// the thread did that was waited for.
    TimedOut {
        key: KeyId,
        waker: ThreadId,
        shares: Shares,
    },
}

impl Did {
    /// Whether it is a wait with many causes.
    fn is_of_many(self) -> bool {
        match self {
            Did::Pass(_) | Did::WaitFor { .. } => false,
            Did::WaitOn { shares, .. } | Did::TimedOut { shares, .. } => shares.are_many(),
        }
    }
}

/// Where the shares of a wait begin, counted from one, and whether they are many;
/// `None` when it has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares(Option<NonZeroU32>);

/// With more shares than that a wait is one cause to the waits that contain it: what is
/// kept then grows with the number of waits, not with the depth of their chains. Few in
/// tests, which so go through it.
pub(super) const MANY: usize = if cfg!(test) { 2 } else { 64 };

/// The bit of [`Shares`] that says so.
const IS_MANY: u32 = 1 << 31;

impl Shares {
    fn new(first: usize, count: usize) -> Shares {
        // Behind 2³¹ shares of one thread, 32 GiB, this wait has none.
        let at = u32::try_from(first + 1).ok().filter(|at| at & IS_MANY == 0);
        let many = if count > MANY { IS_MANY } else { 0 };
        Shares(at.and_then(|at| NonZeroU32::new(at | many)))
    }

    /// The place of the first.
    fn first(self) -> Option<usize> {
        self.0.map(|at| (at.get() & !IS_MANY) as usize - 1)
    }

    fn are_many(self) -> bool {
        self.0.is_some_and(|at| at.get() & IS_MANY != 0)
    }
}

/// A part of a sum.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// Time of this cause.
    Cause(CauseId),
    /// All of the wait at this place, which has many causes.
    Wait(u32),
}

impl AllShares {
    fn add(&mut self, shares: &[(CauseId, u64)], budget: &mut SpillBudget) -> Shares {
        let Some((last, first)) = shares.split_last() else {
            return Shares(None);
        };
        let found = Shares::new(self.0.len(), shares.len());
        let mut add = |&(cause, ns): &(CauseId, u64), is_last| {
            self.0.push(Share { cause, is_last, ns }, budget);
        };
        first.iter().for_each(|share| add(share, false));
        add(last, true);
        found
    }

    /// Calls `each` with every cause and its part of an interval of `ns`.
    fn each(&self, did: Did, ns: u64, mut each: impl FnMut(CauseId, u64)) {
        match did {
            Did::Pass(cause) | Did::WaitFor { cause, .. } => each(cause, ns),
            Did::WaitOn { shares, .. } | Did::TimedOut { shares, .. } => {
                let Some(first) = shares.first() else { return };
                for share in self.0.from(first) {
                    each(share.cause, share.ns);
                    if share.is_last {
                        return;
                    }
                }
            }
        }
    }
}

impl IntervalLog {
    /// What is known of its thread before what that did.
    #[inline]
    pub(super) fn know(&mut self, thread: &Thread) {
        self.creator = thread.creator;
        if self.begun_ns.is_none() {
            self.begun_ns = thread.start_ns;
        }
    }

    /// The cause that its thread is itself, mostly the same as last time.
    #[inline]
    pub(super) fn computing(
        &mut self,
        id: ThreadId,
        execs: u16,
        causes: &mut Numbered<Cause>,
    ) -> CauseId {
        match self.own {
            Some((of, cause)) if of == execs => cause,
            _ => {
                let cause = CauseId(causes.number(Cause::Computing(id, execs)));
                self.own = Some((execs, cause));
                cause
            }
        }
    }

    /// The number of a key, mostly the same as that of its latest wait.
    #[inline]
    pub(super) fn key(&mut self, place: &Place, keys: &mut Numbered<Place>) -> KeyId {
        match self.last_key {
            Some(number) if keys.get(number.0) == Some(place) => number,
            _ => {
                let number = KeyId(keys.number(*place));
                self.last_key = Some(number);
                number
            }
        }
    }

    /// Forgets the intervals that ended before an instant, ns.
    pub(super) fn cut(&mut self, before_ns: u64, budget: &mut SpillBudget) {
        let first = self.partition_point_back(usize::MAX, |i| i.to_ns < before_ns);
        if first <= self.first {
            return;
        }
        self.cut_ns = Some(self.begin_ns(first));
        self.first = first;
        self.intervals.cut(first, budget);
        let shares = self.first_share();
        self.shares.0.cut(shares, budget);
        // Made anew when it is needed.
        std::mem::take(&mut self.index).release(budget);
        self.gil_timeouts.forget(first);
    }

    /// The first share of an interval that is not forgotten. They are in order, but
    /// for timeouts, whose shares come later.
    fn first_share(&self) -> usize {
        let mut first = self.shares.0.len();
        for interval in self.intervals.from(self.first) {
            if let Did::WaitOn { shares, .. } | Did::TimedOut { shares, .. } = interval.did
                && let Some(at) = shares.first()
            {
                first = first.min(at);
                if matches!(interval.did, Did::WaitOn { .. }) {
                    break;
                }
            }
        }
        first
    }

    /// Calls these with every key and cause that it refers to.
    pub(super) fn each_reference(
        &self,
        mut key: impl FnMut(KeyId),
        mut cause: impl FnMut(CauseId),
    ) {
        for interval in self.intervals.from(self.first) {
            match interval.did {
                Did::Pass(of) => cause(of),
                Did::WaitFor {
                    key: of, cause: by, ..
                } => {
                    key(of);
                    cause(by);
                }
                Did::WaitOn { key: of, .. } | Did::TimedOut { key: of, .. } => key(of),
            }
        }
        self.last_key.into_iter().for_each(key);
        let shares = self.shares.0.from(0).map(|share| share.cause);
        let own = self.own.map(|(_, cause)| cause);
        let now = match self.now {
            Now::Cause(cause) => Some(cause),
            Now::Unknown => None,
        };
        let before = self.before_now.iter().map(|&(_, cause)| cause);
        shares.chain(own).chain(now).chain(before).for_each(cause);
    }

    /// Gives back what it kept.
    pub(super) fn release(self, budget: &mut SpillBudget) {
        self.intervals.release(budget);
        self.shares.0.release(budget);
        self.index.release(budget);
    }

    /// Where the next interval begins, ns.
    #[inline]
    pub(super) fn end_ns(&self) -> u64 {
        let last = self.intervals.last().map(|last| last.to_ns);
        last.or(self.cut_ns).or(self.begun_ns).unwrap_or(0)
    }

    /// Nothing comes any more: gives back what it took to grow.
    pub(super) fn close(&mut self) {
        self.intervals.shrink();
        self.shares.0.shrink();
        self.index.sums.values_mut().for_each(SpillVec::shrink);
        self.before_now = Vec::new();
        self.gil_timeouts = GilTimeouts::default();
    }

    /// Keeps what a wait is divided among.
    pub(super) fn add_shares(
        &mut self,
        shares: &[(CauseId, u64)],
        budget: &mut SpillBudget,
    ) -> Shares {
        self.shares.add(shares, budget)
    }

    /// How many shares its waits have.
    #[cfg(test)]
    pub(super) fn kept_shares(&self) -> usize {
        self.shares.0.len()
    }

    /// Calls `each` with every cause and its part of an interval of `ns`.
    pub(super) fn each(&self, did: Did, ns: u64, each: impl FnMut(CauseId, u64)) {
        self.shares.each(did, ns, each);
    }

    #[inline]
    pub(super) fn push(&mut self, to_ns: u64, seq: u64, did: Did, budget: &mut SpillBudget) {
        let to_ns = to_ns.max(self.end_ns());
        self.intervals.push(Entry { to_ns, seq, did }, budget);
    }

    /// How many there were, forgotten ones included: the place of the next.
    pub(super) fn len(&self) -> usize {
        self.intervals.len()
    }

    /// Beginning, end (ns) and key of a wait that no thread of the tree ended.
    pub(super) fn wait_at(&self, at: usize) -> Option<(u64, u64, KeyId)> {
        let interval = self.intervals.get(at)?;
        match interval.did {
            Did::WaitFor { key, .. } => Some((self.begin_ns(at), interval.to_ns, key)),
            _ => None,
        }
    }

    /// An interval is settled only now, and with it what came behind.
    pub(super) fn resequence(&mut self, from: usize, seq: u64) {
        self.intervals.change(from, |interval| interval.seq = seq);
        let begin_ns = self.begin_ns(from);
        self.index.forget(from, begin_ns);
    }

    /// Learns what an interval was blamed on, which was resequenced.
    pub(super) fn amend(&mut self, at: usize, did: Did) {
        if let Some(interval) = self.intervals.get_mut(at) {
            interval.did = did;
        }
    }

    /// How many intervals have a sequence number below `seq`.
    pub(super) fn known_before(&self, seq: u64) -> usize {
        self.partition_point_back(usize::MAX, |i| i.seq < seq)
    }

    /// How many of the first `of` intervals are so; none behind them is.
    #[inline]
    pub(super) fn partition_point_back(&self, of: usize, is_so: impl Fn(&Entry) -> bool) -> usize {
        let found = self.intervals.partition_point_back(of, is_so);
        found.max(self.first.min(of))
    }

    /// Calls `each` with what it did from `from_ns`, where the `known` intervals
    /// that had been sealed of it end, to `to_ns`: what it was doing then needs
    /// no look at others, or is not known.
    pub(super) fn unknown_part(
        &self,
        known: usize,
        from_ns: u64,
        to_ns: u64,
        mut each: impl FnMut(CauseId, u64),
    ) {
        let intervals = self.intervals.from(known).map(|interval| {
            let cause = match interval.did {
                Did::Pass(cause) => Some(cause),
                Did::WaitFor { .. } | Did::WaitOn { .. } | Did::TimedOut { .. } => None,
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
        each(CauseId::UNKNOWN, to_ns - at_ns);
    }

    /// All of them, oldest first, each with its beginning, ns.
    pub(super) fn intervals(&self) -> impl DoubleEndedIterator<Item = (u64, &Entry)> {
        let beginning = |at| self.begin_ns(at);
        let numbered = (self.first..self.intervals.len()).zip(self.intervals.from(self.first));
        numbered.map(move |(at, interval)| (beginning(at), interval))
    }

    /// Those that began before an instant, ns, latest first, each with its beginning.
    pub(super) fn intervals_before(&self, at_ns: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let ended = self.partition_point_back(usize::MAX, |i| i.to_ns < at_ns);
        let begun = (ended + 1).min(self.intervals.len());
        let numbered = (self.first..begun).rev();
        let numbered = numbered.filter_map(|at| self.interval(at));
        numbered.skip_while(move |&(from_ns, _)| from_ns >= at_ns)
    }

    /// Which of its first `of` intervals an instant ends or lies in.
    pub(super) fn ending_from(&self, at_ns: u64, of: usize) -> Option<usize> {
        let at = self.partition_point_back(of, |i| i.to_ns < at_ns);
        (at < of.min(self.intervals.len()) && self.begin_ns(at) < at_ns).then_some(at)
    }

    /// An interval that is not forgotten.
    pub(super) fn kept(&self, at: usize) -> Option<&Entry> {
        self.intervals.get(at).filter(|_| at >= self.first)
    }

    /// An interval with its beginning, ns.
    #[inline]
    pub(super) fn interval(&self, at: usize) -> Option<(u64, &Entry)> {
        let interval = self.intervals.get(at)?;
        Some((self.begin_ns(at), interval))
    }

    /// Where an interval begins, ns.
    #[inline]
    pub(super) fn begin_ns(&self, interval: usize) -> u64 {
        if interval > self.first
            && let Some(before) = self.intervals.get(interval - 1)
        {
            return before.to_ns;
        }
        self.cut_ns.or(self.begun_ns).unwrap_or(0)
    }

    /// Where it was cut, ns; `None` if it is whole.
    pub(super) fn cut_ns(&self) -> Option<u64> {
        self.cut_ns
    }

    /// Adds up the causes of whole intervals: one by one, or, where that is
    /// more work, from running sums by cause. One by one, a wait with many causes is a
    /// part of its own.
    pub(super) fn sum(
        &mut self,
        from: usize,
        to: usize,
        budget: &mut SpillBudget,
        mut each: impl FnMut(Part, u64),
    ) {
        if from >= to {
            return;
        }
        if to - from > 4 * self.index.sums.len() + 16 {
            if self.index.covers <= self.first {
                self.index.end_ns = self.begin_ns(self.first);
                self.index.covers = self.first;
            }
            self.index.extend(&self.intervals, &self.shares, budget);
            let each = |cause, ns| each(Part::Cause(cause), ns);
            return self.index.sum(from, to, each);
        }
        let mut from_ns = self.begin_ns(from);
        for (at, interval) in (from..to).zip(self.intervals.from(from)) {
            let ns = interval.to_ns - from_ns;
            match u32::try_from(at) {
                Ok(at) if interval.did.is_of_many() => each(Part::Wait(at), ns),
                _ => {
                    let each = |cause, ns| each(Part::Cause(cause), ns);
                    self.shares.each(interval.did, ns, each);
                }
            }
            from_ns = interval.to_ns;
        }
    }
}

/// Running sums by cause, of as many intervals as were asked for.
#[derive(Debug, Default)]
struct Index {
    covers: usize,
    end_ns: u64,
    /// The interval after which a sum holds, and the sum.
    sums: FxHashMap<CauseId, SpillVec<(usize, u64)>>,
}

impl Index {
    fn release(self, budget: &mut SpillBudget) {
        for sums in self.sums.into_values() {
            sums.release(budget);
        }
    }

    /// Forgets an interval, which begins at `begin_ns`, and those behind it.
    fn forget(&mut self, interval: usize, begin_ns: u64) {
        if self.covers <= interval {
            return;
        }
        for sums in self.sums.values_mut() {
            sums.truncate(sums.partition_point_back(usize::MAX, |&(at, _)| at < interval));
        }
        (self.covers, self.end_ns) = (interval, begin_ns);
    }

    fn extend(
        &mut self,
        intervals: &SpillVec<Entry>,
        shares: &AllShares,
        budget: &mut SpillBudget,
    ) {
        for (at, interval) in (self.covers..).zip(intervals.from(self.covers)) {
            let ns = interval.to_ns - self.end_ns;
            shares.each(interval.did, ns, |cause, ns| {
                let sums = self.sums.entry(cause).or_default();
                let before = sums.last().map_or(0, |&(_, sum)| sum);
                sums.push((at, before + ns), budget);
            });
            self.end_ns = interval.to_ns;
        }
        self.covers = intervals.len();
    }

    fn sum(&self, from: usize, to: usize, mut each: impl FnMut(CauseId, u64)) {
        for (cause, sums) in &self.sums {
            let up_to = |interval: usize| {
                let after = sums.partition_point_back(usize::MAX, |&(at, _)| at < interval);
                let last = after.checked_sub(1).and_then(|last| sums.get(last));
                last.map_or(0, |&(_, sum)| sum)
            };
            let ns = up_to(to) - up_to(from);
            if ns > 0 {
                each(*cause, ns);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blame_parts_end_where_the_next_waits_begin() {
        let mut all = AllShares::default();
        let lists: [&[(CauseId, u64)]; 4] = [
            &[(CauseId(1), 10)],
            &[],
            &[(CauseId(2), 20), (CauseId(1), 5)],
            &[(CauseId(3), 1)],
        ];
        let mut budget = SpillBudget::default();
        let kept = lists.map(|list| all.add(list, &mut budget));
        for (list, shares) in lists.iter().zip(kept) {
            let did = Did::WaitOn {
                key: KeyId(0),
                waker: ThreadId(0),
                shares,
            };
            let mut found = Vec::new();
            all.each(did, 99, |cause, ns| found.push((cause, ns)));
            assert_eq!(found, *list);
        }
    }
}
