//! Behind what threads stood on run queues, against a machine whose every queue is
//! known.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{account::assert_closed, properties::config};
use crate::{
    document::{Document, RunQueuePart},
    metrics::tests::run,
    vocabulary::Behind,
    wire::tests::probes::{Before, By, Out, Probes, TaskId, Who},
};

const CPUS: usize = 3;
/// Tasks; the first ones are of the tree.
const TASKS: usize = 7;
const TREE: usize = 4;

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Asleep,
    Queued(usize),
    Running(usize),
}

/// What a CPU does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Runs {
    #[default]
    Idle,
    Task(usize),
}

/// What was stood behind: the thread of the tree with a tid, or something else.
type Parts = BTreeMap<(Behind, Option<u32>), u64>;

#[derive(Default)]
struct Machine {
    probes: Probes,
    now_ns: u64,
    ids: Vec<TaskId>,
    doing: Vec<Doing>,
    cpus: [Runs; CPUS],
    idle_until_ns: [u64; CPUS],
    lost: [u16; CPUS],
    /// A move of the task was not recorded.
    move_lost: [bool; TASKS],
    /// The present stays, and those that are over.
    stays: [Parts; TREE],
    truth: [Parts; TREE],
    has_lost: bool,
}

/// One step: time, what, two choices, and whether a record of it is lost.
type Step = (u64, u8, u8, u8, bool);

impl Machine {
    fn play(steps: &[Step]) -> Machine {
        let mut machine = Machine {
            now_ns: 1_000_000,
            doing: vec![Doing::Asleep; TASKS],
            ..Machine::default()
        };
        for task in 0..TREE {
            let tid = tid(task);
            let who = Who {
                tid,
                pid: tid,
                ppid: 1,
                comm: ["a", "b", "c", "d"][task],
            };
            machine.now_ns += 10;
            let id = machine.probes.seed(machine.now_ns, who, Out::sleep(0), 0);
            machine.ids.push(id);
        }
        for step in steps {
            machine.step(step);
        }
        // Every span that a thread of the tree has begun ends.
        for cpu in 0..CPUS {
            machine.pass(10);
            if matches!(machine.cpus[cpu], Runs::Task(_)) {
                machine.switch(cpu, Runs::Idle, false, false);
            }
        }
        machine
    }

    fn step(&mut self, &(ns, what, a, b, is_lost): &Step) {
        self.pass(1 + ns);
        let (task, cpu) = (usize::from(a) % TASKS, usize::from(b) % CPUS);
        match (what % 8, self.doing[task]) {
            (0..=2, Doing::Asleep) => self.wake(task, cpu),
            (3, Doing::Queued(from)) if from != cpu => self.move_to(task, from, cpu, is_lost),
            (4..=7, _) => self.schedule(cpu, a, what % 2 == 0, is_lost),
            _ => {}
        }
    }

    /// Time passes, in which each queued thread stands behind what its CPU does.
    fn pass(&mut self, ns: u64) {
        self.now_ns += ns;
        for task in 0..TREE {
            if let Doing::Queued(cpu) = self.doing[task] {
                let behind = match self.cpus[cpu] {
                    Runs::Idle => (Behind::IdleCpu, None),
                    Runs::Task(other) if other < TREE => (Behind::Tree, Some(tid(other))),
                    Runs::Task(_) => (Behind::Outside, None),
                };
                *self.stays[task].entry(behind).or_default() += ns;
            }
        }
    }

    fn wake(&mut self, task: usize, cpu: usize) {
        if task < TREE {
            let by = By::task(tid(0), 1);
            self.probes.waking(self.now_ns, self.ids[task], &by);
        }
        self.doing[task] = Doing::Queued(cpu);
    }

