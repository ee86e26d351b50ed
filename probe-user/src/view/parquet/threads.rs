//! `threads` and `groups`.

use super::{
    column::{Column, int, number, text, texts},
    sums::{self, Account},
};
use crate::document::{Document, Exit, Group, Sums, Thread};

/// A thread.
pub(super) struct Row<'a> {
    number: usize,
    thread: &'a Thread,
    group: Option<&'a Group>,
}

impl<'a> Account<'a> for Row<'a> {
    fn sums(&self) -> &'a Sums {
        &self.thread.sums
    }
}

/// `exit_code` of an end.
pub(super) fn exit_code(exit: Option<Exit>) -> Option<i64> {
    match exit? {
        Exit::Code(code) => number(code),
        Exit::Signal(_) => None,
    }
}

/// `exit_signal` of an end.
pub(super) fn exit_signal(exit: Option<Exit>) -> Option<i64> {
    match exit? {
        Exit::Code(_) => None,
        Exit::Signal(signal) => number(signal),
    }
}

pub(super) fn columns<'a>() -> Vec<Column<'a, Row<'a>>> {
    let own = vec![
        int("thread", |row: &Row<'a>| number(row.number)),
        int("tid", |row| number(row.thread.tid)),
        int("pid", |row| number(row.thread.pid?)),
        int("process", |row| number(row.thread.process?)),
        int("ppid", |row| number(row.thread.ppid?)),
        int("creator", |row| number(row.thread.creator?)),
        int("group_id", |row| number(row.thread.group)),
        text("group_name", |row| Some(row.group?.name.as_str())),
        text("comm", |row| Some(row.thread.comm.as_str())),
        text("role", |row| Some(row.thread.role.as_str())),
        texts("argv", |row| {
            Some(row.thread.argv.as_slice()).filter(|argv| !argv.is_empty())
        }),
        int("start_ns", |row| number(row.thread.start_ns)),
        int("end_ns", |row| number(row.thread.end_ns)),
        int("exit_code", |row| exit_code(row.thread.exit)),
        int("exit_signal", |row| exit_signal(row.thread.exit)),
    ];
    let latency = vec![
        int("latency_total_ns", |row: &Row<'a>| {
            number(row.thread.runqueue_latency.as_ref()?.total_ns)
        }),
        int("latency_p99_ns", |row| {
            number(row.thread.runqueue_latency.as_ref()?.p99_ns)
        }),
        int("latency_max_ns", |row| {
            number(row.thread.runqueue_latency.as_ref()?.max_ns)
        }),
    ];
    own.into_iter()
        .chain(sums::columns())
        .chain(latency)
        .collect()
}

pub(super) fn rows(document: &Document) -> impl Iterator<Item = Row<'_>> {
    let threads = document.threads.iter().enumerate();
    threads.map(|(number, thread)| Row {
        number,
        thread,
        group: document.groups.get(thread.group),
    })
}

/// `groups`.
pub(super) mod groups {
    use super::*;

    /// A group.
    pub(in super::super) struct Row<'a> {
        number: usize,
        group: &'a Group,
    }

    impl<'a> Account<'a> for Row<'a> {
        fn sums(&self) -> &'a Sums {
            &self.group.sums
        }
    }

    pub(in super::super) fn columns<'a>() -> Vec<Column<'a, Row<'a>>> {
        let own = vec![
            int("group_id", |row: &Row<'a>| number(row.number)),
            text("group_name", |row| Some(row.group.name.as_str())),
            int("threads", |row| number(row.group.threads)),
            text("runtime", |row| row.group.runtime.as_deref()),
            int("critical_path_ns", |row| {
                number(row.group.critical_path_ns?)
            }),
        ];
        own.into_iter().chain(sums::columns()).collect()
    }

    pub(in super::super) fn rows(document: &Document) -> impl Iterator<Item = Row<'_>> {
        let groups = document.groups.iter().enumerate();
        groups.map(|(number, group)| Row { number, group })
    }
}
