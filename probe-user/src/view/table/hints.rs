//! What to look at next, where a number says so: at most two lines, each with the option
//! that shows more.

use super::foot::{TEXT, label};
use super::page::{Page, Piece};
use crate::document::{CriticalPath, Document, Hop, Thread};
use crate::view::color::Style;
use crate::view::order::Cost;
use crate::view::units;
use crate::vocabulary::{CauseKind, WaitKind};

/// A hop of at least such a part of the path is worth a look at its thread.
const PARTS: u64 = 5;

/// The hints.
pub(super) fn write(page: &mut Page, document: &Document, costs: &[Cost]) {
    let hints = [longest_hop(document), uneven(document, costs)];
    for (number, option) in hints.into_iter().flatten() {
        let mut pieces = Piece::words(&format!("{number}:"), Style::Plain);
        pieces.push(Piece::plain(&option));
        page.flow(label("hint"), TEXT, " ", pieces);
    }
}

/// `37 % of the critical path are one hop in git fetch: --explain 3456`.
fn longest_hop(document: &Document) -> Option<(String, String)> {
    let path = document.critical_path.as_ref()?;
    let length = |hop: &Hop| hop.to_ns.saturating_sub(hop.from_ns);
    let hop = path.hops.iter().max_by_key(|hop| length(hop))?;
    let CriticalPath { from_ns, to_ns, .. } = *path;
    let life_ns = to_ns.saturating_sub(from_ns);
    let is_long = !units::is_below(length(hop), life_ns, PARTS) && life_ns > 0;
    let is_alone = document.threads.len() < 2 || document.explained.is_some();
    // A pause has no story, nor has a wait for orders.
    let is_plain = matches!(
        hop.cause,
        CauseKind::Open | CauseKind::Timer | CauseKind::Signal
    ) || hop.wait == Some(WaitKind::Signal);
    if !is_long || is_alone || is_plain {
        return None;
    }
    let share = units::percent(length(hop), life_ns)?;
    let (tid, name) = (hop.tid?, hop.name.as_deref()?);
    let did = match hop.wait {
        Some(kind) => format!("one {kind} wait of {name}"),
        None => format!("one stretch of {name}"),
    };
    let number = format!("{share} of the critical path was {did}");
    Some((number, format!("--explain {tid}")))
}

/// `one of 8 threads of python3 computed 61 % of what they all did: --per-thread`.
fn uneven(document: &Document, costs: &[Cost]) -> Option<(String, String)> {
    let first = costs.first()?;
    let in_group = |thread: &&Thread| thread.group == first.index;
    let on_cpu = document.threads.iter().filter(in_group);
    let (mut most_ns, mut sum_ns, mut count) = (0, 0, 0);
    for ns in on_cpu.map(|thread| thread.sums.on_cpu_ns) {
        (most_ns, sum_ns, count) = (ns.max(most_ns), ns.saturating_add(sum_ns), count + 1);
    }
    // Twice its share, and enough to be felt.
    let is_uneven = count > 1 && u128::from(most_ns) * count >= u128::from(sum_ns) * 2;
    if !is_uneven || units::is_below(most_ns, document.wall_ns, 10) {
        return None;
    }
    let share = units::percent(most_ns, sum_ns)?;
    let name = &first.group.name;
    let number = format!("one of {count} threads of {name} computed {share} of what all did");
    Some((number, "--per-thread".to_owned()))
}
