//! What was behind the waits of a budget, below its sum.

use super::page::{Page, Piece};
use crate::view::behind::{Behind, describe_row};
use crate::view::color::Style;
use crate::view::units;

/// The causes of a kind are one if one of them is all but such a part.
const PARTS: u64 = 100;

/// A block for every kind of waits; in one line where there is but one cause.
pub(super) fn write(page: &mut Page, blocks: Vec<Behind>, depth: usize, all: bool) {
    for block in blocks {
        let indent = " ".repeat(3 + 2 * depth);
        let unit = block.unit();
        let heading = format!("{indent}behind {}", block.kind);
        if !all && is_one(&block) {
            let first = &block.rows[0];
            let share = units::share(first.ns, block.ns).unwrap_or_default();
            let text = format!("{heading}: {} {share}", describe_row(first));
            page.line(vec![Piece::new(&text, Style::Faint)]);
            continue;
        }
        let heading = format!("{heading} ({})", unit.time(block.ns));
        page.line(vec![Piece::new(&heading, Style::Faint)]);
        for mut row in block.rows {
            row.depth += depth;
            page.row(row);
        }
    }
}

/// Lines that it takes.
pub(super) fn lines(block: &Behind) -> usize {
    match is_one(block) {
        true => 1,
        false => 1 + block.rows.len(),
    }
}

fn is_one(block: &Behind) -> bool {
    let first = block.rows.first();
    first.is_some_and(|row| units::is_below(block.ns.saturating_sub(row.ns), block.ns, PARTS))
}
