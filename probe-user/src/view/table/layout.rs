//! Which columns the budgets have and how wide they are, once per report.
//!
//! Every column starts as wide as its widest cell. Where that is too much,
//! columns give way, in an order: the bar first, which says no more than the share does,
//! then the tail of `woken by`; kind, function and time last of all.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::page::Piece;
use crate::view::color::Style;
use crate::view::columns::{BAR, BAR_WIDTH, COLUMNS, COUNT, IN, SHARE, WAITS, WHERE, WOKEN};
use crate::view::rows::Row;
use crate::view::sanitize;

/// Spaces before the first column.
pub(super) const MARGIN: usize = 3;
/// Spaces between columns.
pub(super) const GAP: usize = 2;

/// Between cells of a drawn line. A control character, so in no cell.
pub(in crate::view) const SEPARATOR: char = '\u{1f}';
/// No cell is measured beyond this.
const WIDEST_CELL: usize = 200;

/// How far a column gives way.
enum Floor {
    Columns(usize),
    /// To its widest function, or so many columns: only stacks are cut.
    Names(usize),
    Gone,
}

/// From so many columns on no column but the bar is dropped: names are cut.
const WIDE: usize = 80 - MARGIN;

/// At least [`WIDE`].
const IN_WIDE: &[(usize, Floor)] = &[
    (WOKEN, Floor::Columns(32)),
    (IN, Floor::Names(36)),
    (BAR, Floor::Columns(6)),
    (BAR, Floor::Gone),
    (WOKEN, Floor::Columns(24)),
    (IN, Floor::Columns(24)),
    (WOKEN, Floor::Columns(18)),
    (IN, Floor::Columns(18)),
    (WOKEN, Floor::Columns(14)),
    (WHERE, Floor::Columns(14)),
    (WOKEN, Floor::Columns(10)),
    (IN, Floor::Columns(10)),
    // Numbers of more digits than there are.
    (WOKEN, Floor::Columns(4)),
    (IN, Floor::Columns(4)),
    (WAITS, Floor::Gone),
];

/// Narrower.
const IN_NARROW: &[(usize, Floor)] = &[
    (BAR, Floor::Gone),
    (WOKEN, Floor::Columns(20)),
    (IN, Floor::Names(24)),
    (WOKEN, Floor::Columns(14)),
    (IN, Floor::Columns(22)),
    (WAITS, Floor::Gone),
    (WOKEN, Floor::Columns(8)),
    (WOKEN, Floor::Gone),
    (SHARE, Floor::Gone),
    (IN, Floor::Columns(8)),
    (WHERE, Floor::Columns(12)),
    (IN, Floor::Gone),
    (WHERE, Floor::Columns(8)),
    // The line is cut.
    (WHERE, Floor::Columns(4)),
];

/// The widths of the columns; 0 is not shown.
pub(super) struct Layout {
    widths: [usize; COUNT],
}

impl Layout {
    /// A layout for `rows` in at most `room` columns.
    pub(super) fn new(rows: &[&Row], room: usize) -> Layout {
        let natural: [usize; COUNT] = std::array::from_fn(|at| natural_width(at, rows));
        let mut layout = Layout { widths: natural };
        let concessions = if room >= WIDE { IN_WIDE } else { IN_NARROW };
        for (at, floor) in concessions {
            let over = layout.total().saturating_sub(room);
            if over == 0 {
                break;
            }
            let width = layout.widths[*at];
            layout.widths[*at] = match floor {
                Floor::Gone => 0,
                Floor::Columns(least) => width.saturating_sub(over).max(width.min(*least)),
                Floor::Names(least) => width
                    .saturating_sub(over)
                    .max(width.min(widest_name(rows).max(*least))),
            };
        }
        layout.give_back(&natural, room);
        layout
    }

    /// Width of the first column.
    pub(super) fn label_width(&self) -> usize {
        self.widths[WHERE]
    }

