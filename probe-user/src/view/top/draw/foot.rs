//! The last line: what is typed, what went wrong, how the list is arranged, which keys there are.

use ratatui::{Frame, layout::Rect};

use super::theme::Theme;
use crate::view::color::Style;
use crate::view::top::columns::COLUMNS;
use crate::view::top::filter::FilterError;
use crate::view::top::input::Input;
use crate::view::top::model::{Mode, Model, Page};
use crate::view::top::text::{Text, flow, line, piece, width};
use crate::view::{sanitize, units};

/// What the last line offers, as far as there is room.
const LIST: &str = "? help  \\ filter  / search  F6 sort  t tree  g group  i idle  space freeze  \
                    enter detail  b blame  c so far  w write  q quit";
const PAGE: &str = "q back  ↑ ↓ scroll  b blame  c so far  space freeze  [ ] step  ? help";
const SORT: &str = "sort by: ↑ ↓ and enter, esc: as it was";
const WRITE: &str = "write: s what is on the screen, r the kept ticks for --replay, esc: nothing";

impl Model {
    pub(super) fn draw_foot(&self, frame: &mut Frame, area: Rect, theme: Theme) {
        match &self.mode {
            Mode::Filter(input, error, _) => {
                typed(frame, area, theme, "filter: ", input, error.as_ref())
            }
            Mode::Search(input, _) => typed(frame, area, theme, "search: ", input, None),
            Mode::Sort(_) => draw(frame, area, theme, line(SORT, Style::Plain)),
            Mode::Write => draw(frame, area, theme, line(WRITE, Style::Plain)),
            Mode::Plain => draw(frame, area, theme, self.plain(area.width.into())),
        }
        if let (Mode::Search(..), Some(message)) = (&self.mode, &self.message) {
            say_right(frame, area, theme, message, Style::Warning);
        }
    }

    fn plain(&self, columns: usize) -> Text {
        if let Some(message) = &self.message {
            return line(sanitize::text(message), Style::Warning);
        }
        let (how, offered) = match self.page {
            Page::List => (self.arrangement(columns / 2), LIST),
            _ => (Text::new(), PAGE),
        };
        let parts = [self.part_seen(), how];
        let mut text = flow(parts.to_vec(), columns)
            .into_iter()
            .next()
            .unwrap_or_default();
        let mut rest = columns.saturating_sub(width(&text));
        for (at, offer) in offered.split("  ").enumerate() {
            let gap = if at == 0 && text.is_empty() { "" } else { "  " };
            let Some(left) = rest.checked_sub(sanitize::width(offer) + gap.len()) else {
                break;
            };
            rest = left;
            text.push(piece(format!("{gap}{offer}"), Style::Faint));
        }
        text
    }

    /// `41-80 of 212`, if that is not all.
    fn part_seen(&self) -> Text {
        let (first, lines) = match self.page {
            Page::List => (self.list.first, self.rows.list.len()),
            _ => (self.scroll, self.lines),
        };
        let last = lines.min(first + self.list.height);
        match last - first.min(last) < lines && last > first {
            true => line(
                format!("{}-{last} of {}", first + 1, units::count(lines as u64)),
                Style::Plain,
            ),
            false => Text::new(),
        }
    }

    /// `filter age>5s, by kind, sorted by user`: what is not as it is at the beginning.
    fn arrangement(&self, columns: usize) -> Text {
        let how = &self.how;
        let filter = (!how.filter.is_empty()).then(|| {
            format!(
                "filter {}",
                sanitize::fit_middle(&sanitize::text(&self.filter_text), columns)
            )
        });
        let sort = how.sort.map(|id| match how.reversed {
            false => format!("sorted by {}", COLUMNS[id as usize].title),
            true => format!("sorted by {} (reversed)", COLUMNS[id as usize].title),
        });
        let reversed = (how.sort.is_none() && how.reversed).then(|| "reversed".to_owned());
        let tree = (how.tree && how.group.is_none()).then(|| "tree".to_owned());
        let group = how.group.map(|by| format!("by {}", by.word()));
        let idle = how.show_idle.then(|| "idle shown".to_owned());
        let parts: Vec<String> = [filter, group, tree, sort, reversed, idle]
            .into_iter()
            .flatten()
            .collect();
        match parts.is_empty() {
            true => Text::new(),
            false => line(parts.join(", "), Style::Strong),
        }
    }
}

