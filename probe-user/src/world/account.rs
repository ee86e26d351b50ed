//! Where a thread's time went: sums, and counts of waits and wakes. Intervals
//! themselves are not kept; memory grows with distinct waits, not with time.

use std::hash::Hash;

use probe_common::sched::state;
use rustc_hash::FxHashMap;

use super::{
    blame::CauseId,
    by_few::ByFew,
    filter::{Counted, WaitFilter},
    identity::Waker,
    interval::{Activity, End, Interval},
    names::NameId,
    signal::Signal,
};
use crate::vocabulary::{WaitKind, WakeSource};

/// What a wait was on, if that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKey {
    /// Not known, or one of too many.
    #[default]
    None,
    /// A described file.
    File(NameId),
    /// A futex word's address.
    Futex(u64),
}

/// Waits that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitKey {
    /// What for.
    pub kind: WaitKind,
    /// System call, or -1.
    pub nr: i16,
    /// `nr` belongs to the 32-bit table.
    pub compat: bool,
    /// Kernel function slept in.
    pub function: NameId,
    /// For unknown waits: the stack, `;`-separated.
    pub stack: NameId,
    /// What on.
    pub object: ObjectKey,
}

/// Wake-ups that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WakeKey {
    /// What kind of waker.
    pub source: WakeSource,
    /// Which one.
    pub waker: Waker,
    /// The system call it was in, or -1.
    pub nr: i16,
    /// The signal, of [`WakeSource::Signal`].
    pub signal: Option<Signal>,
}

/// Count and time of wake-ups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WakeSum {
    /// Wake-ups.
    pub count: u64,
    /// Time of the waits they ended, ns.
    pub wait_ns: u64,
}

/// Count and time of waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitSum {
    /// Finished waits.
    pub count: u64,
    /// Their time, ns.
    pub total_ns: u64,
    /// The longest, ns.
    pub max_ns: u64,
    /// Those that had begun before the observation.
    pub begun_before: u64,
    /// Who ended them.
    pub wakes: FxHashMap<WakeKey, WakeSum>,
}

/// Behind what a thread stood on run queues, as far as that is certain, ns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunQueue {
    /// Tasks outside the tree.
    pub outside_ns: u64,
    /// Nobody: the CPU was idle, and being woken.
    pub idle_cpu_ns: u64,
    /// Threads of the tree.
    pub tree: ByFew,
}

/// One thread's sums. Times in ns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Running.
    pub on_cpu_ns: u64,
    /// Runnable, not running.
    pub runqueue_ns: u64,
    /// Entries into the run queue.
    pub runqueue_count: u64,
    /// What of its time on run queues is explained.
    pub run_queue: RunQueue,
    /// Covered by lost records.
    pub unknown_ns: u64,
    /// Switch-outs to sleep.
    pub voluntary: u64,
    /// Switch-outs while runnable.
    pub involuntary: u64,
    /// In finished waits as `TASK_INTERRUPTIBLE`.
    pub interruptible_ns: u64,
    /// In finished waits as `TASK_UNINTERRUPTIBLE`.
    pub uninterruptible_ns: u64,
    /// Finished waits.
    pub waits: FxHashMap<WaitKey, WaitSum>,
    /// What the finished waits are blamed on, ns.
    pub blame: FxHashMap<(WaitKind, CauseId), u64>,
    /// First runs (`new`), which end no wait.
    pub first_wakeups: FxHashMap<WakeKey, WakeSum>,
    /// What of the waits is counted, where that is not all.
    pub counted: Option<Box<Counted>>,
}

/// Distinct waits of one thread that are told apart by object. A server with a
/// hundred thousand connections must not grow without bound: beyond this,
/// waits on new objects are counted without their object.
const DISTINCT_OBJECTS: usize = 512;

impl Account {
    /// Whether waits on new objects are counted without them.
    pub fn has_many_waits(&self) -> bool {
        self.waits.len() >= DISTINCT_OBJECTS
    }

    /// Whether waits for peers that have no name yet are blamed on the network
    /// without one.
    pub fn has_many_causes(&self) -> bool {
        self.blame.len() >= DISTINCT_OBJECTS
    }

