//! Descriptor tables: who shares one and how many are open, tables that come near their
//! limit or grow, and what came through an exec.

use std::cmp::Reverse;

use super::foot::{TEXT, label, more};
use super::page::{Page, Piece};
use super::targets;
use crate::document::{Document, FdKinds, FdOpen, FdTable, FdTarget};
use crate::view::color::Style;
use crate::view::sanitize;
use crate::view::units;

/// Tables that are named.
const MOST: usize = 3;
/// Such a part of the limit, %, is near it.
const NEAR: u64 = 80;
/// Kinds that are named.
const KINDS: usize = 4;
/// Standard input, output and error.
const STANDARD: u32 = 3;
/// Columns of a name: a line of 80 columns takes all that stands with it.
const NAME: usize = 22;

/// A line in parts, and what is between them.
type Line = (&'static str, Vec<Piece>);

/// One line for the tree where tables are shared, and one per table with something to say.
pub(super) fn write(page: &mut Page, document: &Document, all: bool) {
    let (Some(tables), Some(open)) = (&document.fd_tables, &document.fd_open) else {
        return;
    };
    let mut lines: Vec<Line> = Vec::new();
    let is_asked = all || open.exact;
    let listed = tables.iter().filter(|t| is_asked || is_trouble(t));
    let mut troubled: Vec<&FdTable> = listed.collect();
    troubled.sort_by_key(|table| {
        let share = nearness(table).unwrap_or(0);
        (Reverse((share, table.open.peak)), table.id)
    });
    lines.extend(tree(document, tables, open, is_asked).map(|line| (", ", line)));
    let named = if all { troubled.len() } else { MOST };
    for found in troubled.iter().take(named) {
        lines.push((", ", table(document, found)));
        lines.extend(described(found.targets.as_deref(), found.targets_left, all));
    }
    if let Some((found, line)) = through_exec(document, tables) {
        lines.push((", ", line));
        let targets = found.inherited_targets.as_deref();
        lines.extend(described(targets, found.inherited_targets_left, all));
    }
    for (at, (between, pieces)) in lines.into_iter().enumerate() {
        let label = label(if at == 0 { "descriptors" } else { "" });
        page.flow(label, TEXT, between, pieces);
    }
    more(page, troubled.len(), named, ("table", "tables"));
}

/// Or it was asked what is in it.
fn is_trouble(table: &FdTable) -> bool {
    is_near(table) || table.growth_per_s.is_some() || table.targets.is_some()
}

/// `3 × null at 0–2; pipe:[4711] at 5`.
fn described(targets: Option<&[FdTarget]>, left: Option<u32>, all: bool) -> Option<Line> {
    let pieces = targets::pieces(targets?, left, all);
    (!pieces.is_empty()).then_some(("; ", pieces))
}

/// Of one that is not looked at as a whole nobody knows that it is not.
fn is_near(table: &FdTable) -> bool {
    table.cut || nearness(table).is_some_and(|percent| percent >= NEAR)
}

/// How near it came to its limit, %.
fn nearness(table: &FdTable) -> Option<u64> {
    // Written to four places.
    let share = table.limit_share.filter(|share| share.is_finite())?;
    Some((share * 10_000.0).round() as u64 / 100)
}

/// `33 threads of python3 share a table with ≥ 47 open, 79 open in 33 tables at once`: where
/// one is shared and there are others, or processes share it; of those that the most share
/// the largest.
fn tree(document: &Document, tables: &[FdTable], open: &FdOpen, all: bool) -> Option<Vec<Piece>> {
    let first = tables
        .iter()
        .max_by_key(|t| (t.threads_max.max(1), t.open.peak, Reverse(t.id)))?;
    let is_shared = first.threads_max > 1 && tables.len() > 1;
    if !(all || is_shared || first.processes.len() > 1) {
        return None;
    }
    let mut parts = vec![one(document, first)];
    parts.extend(at_once(tables, open));
    Some(parts.iter().map(|part| Piece::plain(part)).collect())
}

/// The first table.
fn one(document: &Document, table: &FdTable) -> String {
    let threads = match table.threads_max {
        0 | 1 => return format!("{} in one table", peak(table)),
        threads => units::count(threads as u64),
    };
    let processes = match table.processes.len() {
        0 | 1 => String::new(),
        n => format!(" in {} processes", units::count(n as u64)),
    };
    let (name, peak) = (name(document, table), peak(table));
    format!("{threads} threads of {name}{processes} share a table with {peak}")
}

/// All of them. One table has its peak in its line, but for what it had before an exec, which
/// no line says.
fn at_once(tables: &[FdTable], open: &FdOpen) -> Option<String> {
    let sum = units::count(open.peak_sum);
    let most = tables.iter().map(|table| table.open.peak).max();
    match open.tables_max {
        0 | 1 if open.peak_sum <= most.unwrap_or(0).into() => None,
        0 | 1 => Some(format!("≥ {sum} before an exec")),
        n => Some(format!(
            "≥ {sum} open in {} tables at once",
            units::count(n as u64)
        )),
    }
}

/// `nginx (pid 71): ≥ 880 open, 86 % of the limit of 1,024, 870 sockets`.
fn table(document: &Document, table: &FdTable) -> Vec<Piece> {
    let head = format!("{}: {}", owner(document, table), peak(table));
    let mut pieces = vec![Piece::plain(&head)];
    if let Some(percent) = nearness(table) {
        let mark = if table.cut { "≥ " } else { "" };
        let text = format!("{mark}{percent} % of {}", limit(table));
        let style = if is_near(table) {
            Style::Warning
        } else {
            Style::Plain
        };
        pieces.push(Piece::new(&text, style));
    }
    if let Some(slope) = table.growth_per_s {
        let text = format!("{slope:.1} more every second");
        pieces.push(Piece::new(&text, Style::Warning));
    }
    let kinds = kinds_at_peak(table).or_else(|| kinds_at_end(document, table));
    pieces.extend(kinds.iter().flatten().map(|text| Piece::plain(text)));
    pieces
}

/// The limit that the share is of: another one may have been set since.
fn limit(table: &FdTable) -> String {
    let peak = f64::from(table.open.peak);
    let is_of = |limit: &u64| {
        let share = table.limit_share.unwrap_or_default();
        *limit > 0 && (peak / *limit as f64 - share).abs() < 0.0001
    };
    match table.limit.filter(is_of) {
        Some(limit) => format!("the limit of {}", units::count(limit)),
        None => "the limit then".to_owned(),
    }
}

/// What they are is known of a look, which need not have been the one that found the most.
fn kinds_at_peak(table: &FdTable) -> Option<Vec<String>> {
    let kinds = table.by_kind.as_ref()?;
    (total(kinds) == u64::from(table.open.peak)).then(|| by_kind(kinds))
}

/// `4 at its end: 3 files, 1 pipe`.
fn kinds_at_end(document: &Document, table: &FdTable) -> Option<Vec<String>> {
    let kinds = table.by_kind.as_ref()?;
    let is_of_end = !document.interim && total(kinds) == u64::from(table.open.last);
    let kinds = is_of_end.then(|| by_kind(kinds).join(", "))?;
    let last = units::count(table.open.last.into());
    Some(vec![format!("{last} at its end: {kinds}")])
}

/// `9 open behind the exec of git (pid 7), none O_CLOEXEC, 6 sockets, 3 pipes, more than 3 also
/// behind 11 other execs`: the process that the most came to.
fn through_exec<'a>(
    document: &Document,
    tables: &'a [FdTable],
) -> Option<(&'a FdTable, Vec<Piece>)> {
    let came = |table: &&FdTable| table.inherited.is_some_and(|n| n > STANDARD);
    let most = tables
        .iter()
        .filter(came)
        .max_by_key(|table| table.inherited)?;
    let others = match tables.iter().filter(came).count() - 1 {
        0 => None,
        n => Some(format!(
            "more than {STANDARD} also behind {}",
            units::counted(n as u64, "other exec", "other execs")
        )),
    };
    let head = format!(
        "{} open behind the exec of {}",
        units::count(most.inherited.unwrap_or(0).into()),
        owner(document, most),
    );
    let kinds = most.inherited_by_kind.as_ref().map(by_kind);
    let parts = [head, "none O_CLOEXEC".to_owned()].into_iter();
    let parts = parts.chain(kinds.unwrap_or_default()).chain(others);
    Some((most, parts.map(|part| Piece::plain(&part)).collect()))
}

