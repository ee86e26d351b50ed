//! What all threads did, in one course of time: each change of a thread's state as the
//! scheduler would have it, made of the thread's intervals and of what is known of its
//! switches at their borders.
//!
//! Intervals are what is true: a border at which no switch or waking is known becomes a step
//! all the same ([`Step::Placed`]), so that the time in every state is that of the report.

use std::{cmp::Reverse, collections::BinaryHeap, iter::Peekable};

use probe_common::sched::state;

use crate::{
    document::{
        Document,
        trace::{Interval, Lane, ThreadSwitches, Trace, TraceState},
    },
    switch_log::{By, Entry, What},
};

/// States of a task as the tracepoint `sched_switch` has them since Linux 4.14.
pub mod letter {
    /// `R`
    pub const RUNNABLE: u16 = 0;
    /// `S`
    pub const SLEEPS: u16 = 0x1;
    /// `D`
    pub const BLOCKED: u16 = 0x2;
    /// `X`
    pub const DEAD: u16 = 0x10;
    /// `P`, which no thread of a program is ever in.
    pub const UNKNOWN: u16 = 0x40;
    /// `R+`
    pub const PREEMPTED: u16 = 0x100;
    /// `S`, `D`, `T`, `t`
    pub const ASLEEP: u16 = 0xf;
}

/// `TASK_RTLOCK_WAIT`, which the tracepoint shows as `D`, as it does `TASK_FROZEN`.
const RTLOCK_WAIT: u16 = 0x1000;

/// What happens to a thread at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stops running, in this state ([`letter`]).
    Out(u16),
    /// It is woken.
    Woken {
        /// By what.
        by: By,
        /// Where it starts running at the same instant.
        cpu: Option<u16>,
    },
    /// It is made, and runnable.
    Born,
    /// It is in this state from now on, and no record says how it came to be.
    Placed(u16),
    /// It starts running.
    In {
        /// Where.
        cpu: u16,
        /// For how long that CPU had run tasks outside the tree, ns; 0: not known.
        outside_ns: u64,
    },
    /// One of its intervals has ended, and this one begins.
    Next(Option<Interval>),
    /// It is no more.
    Gone,
}

impl Step {
    /// Its place among the steps of all threads at one instant: a thread that leaves a CPU does so
    /// before another comes.
    fn rank(self) -> u8 {
        match self {
            Step::Out(_) => 0,
            Step::In { .. } => 2,
            _ => 1,
        }
    }
}

/// The steps of all threads.
pub struct Course<'a> {
    threads: Vec<Cursor<'a>>,
    /// When each thread's next step is due, and which rank it has.
    due: BinaryHeap<Reverse<(u64, u8, usize)>>,
}

impl<'a> Course<'a> {
    /// From the beginning.
    pub fn new(document: &Document, trace: &'a Trace, threads: &'a [ThreadSwitches]) -> Course<'a> {
        let lanes = document.threads.iter().zip(&trace.lanes).zip(threads);
        let mut course = Course {
            threads: lanes
                .map(|((_, lane), switches)| Cursor::new(trace, lane, switches))
                .collect(),
            due: BinaryHeap::new(),
        };
        for thread in 0..course.threads.len() {
            course.schedule(thread);
        }
        course
    }

    fn schedule(&mut self, thread: usize) {
        let cursor = &mut self.threads[thread];
        if let Some((at_ns, step)) = cursor.peek() {
            self.due.push(Reverse((at_ns, step.rank(), thread)));
        }
    }
}

impl Iterator for Course<'_> {
    /// When, ns since the start of the run; which thread; what.
    type Item = (u64, usize, Step);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, _, thread)) = self.due.pop()?;
        let (at_ns, step) = self.threads[thread].next()?;
        self.schedule(thread);
        Some((at_ns, thread, step))
    }
}

/// One thread's.
struct Cursor<'a> {
    trace: &'a Trace,
    intervals: Box<dyn Iterator<Item = Interval> + 'a>,
    entries: Peekable<Box<dyn Iterator<Item = Entry> + 'a>>,
    /// Up to here its steps are known, ns.
    at_ns: u64,
    state: Option<TraceState>,
    /// Where it ran last.
    cpu: Option<u16>,
    lives: bool,
    has_ended: bool,
    /// The steps at one instant, the first one last.
    steps: Vec<(u64, Step)>,
}

