//! What stands in the place of the list: one task in detail, and what blocked time was for.

use std::sync::Arc;

use super::head::by_cause;
use super::model::Files;
use super::text::{Text, line, piece};
use super::words;
use crate::document::Blame;
use crate::document::top::{Descriptors, Interval, Task, TaskState};
use crate::view::{color::Style, sanitize, units};

/// The widest name before a time, in columns.
const NAME: usize = 44;
/// What stands beside a name: a time and a share.
const AMOUNT: usize = 26;
/// The same with a bar and the kinds.
const ALL: usize = AMOUNT + 24;

/// All that there is to say of a task. `since` says of which time its budget is, `because` the
/// end of its chain, `open` what its process has open.
pub fn detail(
    task: &Task,
    interval: &Interval,
    since: &str,
    because: &str,
    open: Option<&Files>,
    columns: usize,
) -> Vec<Text> {
    let mut lines = facts(task);
    lines.extend(chain(task, because));
    lines.extend(budget(interval, since, columns));
    if !task.blame.is_empty() {
        lines.extend(section("its waits of the window were for"));
        lines.extend(causes(&task.blame, columns));
    }
    lines.extend(stack("sleeps in", &task.stack));
    let waker = task.last_waker.as_ref();
    lines.extend(stack(
        "was woken last from",
        waker.map_or(&[], |waker| &waker.stack),
    ));
    lines.extend(open.map_or_else(Vec::new, files));
    lines
}

fn files(files: &Files) -> Vec<Text> {
    let mut lines = section("its process has open");
    let one = |(fd, what): &(u32, String)| {
        line(format!("  {fd:>5}  {}", sanitize::text(what)), Style::Plain)
    };
    lines.extend(files.list.iter().map(one));
    if files.more > 0 {
        let more = units::count(files.more as u64);
        lines.push(line(format!("  and {more} more"), Style::Faint));
    }
    lines
}

fn facts(task: &Task) -> Vec<Text> {
    let foreign = |text: &Option<Arc<str>>| {
        text.as_deref()
            .map(|text| sanitize::text(text).into_owned())
    };
    let ids = match task.pid == task.tid {
        true => format!("pid {}", task.pid),
        false => format!("thread {} of pid {}", task.tid, task.pid),
    };
    let parent = task
        .ppid
        .map_or(String::new(), |pid| format!(", child of pid {pid}"));
    let container = words::container(task);
    let waker = task.last_waker.as_ref().map(words::waker);
    let facts = [
        (
            "task",
            Some(format!("{}, {ids}{parent}", sanitize::text(&task.comm))),
        ),
        ("command", Some(sanitize::text(&task.command).into_owned())),
        ("user", foreign(&task.user)),
        ("container", Some(container)),
        ("now", Some(now(task))),
        ("on what", foreign(&task.object)),
        ("function", foreign(&task.function)),
        ("last woken", waker.map(|waker| format!("by {waker}"))),
        ("descriptors", task.descriptors.as_ref().map(descriptors)),
    ];
    let said = facts.into_iter().filter_map(|(title, fact)| {
        let fact = fact.filter(|fact| !fact.is_empty())?;
        Some(vec![
            piece(format!("{title:<12}"), Style::Faint),
            piece(fact, Style::Plain),
        ])
    });
    said.collect()
}

/// `12 open of 1,024, shared by 33 threads`.
fn descriptors(of: &Descriptors) -> String {
    let mut text = format!("{} open", units::count(of.open.into()));
    if let Some(limit) = of.limit {
        text += &format!(" of {}", units::count(limit));
    }
    if of.users > 1 {
        text += &format!(", shared by {} threads", units::count(of.users as u64));
    }
    text
}

/// `child-exit for ≥12.34 s, in wait4, idle`.
fn now(task: &Task) -> String {
    let age = words::age(task);
    let mut text = match task.state {
        TaskState::Unknown => "unknown: records of it are missing".to_owned(),
        _ => format!("{} for {age}", words::doing(task)),
    };
    if let Some(syscall) = &task.syscall {
        text += &format!(", in {}", sanitize::text(syscall));
    }
    if task.idle == Some(true) {
        text += ", idle";
    }
    text
}

