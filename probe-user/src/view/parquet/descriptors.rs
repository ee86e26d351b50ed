//! `descriptors`: descriptor tables, and how many were open in them.

use super::column::{Column, bool, int, ints, number, numbers, text};
use crate::document::{Document, FdTable};

pub(super) fn columns<'a>() -> Vec<Column<'a, &'a FdTable>> {
    vec![
        int("table_id", |row: &&FdTable| number(row.id)),
        ints("pids", |row| numbers(row.processes.iter().copied())),
        ints("group_ids", |row| numbers(row.groups.iter().copied())),
        int("threads_max", |row| number(row.threads_max)),
        text("origin", |row| Some(row.origin.as_str())),
        int("from_ns", |row| number(row.from_ns)),
        int("to_ns", |row| number(row.to_ns)),
        int("soft_limit", |row| number(row.limit?)),
        bool("cut", |row| Some(row.cut)),
        int("open_first", |row| number(row.open.first)),
        int("open_last", |row| number(row.open.last)),
        int("open_peak", |row| number(row.open.peak)),
        int("open_peak_at_ns", |row| number(row.open.peak_ns)),
        bool("open_peak_exact", |row| Some(row.open.peak_exact)),
        int("inherited", |row| number(row.inherited?)),
        int("sockets", |row| number(row.by_kind.as_ref()?.socket)),
        int("pipes", |row| number(row.by_kind.as_ref()?.pipe)),
        int("files", |row| number(row.by_kind.as_ref()?.file)),
        int("ttys", |row| number(row.by_kind.as_ref()?.tty)),
        int("events", |row| number(row.by_kind.as_ref()?.event)),
        int("timers", |row| number(row.by_kind.as_ref()?.timer)),
        int("epolls", |row| number(row.by_kind.as_ref()?.epoll)),
        int("others", |row| number(row.by_kind.as_ref()?.other)),
    ]
}

pub(super) fn rows(document: &Document) -> impl Iterator<Item = &FdTable> {
    document.fd_tables.iter().flatten()
}
