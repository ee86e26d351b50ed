//! What was found of herds: sums by what their threads wait for.

use rustc_hash::FxHashMap;

use super::context::{Context, Place};
use crate::world::interval::Ended;

/// Places that are distinguished.
const PLACES: usize = 1024;

/// Wakers of a place that are distinguished.
const WAKERS: usize = 64;

/// What was found.
#[derive(Default)]
pub struct Found {
    pub(super) sums: FxHashMap<Object, Sum>,
    /// Finished waits.
    pub(super) waits: u64,
    /// Those of which it is not known who ended them.
    pub(super) unverified: u64,
}

/// What the threads of a herd wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Object {
    pub place: Place,
    /// Theirs.
    pub group: usize,
    /// Of a futex that one process alone waits at.
    pub process: Option<u32>,
}

/// All herds of one object.
#[derive(Default)]
pub(super) struct Sum {
    pub wakes: u64,
    pub useful: u64,
    pub wasted: u64,
    pub events: u64,
    pub fan_out_max: u64,
    pub wasted_cpu_ns: u64,
    pub useful_cpu_ns: u64,
    pub waker_ns: u64,
    /// Who woke them, and how often.
    pub wakers: FxHashMap<Ended, u64>,
}

impl Found {
    /// Counts a herd.
    pub(super) fn add(&mut self, context: &Context) {
        let object = context.object;
        if self.sums.len() < PLACES || self.sums.contains_key(&object) {
            self.sums.entry(object).or_default().add(context);
        }
    }
}

impl Sum {
    fn add(&mut self, context: &Context) {
        let (useful, wasted, cpu_ns) = context.judged();
        self.wakes += useful + wasted;
        self.useful += useful;
        self.wasted += wasted;
        self.events += 1;
        self.fan_out_max = self.fan_out_max.max(useful + wasted);
        self.wasted_cpu_ns += cpu_ns;
        self.useful_cpu_ns += context.useful_cpu_ns();
        self.waker_ns += context.last_ns - context.first_ns;
        if self.wakers.len() < WAKERS || self.wakers.contains_key(&context.by) {
            *self.wakers.entry(context.by).or_default() += 1;
        }
    }
}