fn chain(task: &Task, because: &str) -> Vec<Text> {
    if task.chain.is_empty() && because.is_empty() {
        return Vec::new();
    }
    let mut lines = section("waits for");
    let hops = task.chain.iter().enumerate();
    lines.extend(hops.map(|(at, hop)| {
        line(
            format!("  {}  {}", at + 1, words::waits_for(hop)),
            Style::Plain,
        )
    }));
    if !because.is_empty() {
        let style = match task.deadlock {
            Some(_) => Style::Alarm,
            None => Style::Strong,
        };
        lines.push(line(format!("  =  {because}"), style));
    }
    lines
}

fn budget(interval: &Interval, since: &str, columns: usize) -> Vec<Text> {
    let whole = words::sum(interval);
    let mut waits: Vec<_> = interval.waits.iter().filter(|(_, ns)| **ns > 0).collect();
    waits.sort_by_key(|(_, ns)| std::cmp::Reverse(**ns));
    let own = [
        ("on cpu", interval.on_cpu_ns),
        ("run queue", interval.runqueue_ns),
    ];
    let waits = waits.into_iter().map(|(kind, ns)| (kind.as_str(), *ns));
    let mut lines = section(since);
    lines.extend(
        own.into_iter()
            .chain(waits)
            .map(|(name, ns)| amount(name, 14, ns, whole, columns)),
    );
    lines.push(total(14, whole));
    lines
}

/// What blocked time was for: a line for each cause, and their sum.
pub fn causes(blame: &[Blame], columns: usize) -> Vec<Text> {
    let sums = by_cause(blame);
    let whole = sums.iter().map(|sum| sum.ns).fold(0, u64::saturating_add);
    let widest = sums
        .iter()
        .map(|sum| sanitize::width(&sum.words))
        .max()
        .unwrap_or(0);
    let room = columns
        .saturating_sub(ALL)
        .max(columns.saturating_sub(AMOUNT).min(30));
    let name = widest.min(NAME).min(room).max(8);
    let mut lines: Vec<Text> = Vec::with_capacity(sums.len() + 1);
    for sum in &sums {
        let mut line = amount(&sum.words, name, sum.ns, whole, columns);
        line.push(piece(format!("  {}", sum.kinds.join(", ")), Style::Faint));
        lines.push(line);
    }
    lines.push(total(name, whole));
    lines
}

/// `  futex       0.812 s   81.2 %  ████████`.
fn amount(name: &str, name_width: usize, ns: u64, whole: u64, columns: usize) -> Text {
    let name = sanitize::fit_middle(name, name_width);
    let pad = " ".repeat(name_width - sanitize::width(&name));
    let share = units::share(ns, whole).unwrap_or_default();
    let time = units::Unit::of(whole).time_aligned(ns);
    let bar = if columns < 100 { 12 } else { 24 };
    let bar = bar.min(columns.saturating_sub(name_width + AMOUNT));
    let drawn = units::bar(ns, whole, bar);
    let behind = " ".repeat(bar - sanitize::width(&drawn));
    vec![
        piece(format!("  {name}{pad}"), Style::Plain),
        piece(format!("  {time:>11}  {share:>7}  "), Style::Plain),
        piece(drawn, Style::Bar),
        piece(behind, Style::Plain),
    ]
}

fn total(name_width: usize, whole: u64) -> Text {
    let time = units::Unit::of(whole).time_aligned(whole);
    line(
        format!("  {:<name_width$}  {time:>11}", "sum"),
        Style::Faint,
    )
}

fn stack(title: &str, functions: &[Arc<str>]) -> Vec<Text> {
    if functions.is_empty() {
        return Vec::new();
    }
    let mut lines = section(title);
    let functions = functions.iter().map(|function| sanitize::text(function));
    lines.extend(functions.map(|function| line(format!("  {function}"), Style::Plain)));
    lines
}

fn section(title: &str) -> Vec<Text> {
    vec![Text::new(), line(title, Style::Faint)]
}
