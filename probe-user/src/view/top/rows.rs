//! Which lines there are and in which order: filtered, sorted, as a tree or in groups.

use rustc_hash::{FxHashMap, FxHashSet};

use super::columns::{Id, Line, SortKey, sort_key};
use super::filter::Filter;
use super::groups::{self, GroupBy};
use super::moment::Moment;
use crate::document::top::{Interval, Task};

pub use super::groups::Group;

/// How the list is arranged.
#[derive(Clone, Debug, Default)]
pub struct Arrangement {
    /// By which column; `None`: the most urgent first.
    pub sort: Option<Id>,
    /// The last first.
    pub reversed: bool,
    /// Those that wait for work that may never come, too.
    pub show_idle: bool,
    /// Which tasks.
    pub filter: Filter,
    /// Below those that made them.
    pub tree: bool,
    /// Many as one.
    pub group: Option<GroupBy>,
    /// Groups whose members are listed, by their names.
    pub open: FxHashSet<String>,
}

/// What a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// By its place in the tick.
    Task(usize),
    /// By its place in [`Rows::groups`].
    Group(usize),
}

/// A line, whatever its place: it stays what it is over ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowKey {
    /// A task, by tid.
    Task(u32),
    /// A group, by its name.
    Group(String),
}

/// A line of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is of.
    pub what: What,
    /// How deep it stands below another.
    pub depth: usize,
    /// It is here only for those below it.
    pub is_context: bool,
}

/// The lines.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// In their order.
    pub list: Vec<Row>,
    /// What groups there are.
    pub groups: Vec<Group>,
    /// Tasks that would be shown if they were not idle.
    pub idle: usize,
}

/// Arranges the tasks of a moment.
pub fn arrange(moment: &Moment, how: &Arrangement) -> Rows {
    let (shown, idle) = shown(moment, how);
    match how.group {
        Some(by) => grouped(moment, how, by, &shown, idle),
        None => {
            let order = sorted(moment, how, shown);
            let list = if how.tree {
                tree(moment, &order)
            } else {
                flat(&order, 0).collect()
            };
            Rows {
                list,
                groups: Vec::new(),
                idle,
            }
        }
    }
}

fn shown(moment: &Moment, how: &Arrangement) -> (Vec<usize>, usize) {
    let hides_idle = !how.show_idle && !how.filter.asks_idle();
    let is_hidden = |task: &Task| task.idle == Some(true) && task.deadlock.is_none();
    let mut idle = 0;
    let tasks = moment.tick.tasks.iter().enumerate();
    let passing = tasks.filter(|(_, task)| how.filter.matches(task));
    let shown = passing.filter(|(_, task)| {
        let is_hidden = hides_idle && is_hidden(task);
        idle += usize::from(is_hidden);
        !is_hidden
    });
    let shown = shown.map(|(at, _)| at).collect();
    (shown, idle)
}

fn flat(order: &[usize], depth: usize) -> impl Iterator<Item = Row> {
    order.iter().map(move |&at| Row {
        what: What::Task(at),
        depth,
        is_context: false,
    })
}

fn sorted(moment: &Moment, how: &Arrangement, mut order: Vec<usize>) -> Vec<usize> {
    match how.sort {
        Some(id) => order.sort_by_cached_key(|&at| sort_key(&moment.line(at), id)),
        // A tick has them in this order already; deadlocks are never below anything.
        None => order.sort_by_key(|&at| moment.tick.tasks[at].deadlock.is_none()),
    }
    if how.reversed {
        order.reverse();
    }
    order
}