fn draw(frame: &mut Frame, area: Rect, theme: Theme, text: Text) {
    theme.text(frame.buffer_mut(), area.x, area.y, area.width, &text);
}

/// What is typed, its end in view, the error marked and said behind it.
fn typed(
    frame: &mut Frame,
    area: Rect,
    theme: Theme,
    title: &str,
    input: &Input,
    error: Option<&FilterError>,
) {
    let (before, behind) = input.parts();
    let columns = usize::from(area.width);
    let message = error.map_or(0, |error| sanitize::width(&error.message) + 3);
    // What is said of an error gives way, but not to a third of the line.
    let room = columns.saturating_sub(title.len() + 1);
    let room = room.saturating_sub(message).max(room / 3 * 2);
    let before_text = sanitize::text(before);
    let skipped = sanitize::width(&before_text).saturating_sub(room);
    let shown = skip(&before_text, skipped);
    let cursor = title.len() + sanitize::width(shown);
    let text = vec![
        piece(title, Style::Faint),
        piece(shown, Style::Plain),
        piece(sanitize::text(behind), Style::Plain),
    ];
    draw(frame, area, theme, text);
    let cursor = u16::try_from(cursor)
        .unwrap_or(u16::MAX)
        .min(area.width - 1);
    frame.set_cursor_position((area.x + cursor, area.y));
    if let Some(error) = error {
        mark(frame, area, theme, (title.len(), skipped), input, error);
        say_right(frame, area, theme, &error.message, Style::Alarm);
    }
}

/// Marks the place of an error.
fn mark(
    frame: &mut Frame,
    area: Rect,
    theme: Theme,
    (title, skipped): (usize, usize),
    input: &Input,
    error: &FilterError,
) {
    let place = |at: usize| {
        let before = input.text().get(..at).unwrap_or(input.text());
        (title + sanitize::width(&sanitize::text(before)))
            .saturating_sub(skipped)
            .max(title)
    };
    let (from, to) = (place(error.span.start), place(error.span.end));
    let from = u16::try_from(from).unwrap_or(u16::MAX).min(area.width - 1);
    let columns = u16::try_from(to)
        .unwrap_or(u16::MAX)
        .min(area.width)
        .saturating_sub(from);
    let marked = Rect {
        x: area.x + from,
        width: columns.max(1),
        ..area
    };
    let look = theme
        .look(Style::Alarm)
        .add_modifier(ratatui::style::Modifier::UNDERLINED);
    frame.buffer_mut().set_style(marked, look);
}

fn say_right(frame: &mut Frame, area: Rect, theme: Theme, message: &str, style: Style) {
    let message = sanitize::text(message).into_owned();
    let message = sanitize::fit(&message, usize::from(area.width / 2));
    let width = u16::try_from(sanitize::width(&message)).unwrap_or(area.width);
    let text = [piece(" ", style), piece(message, style)];
    let x = area.right().saturating_sub(width + 1);
    theme.text(frame.buffer_mut(), x, area.y, width + 1, &text);
}

/// A text without its first columns.
fn skip(text: &str, columns: usize) -> &str {
    let mut passed = 0;
    let begin = text.char_indices().find(|(_, c)| {
        let is_begin = passed >= columns;
        passed += sanitize::width(c.encode_utf8(&mut [0; 4]));
        is_begin
    });
    begin.map_or("", |(at, _)| &text[at..])
}
