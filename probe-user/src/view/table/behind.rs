//! What was behind the waits of a budget, below its sum.

use super::page::{Page, Piece};
use crate::document::Sums;
use crate::view::behind;
use crate::view::color::Style;
use crate::view::units;

/// A block for every wait kind behind which there is more than its waker.
pub(super) fn write(page: &mut Page, sums: &Sums, depth: usize, all: bool) {
    for block in behind::behind(sums, all) {
        let indent = " ".repeat(3 + 2 * depth);
        let heading = format!("{indent}behind {} ({})", block.kind, units::time(block.ns));
        page.line(vec![Piece::new(&heading, Style::Faint)]);
        for mut row in block.rows {
            row.depth += depth;
            page.row(row);
        }
    }
}
