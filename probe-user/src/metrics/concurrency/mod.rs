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

mod bursts;
mod latencies;
mod level;

use self::{bursts::Bursts, latencies::Latencies, level::Level};
use super::{
    process::Processes,
    sums,
    sweep::{Phase, Step, Turn},
    threads::first_ns,
};
use crate::{
    document::{self, Concurrency},
    world::{World, by_thread::ByThread, identity::ThreadId},
};

/// The course of a run.
pub struct Course {
    /// Of the whole tree; `None` when no time passed.
    pub whole: Option<Concurrency>,
    /// Children of each group's threads; `None` for a group that made none.
    pub children: Vec<Option<document::Level>>,
    latencies: Latencies,
}

impl Course {
    /// How long a thread stood in the run queue behind its wake-ups.
    pub fn latency_of(&self, thread: ThreadId) -> document::RunqueueLatency {
        self.latencies.end(thread)
    }
}

/// Follows all threads of a world.
pub struct Counts<'a> {
    world: &'a World,
    origin_ns: u64,
    at_once: AtOnce,
    bursts: Bursts,
    latencies: Latencies,
    families: Families<'a>,
}

impl<'a> Counts<'a> {
    /// Of none so far. `group_of` is each thread's group, of so many.
    pub fn new(
        world: &'a World,
        cpus: u32,
        processes: &'a Processes,
        group_of: &ByThread<usize>,
        groups: usize,
    ) -> Counts<'a> {
        let origin_ns = first_ns(world);
        Counts {
            world,
            origin_ns,
            at_once: AtOnce::from(origin_ns),
            bursts: Bursts::new(origin_ns, cpus),
            latencies: Latencies::default(),
            families: Families::new(processes, group_of, groups, origin_ns),
        }
    }

    /// Follows the course of the run.
    pub fn turn(&mut self, turn: &Turn<'_>) {
        match turn.ended {
            Some(step) => self.at_once.leave(turn.at_ns, step.phase),
            None => self.families.born(turn.at_ns, turn.thread),
        }
        let Some(begun) = turn.begun else {
            return self.families.died(turn.at_ns, turn.thread);
        };
        self.at_once.enter(turn.at_ns, begun.phase);
        if self.is_waking(turn) {
            let latency_ns = latency_ns(begun, turn.next);
            self.bursts.wake(turn.at_ns, latency_ns);
            self.latencies.wake(turn.thread, latency_ns);
        }
    }

    /// Whether a sleeper is woken, or a thread that was just made.
    fn is_waking(&self, turn: &Turn<'_>) -> bool {
        match turn.ended {
            Some(step) => step.phase == Phase::Blocked,
            None => {
                let thread = self.world.get(turn.thread);
                thread.is_some_and(|thread| !thread.account.first_wakeups.is_empty())
            }
        }
    }

    /// All that was counted.
    pub fn end(self) -> Course {
        let ends = self.world.threads.iter();
        let ends = ends.map(|thread| sums::end_ns(self.world, thread));
        let ended_ns = ends.max().unwrap_or(0).max(self.origin_ns);
        let over_ns = ended_ns - self.origin_ns;
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
            latencies: self.latencies,
        }
    }
}

/// How long a thread that was just woken stands in the run queue.
fn latency_ns(step: &Step, next: Option<&Step>) -> Option<u64> {
    match step.phase {
        // Behind it may also be lost records, or the snapshot at the end of the
        // run, which cuts a stay in two.
        Phase::Queued => (next?.phase == Phase::Running).then(|| step.to_ns - step.from_ns),
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
    process_of: &'a ByThread<usize>,
    /// Living threads of each process.
    threads: Vec<usize>,
    /// The group of each process's maker.
    maker: Vec<Option<usize>>,
    alive: Level,
    children: Vec<Option<Level>>,
}

impl<'a> Families<'a> {
    fn new(
        processes: &'a Processes,
        group_of: &ByThread<usize>,
        groups: usize,
        origin_ns: u64,
    ) -> Families<'a> {
        let maker = processes
            .list
            .iter()
            .map(|process| group_of.get(process.creator?).copied());
        let maker: Vec<Option<usize>> = maker.collect();
        let mut children = vec![None; groups];
        for &group in maker.iter().flatten() {
            children[group] = Some(Level::from(origin_ns));
        }
        Families {
            process_of: &processes.of_thread,
            threads: vec![0; processes.list.len()],
            maker,
            alive: Level::from(origin_ns),
            children,
        }
    }

    fn born(&mut self, ts_ns: u64, thread: ThreadId) {
        let process = self.process_of[thread];
        self.threads[process] += 1;
        if self.threads[process] == 1 {
            self.levels(process).for_each(|level| level.rise(ts_ns));
        }
    }

    fn died(&mut self, ts_ns: u64, thread: ThreadId) {
        let process = self.process_of[thread];
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
        metrics::{process, sweep::sweep},
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
        let group_of = (0..200).map(|_| 0).collect();
        let mut counts = Counts::new(&world, 2, &processes, &group_of, 1);
        let threads: Vec<&Thread> = world.threads.iter().collect();
        sweep(&world, &threads, |turn| counts.turn(turn));
        let took = started.elapsed();
        let running = counts.end().whole.expect("time passed").running;
        assert_eq!(running.total_ns, 200 * 2_500_000);
        assert!(took.as_secs() < 10, "{took:?}");
    }
}
