//! `waits`: finished waits, as sums per thread and place.

use super::column::{Column, bool, int, number, text, texts};
use crate::document::{Document, Group, Thread, Wait};

/// What one thread waited at one place.
pub(super) struct Row<'a> {
    number: usize,
    thread: &'a Thread,
    group: Option<&'a Group>,
    wait: &'a Wait,
}

pub(super) fn columns<'a>() -> Vec<Column<'a, Row<'a>>> {
    vec![
        int("thread", |row: &Row<'a>| number(row.number)),
        int("tid", |row| number(row.thread.tid)),
        int("pid", |row| number(row.thread.pid?)),
        int("group_id", |row| number(row.thread.group)),
        text("group_name", |row| Some(row.group?.name.as_str())),
        text("kind", |row| Some(row.wait.kind.as_str())),
        text("syscall", |row| row.wait.syscall.as_deref()),
        text("function", |row| row.wait.function.as_deref()),
        text("object", |row| row.wait.object.as_deref()),
        text("peer", |row| row.wait.peer.as_deref()),
        texts("stack", |row| {
            Some(row.wait.stack.as_slice()).filter(|stack| !stack.is_empty())
        }),
        bool("idle", |row| row.wait.idle),
        int("count", |row| number(row.wait.count)),
        int("total_ns", |row| number(row.wait.total_ns)),
        int("max_ns", |row| number(row.wait.max_ns)),
        int("begun_before", |row| number(row.wait.begun_before)),
    ]
}

pub(super) fn rows(document: &Document) -> impl Iterator<Item = Row<'_>> {
    let threads = document.threads.iter().enumerate();
    threads.flat_map(move |(number, thread)| {
        thread.sums.waits.iter().map(move |wait| Row {
            number,
            thread,
            group: document.groups.get(thread.group),
            wait,
        })
    })
}
