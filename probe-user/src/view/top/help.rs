//! What `?` shows.

use super::text::{Text, line, piece};
use super::words::SORTS;
use crate::view::color::Style;

/// Each key, as people know it, and what it does.
pub const KEYS: [(&str, &str); 24] = [
    ("↑ ↓ k j", "one line up or down; the wheel too"),
    ("PgUp PgDn", "a page; Home, End: the first, the last"),
    ("← → h l", "other columns; of a group: close, open"),
    ("enter", "a task in detail; a group: open or close"),
    ("esc q", "back to the list; q there: end"),
    ("/", "search; n N: the next, the one before"),
    ("\\ F4", "filter: kind:futex age>5s and not idle"),
    ("F6", "sort by a column, chosen from a list"),
    ("< >", "sort by the column to the left, right"),
    ("r", "turn the order round"),
    ("u", "the most urgent first again"),
    ("t F5", "as a tree: threads and children below"),
    (
        "g",
        "in groups: process, kind, object, cause, container, user",
    ),
    ("i", "show those that idle, too"),
    ("c", "times of the interval, or since the start"),
    ("b", "blame of the task or group, then of all"),
    ("space", "hold the picture still; again: go on"),
    ("[ ]", "step back and forth through what is kept"),
    ("w s", "write what is on the screen"),
    ("w r", "write the kept ticks, for --replay"),
    ("ctrl-l", "draw all anew"),
    ("ctrl-z", "to the shell; fg comes back"),
    ("? F1", "this"),
    ("q F10", "end"),
];

/// The page.
pub fn help() -> Vec<Text> {
    let mut lines = vec![line("keys", Style::Faint)];
    let row = |name: &str, says: &str| {
        vec![
            piece(format!("  {name:<10}  "), Style::Strong),
            piece(says, Style::Plain),
        ]
    };
    lines.extend(KEYS.iter().map(|(key, does)| row(key, does)));
    lines.push(row("!", "before a name: in a deadlock, or behind one"));
    lines.push(Text::new());
    lines.push(line(
        "letters of the bar: each its part of the time",
        Style::Faint,
    ));
    lines.extend(
        SORTS
            .iter()
            .map(|(letter, says)| row(&letter.to_string(), says)),
    );
    lines.push(Text::new());
    lines.push(line(
        "filters: conditions side by side must all hold",
        Style::Faint,
    ));
    let filters = [
        ("nginx", "in any text of a task"),
        ("kind:pipe", "in the kind; = is it, ~ fits a pattern with *"),
        ("age>5s", "longer than; also >= < <= = !="),
        ("a or b", "and, not and parentheses as elsewhere"),
        ("\"a b\"", "one word"),
    ];
    lines.extend(filters.iter().map(|(filter, says)| row(filter, says)));
    lines.push(row(
        "fields",
        "pid tid user container comm command state kind",
    ));
    lines.push(row("", "object function cause waker age idle"));
    lines
}
