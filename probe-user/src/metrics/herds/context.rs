//! What one waker does in one go, and what became of those that it woke.

use std::ops::{Index, IndexMut};

use rustc_hash::FxHashMap;

use super::{TOGETHER_NS, found::Object};
use crate::{
    vocabulary::WaitKind,
    world::{
        World,
        account::{ObjectKey, WaitKey},
        interval::Ended,
        thread::{State, Thread},
    },
};

/// Where a thread waits, whatever kernel function its stack was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub kind: WaitKind,
    pub nr: i16,
    pub compat: bool,
    pub object: ObjectKey,
}

impl Place {
    pub(super) fn of(key: &WaitKey) -> Place {
        Place {
            kind: key.kind,
            nr: key.nr,
            compat: key.compat,
            object: key.object,
        }
    }

    /// That of a wait that has not ended.
    pub(super) fn of_unfinished(world: &World, thread: &Thread) -> Option<Place> {
        let State::Waiting(wait) = &thread.state else {
            return None;
        };
        let (off, known) = (&wait.off, &world.dictionaries);
        let (symbols, table, gils) = (&known.symbols, known.table, &known.gils);
        let kind = thread.wait_site(off, &[], None, symbols, table, gils).kind;
        Some(Place {
            kind,
            nr: off.call.nr,
            compat: off.call.compat,
            object: thread.known_object(off, kind, known),
        })
    }
}

/// A place of a group, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot(usize);

/// How many threads sleep at each.
#[derive(Default)]
pub(super) struct Spots {
    numbers: FxHashMap<(Place, usize), usize>,
    sleepers: Vec<u64>,
}

impl Spots {
    pub(super) fn of(&mut self, place: Place, group: usize) -> Spot {
        let next = self.sleepers.len();
        let number = *self.numbers.entry((place, group)).or_insert(next);
        if number == next {
            self.sleepers.push(0);
        }
        Spot(number)
    }
}

impl Index<Spot> for Spots {
    type Output = u64;

    fn index(&self, spot: Spot) -> &u64 {
        &self.sleepers[spot.0]
    }
}

impl IndexMut<Spot> for Spots {
    fn index_mut(&mut self, spot: Spot) -> &mut u64 {
        &mut self.sleepers[spot.0]
    }
}

/// A thread, as far as it goes with others.
#[derive(Default)]
pub(super) struct Follower {
    /// Its latest waking, ns.
    pub woken_ns: u64,
    /// Where it waits, or did last.
    pub spot: Option<(Place, Spot)>,
    pub is_asleep: bool,
    /// A wake of which it is not known what it was for.
    pub wake: Option<Wake>,
    /// The context that it may go on with as a waker.
    pub open: Option<usize>,
}

/// A wake of which it is not known what it was for.
pub(super) struct Wake {
    pub context: usize,
    pub place: Place,
    pub ran_ns: u64,
}

/// What a wake was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Useful,
    Wasted,
    Unknown,
}

/// Wakings of one waker in one go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub object: Object,
    pub spot: Spot,
    pub by: Ended,
    /// Its first waking, ns.
    pub first_ns: u64,
    /// Its last, ns.
    pub last_ns: u64,
    /// More may be added.
    pub is_open: bool,
    /// Threads that slept there as it began.
    sleepers: u64,
    /// Those of them that were woken, this one's run being known or not.
    woken: u64,
    /// The longest time between two wakings, ns.
    widest_ns: u64,
    /// The waking before the last, ns.
    before_last_ns: Option<u64>,
    /// Three lay close together.
    is_burst: bool,
    /// Wakes that are not judged.
    pending: u64,
    useful: u64,
    wasted: u64,
    wasted_cpu_ns: u64,
    /// The longest run among those, ns.
    longest_ns: u64,
    /// Runs of useful wakes, ns.
    useful_cpu_ns: u64,
}

impl Context {
    /// It begins with a waking.
    pub(super) fn new(object: Object, spot: Spot, by: Ended, at_ns: u64, sleepers: u64) -> Context {
        Context {
            object,
            spot,
            sleepers,
            by,
            first_ns: at_ns,
            last_ns: at_ns,
            is_open: true,
            woken: 1,
            widest_ns: 0,
            before_last_ns: None,
            is_burst: false,
            pending: 1,
            useful: 0,
            wasted: 0,
            wasted_cpu_ns: 0,
            longest_ns: 0,
            useful_cpu_ns: 0,
        }
    }

    /// Adds a waking.
    pub(super) fn add(&mut self, at_ns: u64, pid: Option<u32>) {
        let is_close = |since_ns| at_ns - since_ns <= TOGETHER_NS;
        self.is_burst |= self.before_last_ns.is_some_and(is_close);
        self.before_last_ns = Some(self.last_ns);
        self.widest_ns = self.widest_ns.max(at_ns - self.last_ns);
        self.last_ns = at_ns;
        self.woken += 1;
        self.pending += 1;
        if self.object.process != pid {
            self.object.process = None;
        }
    }

    /// One of its wakes led to a run of so many ns.
    pub(super) fn judge(&mut self, verdict: Verdict, ran_ns: u64) {
        self.pending -= 1;
        match verdict {
            Verdict::Useful => {
                self.useful += 1;
                self.useful_cpu_ns += ran_ns;
            }
            Verdict::Unknown => {}
            Verdict::Wasted => {
                self.wasted += 1;
                self.wasted_cpu_ns += ran_ns;
                self.longest_ns = self.longest_ns.max(ran_ns);
            }
        }
    }

    /// Useful wakes, wasted ones, and what these cost, ns.
    pub(super) fn judged(&self) -> (u64, u64, u64) {
        match (self.useful, self.wasted) {
            (0, wasted @ 1..) => (1, wasted - 1, self.wasted_cpu_ns - self.longest_ns),
            (useful, wasted) => (useful, wasted, self.wasted_cpu_ns),
        }
    }

    /// What the useful ones took, ns.
    pub(super) fn useful_cpu_ns(&self) -> u64 {
        match self.useful {
            0 => self.longest_ns,
            _ => self.useful_cpu_ns,
        }
    }

    /// Whether it woke many, most of them for nothing.
    pub(super) fn is_herd(&self, dense_ns: u64) -> bool {
        let (useful, wasted, _) = self.judged();
        let is_for_all = self.woken >= self.sleepers;
        let is_in_one_go = self.widest_ns <= dense_ns && 2 * self.woken > self.sleepers;
        let is_in_vain = useful + wasted >= 3 && wasted > useful;
        self.is_burst && is_in_vain && (is_for_all || is_in_one_go)
    }
}

/// Contexts by number; numbers are given again.
#[derive(Default)]
pub(super) struct Contexts {
    list: Vec<Context>,
    free: Vec<usize>,
}

impl Contexts {
    /// Adds one.
    pub(super) fn open(&mut self, context: Context) -> usize {
        if let Some(at) = self.free.pop() {
            self.list[at] = context;
            return at;
        }
        self.list.push(context);
        self.list.len() - 1
    }

    /// Takes one out that is closed and judged.
    pub(super) fn take_settled(&mut self, at: usize) -> Option<Context> {
        let context = self.list[at];
        let is_settled = !context.is_open && context.pending == 0;
        is_settled.then(|| {
            self.free.push(at);
            context
        })
    }
}

impl Index<usize> for Contexts {
    type Output = Context;

    fn index(&self, at: usize) -> &Context {
        &self.list[at]
    }
}

impl IndexMut<usize> for Contexts {
    fn index_mut(&mut self, at: usize) -> &mut Context {
        &mut self.list[at]
    }
}