    fn move_to(&mut self, task: usize, from: usize, to: usize, is_lost: bool) {
        self.doing[task] = Doing::Queued(to);
        if task >= TREE {
            return;
        }
        if is_lost {
            self.has_lost = true;
            self.move_lost[task] = true;
            return;
        }
        let idle_until_ns = match self.cpus[from] {
            Runs::Idle => u64::MAX,
            Runs::Task(_) => self.idle_until_ns[from].max(1),
        };
        let way = (from as u16, to as u16);
        self.probes
            .moved(self.now_ns, self.ids[task], way, idle_until_ns);
    }

    /// A CPU takes the next task from its queue, or goes idle if there is none.
    fn schedule(&mut self, cpu: usize, which: u8, sleeps: bool, is_lost: bool) {
        let queued = (0..TASKS).filter(|&task| self.doing[task] == Doing::Queued(cpu));
        let queued: Vec<usize> = queued.collect();
        match usize::from(which).checked_rem(queued.len()) {
            Some(nth) => self.switch(cpu, Runs::Task(queued[nth]), !sleeps, is_lost),
            None if self.cpus[cpu] != Runs::Idle => self.switch(cpu, Runs::Idle, false, is_lost),
            None => {}
        }
    }

    fn switch(&mut self, cpu: usize, next: Runs, preempts: bool, is_lost: bool) {
        let prev = std::mem::replace(&mut self.cpus[cpu], next);
        if let Runs::Task(prev) = prev {
            self.doing[prev] = match preempts {
                true => Doing::Queued(cpu),
                false => Doing::Asleep,
            };
        }
        if let Runs::Task(next) = next {
            self.doing[next] = Doing::Running(cpu);
            if next < TREE {
                for (behind, ns) in std::mem::take(&mut self.stays[next]) {
                    *self.truth[next].entry(behind).or_default() += ns;
                }
            }
        }
        let traced = |runs: Runs| match runs {
            Runs::Task(task) if task < TREE => Some(task),
            _ => None,
        };
        if prev == Runs::Idle && traced(next).is_none() {
            self.idle_until_ns[cpu] = self.now_ns;
        }
        self.record(cpu, prev, (traced(prev), traced(next)), preempts, is_lost);
    }

    fn record(
        &mut self,
        cpu: usize,
        prev: Runs,
        halves: (Option<usize>, Option<usize>),
        preempts: bool,
        is_lost: bool,
    ) {
        if halves == (None, None) {
            return;
        }
        self.probes.cpu = cpu as u16;
        self.probes.before = Before {
            prev_tid: match prev {
                Runs::Idle => 0,
                Runs::Task(task) => tid(task),
            },
            idle_until_ns: self.idle_until_ns[cpu].max(1),
            lost: self.lost[cpu],
        };
        let out = match preempts {
            true => Out::preempted(),
            false => Out::sleep(0),
        };
        let prev = halves.0.map(|task| (self.ids[task], out));
        let next = halves.1.map(|task| self.ids[task]);
        if let Some(task) = halves.1 {
            self.probes.moves_known = !std::mem::take(&mut self.move_lost[task]);
        }
        self.probes.switch(self.now_ns, prev, next);
        if is_lost {
            self.has_lost = true;
            self.probes.records.pop();
            self.lost[cpu] += 1;
        }
    }

    fn document(&self) -> Document {
        run::document(&self.probes.records, self.now_ns + 5)
    }
}

fn tid(task: usize) -> u32 {
    100 + task as u32
}

/// What a document says, by thread: groups are named by their threads here.
fn reported(document: &Document) -> Vec<Parts> {
    let by_what = |parts: &[RunQueuePart]| -> Parts {
        let named = |part: &RunQueuePart| {
            let thread = part.detail.as_ref().map(|name| {
                let is =
                    |thread: &&crate::document::Thread| document.groups[thread.group].name == *name;
                document.threads.iter().find(is).expect("a group").tid
            });
            ((part.behind, thread), part.ns)
        };
        parts.iter().map(named).collect()
    };
    let threads = document.threads.iter();
    threads
        .map(|thread| by_what(thread.sums.runqueue_behind.as_deref().unwrap_or_default()))
        .collect()
}

