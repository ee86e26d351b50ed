//! A row for each task, the most urgent first, and what all of them come to.

use std::{cmp::Reverse, sync::Arc};

use rustc_hash::FxHashMap;

use super::{
    around::Around,
    chain::{Chains, EndOf},
    idle::Idle,
    interval::Course,
    living,
    window::Named,
};
use crate::{
    document::top::{Because, Descriptors, LastWaker, Summary, Task, TaskState, WaitsFor, Why},
    metrics::{label, process::Processes, run_info::RunInfo, sums::NameWaker as _, threads::Namer},
    vocabulary::{CauseKind, Tier},
    world::{
        World,
        account::WakeKey,
        identity::{ThreadId, Waker},
        interval::{Activity, Ended},
        program::Program,
        thread::{State, Thread},
    },
};

/// What rows are made from.
pub struct Rows<'a> {
    pub world: &'a World,
    pub namer: &'a Namer<'a>,
    pub processes: &'a Processes,
    pub chains: &'a Chains,
    pub idle: &'a Idle,
    pub around: &'a Around,
    /// The moment, ns.
    pub at_ns: u64,
}

impl Rows<'_> {
    /// Of all threads that are there.
    pub fn all(
        &self,
        course: &mut Course,
        blame: &mut Named<'_>,
        commands: &mut Commands,
    ) -> Vec<Task> {
        let mut tasks: Vec<Task> = living(self.world)
            .map(|thread| Task {
                command: commands.of(&thread.program),
                interval: course.of.remove(&thread.id).unwrap_or_default(),
                blame: blame.of(thread.id),
                ..self.task(thread)
            })
            .collect();
        commands.forget();
        // A row is large: each is moved once.
        tasks.sort_by_cached_key(|task| (urgency(task), Reverse(task.age_ns), task.tid));
        tasks
    }

    fn task(&self, thread: &Thread) -> Task {
        let process = &self.processes.list[self.processes.of_thread[thread.id]];
        let owner = self.around.processes.get(&process.pid);
        // Of those that still wait as they did when they were first seen.
        let asleep_ns = self.around.asleep_ns.get(&thread.tid).copied().unwrap_or(0);
        let task = Task {
            pid: process.pid,
            tid: thread.tid,
            ppid: thread.ppid,
            ns_pid: owner.and_then(|owner| owner.ns_pid),
            user: owner.and_then(|owner| owner.user.clone()),
            container: owner.and_then(|owner| owner.container.clone()),
            comm: thread.comm.to_string(),
            state: state(thread),
            age_ns: self.at_ns.saturating_sub(thread.since_ns).max(asleep_ns),
            last_waker: self.last_waker(thread),
            descriptors: self.descriptors(thread.id),
            ..Task::default()
        };
        match self.chains.present.woken.get(&thread.id) {
            Some(over) => Task {
                state: TaskState::Runnable,
                age_ns: self.at_ns.saturating_sub(over.wake_ns),
                ..task
            },
            None => self.with_wait(thread, task),
        }
    }

    fn with_wait(&self, thread: &Thread, task: Task) -> Task {
        let id = thread.id;
        let Some(open) = self.chains.present.waits.get(&id) else {
            return task;
        };
        let known = self.around.others.get(&thread.tid);
        let object = known.and_then(|others| others.object.as_deref());
        Task {
            kind: Some(open.kind),
            object: object.map(Arc::from).or_else(|| open.object.clone()),
            function: open.function.clone(),
            syscall: open.syscall.clone(),
            stack: open.stack.clone(),
            age_at_least: open.begun_before,
            idle: self.idle.get(&id).copied().flatten(),
            deadlock: self.deadlock(id),
            waits_for: self.next(id),
            because: self.because(id),
            chain: self.chain(id),
            ..task
        }
    }

    fn descriptors(&self, id: ThreadId) -> Option<Descriptors> {
        let table = self.world.fd_tables.of(id)?;
        Some(Descriptors {
            open: table.last,
            limit: table.limit,
            users: table.users,
        })
    }

    fn deadlock(&self, id: ThreadId) -> Option<u32> {
        let first = self.chains.deadlock(id)?;
        self.world.get(first).map(|thread| thread.tid)
    }

    fn next(&self, id: ThreadId) -> Option<WaitsFor> {
        let followed = self.chains.next(id).and_then(|hop| self.waits_for(hop));
        followed.or_else(|| self.chains.outside(id).cloned())
    }

    /// Also the one at its end that is not followed.
    fn chain(&self, id: ThreadId) -> Vec<WaitsFor> {
        let hops = self.chains.hops(id);
        let last = hops.last().map_or(id, |&(last, _)| last);
        let hops = hops.into_iter().filter_map(|hop| self.waits_for(hop));
        hops.chain(self.chains.outside(last).cloned()).collect()
    }

    fn waits_for(&self, (id, why): (ThreadId, Why)) -> Option<WaitsFor> {
        let thread = self.world.get(id)?;
        Some(WaitsFor {
            pid: thread.pid.unwrap_or(thread.tid),
            tid: thread.tid,
            comm: thread.comm.to_string(),
            why,
        })
    }

    fn because(&self, id: ThreadId) -> Option<Because> {
        let (end, hops) = self.chains.end(self.world, id);
        let (cause, detail) = match end {
            EndOf::Task(task) => match self.world.get(task)?.state {
                State::Running => (CauseKind::Computing, Some(self.namer.group_name(task))),
                _ => (CauseKind::RunQueue, None),
            },
            EndOf::Cause(cause, detail) => (cause, detail),
            EndOf::Unknown => return None,
        };
        Some(Because {
            cause,
            detail,
            hops,
        })
    }

    /// What ended its latest finished wait, as far as that is known by now.
    fn last_waker(&self, thread: &Thread) -> Option<LastWaker> {
        let mut history = self.world.logs.history(thread.id).rev();
        let (key, ended) = history.find_map(|lived| match lived.activity {
            Activity::Wait { key, ended, .. } => Some((key, ended)),
            _ => None,
        })?;
        let wakes = thread.account.waits.get(&key).map(|sum| &sum.wakes)?;
        let mut same = wakes.keys().filter(|wake| is_by(wake, ended));
        // The log has who it was, the account how.
        let (wake, None) = (same.next()?, same.next()) else {
            return None;
        };
        let named = self.namer.name_waker(wake);
        Some(LastWaker {
            source: named.source,
            comm: named.comm,
            pid: named.pid,
            tid: named.tid,
            ..LastWaker::default()
        })
    }
}

