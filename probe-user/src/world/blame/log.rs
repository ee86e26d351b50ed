//! One thread's finished intervals, end to end.

use std::num::NonZeroU32;

use rustc_hash::FxHashMap;

use super::{
    keys::{CauseId, KeyId},
    tries::Tries,
};
use crate::{
    shelf::{Room, Shelf},
    world::identity::ThreadId,
};

/// A thread's past. Memory: 32 bytes an interval, and 16 for each cause that a
/// wait is divided among; threads that have woken somebody also 16 a cause.
#[derive(Debug, Default)]
pub(super) struct Log {
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
    pub(super) own: Option<(u16, CauseId)>,
    /// What its latest wait was.
    pub(super) last_key: Option<KeyId>,
    /// Intervals in which it tried to get an interpreter lock, and did not.
    pub(super) tries: Tries,
    intervals: Shelf<Interval>,
    parts: AllParts,
    index: Index,
}

/// What the waits that a thread of the tree ended are divided among, one behind the
/// other.
#[derive(Debug, Default)]
struct AllParts(Shelf<Part>);

/// A cause, and how much of a wait is blamed on it.
#[derive(Clone, Copy, Debug)]
struct Part {
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
pub(super) struct Interval {
    pub(super) to_ns: u64,
    /// Its place among the intervals of all threads, by the time they were told.
    pub(super) seal: u64,
    pub(super) did: Did,
}

const _: () = assert!(size_of::<Interval>() == 32);

/// What an interval was and what it is blamed on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Did {
    /// No wait: the thread's own doing, a run queue, or not known.
    Pass(CauseId),
    /// A wait that no thread of the tree ended.
    WaitFor { key: KeyId, cause: CauseId },
    /// A wait, by what its waker did.
    WaitOn {
        key: KeyId,
        waker: ThreadId,
        parts: Parts,
    },
    /// The same where the waker came too late for it and a timer ended it: by what
    /// the thread did that was waited for.
    TriedFor {
        key: KeyId,
        waker: ThreadId,
        parts: Parts,
    },
}

/// Where the parts of a wait begin; `None` when it has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts(Option<NonZeroU32>);

impl AllParts {
    fn add(&mut self, parts: &[(CauseId, u64)], room: &mut Room) -> Parts {
        let Some((last, first)) = parts.split_last() else {
            return Parts(None);
        };
        // Behind 2³² parts of one thread, 64 GiB, this wait has none.
        let at = u32::try_from(self.0.len() + 1).ok();
        let mut add = |&(cause, ns): &(CauseId, u64), is_last| {
            self.0.push(Part { cause, is_last, ns }, room);
        };
        first.iter().for_each(|part| add(part, false));
        add(last, true);
        Parts(at.and_then(NonZeroU32::new))
    }

    /// Calls `each` with every cause and its part of an interval of `ns`.
    fn each(&self, did: Did, ns: u64, mut each: impl FnMut(CauseId, u64)) {
        match did {
            Did::Pass(cause) | Did::WaitFor { cause, .. } => each(cause, ns),
            Did::WaitOn { parts, .. } | Did::TriedFor { parts, .. } => {
                let Some(at) = parts.0 else { return };
                for part in self.0.from(at.get() as usize - 1) {
                    each(part.cause, part.ns);
                    if part.is_last {
                        return;
                    }
                }
            }
        }
    }
}

impl Log {
    /// Where the next interval begins, ns.
    pub(super) fn end_ns(&self) -> u64 {
        let last = self.intervals.last().map(|last| last.to_ns);
        last.or(self.begun_ns).unwrap_or(0)
    }

    /// Nothing comes any more: gives back what it took to grow.
    pub(super) fn close(&mut self) {
        self.intervals.shrink();
        self.parts.0.shrink();
        self.index.sums.values_mut().for_each(Shelf::shrink);
        self.before_now = Vec::new();
        self.tries = Tries::default();
    }

    /// Keeps what a wait is divided among.
    pub(super) fn add_parts(&mut self, parts: &[(CauseId, u64)], room: &mut Room) -> Parts {
        self.parts.add(parts, room)
    }

    /// Calls `each` with every cause and its part of an interval of `ns`.
    pub(super) fn each(&self, did: Did, ns: u64, each: impl FnMut(CauseId, u64)) {
        self.parts.each(did, ns, each);
    }