/// Between looks there may have been more.
fn peak(table: &FdTable) -> String {
    let mark = if table.open.peak_exact { "" } else { "≥ " };
    format!("{mark}{} open", units::count(table.open.peak.into()))
}

fn owner(document: &Document, table: &FdTable) -> String {
    let name = name(document, table);
    match table.processes.as_slice() {
        [] => name,
        [pid] => format!("{name} (pid {pid})"),
        [pid, rest @ ..] => format!("{name} (pid {pid} and {} more)", rest.len()),
    }
}

/// It is called by the first thread of the first process that used it.
fn name(document: &Document, table: &FdTable) -> String {
    let mut threads = document.threads.iter();
    let leader = threads.find(|thread| {
        let pid = thread.pid.filter(|&pid| pid == thread.tid);
        pid.is_some_and(|pid| table.processes.binary_search(&pid).is_ok())
            && thread.end_ns >= table.from_ns
    });
    let group = leader.map(|leader| leader.group);
    let group = group.or(table.groups.first().copied());
    let group = group.and_then(|at| document.groups.get(at));
    let name = group.map_or("a task that is not known", |group| &group.name);
    sanitize::fit_middle(&sanitize::text(name), NAME).into_owned()
}

fn total(kinds: &FdKinds) -> u64 {
    counts(kinds).map(|(n, _, _)| u64::from(n)).iter().sum()
}

/// How many of each kind, and what one and several are called.
fn counts(kinds: &FdKinds) -> [(u32, &'static str, &'static str); 8] {
    let FdKinds {
        socket,
        pipe,
        file,
        tty,
        event,
        timer,
        epoll,
        other,
    } = *kinds;
    [
        (socket, "socket", "sockets"),
        (pipe, "pipe", "pipes"),
        (file, "file", "files"),
        (tty, "terminal", "terminals"),
        (event, "eventfd or the like", "eventfds or the like"),
        (timer, "timerfd", "timerfds"),
        (epoll, "epoll", "epolls"),
        (other, "other", "others"),
    ]
}

/// `6 sockets`, `3 pipes`: most first, and what is left of the rest.
fn by_kind(kinds: &FdKinds) -> Vec<String> {
    let mut counts = counts(kinds);
    counts.sort_by_key(|&(n, _, _)| Reverse(n));
    let (named, others) = counts.split_at(KINDS);
    let named = named.iter().filter(|(n, _, _)| *n > 0);
    let mut parts: Vec<String> = named
        .map(|&(n, one, many)| units::counted(n.into(), one, many))
        .collect();
    let others: u64 = others.iter().map(|&(n, _, _)| u64::from(n)).sum();
    if others > 0 {
        parts.push(format!("{} of other kinds", units::count(others)));
    }
    parts
}

#[cfg(test)]
mod tests;
