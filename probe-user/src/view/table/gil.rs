//! How long the interpreter lock was held, below the rows of the waits.

use super::page::{Page, Piece};
use crate::document::Sums;
use crate::view::color::Style;
use crate::view::units;

/// `gil  held ≥ 481 ms while others waited, handed over 118 times`.
pub(super) fn write(page: &mut Page, sums: &Sums, depth: usize) {
    let Some(gil) = &sums.gil else { return };
    let label = Piece::new(&format!("{:1$}gil", "", 2 * depth), Style::Faint);
    let held = format!("held ≥ {} while others waited", units::time(gil.held_ns));
    let times = units::counted(gil.hand_overs, "time", "times");
    let pieces = [held, format!("handed over {times}")];
    let pieces = pieces.iter().map(|piece| Piece::plain(piece)).collect();
    page.beside(label, ", ", pieces);
}
