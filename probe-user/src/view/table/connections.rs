//! Connections that the tree made: what went wrong with them, by destination.

use std::net::SocketAddr;

use probe_common::loss::Loss;

use super::calls::at_least;
use super::foot::{TEXT, label, more};
use super::page::{Page, Piece};
use crate::document::{Connection, Document, Fates, Group};
use crate::view::color::Style;
use crate::view::units;
use crate::vocabulary::WaitKind;

/// Destinations that are named.
const MOST: usize = 4;

/// To be connected takes long from here on, ns.
const SLOW_NS: u64 = 100_000_000;

/// A line per destination that there is something to say of, or all.
pub(super) fn write(page: &mut Page, document: &Document, all: bool) {
    let connections = document.connections.as_deref().unwrap_or_default();
    let listed = connections.iter().filter(|c| all || is_notable(c));
    let listed: Vec<&Connection> = listed.collect();
    let most = if all { listed.len() } else { MOST };
    let has_lost = document.coverage.has_lost(Loss::Connection);
    for (at, connection) in listed.iter().take(most).enumerate() {
        let label = label(if at == 0 { "connections" } else { "" });
        page.flow(label, TEXT, ", ", sentence(connection, has_lost));
    }
    more(page, listed.len(), most, ("destination", "destinations"));
    let first = if listed.is_empty() { "connections" } else { "" };
    if let Some(text) = full_unix_queues(&document.groups) {
        let piece = Piece::new(&text, Style::Warning);
        page.flow(label(first), TEXT, ", ", vec![piece]);
    }
}

/// Waits in connect(2) until a Unix listener's queue has room; the kernel function names
/// those that took long enough for a look at their stack.
fn full_unix_queues(groups: &[Group]) -> Option<String> {
    let waits = groups.iter().flat_map(|group| &group.sums.waits);
    let at_full = waits.filter(|wait| {
        let function = wait.function.as_deref();
        wait.kind == WaitKind::SocketConnect && function == Some("unix_wait_for_peer")
    });
    let (mut count, mut ns) = (0_u64, 0_u64);
    for wait in at_full {
        count = count.saturating_add(wait.count);
        ns = ns.saturating_add(wait.total_ns);
    }
    (count > 0).then(|| {
        let waits = units::counted(count, "wait", "waits");
        format!(
            "{waits}, {} together, for room in the queues of Unix listeners",
            units::time(ns)
        )
    })
}

fn is_notable(connection: &Connection) -> bool {
    let is_slow = connection.connect.p99_ns >= SLOW_NS;
    connection.fates.alarming() > 0 || connection.syn_retransmits > 0 || is_slow
}

/// `96 to 127.0.0.1:9418: 14 unanswered, 14.2 s lost to 14 SYN retransmissions, 82 served,
/// connected within 1.02 s (p99)`.
fn sentence(connection: &Connection, has_lost: bool) -> Vec<Piece> {
    let count = |n| at_least(n, has_lost);
    let place = match connection.remote {
        Some(address) => SocketAddr::new(address, connection.port).to_string(),
        None => format!("port {}", connection.port),
    };
    let head = format!("{} to {place}: ", count(connection.attempts));
    let Fates {
        served,
        refused,
        unanswered,
        closed_early,
        reset_early,
        open,
        failed,
    } = connection.fates;
    let mut parts: Vec<(String, Style)> = Vec::new();
    let mut add = |n: u64, what: &str, style| {
        if n > 0 {
            parts.push((format!("{} {what}", count(n)), style));
        }
    };
    add(refused, "refused", Style::Warning);
    add(unanswered, "unanswered", Style::Warning);
    add(reset_early, "reset early by the peer", Style::Warning);
    add(failed, "failed", Style::Warning);
    add(closed_early, &closed(connection), Style::Plain);
    add(served, "served", Style::Plain);
    add(open, "open", Style::Plain);
    if connection.syn_retransmits > 0 {
        let lost = units::time(connection.syn_wait_ns);
        let again = count(connection.syn_retransmits);
        parts.push((
            format!("{lost} lost to {again} SYN retransmissions"),
            Style::Warning,
        ));
    }
    if connection.connect.count > 0 {
        let time = units::time(connection.connect.p99_ns);
        parts.push((format!("connected within {time} (p99)"), Style::Plain));
    }
    if connection.retransmits > 0 {
        let text = format!(
            "{} later segments sent again",
            count(connection.retransmits)
        );
        parts.push((text, Style::Plain));
    }
    if let Some((text, _)) = parts.first_mut() {
        text.insert_str(0, &head);
    }
    let pieces = parts.iter().map(|(text, style)| Piece::new(text, *style));
    pieces.collect()
}

/// `closed by the peer within 1 s and 4 KiB`: no more than the fact.
fn closed(connection: &Connection) -> String {
    let Connection {
        early_end_ns,
        early_bytes,
        ..
    } = *connection;
    match early_end_ns {
        0 => "closed early by the peer".to_owned(),
        ns => {
            let (time, bytes) = (units::time(ns), units::bytes(early_bytes));
            format!("closed by the peer within {time} and {bytes}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Sums, Wait};

    #[test]
    fn connections_that_the_peer_closed_are_no_trouble() {
        let fates = Fates {
            closed_early: 300,
            ..Fates::default()
        };
        let connection = Connection {
            attempts: 300,
            port: 80,
            fates,
            early_end_ns: 1_000_000_000,
            early_bytes: 4096,
            ..Connection::default()
        };
        assert!(!is_notable(&connection));
        let text = |connection: &Connection| {
            let mut page = Page::new(200, true);
            page.flow(label(""), TEXT, ", ", sentence(connection, false));
            page.render()
        };
        let fact = text(&connection);
        let expect = "300 to port 80: 300 closed by the peer within 1.00 s and 4.0 KiB";
        assert!(fact.contains(expect), "{fact}");
        assert!(!fact.contains("33m"), "{fact}");
        let reset = Connection {
            fates: Fates {
                reset_early: 1,
                ..fates
            },
            ..connection
        };
        assert!(is_notable(&reset) && text(&reset).contains("33m"));
    }

    #[test]
    fn connections_waits_at_full_unix_listeners_are_added_up() {
        let wait = |kind, function: &str| Wait {
            kind,
            function: Some(function.to_owned()),
            count: 3,
            total_ns: 1_800_000_000,
            ..Wait::default()
        };
        let group = |waits| Group {
            sums: Sums {
                waits,
                ..Sums::default()
            },
            ..Group::default()
        };
        let groups = [
            group(vec![
                wait(WaitKind::SocketConnect, "unix_wait_for_peer"),
                wait(WaitKind::SocketConnect, "inet_wait_for_connect"),
                wait(WaitKind::SocketSend, "unix_wait_for_peer"),
            ]),
            group(Vec::new()),
        ];
        let text = full_unix_queues(&groups).expect("there are some");
        assert!(text.starts_with("3 waits, 1.80 s together, for"), "{text}");
        assert_eq!(full_unix_queues(&groups[1..]), None);
    }
}