fn grouped(moment: &Moment, how: &Arrangement, by: GroupBy, shown: &[usize], idle: usize) -> Rows {
    let mut groups = groups::groups(moment, by, shown);
    let key = |group: &Group| match how.sort {
        Some(id) => (true, sort_key(&moment.group_line(group), id)),
        None => {
            let longest = std::cmp::Reverse(group.task.age_ns);
            (group.task.deadlock.is_none(), SortKey::Largest(longest))
        }
    };
    groups.sort_by_cached_key(key);
    if how.reversed {
        groups.reverse();
    }
    let mut list = Vec::new();
    for (at, group) in groups.iter_mut().enumerate() {
        group.is_open = how.open.contains(&group.task.comm);
        list.push(Row {
            what: What::Group(at),
            depth: 0,
            is_context: false,
        });
        if group.is_open {
            let members = sorted(moment, how, group.members.clone());
            list.extend(flat(&members, 1));
        }
    }
    Rows { list, groups, idle }
}

/// Threads below the first of their process, processes below those that made them.
fn tree(moment: &Moment, order: &[usize]) -> Vec<Row> {
    let (tasks, leaders) = (&moment.tick.tasks, &moment.leaders);
    let above = |at: usize| {
        let task = &tasks[at];
        let own = leaders
            .get(&task.pid)
            .copied()
            .filter(|leader| *leader != at);
        own.or_else(|| leaders.get(&task.ppid?).copied())
    };
    let (members, is_shown) = with_ancestors(tasks.len(), order, above);
    let mut below: FxHashMap<Option<usize>, Vec<usize>> = FxHashMap::default();
    for &at in &members {
        below.entry(above(at)).or_default().push(at);
    }
    let mut list = Vec::with_capacity(members.len());
    let mut is_listed = vec![false; tasks.len()];
    // Who is in nobody's tree (pids are reused, so that two may seem to have made each other)
    // begins one.
    let roots = below.get(&None).cloned().unwrap_or_default();
    for root in roots.into_iter().chain(members) {
        let mut open = vec![(root, 0)];
        while let Some((at, depth)) = open.pop() {
            if std::mem::replace(&mut is_listed[at], true) {
                continue;
            }
            list.push(Row {
                what: What::Task(at),
                depth,
                is_context: !is_shown[at],
            });
            let children = below.get(&Some(at)).into_iter().flatten().rev();
            open.extend(children.map(|&child| (child, depth + 1)));
        }
    }
    list
}

/// Those in `order`, each after those above it that are not in it; and which are in it.
fn with_ancestors(
    tasks: usize,
    order: &[usize],
    above: impl Fn(usize) -> Option<usize>,
) -> (Vec<usize>, Vec<bool>) {
    let mut is_shown = vec![false; tasks];
    for &at in order {
        is_shown[at] = true;
    }
    let mut is_there = vec![false; tasks];
    let mut members = Vec::with_capacity(order.len());
    for &at in order {
        let mut next = Some(at);
        while let Some(at) = next.filter(|&at| !std::mem::replace(&mut is_there[at], true)) {
            members.push(at);
            next = above(at);
        }
    }
    (members, is_shown)
}

impl Rows {
    /// What stays of a row over ticks.
    pub fn key(&self, moment: &Moment, row: &Row) -> RowKey {
        match row.what {
            What::Task(at) => RowKey::Task(moment.tick.tasks[at].tid),
            What::Group(at) => RowKey::Group(self.groups[at].task.comm.clone()),
        }
    }

    /// Where it stands now.
    pub fn position(&self, moment: &Moment, key: &RowKey) -> Option<usize> {
        let is_it = |row: &Row| match (row.what, key) {
            (What::Task(at), RowKey::Task(tid)) => moment.tick.tasks[at].tid == *tid,
            (What::Group(at), RowKey::Group(name)) => self.groups[at].task.comm == *name,
            _ => false,
        };
        self.list.iter().position(is_it)
    }

    /// The line of a row.
    pub fn line<'a>(&'a self, moment: &'a Moment, row: &Row) -> Line<'a> {
        let line = match row.what {
            What::Task(at) => moment.line(at),
            What::Group(at) => moment.group_line(&self.groups[at]),
        };
        Line {
            depth: row.depth,
            is_context: row.is_context,
            ..line
        }
    }
}

/// What nobody did.
pub(super) static NOTHING: Interval = Interval {
    on_cpu_ns: 0,
    runqueue_ns: 0,
    waits: std::collections::BTreeMap::new(),
};
