//! What a report on a terminal may consist of.

/// Characters that a report must not contain: controls but the line feed, and
/// those that turn the direction of writing.
pub fn harmful(text: &str) -> Vec<char> {
    let is_harmful = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}')
            || ('\u{202a}'..='\u{202e}').contains(c)
            || ('\u{2066}'..='\u{2069}').contains(c)
    };
    text.chars().filter(is_harmful).collect()
}

/// The text without colours. Any other escape sequence stays in.
pub fn without_colour(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let is_parameter = |c: char| c.is_ascii_digit() || c == ';';
        match after.find(|c| !is_parameter(c)) {
            Some(end) if after[end..].starts_with('m') => rest = &after[end + 1..],
            _ => {
                out.push_str("\u{1b}[");
                rest = after;
            }
        }
    }
    out + rest
}

/// Lines wider than `columns`. The report has one-column characters only.
pub fn too_wide(text: &str, columns: usize) -> Vec<&str> {
    text.lines()
        .filter(|line| line.chars().count() > columns)
        .collect()
}

/// The lines that are messages: all but hints and empty ones.
pub fn sentences(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("hint:"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{harmful, without_colour};

    #[test]
    fn colours_are_removed_and_nothing_else() {
        assert_eq!(without_colour("a\u{1b}[1;31mb\u{1b}[0mc"), "abc");
        assert_eq!(without_colour("\u{1b}[2Jx"), "\u{1b}[2Jx");
        assert_eq!(without_colour("\u{1b}]0;t\u{7}"), "\u{1b}]0;t\u{7}");
    }

    #[test]
    fn controls_and_direction_marks_are_harmful() {
        assert_eq!(harmful("plain ▎ ≥ text\n"), []);
        assert_eq!(
            harmful("\u{1b}\u{7f}\u{9b}\u{202e}\r"),
            ['\u{1b}', '\u{7f}', '\u{9b}', '\u{202e}', '\r']
        );
    }
}
