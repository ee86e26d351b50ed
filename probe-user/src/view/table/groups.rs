//! The groups' budgets, largest first, and with `--per-thread` each thread's.

use std::cmp::Reverse;

use super::Options;
use super::behind;
use super::calls;
use super::gil;
use super::head;
use super::page::{Page, Piece};
use crate::document::{Document, Group, Sums, Thread};
use crate::view::color::Style;
use crate::view::ending;
use crate::view::rows;
use crate::view::units;

/// With more groups than this, those that do not matter become one line.
const MANY: usize = 12;
/// The groups shown make up this many hundredths of all lifetimes.
const ENOUGH: u128 = 99;

/// Every group that matters, then one line for the rest.
pub(super) fn write(page: &mut Page, document: &Document, options: &Options) {
    page.line(Vec::new());
    if document.groups.is_empty() {
        page.line(vec![Piece::plain(" no thread was observed")]);
        return;
    }
    let threads = threads_by_group(document);
    let shown = if options.all {
        document.groups.len()
    } else {
        shown(&document.groups)
    };
    page.titles();
    for (at, group) in document.groups.iter().take(shown).enumerate() {
        if at > 0 {
            page.line(Vec::new());
        }
        write_group(page, group, options.all);
        behind::write(page, &group.sums, 0, options.all);
        calls::write(page, &group.sums, 0, &document.coverage);
        gil::write(page, &group.sums, 0);
        if options.per_thread {
            for thread in &threads[at] {
                write_thread(page, thread, options.all);
                behind::write(page, &thread.sums, 1, options.all);
                calls::write(page, &thread.sums, 1, &document.coverage);
                gil::write(page, &thread.sums, 1);
            }
        }
    }
    write_rest(page, &document.groups[shown..]);
}

fn write_group(page: &mut Page, group: &Group, all: bool) {
    let name = Piece::new(&group.name, Style::Strong);
    page.flow(
        Piece::plain(" "),
        3,
        "   ",
        vec![name, Piece::plain(&members(group))],
    );
    for row in rows::rows(&group.sums, all) {
        page.row(row);
    }
    let Sums { lifetime_ns, .. } = group.sums;
    let sum = i128_time(rows::accounted(&group.sums));
    let text = format!("{sum} of {}, ", units::time(lifetime_ns));
    let label = Piece::new("sum", Style::Faint);
    let pieces = vec![Piece::plain(&text), unaccounted(&group.sums)];
    page.beside(label, "", pieces);
}

/// `8 threads of pid 4242, 33.10 thread-seconds`, `96 processes, …`.
fn members(group: &Group) -> String {
    let threads = units::counted(group.threads as u64, "thread", "threads");
    let processes = units::counted(group.pids.len() as u64, "process", "processes");
    let who = match (group.threads, group.pids.as_slice()) {
        (1, [pid]) => format!("pid {pid}"),
        (_, [pid]) => format!("{threads} of pid {pid}"),
        (n, pids) if n == pids.len() => processes,
        _ => format!("{threads} in {processes}"),
    };
    format!("{who}, {}", together(group))
}

/// The lifetime, named as what it is when it is a sum over threads.
fn together(group: &Group) -> String {
    let ns = group.sums.lifetime_ns;
    match group.threads {
        0 | 1 => units::time(ns),
        _ if ns >= 100_000_000 => format!("{} thread-seconds", units::seconds(ns)),
        _ => format!("{} of thread time", units::time(ns)),
    }
}

fn write_thread(page: &mut Page, thread: &Thread, all: bool) {
    page.line(thread_heading(thread));
    for mut row in rows::rows(&thread.sums, all) {
        row.depth = 1;
        page.row(row);
    }
}

/// `tid 4243 python3   4.11 s, 0 ns unaccounted   exit 1   python3 gitsync`.
fn thread_heading(thread: &Thread) -> Vec<Piece> {
    let mut line = vec![
        Piece::plain(&format!("   tid {} ", thread.tid)),
        Piece::new(&thread.comm, Style::Strong),
        Piece::plain(&format!("   {}, ", units::time(thread.sums.lifetime_ns))),
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
    Piece::new(&format!("{} unaccounted", i128_time(residual)), style)
}

/// A sum of times in ns, which may be negative or beyond `u64`.
fn i128_time(ns: i128) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = u64::try_from(ns.unsigned_abs()).unwrap_or(u64::MAX);
    format!("{sign}{}", units::time(ns))
}

/// How many of the groups, which are sorted by lifetime, are shown.
fn shown(groups: &[Group]) -> usize {
    if groups.len() <= MANY {
        return groups.len();
    }
    let lifetime = |group: &Group| u128::from(group.sums.lifetime_ns);
    let enough = groups.iter().map(lifetime).sum::<u128>() * ENOUGH;
    let mut so_far = 0;
    let reached = groups.iter().position(|group| {
        so_far += lifetime(group) * 100;
        so_far >= enough
    });
    reached.map_or(groups.len(), |at| at + 1)
}

fn write_rest(page: &mut Page, rest: &[Group]) {
    if rest.is_empty() {
        return;
    }
    let more = units::counted(rest.len() as u64, "more group", "more groups");
    let ns = rest
        .iter()
        .map(|group| i128::from(group.sums.lifetime_ns))
        .sum();
    page.line(Vec::new());
    page.line(vec![Piece::plain(&format!(
        " … {more}, {} (--all)",
        i128_time(ns)
    ))]);
}

/// Longest-lived first within each group.
fn threads_by_group(document: &Document) -> Vec<Vec<&Thread>> {
    let mut groups = vec![Vec::new(); document.groups.len()];
    for thread in &document.threads {
        if let Some(group) = groups.get_mut(thread.group) {
            group.push(thread);
        }
    }
    for group in &mut groups {
        group.sort_by_key(|thread| Reverse(thread.sums.lifetime_ns));
    }
    groups
}
