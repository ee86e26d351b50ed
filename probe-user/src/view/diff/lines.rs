//! Which rows of a difference are shown, and what they are called. Rows that are left out are
//! one, so that what is shown adds up all the same.

use std::cmp::Reverse;

use crate::diff::{
    run::{LEFT_OUT, ON_CPU, OPEN, RUN_QUEUE},
    tree::RESIDUAL,
};
use crate::document::diff::{Amount, Diff, Finding, GroupDiff, Length, Row};
use crate::view::{behind, units};
use crate::vocabulary::CauseKind;

/// Parts of a cause, and causes of a kind of waits.
const PARTS: usize = 3;
/// States and kinds of a group.
const STATES: usize = 6;
/// A row of less than one such part of the largest of its block is small.
const SMALL: u64 = 50;

/// A row as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// 0 for the parts of the whole, one more for theirs.
    pub(super) depth: usize,
    /// Not sanitised.
    pub(super) label: String,
    /// Without its parts.
    pub(super) row: Row,
    /// It stands for several small ones.
    pub(super) is_other: bool,
}

/// What the rows of one depth are.
#[derive(Clone, Copy)]
enum Level {
    /// Causes on the critical path, or behind waits.
    Cause,
    /// Whose they are.
    Detail,
    /// What threads did.
    State,
}

/// The causes on the path, all of them, and of each the largest of its parts.
pub(super) fn path(path: &Row, all: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let small = small(path, all);
    let rows: Vec<&Row> = path.parts.iter().collect();
    add(&mut lines, &rows, Level::Cause, 0, small);
    lines
}

/// What the threads of a group did, and what was behind the kinds of their waits.
pub(super) fn group(group: &GroupDiff, all: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let small = small(&group.lifetime, all);
    let rows: Vec<&Row> = group.lifetime.parts.iter().collect();
    add_some(&mut lines, &rows, Level::State, 0, small, STATES);
    lines
}

/// The least that a row has to differ by, ns; `None` where all are shown.
fn small(row: &Row, all: bool) -> Option<u64> {
    let parts = row.parts.iter().chain([row]);
    let most = parts.map(|part| part.difference_ns.unsigned_abs()).max();
    (!all).then(|| most.unwrap_or(0) / SMALL)
}

fn add(lines: &mut Vec<Line>, rows: &[&Row], level: Level, depth: usize, small: Option<u64>) {
    for row in rows {
        let (label, parts, below) = opened(row, level);
        lines.push(Line {
            depth,
            label,
            row: without_parts(row),
            is_other: false,
        });
        let parts: Vec<&Row> = parts.iter().collect();
        add_some(lines, &parts, below, depth + 1, small, PARTS);
    }
}

/// The largest ones, and the others as one; without a bound, all.
fn add_some(
    lines: &mut Vec<Line>,
    rows: &[&Row],
    level: Level,
    depth: usize,
    small: Option<u64>,
    most: usize,
) {
    let weighty = |row: &&&Row| small.is_none_or(|small| row.difference_ns.unsigned_abs() > small);
    let most = if small.is_none() { rows.len() } else { most };
    let shown = rows.iter().take(most).take_while(weighty).count();
    // One alone takes no more room than `other`; below a row of theirs none is worth any.
    let shown = match (shown, rows.len()) {
        (0, _) if depth > 0 => return,
        (shown, all) if shown + 1 == all => all,
        (shown, _) => shown,
    };
    add(lines, &rows[..shown], level, depth, small);
    if let Some(row) = other(&rows[shown..]) {
        lines.push(Line {
            depth,
            label: format!("other ({})", rows.len() - shown),
            row,
            is_other: true,
        });
    }
}

/// Its label, and its parts with what they are. A single part is named with it.
fn opened(row: &Row, level: Level) -> (String, &[Row], Level) {
    let name = row.name.as_deref();
    match (level, row.parts.as_slice()) {
        (Level::Cause, [only]) => (describe(name, only.name.as_deref()), &[], Level::Detail),
        (Level::Cause, parts) => (describe(name, None), parts, Level::Detail),
        (Level::Detail, parts) => (name.unwrap_or("not known whose").to_owned(), parts, level),
        (Level::State, parts) => (state(name).to_owned(), parts, Level::Cause),
    }
}

/// `network 127.0.0.1:9418 (git)`.
pub(super) fn describe(cause: Option<&str>, detail: Option<&str>) -> String {
    match cause.unwrap_or_default().parse::<CauseKind>() {
        Ok(cause) => behind::describe(cause, detail),
        Err(_) => state(cause).to_owned(),
    }
}

fn state(name: Option<&str>) -> &str {
    match name.unwrap_or_default() {
        ON_CPU => "on cpu",
        RUN_QUEUE => "run queue",
        OPEN => "not finished",
        LEFT_OUT => "left out",
        RESIDUAL => "not accounted for",
        kind => kind,
    }
}

fn without_parts(row: &Row) -> Row {
    Row {
        name: row.name.clone(),
        parts: Vec::new(),
        ..*row
    }
}

