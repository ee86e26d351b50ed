//! The few colours there are. Colour only repeats what the text says.

/// What a piece of text is, not how it looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Data.
    #[default]
    Plain,
    /// The name that a reader looks for.
    Strong,
    /// Titles and what only repeats or supports.
    Faint,
    /// Bars.
    Bar,
    /// Worth a look: lower bounds, notes, failed workers.
    Warning,
    /// The numbers cannot be trusted.
    Alarm,
}

impl Style {
    /// Parameters of the SGR sequence; `None` for text as it is. Only colours
    /// of the terminal's own palette, so that every theme stays readable.
    fn parameters(self) -> Option<&'static str> {
        match self {
            Style::Plain => None,
            Style::Strong => Some("1"),
            Style::Faint => Some("2"),
            Style::Bar => Some("36"),
            Style::Warning => Some("33"),
            Style::Alarm => Some("1;31"),
        }
    }
}

/// Appends `text` in its style; bare when `color` is off.
pub fn paint(out: &mut String, text: &str, style: Style, color: bool) {
    match style.parameters() {
        Some(parameters) if color && !text.is_empty() => {
            out.extend(["\x1b[", parameters, "m", text, "\x1b[0m"]);
        }
        _ => out.push_str(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_closed_after_each_piece_and_absent_when_off() {
        let cases = [
            (Style::Alarm, true, "LOST", "\x1b[1;31mLOST\x1b[0m"),
            (Style::Alarm, false, "LOST", "LOST"),
            (Style::Plain, true, "x", "x"),
            (Style::Strong, true, "", ""),
        ];
        for (style, color, text, expect) in cases {
            let mut out = String::new();
            paint(&mut out, text, style, color);
            assert_eq!(out, expect);
        }
    }
}
