//! The model on a terminal's screen: header, list or page, last line.

mod foot;
mod list;
mod page;
mod theme;

use ratatui::{Frame, layout::Rect};

use self::theme::Theme;
use super::head::head;
use super::model::{Mode, Model, Page};
use super::text::{Text, line, piece};
use super::words;
use crate::view::color::Style;

/// Lines that the header leaves to the rest of the screen, if there are so many.
const BODY: u16 = 12;
/// Lines of the header that stay however small the screen is.
const HEAD: u16 = 1;

impl Model {
    /// Draws. What was seen where is kept for the mouse and for paging.
    pub fn draw(&mut self, frame: &mut Frame) {
        let area = frame.area();
        if area.height < 3 || area.width < 3 {
            return;
        }
        let theme = Theme {
            has_colors: self.has_colors,
        };
        let head = match self.moment.tick.tick {
            0 => vec![line("starting …", Style::Faint)],
            _ => head(&self.moment.tick, self.status(), area.width.into()),
        };
        let room = area.height.saturating_sub(BODY).max(HEAD);
        let lines = u16::try_from(head.len()).unwrap_or(room).min(room);
        for (y, text) in (0..lines).zip(&head) {
            theme.text(frame.buffer_mut(), area.x, area.y + y, area.width, text);
        }
        let body = Rect {
            y: area.y + lines,
            height: area.height - lines - 1,
            ..area
        };
        match self.page {
            Page::List => self.draw_list(frame.buffer_mut(), body, theme),
            _ => self.draw_page(frame.buffer_mut(), body, theme),
        }
        if let Mode::Sort(at) = self.mode {
            list::sort_menu(frame.buffer_mut(), body, at, theme);
        }
        let last = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        };
        self.draw_foot(frame, last, theme);
    }

    /// `tick 12, 1.00 s`; `FROZEN at tick 9, 3 back`.
    fn status(&self) -> Text {
        let mut status = self.shown();
        if self.is_replay {
            status.insert(0, piece("replay, ", Style::Strong));
        }
        status
    }

    fn shown(&self) -> Text {
        let tick = &self.moment.tick;
        let later = self.history.later(tick);
        match self.is_frozen {
            false => vec![piece(words::tick(tick), Style::Faint)],
            true if later == 0 => line(format!("FROZEN at tick {}", tick.tick), Style::Warning),
            true => line(
                format!("FROZEN at tick {}, {later} back", tick.tick),
                Style::Warning,
            ),
        }
    }
}