fn is_by(wake: &WakeKey, ended: Ended) -> bool {
    match ended {
        Ended::By(thread) => wake.waker == Waker::Thread(thread),
        Ended::For(..) => !matches!(wake.waker, Waker::Thread(_)),
    }
}

/// What programs are called, by where they lie in memory: many threads run the same one.
#[derive(Default)]
pub struct Commands(FxHashMap<usize, (Arc<Program>, Arc<str>)>);

impl Commands {
    fn of(&mut self, program: &Arc<Program>) -> Arc<str> {
        let make = || (program.clone(), command(program));
        let (_, text) = self
            .0
            .entry(Arc::as_ptr(program).addr())
            .or_insert_with(make);
        text.clone()
    }

    /// Forgets those that no thread runs.
    fn forget(&mut self) {
        self.0
            .retain(|_, (program, _)| Arc::strong_count(program) > 1);
    }
}

fn command(program: &Program) -> Arc<str> {
    let title = label::title(program);
    title
        .unwrap_or_else(|| label::arguments(program).join(" "))
        .into()
}

fn state(thread: &Thread) -> TaskState {
    match thread.state {
        State::Running => TaskState::Running,
        State::Runnable => TaskState::Runnable,
        State::Waiting(_) => TaskState::Blocked,
        State::Unknown | State::NotStarted | State::Dead => TaskState::Unknown,
    }
}

/// Deadlocks, then what is not idle, then what may be, then what is about to go on.
fn urgency(task: &Task) -> u8 {
    match (task.state, task.idle) {
        _ if task.deadlock.is_some() => 0,
        (TaskState::Blocked, Some(false)) => 1,
        (TaskState::Blocked, None) => 2,
        (TaskState::Runnable, _) => 3,
        (TaskState::Running, _) => 4,
        (TaskState::Unknown, _) => 5,
        (TaskState::Blocked, Some(true)) => 6,
    }
}

/// What all tasks come to; the part that waitscope's own costs are is left out.
pub fn summary(world: &World, info: &RunInfo, course: &Course, tasks: &[Task]) -> Summary {
    let number = |state| tasks.iter().filter(|task| task.state == state).count();
    let mut summary = Summary {
        tasks: tasks.len(),
        running: number(TaskState::Running),
        runnable: number(TaskState::Runnable),
        idle: tasks.iter().filter(|task| task.idle == Some(true)).count(),
        runqueue_p99_ns: course.run_queue.p99(),
        wakes_per_s: per_s(course.waits, course.ns),
        overflows: overflows(world, info),
        lost: info.lost.values().sum(),
        ..Summary::default()
    };
    for task in tasks.iter().filter(|task| task.idle != Some(true)) {
        if let Some(kind) = task.kind {
            *summary.blocked.entry(kind).or_default() += 1;
        }
    }
    summary
}

fn per_s(count: u64, ns: u64) -> f64 {
    match ns {
        0 => 0.0,
        _ => count as f64 * 1e9 / ns as f64,
    }
}

/// What full queues of listeners dropped so far.
fn overflows(world: &World, info: &RunInfo) -> Option<u64> {
    let is_observed = info.start.tier == Tier::Full || info.start.sees_listeners;
    is_observed.then(|| world.listeners.dropped())
}
