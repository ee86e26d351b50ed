//! Concurrency, listeners, connections, herds, what failed, what it cost to know, what else to keep in mind, and
//! what to look at next.

use super::concurrency;
use super::connections;
use super::descriptors;
use super::fates;
use super::herds;
use super::hints;
use super::listeners;
use super::memory;
use super::page::{Page, Piece};
use crate::document::{Coverage, Document, Overhead, ProbeCost};
use crate::view::color::Style;
use crate::view::order::Cost;
use crate::view::units;

/// Where text begins behind a label.
pub(super) const TEXT: usize = 15;
/// Notes that are shown.
const NOTES: usize = 4;

/// Concurrency, listeners, connections, herds, fates, coverage, cost, problems and hints; each only when
/// there is one.
pub(super) fn write(page: &mut Page, document: &Document, costs: &[Cost], all: bool) {
    page.line(Vec::new());
    concurrency::write(page, document, all);
    descriptors::write(page, document, all);
    listeners::write(page, document, all);
    connections::write(page, document, all);
    herds::write(page, document, all);
    memory::write(page, document, all);
    fates::write(page, document, all);
    coverage(page, &document.coverage);
    cost(page, &document.overhead, document.wall_ns, all);
    notes(page, &document.coverage, all);
    if !all {
        hints::write(page, document, costs);
    }
}

/// What went wrong, then what is to be known.
fn notes(page: &mut Page, coverage: &Coverage, all: bool) {
    let problems = coverage.problems.iter().map(|text| (text, Style::Warning));
    let notes = coverage.notes.iter().map(|text| (text, Style::Plain));
    let notes: Vec<(&String, Style)> = problems.chain(notes).collect();
    let most = if all { notes.len() } else { NOTES };
    for (text, style) in notes.iter().take(most) {
        page.flow(label("note"), TEXT, " ", Piece::words(text, *style));
    }
    more(page, notes.len(), most, ("note", "notes"));
}

pub(super) fn label(name: &str) -> Piece {
    Piece::new(&format!(" {name:<width$}", width = TEXT - 1), Style::Faint)
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

fn cost(page: &mut Page, overhead: &Overhead, wall_ns: u64, all: bool) {
    let mut parts = vec![units::counted(overhead.switches, "switch", "switches") + " seen"];
    if let Some(runs) = overhead
        .probe_runs
        .filter(|_| all || overhead.probe_ns.is_some())
    {
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
