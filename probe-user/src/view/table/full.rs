//! One group in full: its budget, what was behind its largest waits, and each thread's.

use super::page::{Page, Piece};
use super::{Options, behind, calls, gil, head};
use crate::document::{Document, Group, Sums, Thread};
use crate::view::behind::{self as causes, Behind};
use crate::view::color::Style;
use crate::view::ending;
use crate::view::filter;
use crate::view::merge::Named;
use crate::view::order::Cost;
use crate::view::rows::{self, Row, State};
use crate::view::units::{self, Unit};

/// What is behind a kind of waits is shown if it is such a part of the budget.
const PARTS: u64 = 20;
/// Kinds of which it is shown.
const BLOCKS: usize = 2;

/// A group and what is shown of it.
pub(super) struct Full<'a> {
    cost: Cost<'a>,
    document: &'a Document,
    rows: Vec<Row>,
    behind: Vec<Behind>,
    /// What was behind some of its larger waits is left out.
    pub is_short: bool,
}

impl<'a> Full<'a> {
    pub(super) fn new(cost: &Cost<'a>, document: &'a Document, all: bool) -> Full<'a> {
        let group = cost.group;
        let sums = &group.sums;
        let mut behind = causes::behind(sums, all);
        if !all {
            behind.retain(|block| !units::is_below(block.ns, sums.lifetime_ns, PARTS));
        }
        let known = behind.len();
        if !all {
            behind.truncate(BLOCKS);
        }
        Full {
            cost: *cost,
            document,
            rows: rows_of(sums, &group.name, document, all),
            is_short: behind.len() < known,
            behind,
        }
    }

    /// Its group's place in the document.
    pub(super) fn index(&self) -> usize {
        self.cost.index
    }

    /// Lines that it takes.
    pub(super) fn lines(&self) -> usize {
        let sums = &self.cost.group.sums;
        let behind: usize = self.behind.iter().map(behind::lines).sum();
        let calls = sums.calls.as_ref().map_or(0, Vec::len);
        // The heading and the sum.
        self.rows.len() + 2 + behind + calls + usize::from(sums.gil.is_some())
    }

    /// Leaves out what was behind smaller waits until it takes no more lines than that;
    /// whether it does.
    pub(super) fn shorten(&mut self, most: usize) -> bool {
        while self.lines() > most && self.behind.len() > 1 {
            self.behind.pop();
            self.is_short = true;
        }
        self.lines() <= most
    }

    /// With its threads, if they are asked for.
    pub(super) fn write(self, page: &mut Page, threads: &[&Thread], options: &Options) {
        let Full {
            cost,
            document,
            rows,
            behind,
            is_short: _,
        } = self;
        let group = cost.group;
        let (sums, coverage) = (&group.sums, &document.coverage);
        let name = Piece::new(&group.name, Style::Strong);
        let members = Piece::plain(&format!("{}, {}", members(group), together(group)));
        let share = units::percent(cost.path_ns, cost.life_ns).filter(|_| cost.is_on_path);
        let share = share.map(|share| Piece::plain(&format!("on {share} of the path")));
        let heading = [name, members].into_iter().chain(share).collect();
        page.flow(Piece::plain(" "), 3, "   ", heading);
        rows.into_iter().for_each(|row| page.row(row));
        write_sum(page, &cost);
        behind::write(page, behind, 0, options.all);
        calls::write(page, sums, 0, coverage);
        gil::write(page, sums, 0);
        for thread in threads {
            page.line(thread_heading(thread));
            for mut row in rows_of(&thread.sums, &group.name, document, options.all) {
                row.depth = 1;
                page.row(row);
            }
            let blocks = causes::behind(&thread.sums, options.all);
            behind::write(page, blocks, 1, options.all);
            calls::write(page, &thread.sums, 1, coverage);
            gil::write(page, &thread.sums, 1);
        }
    }
}

/// `sum  1.904 s of 1.904 s, 0 ns unaccounted`.
fn write_sum(page: &mut Page, cost: &Cost) {
    let sums = &cost.group.sums;
    let unit = Unit::of(sums.lifetime_ns);
    let accounted = u64::try_from(rows::accounted(sums).max(0)).unwrap_or(u64::MAX);
    let sum = format!(
        "{} of {}",
        unit.time(accounted),
        unit.time(sums.lifetime_ns)
    );
    let pieces = vec![Piece::plain(&sum), unaccounted(sums)];
    page.beside(Piece::new("sum", Style::Faint), ", ", pieces);
}

/// `8 threads of pid 4242`, `96 processes`, ….
fn members(group: &Group) -> String {
    let threads = units::counted(group.threads as u64, "thread", "threads");
    let processes = units::counted(group.pids.len() as u64, "process", "processes");
    match (group.threads, group.pids.as_slice()) {
        (1, [pid]) => format!("pid {pid}"),
        (_, [pid]) => format!("{threads} of pid {pid}"),
        (n, pids) if n == pids.len() => processes,
        _ => format!("{threads} in {processes}"),
    }
}

/// The lifetime, named as what it is when it is a sum over threads.
fn together(group: &Group) -> String {
    let ns = group.sums.lifetime_ns;
    let unit = Unit::of(ns);
    match group.threads {
        0 | 1 => unit.time(ns),
        _ if unit.is_seconds() => format!("{} thread-seconds", unit.number(ns)),
        _ => format!("{} of thread time", unit.time(ns)),
    }
}

/// The rows, with what is left out by which filter.
fn rows_of(sums: &Sums, group: &str, document: &Document, all: bool) -> Vec<Row> {
    let mut rows = rows::rows(sums, group, all);
    let left_out = rows.iter_mut().filter(|row| row.state == State::LeftOut);
    for row in left_out {
        let text = document.filter.as_ref().map(filter::left_out);
        row.place = text.map(|text| Named { text, more: 0 });
    }
    rows
}

/// `tid 4243 python3   4.11 s, 0 ns unaccounted   exit 1   python3 gitsync`.
fn thread_heading(thread: &Thread) -> Vec<Piece> {
    let lifetime_ns = thread.sums.lifetime_ns;
    let lifetime = Unit::of(lifetime_ns).time(lifetime_ns);
    let mut line = vec![
        Piece::plain(&format!("   tid {} ", thread.tid)),
        Piece::new(&thread.comm, Style::Strong),
        Piece::plain(&format!("   {lifetime}, ")),
        unaccounted(&thread.sums),
    ];
    if let Some(exit) = thread.exit {
        line.push(Piece::plain(&format!("   {}", ending::describe(exit))));
    }
    if !thread.former_comms.is_empty() {
        line.push(Piece::plain(&format!(
            "   was {}",
            thread.former_comms.join(", ")
        )));
    }
    if let Some(title) = &thread.title {
        line.push(Piece::new(&format!("   {title}"), Style::Faint));
    }
    if !thread.argv.is_empty() {
        let more = if thread.argv_cut { "…" } else { "" };
        let argv = format!("   {}{more}", head::command(&thread.argv));
        line.push(Piece::new(&argv, Style::Faint));
    }
    line
}

fn unaccounted(sums: &Sums) -> Piece {
    let residual = rows::residual(sums);
    let style = if residual == 0 {
        Style::Plain
    } else {
        Style::Alarm
    };
    let sign = if residual < 0 { "-" } else { "" };
    let ns = u64::try_from(residual.unsigned_abs()).unwrap_or(u64::MAX);
    Piece::new(&format!("{sign}{} unaccounted", units::time(ns)), style)
}
