//! The columns of the list, as data: what each is called, what stands in it, how wide it wants
//! to be and which give way first. The screen and the plain tables use the same.

use std::{cmp::Reverse, sync::Arc};

use super::filter::state_word;
use super::rows::{Arrangement, Group};
use super::words::{self, Deadlocks};
use crate::document::top::{Interval, Task, TaskState, Tick, WaitsFor};
use crate::view::{color::Style, sanitize};

/// What a column is about; in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "each is a field of a task, or said by its title"
)]
pub enum Id {
    Pid,
    Tid,
    User,
    Container,
    Name,
    Command,
    State,
    Age,
    Kind,
    Object,
    Function,
    WaitsFor,
    Because,
    Bar,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What it is about.
    pub id: Id,
    /// Its title.
    pub title: &'static str,
    /// Numbers stand to the right.
    pub right: bool,
    /// The width that it is given at least if it is shown, in columns of the terminal.
    least: usize,
    /// With which what stands in it is mostly seen whole.
    good: usize,
    /// The width beyond which it is given more only when no other wants it.
    most: usize,
}

/// What the columns of a line show.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// A task, or what the tasks of a group have in common.
    pub task: &'a Task,
    /// What it did, in the last interval or so far.
    pub interval: &'a Interval,
    /// The group whose line it is.
    pub group: Option<&'a Group>,
    /// How deep it stands in a tree or group.
    pub depth: usize,
    /// It is here only for those below it.
    pub is_context: bool,
    /// The words for deadlocks.
    pub deadlocks: &'a Deadlocks,
}

const fn column(id: Id, title: &'static str, right: bool, widths: [usize; 3]) -> Column {
    let [least, good, most] = widths;
    Column {
        id,
        title,
        right,
        least,
        good,
        most,
    }
}

/// All of them, in order.
pub const COLUMNS: [Column; 14] = [
    column(Id::Pid, "pid", true, [5, 5, 5]),
    column(Id::Tid, "tid", true, [5, 5, 5]),
    column(Id::User, "user", false, [8, 8, 12]),
    column(Id::Container, "container", false, [12, 18, 24]),
    column(Id::Name, "name", false, [9, 11, 16]),
    column(Id::Command, "command", false, [16, 30, 120]),
    column(Id::State, "state", false, [8, 8, 8]),
    column(Id::Age, "blocked for", true, [11, 11, 11]),
    column(Id::Kind, "kind", false, [10, 12, 14]),
    column(Id::Object, "on what", false, [12, 18, 44]),
    column(Id::Function, "function", false, [12, 16, 24]),
    column(Id::WaitsFor, "waits for", false, [12, 18, 30]),
    column(Id::Because, "because", false, [16, 21, 40]),
    column(Id::Bar, "interval", false, [10, 10, 10]),
];

/// The order in which they are granted room. The first two stay, whatever else is looked at.
const IMPORTANCE: [Id; COLUMNS.len()] = [
    Id::Tid,
    Id::Name,
    Id::Age,
    Id::Because,
    Id::Kind,
    Id::Object,
    Id::WaitsFor,
    Id::Bar,
    Id::Function,
    Id::Pid,
    Id::User,
    Id::State,
    Id::Container,
    Id::Command,
];
const STAYING: usize = 2;
/// So many of them are granted room even if others are then cut.
const CUTTING: usize = 6;
/// How far [`layout`] can shift.
pub const SHIFTS: usize = COLUMNS.len() - STAYING - 1;

/// What of a tick decides which columns there are, and how wide ids are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    digits: usize,
    containers: bool,
    waits_for: bool,
    /// What names need beyond those of tasks: for marks, trees and groups.
    names: usize,
}

impl Needs {
    /// Of all tasks of a tick, shown or not: what is shown shall not move the columns.
    pub fn of(tick: &Tick) -> Needs {
        let most = tick.tasks.iter().map(|task| task.tid.max(task.pid)).max();
        let any = |has: fn(&Task) -> bool| tick.tasks.iter().any(has);
        Needs {
            digits: most.unwrap_or(0).to_string().len(),
            containers: any(|task| task.container.is_some() || task.ns_pid.is_some()),
            waits_for: any(|task| task.waits_for.is_some()),
            names: usize::from(any(|task| task.deadlock.is_some())),
        }
    }

