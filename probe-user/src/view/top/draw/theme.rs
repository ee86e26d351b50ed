//! Styles on a screen: sixteen colours, or none.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style as Look};

use crate::view::color::Style;
use crate::view::sanitize;
use crate::view::top::text::Piece;

/// How styles look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    pub(super) has_colors: bool,
}

impl Theme {
    pub(super) fn look(self, style: Style) -> Look {
        let look = Look::new();
        let (look, color) = match style {
            Style::Plain => return look,
            Style::Strong => return look.add_modifier(Modifier::BOLD),
            Style::Faint => return look.add_modifier(Modifier::DIM),
            Style::Bar => (look, Color::Cyan),
            Style::Warning => (look, Color::Yellow),
            Style::Alarm => (look.add_modifier(Modifier::BOLD), Color::Red),
        };
        if self.has_colors {
            look.fg(color)
        } else {
            look
        }
    }

    /// Titles of columns and pages.
    pub(super) fn title(self) -> Look {
        Look::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// Draws a line, at most so many columns of it.
    pub(super) fn text(self, buffer: &mut Buffer, x: u16, y: u16, columns: u16, text: &[Piece]) {
        let (mut x, mut rest) = (x, columns);
        for piece in text {
            let cut = sanitize::fit(&piece.text, rest.into());
            let (end, _) = buffer.set_stringn(x, y, &cut, rest.into(), self.look(piece.style));
            rest = rest.saturating_sub(end - x);
            x = end;
        }
    }
}
