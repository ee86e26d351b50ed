//! What a report tells of a thread, comparable with the truth.

use std::collections::BTreeMap;

use super::truth::{Place, Sums};
use crate::document::{Calls, Document, Exit, Thread, Wake};

/// Who ended a wait.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::world::tests) struct Waker {
    pub(in crate::world::tests) source: String,
    pub(in crate::world::tests) tid: Option<u32>,
    /// Name of one outside the tree.
    pub(in crate::world::tests) stranger: Option<String>,
    pub(in crate::world::tests) syscall: Option<String>,
}

/// Waits at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::world::tests) struct Waits {
    count: u64,
    total_ns: u64,
    max_ns: u64,
    begun_before: u64,
    wakes: Sums<Waker>,
}

impl Waits {
    /// Some, or all, had no length.
    pub(super) fn has_empty(&self) -> bool {
        self.total_ns == 0
    }
}

/// One thread's account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::world::tests) struct Told {
    pub(in crate::world::tests) tid: u32,
    pub(in crate::world::tests) pid: u32,
    pub(in crate::world::tests) comm: String,
    pub(in crate::world::tests) exit: Option<Exit>,
    pub(in crate::world::tests) migrations: u64,
    pub(in crate::world::tests) life_ns: u64,
    pub(in crate::world::tests) cpu_ns: u64,
    pub(in crate::world::tests) queue_ns: u64,
    pub(in crate::world::tests) queue_count: u64,
    pub(in crate::world::tests) unknown_ns: u64,
    pub(in crate::world::tests) voluntary: u64,
    pub(in crate::world::tests) involuntary: u64,
    /// Time so far, and whether it had begun before.
    pub(in crate::world::tests) open: Vec<(u64, bool)>,
    pub(in crate::world::tests) waits: BTreeMap<Place, Waits>,
    /// Wakes of all waits, and first runs.
    pub(in crate::world::tests) wakes: Sums<Waker>,
    /// Finished calls, by function.
    pub(in crate::world::tests) calls: Vec<Calls>,
}

impl Told {
    /// One more stay on the run queue.
    pub(super) fn queue(&mut self, ns: u64) {
        self.queue_ns += ns;
        self.queue_count += 1;
    }

    /// One more wake.
    pub(super) fn woken(&mut self, by: &Waker, ns: u64) {
        add(&mut self.wakes, by, 1, ns);
    }

    /// One more finished wait.
    pub(super) fn waited(&mut self, place: &Place, by: &Waker, ns: u64, begun_before: bool) {
        let waits = self.waits.entry(place.clone()).or_default();
        waits.count += 1;
        waits.total_ns += ns;
        waits.max_ns = waits.max_ns.max(ns);
        waits.begun_before += u64::from(begun_before);
        add(&mut waits.wakes, by, 1, ns);
        self.woken(by, ns);
    }

    /// Without who ended the waits: their names come from records of others.
    pub(in crate::world::tests) fn without_wakers(mut self) -> Told {
        self.wakes.clear();
        self.waits
            .values_mut()
            .for_each(|waits| waits.wakes.clear());
        self
    }

    /// Finished waits, ns.
    pub(in crate::world::tests) fn waited_ns(&self) -> u64 {
        self.waits.values().map(|waits| waits.total_ns).sum()
    }

    /// Sum over all functions.
    pub(in crate::world::tests) fn called(&self, part: impl Fn(&Calls) -> u64) -> u64 {
        self.calls.iter().map(part).sum()
    }

    /// Unfinished ones, ns.
    pub(in crate::world::tests) fn open_ns(&self) -> u64 {
        self.open.iter().map(|&(ns, _)| ns).sum()
    }
}

fn add(sums: &mut Sums<Waker>, by: &Waker, count: u64, ns: u64) {
    let sum = sums.entry(by.clone()).or_default();
    sum.0 += count;
    sum.1 += ns;
}

/// All that a document tells, in its order.
pub(in crate::world::tests) fn told(document: &Document) -> Vec<Told> {
    document.threads.iter().map(told_of).collect()
}

fn told_of(thread: &Thread) -> Told {
    let sums = &thread.sums;
    let mut waits: BTreeMap<Place, Waits> = BTreeMap::new();
    for wait in &sums.waits {
        let place = Place {
            kind: wait.kind.to_string(),
            syscall: wait.syscall.clone(),
            function: wait.function.clone(),
            object: wait.object.clone(),
        };
        let told = Waits {
            count: wait.count,
            total_ns: wait.total_ns,
            max_ns: wait.max_ns,
            begun_before: wait.begun_before,
            wakes: wakes(&wait.wakes),
        };
        let twice = waits.insert(place, told);
        assert!(twice.is_none(), "two rows for one place: {:?}", sums.waits);
    }
    Told {
        tid: thread.tid,
        pid: thread.pid.unwrap_or(0),
        comm: thread.comm.clone(),
        exit: thread.exit,
        migrations: sums.migrations,
        life_ns: sums.lifetime_ns,
        cpu_ns: sums.on_cpu_ns,
        queue_ns: sums.runqueue_ns,
        queue_count: sums.runqueue_count,
        unknown_ns: sums.unknown_ns,
        voluntary: sums.switches.voluntary,
        involuntary: sums.switches.involuntary,
        open: sums
            .open
            .iter()
            .map(|open| (open.so_far_ns, open.begun_before))
            .collect(),
        waits,
        wakes: wakes(&sums.wakes),
        calls: sums.calls.clone().expect("the full tier"),
    }
}

fn wakes(list: &[Wake]) -> Sums<Waker> {
    let mut sums = Sums::new();
    for wake in list {
        let by = Waker {
            source: wake.source.to_string(),
            tid: wake.tid,
            stranger: wake.comm.clone().filter(|_| wake.outside),
            syscall: wake.syscall.clone(),
        };
        add(&mut sums, &by, wake.count, wake.wait_ns);
    }
    sums
}
