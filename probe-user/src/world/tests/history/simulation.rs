//! The simulated machine: what every thread and CPU does now, and the books
//! kept of it. Actions on it are in `actions`.

use std::fmt;

use probe_common::{sched::state, task::snapshot};

use super::{
    Script,
    calls::{Entered, Slept},
    contexts,
    sleeps::SLEEPS,
    truth::{Doing, Ending, Segment, TrueThread, Truth},
};
use crate::wire::tests::{
    decoded,
    probes::{By, Out, Probes, TaskId, Who},
};

/// What a thread does now.
#[derive(Clone, Debug)]
pub(super) enum Now {
    /// Created or held, not runnable yet.
    Embryo,
    /// First made runnable, never run.
    Newborn(u64, Ending),
    OnCpu,
    /// On a CPU, but the kernel hid the switch to it at that time.
    OnCpuUnseen(u64),
    /// Preempted.
    Preempted,
    /// Runnable, and a record has told so.
    Ready,
    /// In one of [`SLEEPS`].
    Asleep(usize),
    /// Made runnable at that time; no record has told so yet.
    Woken(u64),
    /// Made runnable, and no record ever tells when.
    WokenUnseen,
    Dead,
}

/// One thread of the machine.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) id: TaskId,
    pub(super) pid: u32,
    pub(super) now: Now,
    pub(super) exiting: bool,
    /// Its tid may be given to another before it has died.
    pub(super) released: bool,
    /// Migrations so far.
    pub(super) migrations: u64,
    /// The sleep whose descriptor was described last.
    pub(super) described: Option<usize>,
    /// Who woke it last, if a thread of the tree did.
    pub(super) woken_by: Option<usize>,
    /// When it was woken, while it runs unseen.
    pub(super) woken_unseen_ns: Option<u64>,
    /// The watched function it is in.
    pub(super) call: Option<Entered>,
    /// Its latest sleep for events, if that was told and no such call has
    /// returned since.
    pub(super) slept: Option<Slept>,
    /// A call returned nothing after a wake; the next record will confirm it.
    pub(super) woken_in_vain: bool,
    /// Its latest event.
    touched_ns: u64,
}

/// A history: the machine, its records, and the truth.
#[derive(Clone)]
pub(in crate::world::tests) struct History {
    pub(super) probes: Probes,
    pub(in crate::world::tests) truth: Truth,
    /// The root's first switch-in, when it was held.
    pub(in crate::world::tests) release: Option<usize>,
    /// Records until every living thread has been found by the last snapshot.
    pub(in crate::world::tests) snapshot_ends: usize,
    /// When observation ended, ns.
    pub(in crate::world::tests) ended_ns: u64,
    pub(super) now_ns: u64,
    pub(super) tasks: Vec<Task>,
    pub(super) cpus: Vec<Option<usize>>,
    pub(super) next_tid: u32,
    pub(super) free_tids: Vec<u32>,
    /// The last snapshot has been taken: no more births.
    pub(super) closing: bool,
}

impl History {
    /// Plays a script.
    pub(in crate::world::tests) fn play(script: &Script) -> History {
        let mut history = History {
            probes: Probes::default(),
            truth: Truth::default(),
            release: script.seeds.is_empty().then_some(2),
            snapshot_ends: 0,
            ended_ns: 0,
            now_ns: 1_000_000,
            tasks: Vec::new(),
            cpus: vec![None; script.cpus],
            next_tid: 100,
            free_tids: Vec::new(),
            closing: false,
        };
        history.begin(&script.seeds);
        for step in &script.steps {
            history.step(step);
        }
        history.last_snapshot();
        for step in &script.tail {
            history.step(step);
        }
        history.ended_ns = history.now_ns + 17;
        history
    }

    /// Records in the order they were written.
    pub(in crate::world::tests) fn records(&self) -> &[Vec<u8>] {
        &self.probes.records
    }

    fn begin(&mut self, seeds: &[u8]) {
        if seeds.is_empty() {
            let held = Out::sleep(0);
            self.found(held, snapshot::HELD, Now::Embryo);
            self.now_ns += 5000;
            let (by, mut ending) = contexts::outside();
            ending.source = "new";
            self.probes.waking(self.now_ns, self.tasks[0].id, &by);
            self.tasks[0].now = Now::Newborn(self.now_ns, ending);
        }
        for &seed in seeds {
            self.now_ns += 3;
            let idle = self.cpus.iter().position(Option::is_none);
            match (seed % 3, idle) {
                (0, Some(cpu)) => {
                    self.cpus[cpu] = Some(self.tasks.len());
                    self.found(Out::default(), snapshot::ON_CPU, Now::OnCpu);
                    self.open(Doing::Cpu, self.now_ns);
                }
                (1, _) => {
                    let sleep = usize::from(seed / 3) % SLEEPS.len();
                    self.found_asleep(sleep);
                }
                _ => {
                    self.found(Out::default(), 0, Now::Ready);
                    self.open(Doing::Ready, self.now_ns);
                }
            }
        }
    }

    fn found_asleep(&mut self, sleep: usize) {
        let out = SLEEPS[sleep].out();
        let index = self.tasks.len();
        self.found(out, 0, Now::Asleep(sleep));
        self.open(Doing::Asleep(true, None), self.now_ns);
        if let Some(object) = SLEEPS[sleep].object() {
            let id = self.tasks[index].id;
            self.probes.object(self.now_ns, id, object);
        }
        self.tasks[index].described = Some(sleep);
    }

