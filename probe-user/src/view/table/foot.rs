//! The critical path, concurrency, listeners, what failed, what it cost to know, and what else to
//! keep in mind.

use std::collections::{BTreeMap, HashMap};

use super::concurrency;
use super::listeners;
use super::page::{Page, Piece};
use super::timeline;
use crate::document::{Coverage, Document, Exit, Group, Overhead, ProbeCost, Thread};
use crate::view::color::Style;
use crate::view::ending;
use crate::view::units;

/// Where text begins behind a label.
pub(super) const TEXT: usize = 15;
/// Groups with failed workers that are named.
const FAILED: usize = 8;

/// The critical path, concurrency, listeners, worker ends, coverage, cost and problems; each only when there is one.
pub(super) fn write(page: &mut Page, document: &Document, all: bool) {
    page.line(Vec::new());
    timeline::write_path(page, document, all);
    concurrency::write(page, document);
    listeners::write(page, document, all);
    worker_ends(page, document, all);
    coverage(page, &document.coverage);
    cost(page, &document.overhead, document.wall_ns);
    for problem in &document.coverage.problems {
        page.flow(
            label("note"),
            TEXT,
            " ",
            Piece::words(problem, Style::Warning),
        );
    }
}

pub(super) fn label(name: &str) -> Piece {
    Piece::new(&format!(" {name:<width$}", width = TEXT - 1), Style::Faint)
}

/// One line per group with an end that is not `exit 0`.
fn worker_ends(page: &mut Page, document: &Document, all: bool) {
    let groups = document.groups.iter().zip(ends(document));
    let failed: Vec<String> = groups
        .filter_map(|(group, ends)| failures(group, &ends))
        .collect();
    let most = if all { failed.len() } else { FAILED };
    for (at, text) in failed.iter().take(most).enumerate() {
        let label = label(if at == 0 { "worker ends" } else { "" });
        page.flow(label, TEXT, " ", Piece::words(text, Style::Warning));
    }
    more(page, failed.len(), most, ("group", "groups"));
}

/// What ended in one way.
#[derive(Clone, Default)]
struct End<'a> {
    threads: u64,
    /// Those of them that are listed.
    listed: Vec<&'a Thread>,
}

/// How the threads of each group failed. Those that ended with their process are its
/// first thread's affair.
fn ends(document: &Document) -> Vec<BTreeMap<Exit, End<'_>>> {
    let firsts = document.threads.iter().filter(|t| t.pid == Some(t.tid));
    let of_process: HashMap<u32, Exit> = firsts.filter_map(|t| Some((t.tid, t.exit?))).collect();
    let failed = |group: &Group| {
        let failed = group
            .exits
            .iter()
            .filter(|(exit, _)| **exit != Exit::Code(0));
        let end = |threads| End {
            threads,
            listed: Vec::new(),
        };
        failed.map(|(exit, n)| (*exit, end(*n))).collect()
    };
    let mut ends: Vec<BTreeMap<Exit, End>> = document.groups.iter().map(failed).collect();
    for thread in &document.threads {
        let end = ends.get_mut(thread.group).zip(thread.exit);
        let Some(end) = end.and_then(|(ends, exit)| ends.get_mut(&exit)) else {
            continue;
        };
        let process = thread.pid.filter(|&pid| pid != thread.tid);
        let process = process.and_then(|pid| of_process.get(&pid).copied());
        match process.is_some() && process == thread.exit {
            true => end.threads = end.threads.saturating_sub(1),
            false => end.listed.push(thread),
        }
    }
    ends
}

/// `… 3 more groups (--all)`, if not all of them are named.
pub(super) fn more(page: &mut Page, all: usize, named: usize, (one, many): (&str, &str)) {
    let rest = all.saturating_sub(named) as u64;
    if rest > 0 {
        let text = units::counted(rest, &format!("more {one}"), &format!("more {many}"));
        let text = format!("… {text} (--all)");
        page.flow(label(""), TEXT, "", vec![Piece::plain(&text)]);
    }
}