impl<'a> Cursor<'a> {
    fn new(trace: &'a Trace, lane: &'a Lane, switches: &'a ThreadSwitches) -> Cursor<'a> {
        let entries: Box<dyn Iterator<Item = Entry> + 'a> = Box::new(switches.log.entries());
        Cursor {
            trace,
            intervals: Box::new(lane.intervals()),
            entries: entries.peekable(),
            at_ns: lane.from_ns,
            state: None,
            cpu: None,
            lives: switches.lives,
            has_ended: lane.count == 0,
            steps: Vec::new(),
        }
    }

    fn peek(&mut self) -> Option<(u64, Step)> {
        while self.steps.is_empty() && !self.has_ended {
            let interval = self.intervals.next();
            let mut steps = self.border(interval);
            steps.reverse();
            let at_ns = self.at_ns;
            self.steps = steps.into_iter().map(|step| (at_ns, step)).collect();
            match interval {
                Some(interval) => self.at_ns += interval.ns,
                None => self.has_ended = true,
            }
        }
        self.steps.last().copied()
    }

    fn next(&mut self) -> Option<(u64, Step)> {
        self.peek()?;
        self.steps.pop()
    }

    /// The steps between two intervals; `None` behind the last one.
    fn border(&mut self, next: Option<Interval>) -> Vec<Step> {
        let to = next.and_then(|it| self.trace.whats.get(it.what as usize));
        let to = to.map(|what| what.state);
        // What had not ended goes on.
        if next.is_none() && self.lives {
            return Vec::new();
        }
        let entries = self.entries_now();
        let mut steps = Vec::new();
        let mut now = self.state;
        let mut asleep = None;
        for (at, entry) in entries.iter().enumerate() {
            let is_woken = matches!(entries.get(at + 1), Some(What::Woken(_)));
            match *entry {
                What::Out {
                    state, runnable, ..
                } => {
                    asleep = Some(asleep_in(state, runnable));
                    if now != Some(TraceState::OnCpu) {
                        continue;
                    }
                    now = match to {
                        _ if is_woken => Some(TraceState::Wait),
                        Some(TraceState::OnCpu) => Some(TraceState::RunQueue),
                        to => to,
                    };
                    steps.push(Step::Out(shown(now, asleep, runnable)));
                }
                What::Woken(by) if is_wait(now) => {
                    let cpu = match entries.get(at + 1) {
                        Some(&What::In { cpu, .. }) => Some(cpu),
                        _ => None,
                    };
                    steps.push(Step::Woken { by, cpu });
                    now = Some(TraceState::RunQueue);
                }
                What::In { cpu, outside_ns } => {
                    if now != Some(TraceState::OnCpu) {
                        steps.push(Step::In { cpu, outside_ns });
                        now = Some(TraceState::OnCpu);
                    }
                    self.cpu = Some(cpu);
                }
                What::Woken(_) => {}
            }
        }
        if !is_same(now, to) {
            steps.push(self.jump(now, to, asleep));
        }
        steps.push(Step::Next(next));
        if to.is_none() {
            steps.push(Step::Gone);
        }
        self.state = to;
        steps
    }

    /// A step that no record shows.
    fn jump(
        &mut self,
        now: Option<TraceState>,
        to: Option<TraceState>,
        asleep: Option<u16>,
    ) -> Step {
        match (now, to) {
            (_, Some(TraceState::OnCpu)) => {
                let cpu = self.cpu_ahead().or(self.cpu).unwrap_or(0);
                self.cpu = Some(cpu);
                Step::In { cpu, outside_ns: 0 }
            }
            (Some(TraceState::OnCpu), to) => Step::Out(shown(to, asleep, false)),
            (None, Some(TraceState::RunQueue)) => Step::Born,
            // It is not there any more.
            (_, None) => Step::Next(None),
            (_, to) => Step::Placed(shown(to, asleep, false)),
        }
    }

    /// Where it is said to stop running.
    fn cpu_ahead(&mut self) -> Option<u16> {
        match self.entries.peek()?.what {
            What::Out { cpu, .. } => Some(cpu),
            _ => None,
        }
    }

    /// What is known of this instant; what fits no border is left behind.
    fn entries_now(&mut self) -> Vec<What> {
        let mut now = Vec::new();
        while let Some(entry) = self.entries.next_if(|entry| entry.at_ns <= self.at_ns) {
            if entry.at_ns == self.at_ns {
                now.push(entry.what);
            } else if let What::In { cpu, .. } = entry.what {
                self.cpu = Some(cpu);
            }
        }
        now
    }
}

fn is_wait(state: Option<TraceState>) -> bool {
    matches!(state, Some(TraceState::Wait | TraceState::Open))
}

fn is_same(one: Option<TraceState>, other: Option<TraceState>) -> bool {
    one == other || is_wait(one) && is_wait(other)
}

/// How a state of the scheduler is shown of which intervals say that it is a wait.
fn asleep_in(state: u16, runnable: bool) -> u16 {
    if runnable {
        // Its quota is used up: to the scheduler it is preempted.
        return letter::PREEMPTED;
    }
    match state & letter::ASLEEP {
        0 if state & (state::FROZEN | RTLOCK_WAIT) != 0 => letter::BLOCKED,
        0 => letter::SLEEPS,
        state => state,
    }
}

fn shown(state: Option<TraceState>, asleep: Option<u16>, runnable: bool) -> u16 {
    match state {
        Some(TraceState::Wait | TraceState::Open) => asleep.unwrap_or(letter::SLEEPS),
        Some(TraceState::RunQueue) if runnable => letter::PREEMPTED,
        Some(TraceState::RunQueue | TraceState::OnCpu) => letter::RUNNABLE,
        Some(TraceState::Unknown | TraceState::Together) => letter::UNKNOWN,
        None => letter::DEAD,
    }
}
