//! Listening sockets: how long their queues were, and whether they overflowed.

use std::net::SocketAddr;

use probe_common::loss::Loss;

use super::calls::at_least;
use super::foot::{TEXT, label, more};
use super::page::{Page, Piece};
use crate::document::{Coverage, Document, Listener};
use crate::view::color::Style;
use crate::view::units;

/// Listeners that are named.
const MOST: usize = 8;

/// One line per listener.
pub(super) fn write(page: &mut Page, document: &Document, all: bool) {
    let listeners = document.listeners.as_deref().unwrap_or_default();
    let most = if all { listeners.len() } else { MOST };
    for (at, listener) in listeners.iter().take(most).enumerate() {
        let label = label(if at == 0 { "listeners" } else { "" });
        let pieces = sentence(listener, &document.coverage);
        page.flow(label, TEXT, ", ", pieces);
    }
    more(page, listeners.len(), most, ("listener", "listeners"));
}

/// `127.0.0.1:9418: queue 3 of 128 at most, no overflow, 96 requests`.
fn sentence(listener: &Listener, coverage: &Coverage) -> Vec<Piece> {
    let has_lost = coverage.has_lost(Loss::Request);
    let count = |n| at_least(n, has_lost);
    let limit = listener.accept_limit;
    let queue = |most: u32| match has_lost {
        true => format!("queue ≥ {} of {limit}", units::count(most.into())),
        false => format!("queue {} of {limit} at most", units::count(most.into())),
    };
    let mut parts = vec![Piece::plain(&format!(
        "{}: {}",
        name(listener),
        queue(listener.accept_queue_max)
    ))];
    parts.push(match listener.overflows {
        0 if has_lost => Piece::plain("no overflow seen"),
        0 => Piece::plain("no overflow"),
        n => Piece::new(&format!("{} dropped by overflow", count(n)), Style::Warning),
    });
    // A limit of 0 is reached by a queue of none.
    if listener.syn_queue_max > 0 && (listener.syn_full > 0 || listener.syn_at_limit > 0) {
        let text = format!("SYN {}", queue(listener.syn_queue_max));
        parts.push(Piece::new(&text, Style::Warning));
    }
    let requests = units::counted(listener.requests, "request", "requests");
    let mark = if has_lost { "≥ " } else { "" };
    parts.push(Piece::plain(&format!("{mark}{requests}")));
    parts
}

fn name(listener: &Listener) -> String {
    let (family, port) = (listener.family, listener.port);
    match listener.address {
        Some(address) => SocketAddr::new(address, port).to_string(),
        None => format!("family {family} port {port}"),
    }
}
