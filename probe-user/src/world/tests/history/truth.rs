//! What truly happened to each thread: back-to-back segments, each with the
//! number of records after which it can be known to have begun.

use std::collections::BTreeMap;

use super::{
    calls::{self, Returned},
    told::Told,
};
use crate::document::Exit;

/// Where a wait is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::world::tests) struct Place {
    pub(in crate::world::tests) kind: String,
    pub(in crate::world::tests) syscall: Option<String>,
    pub(in crate::world::tests) function: Option<String>,
    pub(in crate::world::tests) object: Option<String>,
}

/// Who ends a wait. Threads of the tree by their index: their tid may change.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) source: &'static str,
    pub(super) thread: Option<usize>,
    pub(super) stranger: Option<(u32, &'static str)>,
    pub(super) syscall: Option<&'static str>,
}

impl Ending {
    /// Nobody in particular.
    pub(super) fn by(source: &'static str) -> Ending {
        Ending {
            source,
            thread: None,
            stranger: None,
            syscall: None,
        }
    }
}

/// What a thread does for a while.
#[derive(Clone, Debug)]
pub(super) enum Doing {
    /// Runs.
    Cpu,
    /// Waits for a CPU, having been preempted.
    Preempted,
    /// Waits for a CPU, having been found so, or having been woken.
    Ready,
    /// Waits for its first CPU.
    Newborn(Ending),
    /// Sleeps. The second is how the report must count it once it has ended.
    Asleep(bool, Option<(Place, Ending)>),
    /// Waits for quota, having been preempted. As for a sleep that has begun since.
    Throttled(Option<(Place, Ending)>),
    /// Nothing any more.
    Dead,
}

/// A while.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) from_ns: u64,
    pub(super) doing: Doing,
    /// Records until it is known to have begun.
    pub(super) shown: usize,
}

/// A value over time, by number of records.
pub(super) type Timeline<T> = Vec<(usize, T)>;

fn until<T: Copy>(timeline: &Timeline<T>, records: usize) -> Vec<T> {
    let shown = timeline.iter().filter(|&&(shown, _)| shown <= records);
    shown.map(|&(_, value)| value).collect()
}

fn latest<T: Clone>(timeline: &Timeline<T>, records: usize) -> Option<T> {
    let shown = timeline.iter().filter(|&&(shown, _)| shown <= records);
    shown.last().map(|(_, value)| value.clone())
}

/// One thread.
#[derive(Clone, Debug, Default)]
pub(in crate::world::tests) struct TrueThread {
    pub(super) pid: u32,
    pub(super) tids: Timeline<u32>,
    pub(super) comms: Timeline<&'static str>,
    pub(super) exits: Timeline<Exit>,
    pub(super) migrations: Timeline<u64>,
    pub(super) segments: Vec<Segment>,
    pub(super) returns: Timeline<Returned>,
    /// Calls that returned nothing after a wake.
    pub(super) wasted: Timeline<()>,
}

/// All threads, in order of birth.
#[derive(Clone, Debug, Default)]
pub(in crate::world::tests) struct Truth {
    pub(super) threads: Vec<TrueThread>,
}

impl Truth {
    /// What the report must say after so many records, at the instant `now_ns`.
    pub(in crate::world::tests) fn told(&self, records: usize, now_ns: u64) -> Vec<Told> {
        let known = self
            .threads
            .iter()
            .filter(|t| latest(&t.tids, records).is_some());
        known
            .map(|thread| self.told_of(thread, records, now_ns))
            .collect()
    }

    /// Every tid that a thread ever had.
    pub(in crate::world::tests) fn all_tids(&self) -> Vec<Vec<u32>> {
        let tids = |t: &TrueThread| t.tids.iter().map(|&(_, tid)| tid).collect();
        self.threads.iter().map(tids).collect()
    }

    fn told_of(&self, thread: &TrueThread, records: usize, now_ns: u64) -> Told {
        let mut told = Told {
            tid: latest(&thread.tids, records).unwrap_or(0),
            pid: thread.pid,
            comm: latest(&thread.comms, records).unwrap_or("").to_owned(),
            exit: latest(&thread.exits, records),
            migrations: latest(&thread.migrations, records).unwrap_or(0),
            calls: calls::told(
                &until(&thread.returns, records),
                until(&thread.wasted, records).len(),
            ),
            ..Told::default()
        };
        let known: Vec<&Segment> = thread
            .segments
            .iter()
            .filter(|s| s.shown <= records)
            .collect();
        for (place, segment) in known.iter().enumerate() {
            let next = known.get(place + 1);
            let ns = next.map_or(now_ns, |next| next.from_ns) - segment.from_ns;
            self.add(&mut told, segment, ns, next.is_some(), records);
        }
        told
    }

    fn add(&self, told: &mut Told, segment: &Segment, ns: u64, over: bool, records: usize) {
        if !matches!(segment.doing, Doing::Dead) {
            told.life_ns += ns;
        }
        match &segment.doing {
            Doing::Dead => {}
            Doing::Cpu => told.cpu_ns += ns,
            Doing::Preempted => {
                told.involuntary += 1;
                told.queue(ns);
            }
            Doing::Ready => told.queue(ns),
            Doing::Newborn(ending) => {
                told.queue(ns);
                told.woken(&self.named(ending, records), 0);
            }
            Doing::Asleep(begun_before, how) => {
                told.voluntary += u64::from(!begun_before);
                self.wait(
                    told,
                    how.as_ref().filter(|_| over),
                    ns,
                    *begun_before,
                    records,
                );
            }
            Doing::Throttled(how) => {
                told.involuntary += 1;
                self.wait(told, how.as_ref().filter(|_| over), ns, false, records);
            }
        }
    }

    /// A wait that has ended in this way, or goes on.
    fn wait(
        &self,
        told: &mut Told,
        how: Option<&(Place, Ending)>,
        ns: u64,
        begun_before: bool,
        records: usize,
    ) {
        match how {
            Some((place, ending)) => {
                told.waited(place, &self.named(ending, records), ns, begun_before);
            }
            None => told.open.push((ns, begun_before)),
        }
    }

    fn named(&self, ending: &Ending, records: usize) -> super::told::Waker {
        let tid = ending
            .thread
            .and_then(|index| latest(&self.threads[index].tids, records));
        super::told::Waker {
            source: ending.source.to_owned(),
            tid: tid.or(ending.stranger.map(|(tid, _)| tid)),
            stranger: ending.stranger.map(|(_, comm)| comm.to_owned()),
            syscall: ending.syscall.map(str::to_owned),
        }
    }
}

/// Counts and times by key.
pub(super) type Sums<K> = BTreeMap<K, (u64, u64)>;