/// Several rows as one; `None` of none.
fn other(rows: &[&Row]) -> Option<Row> {
    let mut sum = without_parts(rows.first()?);
    for row in &rows[1..] {
        sum.a = plus(sum.a, row.a);
        sum.b = plus(sum.b, row.b);
        sum.difference_ns = sum.difference_ns.saturating_add(row.difference_ns);
    }
    Some(sum)
}

fn plus(one: Amount, other: Amount) -> Amount {
    Amount {
        ns: one.ns.saturating_add(other.ns),
        ..Amount::default()
    }
}

/// Those of which something is shown: all, or the first that differ; where rows were tested,
/// those with a change.
pub(super) fn groups(diff: &Diff, all: bool, most: usize) -> Vec<&GroupDiff> {
    let is_worth = |group: &&GroupDiff| {
        let row = &group.lifetime;
        match diff.test {
            Some(_) => has(row, &|row| row.finding == Finding::Change),
            None => has(row, &|row| row.difference_ns != 0),
        }
    };
    match all {
        true => diff.groups.iter().collect(),
        false => diff.groups.iter().filter(is_worth).take(most).collect(),
    }
}

/// Whether something is so of a row or of a part of it.
fn has(row: &Row, is_so: &impl Fn(&Row) -> bool) -> bool {
    is_so(row) || row.parts.iter().any(|part| has(part, is_so))
}

/// That there are groups of which nothing is shown.
pub(super) fn left_out(diff: &Diff, shown: usize) -> Option<String> {
    let left_out = (diff.groups.len() - shown) as u64;
    let groups = units::counted(left_out, "more group", "more groups");
    (left_out > 0).then(|| match diff.test {
        Some(_) => format!("{groups} without a larger change: --all shows everything"),
        None => format!("{groups} without a larger difference: --all shows everything"),
    })
}

/// `git index-pack, 24 threads`, `…, 8 and 16 threads`, `…, 3 threads only in B`.
pub(super) fn title(group: &GroupDiff) -> String {
    use crate::document::diff::Which::{A, B};
    let threads = |n| units::counted(n, "thread", "threads");
    let (a, b) = (group.a_threads, group.b_threads);
    match group.only_in {
        Some(A) => format!("{} only in A", threads(a)),
        Some(B) => format!("{} only in B", threads(b)),
        None if a == b => threads(a),
        None => format!("{} and {}", units::count(a), threads(b)),
    }
}

/// `+0.201 s`, `−14.2 ms`.
pub(super) fn signed(ns: i64, unit: units::Unit) -> String {
    let time = unit.time(ns.unsigned_abs());
    let sign = match ns {
        // It says how little it is, not which way.
        _ if time.starts_with('<') => "",
        0 => "",
        1.. => "+",
        _ => "−",
    };
    format!("{sign}{time}")
}

/// A time that a damaged report may have made less than nothing.
pub(super) fn time(ns: i64, unit: units::Unit) -> String {
    let sign = if ns < 0 { "−" } else { "" };
    format!("{sign}{}", unit.time(ns.unsigned_abs()))
}

/// That of all times of a block.
pub(super) fn unit(row: &Row) -> units::Unit {
    let rows = row.parts.iter().chain([row]);
    let times = rows.flat_map(|row| [row.a.ns, row.b.ns, row.difference_ns]);
    units::Unit::of(times.map(i64::unsigned_abs).max().unwrap_or(0))
}

/// Rows with the largest difference first, for what is said of them in a sentence.
pub(super) fn by_size(rows: &[Row]) -> Vec<&Row> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by_key(|row| Reverse(row.difference_ns.unsigned_abs()));
    rows
}

/// What is said of a row: of several together only that none is certain.
pub(super) fn finding(line: &Line) -> Finding {
    match line.row.finding {
        Finding::Change | Finding::Noise if line.is_other => Finding::Untested,
        finding => finding,
    }
}

/// What the length of a run is called.
pub(super) fn length(diff: &Diff) -> &'static str {
    match diff.length {
        Length::CriticalPath => "critical path",
        Length::Wall => "wall time",
    }
}

/// `24 → 26`; nothing where nothing is counted.
pub(super) fn counts(row: &Row) -> String {
    match (row.a.count, row.b.count) {
        (None, None) => String::new(),
        (a, b) => format!(
            "{} → {}",
            units::count(a.unwrap_or(0)),
            units::count(b.unwrap_or(0))
        ),
    }
}

/// `98 %` of the whole difference, `−3 %`.
pub(super) fn of_it(ns: i64, whole_ns: i64) -> String {
    let share = units::percent(ns.unsigned_abs(), whole_ns.unsigned_abs());
    let is_against = ns != 0 && (ns < 0) != (whole_ns < 0);
    share.map_or_else(String::new, |share| {
        // As in [`signed`].
        let is_signed = is_against && !share.starts_with('<');
        let sign = if is_signed { "−" } else { "" };
        format!("{sign}{share}")
    })
}