    /// The line of titles.
    pub(super) fn titles(&self) -> Vec<Piece> {
        let titles = std::array::from_fn(|at| fitted(COLUMNS[at].title, self.widths[at]));
        let line = self.align(&[titles]).pop().unwrap_or_default();
        line.iter()
            .map(|cell| Piece::new(cell, Style::Faint))
            .collect()
    }

    /// One line of cells per row.
    pub(super) fn draw(&self, rows: &[&Row]) -> Vec<Vec<Piece>> {
        let cells: Vec<[String; COUNT]> = rows.iter().map(|row| self.cells(row)).collect();
        let lines = self.align(&cells).into_iter();
        lines
            .zip(rows)
            .map(|(line, row)| self.styled(&line, row))
            .collect()
    }

    fn cells(&self, row: &Row) -> [String; COUNT] {
        std::array::from_fn(|at| match self.widths[at] {
            0 => String::new(),
            width => (COLUMNS[at].text)(row, width),
        })
    }

    fn styled(&self, line: &[String], row: &Row) -> Vec<Piece> {
        let shown = (0..COUNT).filter(|at| self.widths[*at] > 0);
        let styles = shown.map(|at| (COLUMNS[at].style)(row));
        line.iter()
            .zip(styles)
            .map(|(cell, style)| Piece::new(cell, style))
            .collect()
    }

    /// Shown cells padded to their columns. The table has no borders and is
    /// set to wrap nothing; cells already fit.
    fn align(&self, rows: &[[String; COUNT]]) -> Vec<Vec<String>> {
        let shown: Vec<usize> = (0..COUNT).filter(|at| self.widths[*at] > 0).collect();
        let mut table = borderless();
        // A first row of full width, so that titles alone come out as wide.
        table.add_row(shown.iter().map(|at| "x".repeat(self.widths[*at])));
        for row in rows {
            table.add_row(shown.iter().map(|at| row[*at].as_str()));
        }
        for (column, at) in table.column_iter_mut().zip(&shown) {
            let right = COLUMNS[*at].right;
            let side = if right {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            };
            column.set_padding((0, 0)).set_cell_alignment(side);
        }
        let lines = table.lines().skip(1);
        lines
            .map(|line| line.split(SEPARATOR).map(str::to_owned).collect())
            .collect()
    }

    fn total(&self) -> usize {
        let shown = self.widths.iter().filter(|width| **width > 0).count();
        self.widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1)
    }

    /// What a dropped column left over goes to those that were cut.
    fn give_back(&mut self, natural: &[usize; COUNT], room: usize) {
        for at in [WOKEN, IN] {
            let free = room.saturating_sub(self.total());
            if self.widths[at] > 0 {
                self.widths[at] = natural[at].min(self.widths[at] + free);
            }
        }
    }
}

/// Of the widest cell or the title; 0 when no row has anything in the column.
fn natural_width(at: usize, rows: &[&Row]) -> usize {
    let column = &COLUMNS[at];
    // Not the longest bar there is, but the whole it is a part of.
    if at == BAR {
        return if rows.is_empty() { 0 } else { BAR_WIDTH };
    }
    let widths = rows
        .iter()
        .map(|row| sanitize::width(&(column.text)(row, WIDEST_CELL)));
    match widths.max() {
        None | Some(0) => 0,
        Some(width) => width.max(column.title.len()),
    }
}

/// Of the functions; of a stack its innermost frame counts, and a `…`.
fn widest_name(rows: &[&Row]) -> usize {
    let widths = rows.iter().map(|row| {
        let text = (COLUMNS[IN].text)(row, WIDEST_CELL);
        match text.split_once(" < ") {
            Some((innermost, _)) if row.stack => sanitize::width(innermost) + 1,
            _ => sanitize::width(&text),
        }
    });
    widths.max().unwrap_or(0)
}

fn fitted(text: &str, width: usize) -> String {
    sanitize::fit(text, width).into_owned()
}
/// A table that wraps nothing; between the cells of a drawn line stands [`SEPARATOR`].
pub(in crate::view) fn borderless() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.style_mut().content_lines.junction = Some(SEPARATOR);
    table
}
