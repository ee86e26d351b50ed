//! Text of other processes on its way to a terminal.
//!
//! A `comm`, an argument or a file name may hold anything. What could move the
//! cursor, recolour, reorder or hide becomes a visible escape (`\x1b`,
//! `\u{202e}`); all else stays as it is. A backslash is left alone, so an
//! escape may be imitated, but that only ever shows more than there is.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// Marks on one base character beyond which they are noise that climbs into
/// other lines. Real orthographies stay within.
const MARKS: usize = 2;

/// `text` without anything that a terminal obeys. Idempotent.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    // A mark without a base would sit on our own text: none is granted.
    let mut marks = MARKS;
    for c in text.chars() {
        let mark = c.width() == Some(0);
        marks = if mark { marks + 1 } else { 0 };
        if is_hostile(c) || (mark && marks > MARKS) {
            escape(&mut out, c);
            marks = 0;
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a terminal, or a reader, could be misled by this character:
/// controls, direction controls, invisible characters and separators.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Columns that sanitised text takes: the sum over its characters. Some
/// terminals join characters and need less, none need more.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(1)).sum()
}

/// Sanitised text cut to `columns`, the last of which then is `…`. Never
/// parts a character from its marks.
pub fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if text.len() <= columns || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(1);
        used > room
    });
    let kept = &text[..end.map_or(text.len(), |(at, _)| at)];
    Cow::Owned(format!("{kept}…"))
}

/// Sanitised text cut to `columns` in its middle: of a name both ends matter
/// (`very-long-pro…server-name`). Never parts a character from its marks.
pub fn fit_middle(text: &str, columns: usize) -> Cow<'_, str> {
    let all = width(text);
    if all <= columns {
        return Cow::Borrowed(text);
    }
    let Some(room) = columns.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let head = fit(text, room.div_ceil(2) + 1);
    let (tail, mut dropped) = (room / 2, 0);
    let begin = text.char_indices().find(|(_, c)| {
        let own = c.width().unwrap_or(1);
        // A mark belongs to the character before it.
        let is_begin = all - dropped <= tail && own > 0;
        dropped += own;
        is_begin
    });
    let tail = begin.map_or("", |(at, _)| &text[at..]);
    Cow::Owned(format!("{head}{tail}"))
}

fn escape(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Writing to a String cannot fail.
        c if u32::from(c) < 0x100 => drop(write!(out, "\\x{:02x}", u32::from(c))),
        c => drop(write!(out, "\\u{{{:x}}}", u32::from(c))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_obeys_becomes_visible() {
        let cases = [
            ("git index-pack", "git index-pack"),
            ("kworker/0:1-\\x", "kworker/0:1-\\x"),
            ("a\u{1b}[31mred", "a\\x1b[31mred"),
            ("\u{1b}]0;title\u{7}", "\\x1b]0;title\\x07"),
            ("one\ntwo\r\tthree\0", "one\\ntwo\\r\\tthree\\x00"),
            (
                "del\u{7f} csi\u{9b}1m nel\u{85}",
                "del\\x7f csi\\x9b1m nel\\x85",
            ),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            (
                "\u{2066}a\u{2069}\u{61c}\u{200f}",
                "\\u{2066}a\\u{2069}\\u{61c}\\u{200f}",
            ),
            (
                "a\u{200b}b\u{feff}\u{2028}\u{ad}",
                "a\\u{200b}b\\u{feff}\\u{2028}\\xad",
            ),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("lossy \u{fffd}", "lossy \u{fffd}"),
            ("日本 ünïcödé", "日本 ünïcödé"),
            ("e\u{301}\u{323} ok", "e\u{301}\u{323} ok"),
            ("e\u{301}\u{301}\u{301}", "e\u{301}\u{301}\\u{301}"),
            ("\u{301}first", "\\u{301}first"),
            ("\u{1b}\u{301}", "\\x1b\u{301}"),
        ];
        for (input, expect) in cases {
            assert_eq!(text(input), expect, "{input:?}");
        }
    }

    #[test]
    fn fit_cuts_between_characters_and_says_so() {
        let cases = [
            ("do_wait", 7, "do_wait"),
            ("do_wait", 6, "do_wa…"),
            ("do_wait", 1, "…"),
            ("do_wait", 0, ""),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("e\u{301}e\u{301}e\u{301}", 3, "e\u{301}e\u{301}e\u{301}"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ];
        for (input, columns, expect) in cases {
            assert_eq!(fit(input, columns), expect, "{input:?} in {columns}");
        }
    }

    #[test]
    fn fit_middle_keeps_both_ends() {
        let cases = [
            ("do_wait", 7, "do_wait"),
            ("do_wait", 6, "do_…it"),
            ("do_wait", 5, "do…it"),
            ("do_wait", 2, "d…"),
            ("do_wait", 1, "…"),
            ("do_wait", 0, ""),
            ("日本語", 5, "日…語"),
            ("日本語", 4, "日…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("aae\u{301}", 2, "a…"),
            ("aaae\u{301}", 3, "a…e\u{301}"),
            (
                "very-long-program-or-server-name",
                26,
                "very-long-pro…-server-name",
            ),
        ];
        for (input, columns, expect) in cases {
            assert_eq!(fit_middle(input, columns), expect, "{input:?} in {columns}");
        }
    }

    proptest! {
        #[test]
        fn sanitised_text_is_harmless_and_stays_so(input in any::<String>(), columns in 0_usize..40) {
            let once = text(&input).into_owned();
            prop_assert!(!once.chars().any(is_hostile), "{once:?}");
            prop_assert_eq!(text(&once), once.as_str());
            prop_assert!(width(&fit(&once, columns)) <= columns);
            prop_assert!(width(&fit_middle(&once, columns)) <= columns);
        }
    }
}
