//! The columns of a difference and how wide they are, once for all blocks: names are cut
//! last, behind columns that say less.

use comfy_table::CellAlignment;

use crate::view::{
    color::Style,
    sanitize,
    table::{
        layout::{SEPARATOR, borderless},
        page::Piece,
    },
};

/// Spaces between columns.
const GAP: usize = 2;
/// Spaces before the first.
const MARGIN: usize = 1;
/// The first column is cut to this before others are dropped.
const NAME: usize = 34;
/// And to this before columns are dropped that say more.
const NAME_LESS: usize = 24;
/// And to this at last.
const NAME_LEAST: usize = 12;
/// When the last columns give way.
const MOST: u8 = 4;
/// When the column does that says what a difference is.
const FINDING: u8 = 3;

/// Columns: titles, and which give way first.
pub(super) const COLUMNS: [(&str, Option<u8>); COUNT] = [
    ("", None),
    ("A", Some(MOST)),
    ("A runs", Some(0)),
    ("B", Some(MOST)),
    ("B runs", Some(0)),
    ("difference", None),
    ("of it", Some(2)),
    ("waits", Some(1)),
    ("", Some(FINDING)),
];

/// How many there are.
pub(super) const COUNT: usize = 9;

/// A line of cells.
pub(super) type Cells = [(String, Style); COUNT];

/// Widths of columns; 0 is not shown.
pub(super) struct Grid {
    widths: [usize; COUNT],
}

impl Grid {
    /// For these lines, in so many columns of a terminal.
    pub(super) fn new(lines: &[Cells], width: usize) -> Grid {
        let room = width.saturating_sub(MARGIN);
        let mut widths: [usize; COUNT] = std::array::from_fn(|at| {
            let widest = lines.iter().map(|line| sanitize::width(&line[at].0)).max();
            match widest.unwrap_or(0) {
                0 => 0,
                widest => widest.max(sanitize::width(COLUMNS[at].0)),
            }
        });
        let name = widths[0];
        widths[0] = name.min(NAME);
        for given in 0..=MOST {
            let over = total(&widths).saturating_sub(room);
            let least = match given {
                // A little less of a name is better than a column less; most of it is not, but
                // for what is said of a row.
                0..FINDING => NAME_LESS,
                _ => NAME_LEAST,
            };
            widths[0] = widths[0].saturating_sub(over).max(widths[0].min(least));
            if total(&widths) <= room {
                break;
            }
            for (at, (_, gives)) in COLUMNS.iter().enumerate() {
                if *gives == Some(given) {
                    widths[at] = 0;
                }
            }
        }
        let over = total(&widths).saturating_sub(room);
        widths[0] = widths[0].saturating_sub(over).max(NAME_LEAST.min(name));
        let free = room.saturating_sub(total(&widths));
        widths[0] = name.min(widths[0] + free);
        Grid { widths }
    }

    /// A line of titles.
    pub(super) fn titles(&self) -> Vec<Piece> {
        let titles = std::array::from_fn(|at| (COLUMNS[at].0.to_owned(), Style::Faint));
        self.draw(&titles)
    }

    /// One line. The table has no borders and wraps nothing; cells already fit.
    pub(super) fn draw(&self, cells: &Cells) -> Vec<Piece> {
        let shown: Vec<usize> = (0..COUNT).filter(|at| self.widths[*at] > 0).collect();
        let mut table = borderless();
        table.add_row(shown.iter().map(|at| "x".repeat(self.widths[*at])));
        table.add_row(shown.iter().map(|&at| {
            let text = &cells[at].0;
            let fit = if at == 0 {
                sanitize::fit_middle
            } else {
                sanitize::fit
            };
            fit(text, self.widths[at]).into_owned()
        }));
        for (column, at) in table.column_iter_mut().zip(&shown) {
            let side = match at {
                0 | 8 => CellAlignment::Left,
                _ => CellAlignment::Right,
            };
            column.set_padding((0, 0)).set_cell_alignment(side);
        }
        let line = table.lines().nth(1).unwrap_or_default();
        let mut pieces = vec![Piece::plain(&" ".repeat(MARGIN))];
        for (cell, at) in line.split(SEPARATOR).zip(&shown) {
            if *at > 0 {
                pieces.push(Piece::plain(&" ".repeat(GAP)));
            }
            pieces.push(Piece::new(cell, cells[*at].1));
        }
        pieces
    }
}

fn total(widths: &[usize; COUNT]) -> usize {
    let shown = widths.iter().filter(|width| **width > 0).count();
    widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1)
}
