//! Ticks as plain tables, one after another, as `top -b` prints them: for files, pipes and
//! people who read them later. Nothing in them is for a screen.

use super::columns::{cell, layout};
use super::filter::Filter;
use super::head::head;
use super::moment::Moment;
use super::rows::{Arrangement, Rows, arrange};
use super::text::{Text, line, piece, render};
use super::words;
use crate::document::top::Tick;
use crate::view::{color::Style, sanitize, units};

/// How a table is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Its width, in columns of a terminal.
    pub width: usize,
    /// With colours.
    pub color: bool,
    /// Which tasks, in which order.
    pub arrangement: Arrangement,
}

/// The width of a table that goes to a pipe or file, in columns.
pub const WIDTH: usize = 512;

impl Options {
    /// A table of the tasks that pass a filter, most urgent first.
    pub fn new(width: usize, color: bool, filter: Filter, show_idle: bool) -> Options {
        let arrangement = Arrangement {
            filter,
            show_idle,
            ..Arrangement::default()
        };
        Options {
            width,
            color,
            arrangement,
        }
    }
}

/// The table of a tick, with an empty line behind it.
pub fn tick(tick: Tick, options: &Options) -> String {
    let moment = Moment::new(std::rc::Rc::new(tick), None);
    let rows = arrange(&moment, &options.arrangement);
    table(&moment, &rows, options)
}

/// The same of what is arranged already.
pub(super) fn table(moment: &Moment, rows: &Rows, options: &Options) -> String {
    let Options {
        width,
        color,
        arrangement: how,
    } = options;
    let (width, color) = (*width, *color);
    let tick = &moment.tick;
    let status = words::tick(tick);
    let mut out = String::new();
    for text in head(tick, line(status, Style::Plain), width) {
        render(&mut out, &text, color);
    }
    out.push('\n');
    for text in list(moment, rows, how, width) {
        render(&mut out, &text, color);
    }
    if rows.idle > 0 {
        let idle = units::counted(rows.idle as u64, "idle task is", "idle tasks are");
        render(
            &mut out,
            &line(format!("{idle} not shown"), Style::Faint),
            color,
        );
    }
    out.push('\n');
    out
}

/// Titles and lines, no column wider than what stands in it.
fn list(moment: &Moment, rows: &Rows, how: &Arrangement, width: usize) -> Vec<Text> {
    let columns = layout(width, moment.needs.arranged(how), 0);
    let titles = columns.iter().map(|(column, width)| {
        let title = sanitize::fit(column.title, *width);
        piece(title, Style::Faint)
    });
    let mut table = vec![titles.collect::<Text>()];
    table.extend(rows.list.iter().map(|row| {
        let line = rows.line(moment, row);
        let cells = columns.iter().map(|(column, width)| {
            let (text, style) = cell(&line, column.id, *width);
            piece(text, style)
        });
        cells.collect()
    }));
    let widest = |at: usize| {
        table
            .iter()
            .map(move |row| sanitize::width(&row[at].text))
            .max()
    };
    let layout: Vec<(bool, usize)> = columns
        .iter()
        .enumerate()
        .map(|(at, (column, _))| (column.right, widest(at).unwrap_or(0)))
        .collect();
    table.into_iter().map(|row| aligned(row, &layout)).collect()
}

fn aligned(row: Text, layout: &[(bool, usize)]) -> Text {
    let mut text = Text::new();
    for (cell, (right, width)) in row.into_iter().zip(layout) {
        let pad = " ".repeat(width.saturating_sub(sanitize::width(&cell.text)));
        let gap = if text.is_empty() { "" } else { " " };
        let (before, behind) = if *right {
            (pad, String::new())
        } else {
            (String::new(), pad)
        };
        text.push(piece(format!("{gap}{before}"), Style::Plain));
        text.push(cell);
        text.push(piece(behind, Style::Plain));
    }
    text
}
