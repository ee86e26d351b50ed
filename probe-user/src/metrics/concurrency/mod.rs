//! True concurrency: how much went on at once, over the whole run.
//!
//! The run goes from the first observed instant of any thread to the last one
//! of any. At every instant of it each thread that lives is one of:
//!
//! - *running*: on a CPU;
//! - on the run queue; together with the running ones it is *runnable*;
//! - *blocked*: in a wait of any kind, finished or not, also a stopped or
//!   throttled one;
//! - *unknown*: lost records cover what it does. It counts as nothing else, so
//!   with losses the other numbers are lower bounds.
//!
//! *Processes* are those with at least one living thread; one that has ended and
//! was not waited for yet (a zombie) does not count. A group's *children* are
//! the processes that its threads made, while they live.
//!
//! For each of these: the mean over the run, the greatest number, and the 99th
//! percentile by time: the least number that is not exceeded for 99 % of the
//! run. All three are exact. A number that lasts no time (one thread comes and
//! one goes at the same instant) does not count.
//!
//! A *wake-up* is the end of a finished wait, whatever ended it, or the waking
//! of a thread that was just made. It counts where its waking was; where the
//! kernel hid that, at the switch-in. A waking that overtook its sleep (the
//! wait has no length) does not count, nor does a preemption. Wake-ups per
//! millisecond are counted in bins of 1 ms from the start of the run, the empty
//! ones included.
//!
//! *Run-queue latency* is the time from a wake-up to running. It is not known
//! where records were lost in between or the run ended first: such wake-ups are
//! in the bins and in no latency. A later preemption's time on the run queue is
//! no latency.
//!
//! A *burst* is a bin with at least max(8, 4 × CPUs) wake-ups, and a latency is
//! inside if its waking is. A crowd that falls on both sides of a bin's end may
//! be a burst in one bin, in both or in none. Percentiles of wake-ups and of
//! latencies are too great by 1/64 at most (see `histogram`).
//!
//! All threads' steps are merged in order of time: O(n log threads), and memory
//! for the threads, not for the steps.

mod bursts;
mod level;
mod steps;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    iter::Peekable,
};

use self::{
    bursts::Bursts,
    level::Level,
    steps::{Phase, Step},
};
use super::{process::Processes, sums, threads::origin_ns};
use crate::{
    document::{self, Concurrency},
    world::{World, identity::ThreadId},
};

/// The course of a run.
pub struct Course {
    /// Of the whole tree; `None` when no time passed.
    pub whole: Option<Concurrency>,
    /// Children of each group's threads; `None` for a group that made none.
    pub children: Vec<Option<document::Level>>,
}

/// Follows all threads of a world from the start to the end. `of_thread` is
/// each thread's group, of so many.
pub fn follow(
    world: &World,
    cpus: u32,
    processes: &Processes,
    of_thread: &[usize],
    groups: usize,
) -> Course {
    let origin_ns = origin_ns(world);
    let mut sweep = Sweep {
        at_once: AtOnce::from(origin_ns),
        bursts: Bursts::new(origin_ns, cpus),
        families: Families::new(processes, of_thread, groups, origin_ns),
    };
    let mut lives: Vec<_> = (0..world.threads.len())
        .map(|index| steps::of(world, ThreadId(index as u32)).peekable())
        .collect();
    sweep.run(&mut lives);
    let ends = world.threads.iter().map(|t| sums::end_ns(world, t));
    sweep.end(origin_ns, ends.max().unwrap_or(0).max(origin_ns))
}

struct Sweep<'a> {
    at_once: AtOnce,
    bursts: Bursts,
    families: Families<'a>,
}

impl Sweep<'_> {
    /// Takes every step in order of time.
    fn run<I: Iterator<Item = Step>>(&mut self, lives: &mut [Peekable<I>]) {
        let mut next: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        for (index, life) in lives.iter_mut().enumerate() {
            next.extend(life.peek().map(|step| Reverse((step.from_ns, index))));
        }
        let mut doing: Vec<Option<Phase>> = vec![None; lives.len()];
        while let Some(mut top) = next.peek_mut() {
            let Reverse((ts_ns, index)) = *top;
            let step = lives[index].next();
            match step {
                Some(step) => top.0.0 = step.to_ns,
                None => drop(PeekMut::pop(top)),
            }
            let after = step.map(|step| step.phase);
            let before = std::mem::replace(&mut doing[index], after);
            self.change(ts_ns, index, before, after);
            if let Some(step) = step.filter(|step| step.woken) {
                self.bursts
                    .wake(ts_ns, latency_ns(&step, &mut lives[index]));
            }
        }
    }

    fn change(&mut self, ts_ns: u64, thread: usize, before: Option<Phase>, after: Option<Phase>) {
        match before {
            Some(phase) => self.at_once.leave(ts_ns, phase),
            None => self.families.born(ts_ns, thread),
        }
        match after {
            Some(phase) => self.at_once.enter(ts_ns, phase),
            None => self.families.died(ts_ns, thread),
        }
    }

    fn end(self, origin_ns: u64, ended_ns: u64) -> Course {
        let over_ns = ended_ns - origin_ns;
        let Families {
            alive, children, ..
        } = self.families;
        let AtOnce {
            running,
            runnable,
            blocked,
            unknown,
        } = self.at_once;
        let whole = Concurrency {
            running: running.end(ended_ns),
            runnable: runnable.end(ended_ns),
            blocked: blocked.end(ended_ns),
            unknown: unknown.end(ended_ns),
            processes: alive.end(ended_ns),
            wakes: self.bursts.end(over_ns),
        };
        let children = children.into_iter();
        Course {
            whole: (over_ns > 0).then_some(whole),
            children: children.map(|level| Some(level?.end(ended_ns))).collect(),
        }
    }
}

