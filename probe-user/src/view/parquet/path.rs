//! `hops`: the critical path, and those of processes attached to.

use super::column::{Column, int, number, text};
use crate::document::{Document, Hop};

/// A hop.
pub(super) struct Row<'a> {
    path: usize,
    hop: &'a Hop,
}

pub(super) fn columns<'a>() -> Vec<Column<'a, Row<'a>>> {
    vec![
        int("path", |row: &Row<'a>| number(row.path)),
        int("from_ns", |row| number(row.hop.from_ns)),
        int("to_ns", |row| number(row.hop.to_ns)),
        int("ns", |row| {
            number(row.hop.to_ns.checked_sub(row.hop.from_ns)?)
        }),
        int("thread", |row| number(row.hop.thread)),
        int("tid", |row| number(row.hop.tid?)),
        int("pid", |row| number(row.hop.pid?)),
        text("group_name", |row| row.hop.name.as_deref()),
        text("kind", |row| Some(row.hop.wait?.as_str())),
        text("cause", |row| Some(row.hop.cause.as_str())),
        text("cause_detail", |row| row.hop.detail.as_deref()),
    ]
}

pub(super) fn rows(document: &Document) -> impl Iterator<Item = Row<'_>> {
    let paths = document.critical_path.iter();
    let paths = paths.chain(document.critical_paths.iter().flatten());
    let paths = paths.enumerate();
    paths.flat_map(|(path, of)| of.hops.iter().map(move |hop| Row { path, hop }))
}