    /// What of its waits is counted by a filter.
    pub fn counted_by(&mut self, filter: WaitFilter) -> &mut Counted {
        let counted = || Box::new(Counted::new(filter));
        self.counted.get_or_insert_with(counted)
    }

    /// Takes in an interval of its thread, whose waits are counted by a filter, too.
    #[inline]
    pub fn add(&mut self, interval: &Interval, filter: Option<WaitFilter>) {
        let ns = interval.ns();
        match interval.activity {
            Activity::Cpu(_) => self.on_cpu_ns += ns,
            Activity::RunQueue => self.runqueue_ns += ns,
            Activity::Unknown => self.unknown_ns += ns,
            Activity::Wait { key, end, .. } => {
                if let Some(end) = end {
                    let key = self.known_as(key);
                    self.add_wait(key, &end, ns);
                    if let Some(filter) = filter {
                        self.count_wait(filter, key, &end, ns);
                    }
                }
            }
        }
    }

    /// What waits are counted under: without their object where there are too many.
    fn known_as(&self, mut key: WaitKey) -> WaitKey {
        if self.has_many_waits() && !self.waits.contains_key(&key) {
            key.object = ObjectKey::None;
        }
        key
    }

    /// Counts a finished wait if the filter does.
    fn count_wait(&mut self, filter: WaitFilter, key: WaitKey, end: &End, ns: u64) {
        let counted = self.counted_by(filter);
        match filter.counts(key.kind, ns) {
            true => counted.account.add_wait(key, end, ns),
            false => counted.left_out.add(1, ns),
        }
    }

    /// Counts a finished wait.
    fn add_wait(&mut self, key: WaitKey, end: &End, ns: u64) {
        self.add_state(end.state, ns);
        let sum = self.waits.entry(key).or_default();
        sum.count += 1;
        sum.total_ns += ns;
        sum.max_ns = sum.max_ns.max(ns);
        sum.begun_before += u64::from(end.begun_before);
        let by = sum.wakes.entry(end.wake).or_default();
        by.count += 1;
        by.wait_ns += ns;
    }

    /// Counts the time of a finished wait by the task's state.
    pub fn add_state(&mut self, state: u16, ns: u64) {
        let of_state = match () {
            () if state & state::UNINTERRUPTIBLE != 0 => &mut self.uninterruptible_ns,
            () if state & state::INTERRUPTIBLE != 0 => &mut self.interruptible_ns,
            () => return,
        };
        *of_state = of_state.saturating_add(ns);
    }

    /// Time of its finished waits, ns.
    pub fn waits_ns(&self) -> u64 {
        self.waits.values().map(|sum| sum.total_ns).sum()
    }

    /// Adds up without a name what wakers and causes did that are not known any more.
    pub fn forget(
        &mut self,
        is_known: impl Fn(Waker) -> bool,
        is_known_cause: impl Fn(CauseId) -> bool,
    ) {
        let waits = self.waits.values_mut().map(|sum| &mut sum.wakes);
        for wakes in waits.chain([&mut self.first_wakeups]) {
            for (key, sum) in take_if(wakes, |key| !is_known(key.waker)) {
                let waker = Waker::Nobody;
                let nameless = wakes.entry(WakeKey { waker, ..key }).or_default();
                nameless.count += sum.count;
                nameless.wait_ns += sum.wait_ns;
            }
        }
        self.run_queue
            .tree
            .forget(|thread| is_known(Waker::Thread(thread)));
        let forgotten = take_if(&mut self.blame, |&(_, cause)| !is_known_cause(cause));
        for ((kind, _), ns) in forgotten {
            *self.blame.entry((kind, CauseId::OLDER)).or_default() += ns;
        }
    }

    /// Counts the first run of a new thread.
    pub fn add_first_wakeup(&mut self, wake: WakeKey) {
        self.first_wakeups.entry(wake).or_default().count += 1;
    }
}

/// Takes the entries out whose keys are so.
fn take_if<K: Copy + Eq + Hash, V: Copy>(
    from: &mut FxHashMap<K, V>,
    is_so: impl Fn(&K) -> bool,
) -> Vec<(K, V)> {
    let mut taken = Vec::new();
    from.retain(|key, value| {
        let stays = !is_so(key);
        if !stays {
            taken.push((*key, *value));
        }
        stays
    });
    taken
}
