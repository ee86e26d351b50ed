//! Lines of styled text: what pages and the header are made of before a screen or a file
//! draws them. Sanitised.

use crate::view::color::{Style, paint};
use crate::view::sanitize;

/// A stretch of one style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

/// A line.
pub type Text = Vec<Piece>;

/// A piece.
pub fn piece(text: impl Into<String>, style: Style) -> Piece {
    let text = text.into();
    Piece { text, style }
}

/// A line of one piece.
pub fn line(text: impl Into<String>, style: Style) -> Text {
    vec![piece(text, style)]
}

/// Columns that a line takes.
pub fn width(text: &[Piece]) -> usize {
    text.iter().map(|piece| sanitize::width(&piece.text)).sum()
}

/// Parts one after another, two columns apart, on as few lines as have room for them. A part
/// that is wider than a line is cut.
pub fn flow(parts: Vec<Text>, columns: usize) -> Vec<Text> {
    const GAP: usize = 2;
    let mut lines: Vec<Text> = Vec::new();
    for part in parts.into_iter().filter(|part| width(part) > 0) {
        match lines.last_mut() {
            Some(last) if width(last) + GAP + width(&part) <= columns => {
                last.push(piece(" ".repeat(GAP), Style::Plain));
                last.extend(part);
            }
            _ => lines.push(cut(part, columns)),
        }
    }
    lines
}

/// A line without what is beyond so many columns.
pub fn cut(text: Text, columns: usize) -> Text {
    let mut rest = columns;
    let mut kept = Vec::with_capacity(text.len());
    for Piece { text, style } in text {
        let wide = sanitize::width(&text);
        kept.push(piece(sanitize::fit(&text, rest), style));
        rest = rest.saturating_sub(wide);
        if rest == 0 {
            break;
        }
    }
    kept
}

/// A line as plain text, or with colours.
pub fn render(out: &mut String, text: &[Piece], color: bool) {
    let from = out.len();
    for piece in text {
        paint(out, &piece.text, piece.style, color);
    }
    out.truncate(from + out[from..].trim_end_matches(' ').len());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_text_flows_and_what_is_too_wide_is_cut() {
        let parts = ["alpha", "beta", "a long one", "", "z"];
        let parts = || parts.map(|part| line(part, Style::Plain)).to_vec();
        let check = |columns, expect: &[&str]| {
            let mut out = String::new();
            for line in flow(parts(), columns) {
                render(&mut out, &line, false);
            }
            assert_eq!(out.lines().collect::<Vec<_>>(), expect, "{columns}");
        };
        check(40, &["alpha  beta  a long one  z"]);
        check(13, &["alpha  beta", "a long one  z"]);
        check(4, &["alp…", "beta", "a l…", "z"]);
    }
}
