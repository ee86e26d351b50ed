//! What processes and threads cost: memory, and the time until they run.

use std::cmp::Reverse;

use super::foot::{TEXT, label, more};
use super::page::{Page, Piece};
use crate::document::{Document, Memory, Start, Starts};
use crate::view::sanitize;
use crate::view::units;

/// Processes that are worth a line by what they have together, bytes.
const LARGE: u64 = 1 << 30;
/// Columns of a name.
const NAME: usize = 30;

/// A line for all of them where they are large, one for each with `all`, and how long new
/// ones took to run.
pub(super) fn write(page: &mut Page, document: &Document, all: bool) {
    let rows = document.memory.as_deref().unwrap_or_default();
    let known = || rows.iter().filter_map(|row| Some((row, row.rss_peak?)));
    if all || together(rows) >= LARGE {
        let mut rows: Vec<(&Memory, u64)> = known().collect();
        rows.sort_by_key(|&(row, rss)| (Reverse(rss), row.pid));
        let named = if all { rows.len() } else { 1 };
        for (at, row) in rows.iter().take(named).enumerate() {
            let name = label(if at == 0 { "memory" } else { "" });
            page.flow(name, TEXT, ", ", process(row.0, row.1));
        }
        more(page, rows.len(), named, ("process", "processes"));
    }
    if let Some(starts) = document.starts.as_ref().filter(|_| all) {
        page.flow(label("starts"), TEXT, ", ", until_they_ran(starts));
    }
}

/// What they had at least: the largest, and what of each other one nobody else had. Pages that
/// several share count once.
fn together(rows: &[Memory]) -> u64 {
    let known = rows.iter().enumerate();
    let known = known.filter_map(|(at, row)| Some((row.rss_peak?, at)));
    let Some((largest, of)) = known.max() else {
        return 0;
    };
    let others = rows.iter().enumerate().filter(|&(at, _)| at != of);
    let own = others.filter_map(|(_, row)| row.private_peak);
    own.fold(largest, u64::saturating_add)
}

/// `python3 (pid 7): 48.2 MiB resident at most, 31.0 MiB of it its own, 33 threads with 16 KiB
/// of kernel stack each`.
fn process(row: &Memory, rss_peak: u64) -> Vec<Piece> {
    let name = sanitize::text(&row.comm);
    let name = sanitize::fit_middle(&name, NAME);
    let peak = units::bytes(rss_peak);
    let mut parts = vec![format!("{name} (pid {}): {peak} resident at most", row.pid)];
    parts.extend(
        row.private_peak
            .map(|bytes| format!("{} of it its own at the end", units::bytes(bytes))),
    );
    let threads = units::counted(row.threads as u64, "thread", "threads");
    let each = if row.threads > 1 { " each" } else { "" };
    parts.extend(row.kernel_stack.map(|bytes| {
        let bytes = units::bytes(bytes);
        format!("{threads} with a kernel stack of {bytes}{each}")
    }));
    parts.iter().map(|part| Piece::plain(part)).collect()
}

/// `32 threads ran within 41.0 µs (p50)`.
fn until_they_ran(starts: &Starts) -> Vec<Piece> {
    let part = |start: &Option<Start>, one: &str, many: &str, did: &str| {
        let start = start.as_ref()?;
        let count = units::counted(start.count, one, many);
        let [p50, p99] = [start.p50_ns, start.p99_ns].map(units::time);
        Some(format!("{count} {did} within {p50} (p50), {p99} (p99)"))
    };
    let parts = [
        part(&starts.thread, "thread", "threads", "ran"),
        part(&starts.process, "process", "processes", "ran"),
        part(&starts.program, "program", "programs", "ran exec"),
    ];
    let parts = parts.iter().flatten();
    parts.map(|part| Piece::plain(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_shared_counts_once() {
        let check = |rows: &[(Option<u64>, Option<u64>)], expect| {
            let row = |&(rss_peak, private_peak)| Memory {
                rss_peak,
                private_peak,
                ..Memory::default()
            };
            let rows: Vec<Memory> = rows.iter().map(row).collect();
            assert_eq!(together(&rows), expect, "{rows:?}");
        };
        check(&[], 0);
        check(&[(None, None), (None, None)], 0);
        check(&[(Some(700), None), (Some(700), None), (None, None)], 700);
        check(
            &[
                (Some(9), Some(8)),
                (Some(700), Some(600)),
                (Some(30), Some(2)),
            ],
            710,
        );
        check(&[(Some(u64::MAX), None), (Some(9), Some(9))], u64::MAX);
    }

    #[test]
    fn memory_is_said_for_large_processes_and_wraps() {
        let large = Memory {
            pid: 7,
            comm: "server-with-a-nam".to_owned(),
            rss_peak: Some(2 << 30),
            private_peak: Some(1 << 30),
            threads: 22,
            kernel_stack: Some(16 << 10),
            ..Memory::default()
        };
        let text = |width| {
            let document = Document {
                memory: Some(vec![large.clone()]),
                ..Document::default()
            };
            let mut page = Page::new(width, false);
            write(&mut page, &document, false);
            page.render()
        };
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert!(text(200).contains("22 threads with a kernel stack of 16.0 KiB each"));
        for width in [50, 60, 80] {
            let narrow = text(width);
            assert_eq!(words(&narrow), words(&text(200)), "{narrow}");
            assert!(narrow.lines().all(|line| sanitize::width(line) <= width));
        }
    }
}
