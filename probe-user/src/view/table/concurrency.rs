//! How much went on at once, in one sentence.

use super::foot::{TEXT, label};
use super::page::{Page, Piece};
use crate::document::{Concurrency, Document, Latency, Level, Machine, Wakes};
use crate::view::color::Style;
use crate::view::units;

/// `running 1.8 of 2 CPUs on average (p99 2, max 2), runnable 3.1 (…), …`; what stands in
/// parentheses, and how many wake-ups there were at once, only with `all`.
pub(super) fn write(page: &mut Page, document: &Document, all: bool) {
    let Some(concurrency) = &document.concurrency else {
        return;
    };
    let pieces = sentence(concurrency, document, all);
    page.flow(label("concurrency"), TEXT, " ", pieces);
}

/// Part of the sentence; what stands in parentheses stays together.
struct Part {
    text: String,
    tail: Option<String>,
}

impl Part {
    fn plain(text: String) -> Part {
        Part { text, tail: None }
    }

    /// `runnable 3.1 (p99 9, max 17)`, with `rest` before the parenthesis.
    fn of(name: &str, level: &Level, rest: &str) -> Part {
        let mean = units::mean(level.total_ns, level.over_ns).unwrap_or_default();
        let (p99, max) = (units::count(level.p99), units::count(level.max));
        Part {
            text: format!("{name} {mean}{rest}"),
            tail: Some(format!("(p99 {p99}, max {max})")),
        }
    }

    /// Its pieces, the last of them with what follows it.
    fn pieces(self, behind: &str) -> Vec<Piece> {
        let Some(tail) = self.tail else {
            return Piece::words(&(self.text + behind), Style::Plain);
        };
        let mut pieces = Piece::words(&self.text, Style::Plain);
        pieces.push(Piece::plain(&(tail + behind)));
        pieces
    }
}

fn sentence(concurrency: &Concurrency, document: &Document, all: bool) -> Vec<Piece> {
    let mut parts = parts(concurrency, document, all);
    let last = parts.pop();
    let mut pieces: Vec<Piece> = parts.into_iter().flat_map(|p| p.pieces(",")).collect();
    pieces.extend(last.into_iter().flat_map(|part| part.pieces("")));
    pieces
}

fn parts(concurrency: &Concurrency, document: &Document, all: bool) -> Vec<Part> {
    let Concurrency {
        running,
        runnable,
        blocked,
        unknown,
        processes,
        wakes,
    } = concurrency;
    let cpus = match document.host.cpus {
        0 => String::new(),
        n => format!(" of {}", units::counted(n.into(), "CPU", "CPUs")),
    };
    let outside = outside(document.machine.as_ref());
    let mut parts = vec![
        Part::of("running", running, &format!("{cpus} on average{outside}")),
        Part::of("runnable", runnable, ""),
        Part::of("blocked", blocked, ""),
    ];
    if unknown.max > 0 {
        parts.push(Part::of("unknown", unknown, ""));
    }
    if document.processes > 1 {
        let (all, most) = (document.processes as u64, processes.max);
        let all = units::counted(all, "process", "processes");
        let most = units::count(most);
        parts.push(Part::plain(match document.left_out_threads {
            None => format!("{all}, {most} at once"),
            // Those that are listed are not all that there were.
            Some(_) => format!("{most} processes at once"),
        }));
    }
    parts.extend(wakeups(wakes, all));
    if !all {
        parts.iter_mut().for_each(|part| part.tail = None);
    }
    parts
}

/// What tasks outside the tree took of the CPUs meanwhile, ` (outside tasks 0.2 more)`.
fn outside(machine: Option<&Machine>) -> String {
    let mean = machine.and_then(|machine| units::mean(machine.outside_cpu_ns, machine.over_ns));
    match mean.filter(|mean| mean != "0.0") {
        Some(mean) => format!(" (outside tasks {mean} more)"),
        None => String::new(),
    }
}

/// `41 wake-ups per ms at most, run-queue latency p99 3.20 ms in bursts, 400 µs
/// between`.
fn wakeups(wakes: &Wakes, all: bool) -> Vec<Part> {
    if wakes.count == 0 {
        return Vec::new();
    }
    let most = units::counted(wakes.max_per_ms, "wake-up", "wake-ups");
    let mut parts = match all {
        true => vec![Part::plain(format!("{most} per ms at most"))],
        false => Vec::new(),
    };
    let p99 = |latency: &Latency| units::time(latency.p99_ns);
    let inside = wakes.latency_inside.as_ref().map(p99);
    let outside = wakes.latency_outside.as_ref().map(p99);
    let latency = match (inside, outside) {
        (Some(inside), Some(outside)) => format!("{inside} in bursts, {outside} between"),
        (Some(inside), None) => format!("{inside} in bursts"),
        (None, Some(outside)) => outside,
        (None, None) => return parts,
    };
    parts.push(Part::plain(format!("run-queue latency p99 {latency}")));
    parts
}
