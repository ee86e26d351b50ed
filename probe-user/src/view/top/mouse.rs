//! What the mouse does: the wheel moves, a click on a title sorts, one on a line selects.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::model::{Mode, Model, Page};

/// Lines that a notch of the wheel moves.
const NOTCH: usize = 3;

impl Model {
    /// The mouse did something. While a line is typed it is left alone.
    pub fn on_mouse(&mut self, mouse: MouseEvent) {
        if !matches!(self.mode, Mode::Plain) {
            return;
        }
        match mouse.kind {
            MouseEventKind::ScrollDown => self.wheel(true),
            MouseEventKind::ScrollUp => self.wheel(false),
            MouseEventKind::Down(MouseButton::Left) if self.page == Page::List => {
                self.click(mouse.column, mouse.row);
            }
            _ => {}
        }
    }

    fn wheel(&mut self, down: bool) {
        let is_list = self.page == Page::List;
        let at = if is_list {
            self.list.cursor
        } else {
            self.scroll
        };
        let to = match down {
            true => at + NOTCH,
            false => at.saturating_sub(NOTCH),
        };
        match is_list {
            true => self.go(to),
            false => self.scroll = to,
        }
    }

    fn click(&mut self, column: u16, row: u16) {
        // The titles stand above the first line.
        if row + 1 == self.list.top {
            let columns = &self.list.columns;
            let hit = columns.iter().find(|(_, place)| place.contains(&column));
            if let Some((id, _)) = hit {
                self.sort_by(Some(*id));
            }
            return;
        }
        let line = row.checked_sub(self.list.top).map(usize::from);
        let line = line.filter(|line| *line < self.list.height);
        let place = line.map(|line| self.list.first + line);
        if let Some(place) = place.filter(|place| *place < self.rows.list.len()) {
            self.go(place);
        }
    }
}
