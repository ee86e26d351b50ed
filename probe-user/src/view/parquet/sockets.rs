//! `sockets`: those that listen, and the connections that were made, by destination.

use super::column::{Column, bool, int, ints, number, numbers, owned, text};
use crate::document::{Connection, Document, Listener};

/// One of them.
pub(super) enum Row<'a> {
    Listener(&'a Listener),
    Connection(&'a Connection),
}

impl<'a> Row<'a> {
    fn listener(&self) -> Option<&'a Listener> {
        match self {
            Row::Listener(listener) => Some(listener),
            Row::Connection(_) => None,
        }
    }

    fn connection(&self) -> Option<&'a Connection> {
        match self {
            Row::Connection(connection) => Some(connection),
            Row::Listener(_) => None,
        }
    }
}

pub(super) fn columns<'a>() -> Vec<Column<'a, Row<'a>>> {
    let both = vec![
        text("side", |row: &Row<'a>| match row {
            Row::Listener(_) => Some("listener"),
            Row::Connection(_) => Some("connection"),
        }),
        owned("address", |row| match row {
            Row::Listener(listener) => Some(listener.address?.to_string()),
            Row::Connection(connection) => Some(connection.remote?.to_string()),
        }),
        int("port", |row| match row {
            Row::Listener(listener) => number(listener.port),
            Row::Connection(connection) => number(connection.port),
        }),
        int("family", |row| match row {
            Row::Listener(listener) => number(listener.family),
            Row::Connection(connection) => number(connection.family),
        }),
        int("netns", |row| match row {
            Row::Listener(listener) => number(listener.netns?),
            Row::Connection(connection) => number(connection.netns?),
        }),
    ];
    let both = both.into_iter().chain(of_listeners());
    both.chain(of_connections()).collect()
}

fn of_listeners<'a>() -> Vec<Column<'a, Row<'a>>> {
    vec![
        int("pid", |row: &Row<'a>| number(row.listener()?.pid?)),
        text("comm", |row| row.listener()?.comm.as_deref()),
        bool("ours", |row| Some(row.listener()?.ours)),
        bool("seen_whole", |row| Some(row.listener()?.seen_whole)),
        int("requests", |row| number(row.listener()?.requests)),
        int("accept_queue_max", |row| {
            number(row.listener()?.accept_queue_max)
        }),
        int("accept_limit", |row| number(row.listener()?.accept_limit)),
        int("syn_queue_max", |row| number(row.listener()?.syn_queue_max)),
        int("overflows", |row| number(row.listener()?.overflows)),
        int("dropped_accept", |row| {
            number(row.listener()?.dropped_accept)
        }),
        int("dropped_syn", |row| number(row.listener()?.dropped_syn)),
        int("cookies", |row| number(row.listener()?.cookies?)),
        int("full_ns", |row| number(row.listener()?.full_ns?)),
        int("first_ns", |row| number(row.listener()?.first_ns)),
        int("last_ns", |row| number(row.listener()?.last_ns)),
        ints("acceptor_tids", |row| {
            numbers(row.listener()?.acceptors.iter().copied())
        }),
    ]
}

fn of_connections<'a>() -> Vec<Column<'a, Row<'a>>> {
    vec![
        ints("group_ids", |row: &Row<'a>| {
            numbers(row.connection()?.groups.iter().copied())
        }),
        int("attempts", |row| number(row.connection()?.attempts)),
        int("served", |row| number(row.connection()?.fates.served)),
        int("refused", |row| number(row.connection()?.fates.refused)),
        int("unanswered", |row| {
            number(row.connection()?.fates.unanswered)
        }),
        int("closed_early", |row| {
            number(row.connection()?.fates.closed_early)
        }),
        int("reset_early", |row| {
            number(row.connection()?.fates.reset_early)
        }),
        int("open", |row| number(row.connection()?.fates.open)),
        int("failed", |row| number(row.connection()?.fates.failed)),
        int("connected", |row| number(row.connection()?.connect.count)),
        int("connect_total_ns", |row| {
            number(row.connection()?.connect.total_ns)
        }),
        int("connect_max_ns", |row| {
            number(row.connection()?.connect.max_ns)
        }),
        int("syn_retransmits", |row| {
            number(row.connection()?.syn_retransmits)
        }),
        int("syn_wait_ns", |row| number(row.connection()?.syn_wait_ns)),
        int("retransmits", |row| number(row.connection()?.retransmits)),
    ]
}

pub(super) fn rows(document: &Document) -> impl Iterator<Item = Row<'_>> {
    let listeners = document.listeners.iter().flatten().map(Row::Listener);
    let connections = document.connections.iter().flatten();
    listeners.chain(connections.map(Row::Connection))
}