/// How long a thread that was just woken stands in the run queue.
fn latency_ns(step: &Step, life: &mut Peekable<impl Iterator<Item = Step>>) -> Option<u64> {
    match step.phase {
        Phase::Queued => {
            // Behind it may also be lost records, or the snapshot at the end of
            // the run, which cuts a stay in two.
            let next = life.peek()?;
            (next.phase == Phase::Running).then(|| step.to_ns - step.from_ns)
        }
        Phase::Running | Phase::Blocked => Some(0),
        Phase::Unknown => None,
    }
}

/// Threads by what they do.
struct AtOnce {
    running: Level,
    runnable: Level,
    blocked: Level,
    unknown: Level,
}

impl AtOnce {
    fn from(origin_ns: u64) -> AtOnce {
        AtOnce {
            running: Level::from(origin_ns),
            runnable: Level::from(origin_ns),
            blocked: Level::from(origin_ns),
            unknown: Level::from(origin_ns),
        }
    }

    fn enter(&mut self, ts_ns: u64, phase: Phase) {
        self.levels(phase).for_each(|level| level.rise(ts_ns));
    }

    fn leave(&mut self, ts_ns: u64, phase: Phase) {
        self.levels(phase).for_each(|level| level.fall(ts_ns));
    }

    /// Those that a thread in this phase counts in.
    fn levels(&mut self, phase: Phase) -> impl Iterator<Item = &mut Level> {
        let (one, other) = match phase {
            Phase::Running => (&mut self.runnable, Some(&mut self.running)),
            Phase::Queued => (&mut self.runnable, None),
            Phase::Blocked => (&mut self.blocked, None),
            Phase::Unknown => (&mut self.unknown, None),
        };
        std::iter::once(one).chain(other)
    }
}

/// Processes alive, in all and by the group that made them.
struct Families<'a> {
    of_thread: &'a [usize],
    /// Living threads of each process.
    threads: Vec<usize>,
    /// The group of each process's maker.
    maker: Vec<Option<usize>>,
    alive: Level,
    children: Vec<Option<Level>>,
}

impl Families<'_> {
    fn new<'a>(
        processes: &'a Processes,
        groups_of: &[usize],
        groups: usize,
        origin_ns: u64,
    ) -> Families<'a> {
        let maker = processes.list.iter().map(|process| {
            let creator = process.creator?;
            groups_of.get(creator.0 as usize).copied()
        });
        let maker: Vec<Option<usize>> = maker.collect();
        let mut children = vec![None; groups];
        for &group in maker.iter().flatten() {
            children[group] = Some(Level::from(origin_ns));
        }
        Families {
            of_thread: &processes.of_thread,
            threads: vec![0; processes.list.len()],
            maker,
            alive: Level::from(origin_ns),
            children,
        }
    }

    fn born(&mut self, ts_ns: u64, thread: usize) {
        let process = self.of_thread[thread];
        self.threads[process] += 1;
        if self.threads[process] == 1 {
            self.levels(process).for_each(|level| level.rise(ts_ns));
        }
    }

    fn died(&mut self, ts_ns: u64, thread: usize) {
        let process = self.of_thread[thread];
        self.threads[process] -= 1;
        if self.threads[process] == 0 {
            self.levels(process).for_each(|level| level.fall(ts_ns));
        }
    }

    fn levels(&mut self, process: usize) -> impl Iterator<Item = &mut Level> {
        let made = self.maker[process].and_then(|group| self.children[group].as_mut());
        std::iter::once(&mut self.alive).chain(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::process,
        syscall::Table,
        world::{
            interval::{Activity, Interval},
            thread::Thread,
        },
    };

    /// 200 threads that compute and queue in turn, 5,000 times each.
    fn busy_world() -> World {
        let mut world = World::new(Table::by_id("x86_64").expect("a known table"));
        for tid in 1..=200_u32 {
            let mut thread = Thread::unidentified(tid);
            thread.start_ns = Some(u64::from(tid));
            thread.id = ThreadId(tid - 1);
            let ended = |n: u64| Interval {
                thread: ThreadId(tid - 1),
                from_ns: u64::from(tid) + (n - 1) * 1_000,
                to_ns: u64::from(tid) + n * 1_000,
                activity: [Activity::Cpu(0), Activity::RunQueue][(n % 2) as usize],
            };
            let ended: Vec<Interval> = (1..=5_000).map(ended).collect();
            thread.since_ns = u64::from(tid) + 5_000_000;
            world.logs.settle(&mut thread, &ended);
            world.threads.push(thread);
        }
        world
    }

    #[test]
    fn concurrency_a_million_intervals_take_seconds_at_most() {
        let world = busy_world();
        let processes = process::rows(&world);
        let started = std::time::Instant::now();
        let course = follow(&world, 2, &processes, &[0; 200], 1);
        let took = started.elapsed();
        let running = course.whole.expect("time passed").running;
        assert_eq!(running.total_ns, 200 * 2_500_000);
        assert!(took.as_secs() < 10, "{took:?}");
    }
}