    fn found(&mut self, out: Out, flags: u16, now: Now) {
        let mut who = self.somebody(None);
        if flags & snapshot::HELD != 0 {
            // Its name is not its own yet.
            who.comm = "";
        }
        let id = self.probes.seed(self.now_ns, who, out, flags);
        self.enter(id, who, now);
    }

    /// A new identity; `pid` for a thread of an existing process.
    pub(super) fn somebody(&mut self, pid: Option<u32>) -> Who {
        self.next_tid += 1;
        let tid = self.next_tid;
        Who {
            tid,
            pid: pid.unwrap_or(tid),
            ppid: 1,
            comm: "task",
        }
    }

    /// Takes a task into the books; its birth record is the latest.
    pub(super) fn enter(&mut self, id: TaskId, who: Who, now: Now) {
        let shown = self.probes.records.len();
        self.tasks.push(Task {
            id,
            pid: who.pid,
            now,
            exiting: false,
            released: false,
            migrations: 0,
            described: None,
            woken_by: None,
            woken_unseen_ns: None,
            call: None,
            slept: None,
            woken_in_vain: false,
            touched_ns: self.now_ns,
        });
        self.truth.threads.push(TrueThread {
            pid: who.pid,
            tids: vec![(shown, who.tid)],
            comms: vec![(shown, who.comm)],
            ..TrueThread::default()
        });
    }

    fn open(&mut self, doing: Doing, from_ns: u64) {
        let index = self.tasks.len() - 1;
        self.segment(index, doing, from_ns);
    }

    /// A thread does something else from `from_ns` on; the latest record tells.
    pub(super) fn segment(&mut self, index: usize, doing: Doing, from_ns: u64) {
        self.truth.threads[index].segments.push(Segment {
            from_ns,
            doing,
            shown: self.probes.records.len(),
        });
    }

    /// Moves the clock so that these threads have one event at an instant.
    pub(super) fn tick(&mut self, touched: &[usize]) {
        if touched
            .iter()
            .any(|&i| self.tasks[i].touched_ns >= self.now_ns)
        {
            self.now_ns += 1;
        }
        for &index in touched {
            self.tasks[index].touched_ns = self.now_ns;
        }
    }

    /// The present tid of a thread.
    pub(super) fn tid(&self, index: usize) -> u32 {
        self.probes.tid(self.tasks[index].id)
    }

    pub(super) fn is_exiting(&self, index: usize) -> bool {
        self.tasks[index].exiting
    }

    /// Threads on a CPU that may still act for others.
    pub(super) fn running_wakers(&self) -> Vec<usize> {
        let on_cpu = self.cpus.iter().flatten().copied();
        on_cpu.filter(|&i| !self.tasks[i].released).collect()
    }

    /// The iterator finds every living thread.
    fn last_snapshot(&mut self) {
        self.reveal();
        for index in 0..self.tasks.len() {
            self.now_ns += 2;
            self.tick(&[index]);
            self.snapshot(index);
        }
        self.closing = true;
        self.snapshot_ends = self.probes.records.len();
    }

    fn snapshot(&mut self, index: usize) {
        let Task { id, now, .. } = self.tasks[index].clone();
        let (out, flags) = match &now {
            Now::Dead => return,
            Now::OnCpu | Now::OnCpuUnseen(_) => (Out::default(), snapshot::ON_CPU),
            Now::Preempted | Now::Ready | Now::Newborn(..) | Now::Woken(_) | Now::WokenUnseen => {
                (Out::default(), 0)
            }
            Now::Embryo => (
                Out {
                    state: 0x800,
                    ..Out::default()
                },
                0,
            ),
            Now::Asleep(sleep) => (SLEEPS[*sleep].out(), 0),
        };
        debug_assert_ne!(out.state, state::DEAD);
        self.probes.last(self.now_ns, id, out, flags);
        self.all_is_told(index);
        let shown = self.probes.records.len();
        let migrations = self.tasks[index].migrations;
        self.truth.threads[index]
            .migrations
            .push((shown, migrations));
        match now {
            Now::Woken(woken_ns) => {
                self.sleep_is_told(index);
                self.segment(index, Doing::Ready, woken_ns);
                self.tasks[index].now = Now::Ready;
            }
            Now::Newborn(woken_ns, ending) => {
                self.segment(index, Doing::Newborn(ending), woken_ns);
                self.tasks[index].now = Now::Ready;
            }
            _ => {}
        }
    }

    /// A waking ends the latest sleep, with or without its stack.
    pub(super) fn settle(&mut self, index: usize, sleep: usize, with_stack: bool, ending: Ending) {
        let place = SLEEPS[sleep].place(with_stack);
        let segment = self.truth.threads[index].segments.last_mut();
        if let Some(Segment {
            doing: Doing::Asleep(_, how) | Doing::Throttled(how),
            ..
        }) = segment
        {
            *how = Some((place, ending));
        }
    }

    /// The context without what is only told of sleepers.
    pub(super) fn bare(by: By) -> By {
        By {
            stranger: None,
            sleeper_stack: Vec::new(),
            waker_stack: Vec::new(),
            ..by
        }
    }
}

impl fmt::Debug for History {
    /// The events, one per line: what a failure must be explained by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, record) in self.records().iter().enumerate() {
            for event in decoded(record).0 {
                let (ts_ns, tid, what) = (event.ts_ns, event.tid, event.what);
                write!(f, "\n{index:4} {ts_ns} {tid} {what:?}")?;
            }
        }
        write!(f, "\nended {}", self.ended_ns)
    }
}