fn check(machine: &Machine) -> Result<(), TestCaseError> {
    let document = machine.document();
    assert_closed(&document);
    for (reported, truth) in reported(&document).iter().zip(&machine.truth) {
        for (behind, ns) in reported.iter().filter(|(of, _)| of.0 != Behind::Unknown) {
            let truly = truth.get(behind).copied().unwrap_or(0);
            prop_assert!(*ns <= truly, "{behind:?} {ns}, truly {truly}: {truth:?}");
        }
        // Nothing that a thread of the tree has run is overlooked.
        if !machine.has_lost {
            let tree = |parts: &Parts| -> Vec<_> {
                let parts = parts.iter().filter(|(of, _)| of.0 == Behind::Tree);
                parts.map(|(of, ns)| (*of, *ns)).collect()
            };
            prop_assert_eq!(tree(reported), tree(truth));
        }
    }
    Ok(())
}

fn steps(lossy: bool) -> impl Strategy<Value = Vec<Step>> {
    let is_lost = proptest::bool::weighted(if lossy { 0.08 } else { 0.0 });
    let step = (0..2_000_u64, any::<u8>(), any::<u8>(), any::<u8>(), is_lost);
    proptest::collection::vec(step, 0..300)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn run_queue_parts_are_what_the_cpus_did(steps in steps(false)) {
        check(&Machine::play(&steps))?;
    }

    #[test]
    fn run_queue_lost_records_make_no_part_longer(steps in steps(true)) {
        check(&Machine::play(&steps))?;
    }
}

/// Steps that happen as they are written: `w` wake a task, `m` move it; `s` the nth of
/// those that are queued runs and the old one sleeps, `p` the old one is queued again;
/// then the CPU.
#[track_caller]
fn parts(course: &str, thread: usize, expected: &str) {
    let steps = course.split_whitespace().map(|step| {
        let bytes = step.as_bytes();
        let (task, cpu) = (bytes[1] - b'0', bytes[2] - b'0');
        let (what, which) = match bytes[0] {
            b'w' => (0, task),
            b's' => (4, task),
            b'p' => (5, task),
            _ => (3, task),
        };
        (99, what, which, cpu, false)
    });
    let machine = Machine::play(&steps.collect::<Vec<_>>());
    let document = machine.document();
    let parts = &reported(&document)[thread];
    let text = parts.iter().map(|(&(behind, thread), ns)| {
        let who = thread.map(|tid| format!(" {}", tid - 100));
        format!("{behind}{} {ns}", who.unwrap_or_default())
    });
    assert_eq!(text.collect::<Vec<_>>().join(", "), expected, "{course}");
}

#[test]
fn run_queue_two_on_one_cpu_are_behind_each_other() {
    let course = "w00 s00 w10 p10 p00 p10 p00";
    parts(course, 0, "tree 1 200, idle-cpu 100");
    parts(course, 1, "tree 0 200");
}

#[test]
fn run_queue_a_task_outside_runs_while_a_thread_is_queued() {
    // Task 5 is outside: preempted by it, and woken while it runs.
    parts("w00 s00 w50 p50 p00", 0, "outside 100, idle-cpu 100");
    parts(
        "w00 s00 s00 w50 s50 w00 s00",
        0,
        "outside 100, idle-cpu 100",
    );
    // Both are woken while the CPU is idle.
    let course = "w00 s00 s00 w50 w00 s50 s00";
    parts(course, 0, "outside 100, idle-cpu 200");
    // What the CPU had run before is not known.
    parts("w50 w00 s50 s00", 0, "unknown 200");
}

#[test]
fn run_queue_a_stay_is_followed_from_cpu_to_cpu() {
    // Behind thread 0 on CPU 0 until it is moved to the idle CPU 1.
    parts("w00 s00 w10 m11 s01 s00", 1, "tree 0 100, idle-cpu 100");
    // Behind the outside task 5: known once a thread of the tree runs there.
    let course = "w50 s50 w10 m11 s01";
    parts(course, 1, "idle-cpu 100, unknown 100");
}
