//! The columns of a budget, as data: what each is called and how a [`Row`]
//! fills it. Texts come out sanitised and no wider than asked.

use super::color::Style;
use super::merge::Named;
use super::rows::{Row, State};
use super::sanitize;
use super::units;

/// The widest bar, in columns.
pub const BAR_WIDTH: usize = 16;

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its title; every share names its whole.
    pub title: &'static str,
    /// Numbers stand to the right.
    pub right: bool,
    /// Its text for a row in at most that many columns.
    pub text: fn(&Row, usize) -> String,
    /// How that text looks.
    pub style: fn(&Row) -> Style,
}

/// How many there are.
pub const COUNT: usize = 7;

/// All of them, in order.
pub const COLUMNS: [Column; COUNT] = [
    Column {
        title: "where",
        right: false,
        text: label,
        style: label_style,
    },
    Column {
        title: "in",
        right: false,
        text: place,
        style: plain,
    },
    Column {
        title: "time",
        right: true,
        text: time,
        style: time_style,
    },
    Column {
        title: "of sum",
        right: true,
        text: share,
        style: plain,
    },
    Column {
        title: "",
        right: false,
        text: bar,
        style: |_| Style::Bar,
    },
    Column {
        title: "count",
        right: true,
        text: count,
        style: plain,
    },
    Column {
        title: "woken by",
        right: false,
        text: woken,
        style: plain,
    },
];

/// Positions in [`COLUMNS`].
pub const WHERE: usize = 0;
/// See [`WHERE`].
pub const IN: usize = 1;
/// See [`WHERE`].
pub const SHARE: usize = 3;
/// See [`WHERE`].
pub const BAR: usize = 4;
/// See [`WHERE`].
pub const WAITS: usize = 5;
/// See [`WHERE`].
pub const WOKEN: usize = 6;

fn label(row: &Row, width: usize) -> String {
    let indented = "  ".repeat(row.depth) + &sanitize::text(&row.label);
    sanitize::fit(&indented, width).into_owned()
}

fn place(row: &Row, width: usize) -> String {
    row.place
        .as_ref()
        .map_or_else(String::new, |place| named(place, width))
}

fn time(row: &Row, width: usize) -> String {
    let bound = if row.lower_bound { "≥ " } else { "" };
    sanitize::fit(&format!("{bound}{}", units::time_aligned(row.ns)), width).into_owned()
}

fn share(row: &Row, width: usize) -> String {
    let share = units::share(row.ns, row.whole_ns).unwrap_or_default();
    sanitize::fit(&share, width).into_owned()
}

fn bar(row: &Row, width: usize) -> String {
    units::bar(row.ns, row.whole_ns, width.min(BAR_WIDTH))
}

fn count(row: &Row, width: usize) -> String {
    let count = row.count.map(units::count).unwrap_or_default();
    sanitize::fit(&count, width).into_owned()
}

fn woken(row: &Row, width: usize) -> String {
    row.woken
        .as_ref()
        .map_or_else(String::new, |woken| named(woken, width))
}

/// The name is cut, not the `+n` behind it: that there are more must show.
fn named(named: &Named, width: usize) -> String {
    let more = match named.more {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    let name = sanitize::text(&named.text);
    if more.len() >= width {
        return sanitize::fit(&name, width).into_owned();
    }
    sanitize::fit(&name, width - more.len()).into_owned() + &more
}

fn plain(row: &Row) -> Style {
    match row.state {
        State::Lost => Style::Alarm,
        State::Other => Style::Faint,
        _ => Style::Plain,
    }
}

fn label_style(row: &Row) -> Style {
    match row.state {
        State::Lost => Style::Alarm,
        State::Cause => Style::Plain,
        State::Other => Style::Faint,
        _ => Style::Strong,
    }
}

fn time_style(row: &Row) -> Style {
    if row.lower_bound {
        Style::Warning
    } else {
        plain(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_name_keeps_its_count_of_others() {
        let cases = [
            ("exit of git index-pack", 0, 40, "exit of git index-pack"),
            ("exit of git index-pack", 2, 40, "exit of git index-pack +2"),
            ("exit of git index-pack", 2, 14, "exit of gi… +2"),
            ("exit of git index-pack", 2, 3, "ex…"),
            ("a\u{1b}[2J", 0, 40, "a\\x1b[2J"),
            ("a\u{1b}[2J", 1, 8, "a\\x1… +1"),
        ];
        for (text, more, width, expect) in cases {
            assert_eq!(
                named(
                    &Named {
                        text: text.to_owned(),
                        more
                    },
                    width
                ),
                expect
            );
        }
    }
}
