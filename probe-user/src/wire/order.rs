//! Merge by time. The rings are nearly in order already: a record can only be
//! late by the moment between reading the clock and reserving its slot. Events
//! are held back until the watermark has passed them, then applied in an order
//! that does not depend on how they arrived.

use std::{collections::VecDeque, mem};

use rustc_hash::FxHashMap;

use super::event::{Event, On, What};

/// Holds events back until they can be put in order.
#[derive(Debug, Default)]
pub struct Order {
    /// In arrival order, since the latest release.
    fresh: Vec<Event>,
    /// In order.
    pending: VecDeque<Event>,
    released_ns: u64,
    late: u64,
}

impl Order {
    /// Takes an event in arrival order.
    pub fn push(&mut self, event: Event) {
        self.late += u64::from(self.is_late(&event));
        self.fresh.push(event);
    }

    /// Takes many behind those that came before; sorted ones cost least.
    pub fn push_all(&mut self, mut events: Vec<Event>) {
        self.late += events.iter().filter(|event| self.is_late(event)).count() as u64;
        match self.fresh.is_empty() {
            true => self.fresh = events,
            false => self.fresh.append(&mut events),
        }
    }

    fn is_late(&self, event: &Event) -> bool {
        // A recovered switch-in is recorded at the switch-out, however long that takes.
        let recovered = matches!(&event.what, What::On(on) if on.recovered);
        event.ts_ns < self.released_ns && !recovered
    }

    /// Hands out, in order, every event no younger than `watermark_ns`; 0: nothing
    /// is said yet, more of the same round follows.
    pub fn release(&mut self, watermark_ns: u64, mut each: impl FnMut(&Event)) {
        if watermark_ns == 0 {
            return;
        }
        self.merge();
        let ready = self.pending.partition_point(|e| e.ts_ns <= watermark_ns);
        self.pending.range(..ready).for_each(&mut each);
        self.pending.drain(..ready);
        self.released_ns = self.released_ns.max(watermark_ns);
    }

    /// Events that came after younger ones had been handed out.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// By tid, the first switch-in of those that are held back behind the latest release.
    pub fn next_switch_ins(&self) -> FxHashMap<u32, On> {
        let mut next = FxHashMap::default();
        for event in &self.pending {
            if let What::On(on) = &event.what {
                next.entry(event.tid).or_insert(*on);
            }
        }
        next
    }

    /// Puts what is fresh among what is pending. Little of that is younger than the
    /// oldest that is fresh.
    fn merge(&mut self) {
        sort(&mut self.fresh);
        let Some(oldest) = self.fresh.first().map(key) else {
            return;
        };
        let older = self.pending.partition_point(|event| key(event) <= oldest);
        let younger = self.pending.split_off(older);
        if younger.is_empty() && self.pending.is_empty() {
            self.pending = mem::take(&mut self.fresh).into();
            return;
        }
        let mut younger = younger.into_iter().peekable();
        for event in self.fresh.drain(..) {
            let at = key(&event);
            while let Some(pending) = younger.next_if(|pending| key(pending) <= at) {
                self.pending.push_back(pending);
            }
            self.pending.push_back(event);
        }
        self.pending.extend(younger);
    }
}

/// Sorts events into the order in which they are applied; equal ones stay in theirs.
pub fn sort(events: &mut [Event]) {
    events.sort_by_key(key);
}

/// Total order of events: time, then cause before effect, then thread. A
/// thread has at most one event of a kind at an instant (but open descriptors, which have
/// numbers), and a CPU at most one request, so nothing is left to the order of arrival.
fn key(event: &Event) -> (u64, u8, u32, u16) {
    (event.ts_ns, event.what.rank(), event.tid, event.cpu)
}