    pub(super) fn push(&mut self, to_ns: u64, seal: u64, did: Did, room: &mut Room) {
        let to_ns = to_ns.max(self.end_ns());
        self.intervals.push(Interval { to_ns, seal, did }, room);
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

    /// An interval is settled only now, and with it what came behind.
    pub(super) fn reseal(&mut self, from: usize, seal: u64) {
        self.intervals.change(from, |interval| interval.seal = seal);
        let begin_ns = self.begin_ns(from);
        self.index.forget(from, begin_ns);
    }

    /// Learns what an interval was blamed on, which was resealed.
    pub(super) fn amend(&mut self, at: usize, did: Did) {
        if let Some(interval) = self.intervals.get_mut(at) {
            interval.did = did;
        }
    }

    /// How many intervals were sealed before `seal`.
    pub(super) fn sealed_before(&self, seal: u64) -> usize {
        self.up_to(usize::MAX, |i| i.seal < seal)
    }

    /// How many of the first `of` intervals are so; none behind them is.
    pub(super) fn up_to(&self, of: usize, is_so: impl Fn(&Interval) -> bool) -> usize {
        self.intervals.up_to(of, is_so)
    }

    /// Calls `each` with what it did from `from_ns`, where the `known` intervals
    /// that had been sealed of it end, to `to_ns`: what it was doing then needs
    /// no look at others, or is not known.
    pub(super) fn unsealed(
        &self,
        known: usize,
        from_ns: u64,
        to_ns: u64,
        mut each: impl FnMut(CauseId, u64),
    ) {
        let intervals = self.intervals.from(known).map(|interval| {
            let cause = match interval.did {
                Did::Pass(cause) => Some(cause),
                Did::WaitFor { .. } | Did::WaitOn { .. } | Did::TriedFor { .. } => None,
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
    pub(super) fn intervals(&self) -> impl DoubleEndedIterator<Item = (u64, &Interval)> {
        let beginning = |at| self.begin_ns(at);
        let numbered = self.intervals.from(0).enumerate();
        numbered.map(move |(at, interval)| (beginning(at), interval))
    }

    /// Those that began before an instant, ns, latest first, each with its beginning.
    pub(super) fn intervals_before(&self, at_ns: u64) -> impl Iterator<Item = (u64, &Interval)> {
        let ended = self.up_to(usize::MAX, |i| i.to_ns < at_ns);
        let begun = (ended + 1).min(self.intervals.len());
        let numbered = (0..begun).rev().filter_map(|at| self.interval(at));
        numbered.skip_while(move |&(from_ns, _)| from_ns >= at_ns)
    }

    /// Which of its first `of` intervals an instant ends or lies in.
    pub(super) fn ending_from(&self, at_ns: u64, of: usize) -> Option<usize> {
        let at = self.up_to(of, |i| i.to_ns < at_ns);
        (at < of.min(self.intervals.len()) && self.begin_ns(at) < at_ns).then_some(at)
    }

    /// An interval with its beginning, ns.
    pub(super) fn interval(&self, at: usize) -> Option<(u64, &Interval)> {
        let interval = self.intervals.get(at)?;
        Some((self.begin_ns(at), interval))
    }

    /// Where an interval begins, ns.
    pub(super) fn begin_ns(&self, interval: usize) -> u64 {
        let before = interval
            .checked_sub(1)
            .and_then(|at| self.intervals.get(at));
        before
            .map(|before| before.to_ns)
            .or(self.begun_ns)
            .unwrap_or(0)
    }

    /// Adds up the causes of whole intervals: one by one, or, where that is
    /// more work, from running sums by cause.
    pub(super) fn sum(
        &mut self,
        from: usize,
        to: usize,
        room: &mut Room,
        mut each: impl FnMut(CauseId, u64),
    ) {
        if from >= to {
            return;
        }
        if to - from > 4 * self.index.sums.len() + 16 {
            let begun_ns = self.begun_ns.unwrap_or(0);
            self.index
                .extend(&self.intervals, &self.parts, begun_ns, room);
            return self.index.sum(from, to, each);
        }
        let mut from_ns = self.begin_ns(from);
        for interval in self.intervals.from(from).take(to - from) {
            let ns = interval.to_ns - from_ns;
            self.parts.each(interval.did, ns, &mut each);
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
    sums: FxHashMap<CauseId, Shelf<(usize, u64)>>,
}

impl Index {
    /// Forgets an interval, which begins at `begin_ns`, and those behind it.
    fn forget(&mut self, interval: usize, begin_ns: u64) {
        if self.covers <= interval {
            return;
        }
        for sums in self.sums.values_mut() {
            sums.truncate(sums.up_to(usize::MAX, |&(at, _)| at < interval));
        }
        (self.covers, self.end_ns) = (interval, begin_ns);
    }

    fn extend(
        &mut self,
        intervals: &Shelf<Interval>,
        parts: &AllParts,
        begun_ns: u64,
        room: &mut Room,
    ) {
        if self.covers == 0 {
            self.end_ns = begun_ns;
        }
        for (at, interval) in (self.covers..).zip(intervals.from(self.covers)) {
            let ns = interval.to_ns - self.end_ns;
            parts.each(interval.did, ns, |cause, ns| {
                let sums = self.sums.entry(cause).or_default();
                let before = sums.last().map_or(0, |&(_, sum)| sum);
                sums.push((at, before + ns), room);
            });
            self.end_ns = interval.to_ns;
        }
        self.covers = intervals.len();
    }

    fn sum(&self, from: usize, to: usize, mut each: impl FnMut(CauseId, u64)) {
        for (cause, sums) in &self.sums {
            let up_to = |interval: usize| {
                let after = sums.up_to(usize::MAX, |&(at, _)| at < interval);
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
    fn parts_end_where_the_next_waits_begin() {
        let mut all = AllParts::default();
        let lists: [&[(CauseId, u64)]; 4] = [
            &[(CauseId(1), 10)],
            &[],
            &[(CauseId(2), 20), (CauseId(1), 5)],
            &[(CauseId(3), 1)],
        ];
        let mut room = Room::default();
        let kept = lists.map(|list| all.add(list, &mut room));
        for (list, parts) in lists.iter().zip(kept) {
            let did = Did::WaitOn {
                key: KeyId(0),
                waker: ThreadId(0),
                parts,
            };
            let mut told = Vec::new();
            all.each(did, 99, |cause, ns| told.push((cause, ns)));
            assert_eq!(told, *list);
        }
    }
}
