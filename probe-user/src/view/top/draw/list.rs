//! The list: titles, and the lines that are seen.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::theme::Theme;
use crate::view::color::Style;
use crate::view::sanitize;
use crate::view::top::columns::{COLUMNS, Column, Line, cell, layout};
use crate::view::top::model::Model;
use crate::view::top::text::{flow, line};

type Columns = Vec<(Column, usize)>;

impl Model {
    pub(super) fn draw_list(&mut self, buffer: &mut Buffer, area: Rect, theme: Theme) {
        let columns = layout(
            area.width.into(),
            self.moment.needs.arranged(&self.how),
            self.list.shift,
        );
        let lines = Rect {
            y: area.y + 1,
            height: area.height.saturating_sub(1),
            ..area
        };
        self.note_places(&columns, lines);
        self.titles(buffer, area, &columns, theme);
        let seen = self.rows.list.iter().enumerate();
        let seen = seen.skip(self.list.first).take(self.list.height);
        for (y, (place, row)) in (lines.y..).zip(seen) {
            let line = self.rows.line(&self.moment, row);
            draw_line(
                buffer,
                Rect {
                    y,
                    height: 1,
                    ..lines
                },
                &columns,
                &line,
                theme,
            );
            if place == self.list.cursor {
                let selected = Rect {
                    y,
                    height: 1,
                    ..lines
                };
                buffer.set_style(selected, Modifier::REVERSED);
            }
        }
        if self.rows.list.is_empty() {
            self.draw_nothing(buffer, lines, theme);
        }
    }

    /// Where things are, and which lines are seen: the selected one is.
    fn note_places(&mut self, columns: &Columns, lines: Rect) {
        let list = &mut self.list;
        list.height = lines.height.into();
        list.top = lines.y;
        list.columns.clear();
        let mut x = lines.x;
        for (column, width) in columns {
            let end = x.saturating_add(u16::try_from(*width).unwrap_or(u16::MAX));
            list.columns.push((column.id, x..end));
            x = end.saturating_add(1);
        }
        let last = (list.cursor + 1).saturating_sub(list.height.max(1));
        let lowest = self.rows.list.len().saturating_sub(list.height);
        list.first = list.first.clamp(last, list.cursor).min(lowest);
    }

    fn titles(&self, buffer: &mut Buffer, area: Rect, columns: &Columns, theme: Theme) {
        buffer.set_style(Rect { height: 1, ..area }, theme.title());
        for ((column, width), (_, place)) in columns.iter().zip(&self.list.columns) {
            let title = sanitize::fit(title(column, &self.moment.totals.is_some()), *width);
            let x = place.start + pad(column, *width, &title);
            let look = match self.how.sort == Some(column.id) {
                true => theme.title().add_modifier(Modifier::REVERSED),
                false => theme.title(),
            };
            buffer.set_stringn(x, area.y, &title, *width, look);
        }
    }

    /// Why there is no line.
    fn draw_nothing(&self, buffer: &mut Buffer, area: Rect, theme: Theme) {
        let idle = self.rows.idle;
        let why = match (self.moment.tick.tick, self.how.filter.is_empty(), idle) {
            (0, ..) => String::new(),
            (_, true, 0) => "there are no tasks".to_owned(),
            (_, true, n) => format!("all {n} tasks are idle: i shows them"),
            (_, false, 0) => "no task passes the filter".to_owned(),
            (_, false, n) => format!("all {n} tasks that pass the filter are idle: i shows them"),
        };
        let lines = flow(vec![line(why, Style::Faint)], area.width.into());
        for (y, text) in (area.y..area.bottom()).zip(lines) {
            theme.text(buffer, area.x, y, area.width, &text);
        }
    }
}

fn title(column: &Column, is_cumulative: &bool) -> &'static str {
    use crate::view::top::columns::Id;
    match column.id {
        Id::Bar if *is_cumulative => "so far",
        _ => column.title,
    }
}

fn pad(column: &Column, width: usize, text: &str) -> u16 {
    let free = width.saturating_sub(sanitize::width(text));
    let pad = if column.right { free } else { 0 };
    u16::try_from(pad).unwrap_or(0)
}

fn draw_line(buffer: &mut Buffer, area: Rect, columns: &Columns, line: &Line, theme: Theme) {
    let mut x = area.x;
    for (column, width) in columns {
        let (text, style) = cell(line, column.id, *width);
        let x_text = x + pad(column, *width, &text);
        buffer.set_stringn(x_text, area.y, &text, *width, theme.look(style));
        x = x.saturating_add(u16::try_from(*width + 1).unwrap_or(u16::MAX));
    }
}

/// The columns to sort by, over the list.
pub(super) fn sort_menu(buffer: &mut Buffer, area: Rect, at: usize, theme: Theme) {
    const WIDTH: u16 = 22;
    let titles = ["most urgent first"]
        .into_iter()
        .chain(COLUMNS.map(|column| column.title));
    let first = (at + 1).saturating_sub(area.height.into());
    for (y, (place, title)) in (area.y..area.bottom()).zip(titles.enumerate().skip(first)) {
        let menu = Rect {
            y,
            height: 1,
            width: area.width.min(WIDTH),
            ..area
        };
        buffer.set_stringn(
            menu.x,
            y,
            format!(" {title:<20}│"),
            menu.width.into(),
            theme.look(Style::Plain),
        );
        let look = match place == at {
            true => Modifier::REVERSED,
            false => Modifier::empty(),
        };
        buffer.set_style(menu, ratatui::style::Style::reset().add_modifier(look));
    }
}
