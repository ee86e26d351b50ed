//! `processes`.

use std::collections::BTreeMap;

use super::column::{Column, int, number, text, texts};
use crate::document::{Document, Memory, Thread};

/// A process.
pub(super) struct Row<'a> {
    process: usize,
    /// Its first thread, if that was seen, or else the earliest that was.
    first: &'a Thread,
    threads: usize,
    start_ns: u64,
    end_ns: u64,
    memory: Option<&'a Memory>,
}

pub(super) fn columns<'a>() -> Vec<Column<'a, Row<'a>>> {
    vec![
        int("process", |row: &Row<'a>| number(row.process)),
        int("pid", |row| number(row.first.pid?)),
        int("ppid", |row| number(row.first.ppid?)),
        text("comm", |row| Some(row.first.comm.as_str())),
        texts("argv", |row| {
            Some(row.first.argv.as_slice()).filter(|argv| !argv.is_empty())
        }),
        int("threads", |row| number(row.threads)),
        int("start_ns", |row| number(row.start_ns)),
        int("end_ns", |row| number(row.end_ns)),
        int("rss_peak_bytes", |row| number(row.memory?.rss_peak?)),
        int("private_bytes", |row| number(row.memory?.private_peak?)),
        int("kernel_stack_bytes", |row| {
            number(row.memory?.kernel_stack?)
        }),
    ]
}

pub(super) fn rows(document: &Document) -> impl Iterator<Item = Row<'_>> {
    let mut threads: BTreeMap<usize, Vec<&Thread>> = BTreeMap::new();
    for thread in &document.threads {
        if let Some(process) = thread.process {
            threads.entry(process).or_default().push(thread);
        }
    }
    let mut of_pid: BTreeMap<u32, usize> = BTreeMap::new();
    for threads in threads.values() {
        if let Some(pid) = threads.first().and_then(|first| first.pid) {
            *of_pid.entry(pid).or_default() += 1;
        }
    }
    let rows = threads.into_iter();
    rows.filter_map(move |(process, threads)| {
        let is_leader = |thread: &&&Thread| thread.pid == Some(thread.tid);
        let first = threads.iter().find(is_leader).or(threads.first())?;
        // A pid that several had says of none whose memory it was.
        let pid = first.pid.filter(|pid| of_pid.get(pid) == Some(&1));
        let memory = document.memory.iter().flatten();
        Some(Row {
            process,
            first,
            threads: threads.len(),
            start_ns: threads.iter().map(|it| it.start_ns).min()?,
            end_ns: threads.iter().map(|it| it.end_ns).max()?,
            memory: memory.into_iter().find(|memory| Some(memory.pid) == pid),
        })
    })
}