    /// The same for lines that are arranged in some way.
    pub fn arranged(self, how: &Arrangement) -> Needs {
        match how.group {
            // A count of members has a sign before it.
            Some(_) => Needs {
                digits: self.digits + 1,
                names: self.names + 14,
                ..self
            },
            None => Needs {
                names: self.names + if how.tree { 6 } else { 0 },
                ..self
            },
        }
    }

    /// A column with the widths that it then has.
    fn widths(self, id: Id) -> Column {
        let column = COLUMNS[id as usize];
        let digits = column.least.max(self.digits);
        match id {
            Id::Pid | Id::Tid => Column {
                least: digits,
                good: digits,
                most: digits,
                ..column
            },
            Id::Name => Column {
                least: column.least + self.names / 2,
                good: column.good + self.names,
                most: column.most + self.names,
                ..column
            },
            _ => column,
        }
    }

    fn wants(self, id: Id) -> bool {
        match id {
            Id::Container => self.containers,
            Id::WaitsFor => self.waits_for,
            _ => true,
        }
    }
}

/// Those that have room in `width`, each with its own width; one column is left between them.
/// With `shift`, so many of the important ones make room for others.
pub fn layout(width: usize, needs: Needs, shift: usize) -> Vec<(Column, usize)> {
    let ranked = IMPORTANCE[..STAYING]
        .iter()
        .chain(&IMPORTANCE[STAYING + shift.min(SHIFTS)..]);
    let mut shown: Vec<(Column, usize)> = Vec::new();
    let (mut least, mut good) = (0, 0);
    for (rank, id) in ranked.filter(|id| needs.wants(**id)).enumerate() {
        let column = needs.widths(*id);
        let gap = usize::from(!shown.is_empty());
        let is_room = good + gap + column.least <= width
            || rank < CUTTING && least + gap + column.least <= width;
        if !is_room {
            continue;
        }
        least += gap + column.least;
        good += gap + column.good;
        shown.push((column, column.least));
    }
    widen(&mut shown, width.saturating_sub(least));
    shown.sort_by_key(|(column, _)| column.id);
    shown
}

/// Gives the room that is left: first until all is mostly seen whole, the cause before others,
/// then to those that want more, a column in turn.
fn widen(shown: &mut [(Column, usize)], mut rest: usize) {
    let is_cause = |column: &Column| column.id == Id::Because;
    for cause in [true, false] {
        for (column, width) in shown.iter_mut().filter(|(c, _)| is_cause(c) == cause) {
            let gets = (column.good - *width).min(rest);
            *width += gets;
            rest -= gets;
        }
    }
    while rest > 0 {
        let before = rest;
        for (column, width) in shown.iter_mut() {
            let gets = usize::from(*width < column.most && rest > 0);
            *width += gets;
            rest -= gets;
        }
        if rest == before {
            return;
        }
    }
}

/// What stands in a column of a line, at most `width` columns, and how it looks.
pub fn cell(line: &Line, id: Id, width: usize) -> (String, Style) {
    let text = text(line, id, width);
    let text = match id {
        Id::Pid | Id::Tid | Id::Age => sanitize::fit(&text, width).into_owned(),
        _ => sanitize::fit_middle(&text, width).into_owned(),
    };
    (text, style(line, id))
}

/// The same, as wide as it is.
fn text(line: &Line, id: Id, width: usize) -> String {
    match line.group {
        Some(group) => group_text(line, group, id, width),
        None => task_text(line, id, width),
    }
}

