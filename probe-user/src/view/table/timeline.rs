//! The critical path, summed up and hop by hop, and the timelines of threads.

use super::Options;
use super::foot::{TEXT, label};
use super::page::{Page, Piece};
use crate::document::{CriticalPath, Document, PathSum, Timeline};
use crate::view::collapse::Line;
use crate::view::color::Style;
use crate::view::rows;
use crate::view::timeline;
use crate::view::units::{self, Unit};

/// Causes of the critical path that are named; smaller ones are one.
const NAMED: usize = 6;
/// Where the path ends such a part of the run before its end, it says so.
const PARTS: u64 = 100;

/// `critical path  4.21 s: computing git index-pack 2.10 s, …`.
pub(super) fn write_path(page: &mut Page, document: &Document, all: bool) {
    let Some(path) = &document.critical_path else {
        return;
    };
    let life_ns = path.to_ns.saturating_sub(path.from_ns);
    if life_ns == 0 {
        return;
    }
    let weighty = |sum: &&PathSum| !rows::is_small(sum.ns, life_ns);
    let weighty = path.sums.iter().take_while(weighty).count();
    // One small cause alone takes no more room than `other`.
    let most = match path.sums.len() {
        n if all || n <= weighty.min(NAMED) + 1 => n,
        _ => weighty.min(NAMED),
    };
    let unit = Unit::of(life_ns);
    let sums = path.sums.iter();
    let sum = |sum: &PathSum| timeline::sum_in(sum, unit);
    let mut causes: Vec<String> = sums.clone().take(most).map(sum).collect();
    let rest = sums.skip(most).map(|sum| sum.ns);
    if let Some(ns) = rest.reduce(u64::saturating_add) {
        causes.push(format!("other {}", unit.time(ns)));
    }
    let mut causes = causes.into_iter();
    let first = causes.next().unwrap_or_default();
    let life = unit.time(life_ns);
    let life = match &document.critical_paths {
        Some(_) => format!("{life} of {}", busiest(document, path)),
        None => life,
    };
    let mut parts = match end(document, path, unit) {
        Some((end, before)) => vec![format!("{life} {end}"), format!("{before}: {first}")],
        None => vec![format!("{life}: {first}")],
    };
    parts.extend(causes);
    let pieces = parts.iter().map(|text| Piece::plain(text)).collect();
    page.flow(label("critical path"), TEXT, ", ", pieces);
}

/// `to the end of sh (pid 4242)`, `0.697 s before that of the run`, if that is not the same.
fn end(document: &Document, path: &CriticalPath, unit: Unit) -> Option<(String, String)> {
    let before_ns = document.end_ns().saturating_sub(path.to_ns);
    let root = document.threads.get(path.root)?;
    if units::is_below(before_ns, document.wall_ns, PARTS) || before_ns == 0 {
        return None;
    }
    let name = document
        .groups
        .get(root.group)
        .map_or("", |group| &group.name);
    let tid = root.tid;
    let before = unit.time(before_ns);
    Some((
        format!("to the end of {name} (pid {tid})"),
        format!("{before} before that of the run"),
    ))
}

/// Whose path it is where there are several.
fn busiest(document: &Document, path: &CriticalPath) -> String {
    let thread = document.threads.get(path.root);
    let group = thread.and_then(|thread| document.groups.get(thread.group));
    let name = group.map_or("", |group| group.name.as_str());
    let tid = thread.map_or(0, |thread| thread.tid);
    format!("the busiest thread, {name} (tid {tid})")
}

/// The hops, with `--all` or `--explain`; then every timeline.
pub(super) fn write(page: &mut Page, document: &Document, options: &Options) {
    let timelines = document.explained.as_deref().unwrap_or_default();
    if let Some(path) = &document.critical_path
        && (options.all || !timelines.is_empty())
    {
        write_hops(page, path, options.all);
    }
    for timeline in timelines {
        write_timeline(page, document, timeline, options.all);
    }
}

fn write_hops(page: &mut Page, path: &CriticalPath, all: bool) {
    let lines = timeline::path(path, all);
    if lines.is_empty() {
        return;
    }
    page.line(Vec::new());
    page.line(vec![
        Piece::new(" critical path", Style::Strong),
        Piece::plain(", hop by hop"),
    ]);
    write_lines(page, &lines);
}

fn write_timeline(page: &mut Page, document: &Document, timeline: &Timeline, all: bool) {
    let Some(thread) = document.threads.get(timeline.thread) else {
        return;
    };
    let group = timeline.name.as_deref().unwrap_or("unnamed");
    let life = units::time(thread.sums.lifetime_ns);
    let pid = thread
        .pid
        .map_or_else(String::new, |pid| format!(" (pid {pid})"));
    page.line(Vec::new());
    page.line(vec![
        Piece::plain(" story of tid "),
        Piece::new(&thread.tid.to_string(), Style::Strong),
        Piece::plain(&format!("{pid}: {group}, {life}")),
    ]);
    write_lines(page, &timeline::lines(document, timeline, all));
}

/// Each behind its time since the start of the run.
fn write_lines(page: &mut Page, lines: &[Line]) {
    let times: Vec<String> = lines
        .iter()
        .map(|line| units::instant(line.at_ns))
        .collect();
    let widest = times.iter().map(String::len).max().unwrap_or(0);
    for (time, line) in times.iter().zip(lines) {
        let lead = Piece::new(&format!("   {time:>widest$}  "), Style::Faint);
        page.flow(
            lead,
            widest + 7,
            " ",
            Piece::words(&line.text, Style::Plain),
        );
        if !line.frames.is_empty() {
            write_frames(page, widest + 7, &line.frames);
        }
    }
}

/// `at main > work > read`, from a column on.
fn write_frames(page: &mut Page, column: usize, frames: &[String]) {
    let lead = Piece::new(&format!("{:column$}at ", ""), Style::Faint);
    let frames = frames.iter().map(|name| Piece::new(name, Style::Faint));
    page.flow(lead, column + 3, " > ", frames.collect());
}