/// `git pull: 1 of 96 exit 128 (pid 4301), 2 of 96 killed by SIGKILL`.
fn failures(group: &Group, ends: &BTreeMap<Exit, End>) -> Option<String> {
    let of = units::count(group.threads as u64);
    let ends = ends.iter().filter(|(_, end)| end.threads > 0);
    let ends: Vec<String> = ends
        .map(|(exit, end)| {
            let (n, how) = (units::count(end.threads), ending::describe(*exit));
            format!("{n} of {of} {how}{}", culprit(&end.listed))
        })
        .collect();
    (!ends.is_empty()).then(|| format!("{}: {}", group.name, ends.join(", ")))
}

/// The one thread that ended so, or the first and how many more.
fn culprit(threads: &[&Thread]) -> String {
    let Some((first, more)) = threads.split_first() else {
        return String::new();
    };
    let id = if first.pid == Some(first.tid) {
        "pid"
    } else {
        "tid"
    };
    match more.len() {
        0 => format!(" ({id} {})", first.tid),
        more => format!(
            " ({id} {} and {} more)",
            first.tid,
            units::count(more as u64)
        ),
    }
}

fn coverage(page: &mut Page, coverage: &Coverage) {
    let mut parts = Vec::new();
    if coverage.open_waits > 0 {
        let waits = units::counted(coverage.open_waits, "wait", "waits");
        parts.push(Piece::plain(&format!(
            "{waits} not finished at the end (≥)"
        )));
    }
    if coverage.unverified_wakes > 0 {
        let wakes = units::counted(coverage.unverified_wakes, "wake-up", "wake-ups");
        parts.push(Piece::plain(&format!("{wakes} of unverified source")));
    }
    if coverage.recovered_switches > 0 {
        let switches = units::counted(
            coverage.recovered_switches,
            "scheduler event",
            "scheduler events",
        );
        parts.push(Piece::plain(&format!(
            "{switches} hidden by the kernel, timed by its run queue"
        )));
    }
    if coverage.residual_ns != 0 {
        let sign = if coverage.residual_ns < 0 { "-" } else { "" };
        let time = units::time(coverage.residual_ns.unsigned_abs());
        parts.push(Piece::new(
            &format!("{sign}{time} unaccounted in all"),
            Style::Alarm,
        ));
    }
    if !parts.is_empty() {
        page.flow(label("coverage"), TEXT, ", ", parts);
    }
}

fn cost(page: &mut Page, overhead: &Overhead, wall_ns: u64) {
    let mut parts = vec![units::counted(overhead.switches, "switch", "switches") + " seen"];
    if let Some(runs) = overhead.probe_runs {
        let inside = overhead
            .probe_ns
            .map_or_else(String::new, |ns| format!(" in {}", units::time(ns)));
        parts.push(units::counted(runs, "probe run", "probe runs") + &inside);
    }
    parts.push(match overhead.tool_cpu_ns {
        Some(ns) => {
            // In a short run the start costs more than all the rest: a share
            // of its wall time would say nothing.
            let share = units::share(ns, wall_ns).filter(|_| ns <= wall_ns);
            let share = share.map_or_else(String::new, |share| format!(" ({share})"));
            format!("waitscope used {} of CPU{share}", units::time(ns))
        }
        None => "waitscope's own cost was not measured".to_owned(),
    });
    if let Some(peak) = overhead.tool_peak_bytes {
        parts.push(format!("{} at most", units::bytes(peak)));
    }
    if overhead.tool_file_bytes > 0 {
        parts.push(units::bytes(overhead.tool_file_bytes) + " in a file");
    }
    let parts = parts.iter().map(|part| Piece::plain(part)).collect();
    page.flow(label("cost"), TEXT, ", ", parts);
    probes(page, &overhead.probes);
}

/// `sched_switch 200,065 × 354 ns`.
fn probes(page: &mut Page, probes: &[ProbeCost]) {
    let part = |probe: &ProbeCost| {
        let mean = units::time(probe.ns / probe.runs.max(1));
        let runs = units::count(probe.runs);
        Piece::plain(&format!("{} {runs} × {mean}", probe.program))
    };
    if !probes.is_empty() {
        let parts = probes.iter().map(part).collect();
        page.flow(label("probes"), TEXT, ", ", parts);
    }
}