fn task_text(line: &Line, id: Id, width: usize) -> String {
    let task = line.task;
    let foreign =
        |text: &Option<Arc<str>>| sanitize::text(text.as_deref().unwrap_or("")).into_owned();
    match id {
        Id::Pid => task.pid.to_string(),
        Id::Tid => task.tid.to_string(),
        Id::User => foreign(&task.user),
        Id::Container => words::container(task),
        Id::Name => name(line),
        Id::Command => sanitize::text(&task.command).into_owned(),
        Id::State => state_word(task.state).to_owned(),
        Id::Age if task.state == TaskState::Running => String::new(),
        Id::Age => words::age(task),
        Id::Kind => words::doing(task).to_owned(),
        Id::Object => foreign(&task.object),
        Id::Function => foreign(&task.function),
        Id::WaitsFor => task
            .waits_for
            .as_ref()
            .map(|hop| waits_for(hop, width))
            .unwrap_or_default(),
        Id::Because => line.deadlocks.because(task),
        Id::Bar => words::bar(line.interval, width),
    }
}

/// Who matters more than in which part.
fn waits_for(hop: &WaitsFor, width: usize) -> String {
    let all = words::waits_for(hop);
    if sanitize::width(&all) <= width {
        return all;
    }
    let tid = format!(" {}", hop.tid);
    let name = sanitize::text(&hop.comm);
    let name = sanitize::fit_middle(&name, width.saturating_sub(tid.len()));
    format!("{name}{tid}")
}

fn group_text(line: &Line, group: &Group, id: Id, width: usize) -> String {
    match id {
        Id::Tid => format!("×{}", group.members.len()),
        Id::Pid if line.task.pid == 0 => String::new(),
        Id::Kind if group.kinds > 1 => format!("{} kinds", group.kinds),
        Id::Kind if group.kinds == 0 => String::new(),
        Id::Age if group.kinds == 0 => String::new(),
        Id::State if group.states > 1 => String::new(),
        Id::Because => group.because.clone(),
        _ => task_text(line, id, width),
    }
}

/// With what stands before it: its place in the tree, and a mark on those in a deadlock.
fn name(line: &Line) -> String {
    // In a place of its own: a task may be called `!x`.
    let mark = match (is_stuck(line), line.deadlocks.is_empty()) {
        (true, _) => "!",
        (false, false) => " ",
        (false, true) => "",
    };
    let name = sanitize::text(&line.task.comm);
    match (line.group, line.depth) {
        (Some(group), _) => format!("{} {mark}{name}", if group.is_open { "-" } else { "+" }),
        (None, 0) => format!("{mark}{name}"),
        (None, depth) => format!("{}└ {mark}{name}", " ".repeat(depth.min(DEPTH) - 1)),
    }
}

/// From here on deeper ones are not indented more.
const DEPTH: usize = 8;

fn is_stuck(line: &Line) -> bool {
    line.task.deadlock.is_some()
}

fn style(line: &Line, id: Id) -> Style {
    match id {
        _ if line.is_context => Style::Faint,
        _ if is_stuck(line) => Style::Alarm,
        _ if line.group.is_none() && line.task.idle == Some(true) => Style::Faint,
        Id::Name | Id::Because => Style::Strong,
        Id::Bar => Style::Bar,
        Id::Age if line.task.age_at_least => Style::Warning,
        _ => Style::Plain,
    }
}

/// What lines are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// The largest first.
    Largest(Reverse<u64>),
    /// The smallest first.
    Smallest(u64),
    /// By the alphabet; nothing comes last.
    Text(bool, String),
}

/// What a line has in a column to be sorted by.
pub fn sort_key(line: &Line, id: Id) -> SortKey {
    let task = line.task;
    match id {
        Id::Pid => SortKey::Smallest(task.pid.into()),
        Id::Tid if line.group.is_none() => SortKey::Smallest(task.tid.into()),
        Id::Tid => SortKey::Largest(Reverse(line.group.map_or(0, |g| g.members.len() as u64))),
        Id::Age if task.state == TaskState::Running => SortKey::Largest(Reverse(0)),
        Id::Age => SortKey::Largest(Reverse(task.age_ns)),
        Id::Bar => SortKey::Largest(Reverse(line.interval.on_cpu_ns)),
        Id::Name => text_key(task.comm.to_lowercase()),
        _ => text_key(text(line, id, usize::MAX).to_lowercase()),
    }
}

fn text_key(text: String) -> SortKey {
    SortKey::Text(text.is_empty(), text)
}
