//! Many tasks as one line: what they have in common stands in it, the longest wait, and what
//! most of them wait for in the end.

use std::{cmp::Reverse, sync::Arc};

use rustc_hash::FxHashMap;

use super::history::change;
use super::moment::Moment;
use super::words;
use crate::document::Blame;
use crate::document::top::{Interval, Task, TaskState};
use crate::view::behind;

/// What tasks of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// Their process.
    Process,
    /// What they wait for.
    Kind,
    /// On what.
    Object,
    /// The end of the chain.
    Cause,
    /// Their container.
    Container,
    /// Their user.
    User,
}

impl GroupBy {
    const ALL: [GroupBy; 6] = [
        GroupBy::Process,
        GroupBy::Kind,
        GroupBy::Object,
        GroupBy::Cause,
        GroupBy::Container,
        GroupBy::User,
    ];

    /// None, then each in turn.
    pub fn next(current: Option<GroupBy>) -> Option<GroupBy> {
        let at = current.map_or(0, |by| by as usize + 1);
        GroupBy::ALL.get(at).copied()
    }

    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            GroupBy::Process => "process",
            GroupBy::Kind => "kind",
            GroupBy::Object => "object",
            GroupBy::Cause => "cause",
            GroupBy::Container => "container",
            GroupBy::User => "user",
        }
    }
}

/// Tasks that have something in common.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// What its members agree in; its name stands in `comm`. Not sanitised.
    pub task: Task,
    /// What they did together.
    pub interval: Interval,
    /// Places in the tick, most urgent first.
    pub members: Vec<usize>,
    /// Different kinds of their waits.
    pub kinds: usize,
    /// Different states.
    pub states: usize,
    /// What most of them wait for in the end, and how many others there are. Sanitised.
    pub because: String,
    /// Its members are listed.
    pub is_open: bool,
}

/// The groups of the tasks at these places.
pub fn groups(moment: &Moment, by: GroupBy, shown: &[usize]) -> Vec<Group> {
    let mut at_name: FxHashMap<String, usize> = FxHashMap::default();
    let mut members: Vec<(String, Vec<usize>)> = Vec::new();
    for &at in shown {
        let name = name(moment, by, &moment.tick.tasks[at]);
        let group = *at_name.entry(name.clone()).or_insert_with(|| {
            members.push((name, Vec::new()));
            members.len() - 1
        });
        members[group].1.push(at);
    }
    let groups = members.into_iter();
    groups
        .map(|(name, members)| group(moment, name, members))
        .collect()
}

fn name(moment: &Moment, by: GroupBy, task: &Task) -> String {
    let or =
        |text: &Option<Arc<str>>, otherwise: &str| text.as_deref().unwrap_or(otherwise).to_owned();
    match by {
        GroupBy::Process => format!("{} {}", process_name(moment, task), task.pid),
        GroupBy::Kind => words::doing(task).to_owned(),
        GroupBy::Object => or(&task.object, "no object"),
        GroupBy::Cause => {
            let words = end(moment, task);
            let is_waiting = task.state == TaskState::Blocked;
            match words.is_empty() {
                false => words,
                true if is_waiting => "unknown".to_owned(),
                true => words::doing(task).to_owned(),
            }
        }
        GroupBy::Container => or(&task.container, "no container"),
        GroupBy::User => or(&task.user, "unknown user"),
    }
}

/// What it waits for in the end; of all that wait in or behind one deadlock the same.
fn end(moment: &Moment, task: &Task) -> String {
    match task.deadlock {
        Some(first) => format!("deadlock of {first}"),
        None => moment.deadlocks.because(task),
    }
}

/// The name of the first thread; without it, that of this one.
fn process_name<'a>(moment: &'a Moment, task: &'a Task) -> &'a str {
    let leader = moment.leaders.get(&task.pid);
    leader.map_or(&task.comm, |at| &moment.tick.tasks[*at].comm)
}

fn group(moment: &Moment, name: String, members: Vec<usize>) -> Group {
    let tasks = || members.iter().map(|&at| &moment.tick.tasks[at]);
    let mut interval = Interval::default();
    for &at in &members {
        change(&mut interval, moment.line(at).interval, u64::saturating_add);
    }
    let waiting = || tasks().filter(|task| task.state != TaskState::Running);
    let longest = waiting().max_by_key(|task| task.age_ns);
    let common = Task {
        pid: agreed(tasks().map(|task| task.pid)).unwrap_or(0),
        user: agreed(tasks().map(|task| &task.user)).cloned().flatten(),
        container: agreed(tasks().map(|task| &task.container))
            .cloned()
            .flatten(),
        comm: name,
        command: agreed(tasks().map(|task| &task.command))
            .cloned()
            .unwrap_or_default(),
        state: longest.map_or(TaskState::Running, |task| task.state),
        kind: longest.and_then(|task| task.kind),
        object: agreed(waiting().map(|task| &task.object))
            .cloned()
            .flatten(),
        function: agreed(waiting().map(|task| &task.function))
            .cloned()
            .flatten(),
        age_ns: longest.map_or(0, |task| task.age_ns),
        age_at_least: longest.is_some_and(|task| task.age_at_least),
        deadlock: tasks().find_map(|task| task.deadlock),
        waits_for: agreed(waiting().map(|task| &task.waits_for))
            .cloned()
            .flatten(),
        ..Task::default()
    };
    Group {
        task: common,
        interval,
        kinds: different(waiting().map(words::doing)),
        states: different(tasks().map(|task| task.state)),
        because: because(waiting().map(|task| end(moment, task))),
        members,
        is_open: false,
    }
}

/// What all are; `None` where they differ or there are none.
fn agreed<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

fn different<T: Ord>(all: impl Iterator<Item = T>) -> usize {
    all.collect::<std::collections::BTreeSet<T>>().len()
}

/// `network 10.0.0.5:443 +2`.
fn because(causes: impl Iterator<Item = String>) -> String {
    let mut counts: FxHashMap<String, usize> = FxHashMap::default();
    for cause in causes.filter(|cause| !cause.is_empty()) {
        *counts.entry(cause).or_default() += 1;
    }
    let more = match counts.len() {
        0 | 1 => String::new(),
        n => format!(" +{}", n - 1),
    };
    let most = counts
        .into_iter()
        .min_by_key(|(cause, n)| (Reverse(*n), cause.clone()));
    most.map_or_else(String::new, |(cause, _)| cause + &more)
}

/// What the blocked time of some tasks was for, largest first.
pub fn sum_of_blame<'a>(tasks: impl Iterator<Item = &'a Task>) -> Vec<Blame> {
    let mut sums: FxHashMap<_, u64> = FxHashMap::default();
    for Blame {
        kind,
        cause,
        detail,
        ns,
    } in tasks.flat_map(|task| &task.blame)
    {
        let sum = sums.entry((*kind, *cause, detail)).or_default();
        *sum = sum.saturating_add(*ns);
    }
    let sums = sums.into_iter();
    let mut sums: Vec<Blame> = sums
        .map(|((kind, cause, detail), ns)| Blame {
            kind,
            cause,
            detail: detail.clone(),
            ns,
        })
        .collect();
    sums.sort_by_cached_key(|blame| {
        (
            Reverse(blame.ns),
            blame.kind,
            behind::word(blame.cause),
            blame.detail.clone(),
        )
    });
    sums
}
