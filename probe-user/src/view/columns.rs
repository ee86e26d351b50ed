//! The columns of a budget, as data: what each is called and how a [`Row`]
//! fills it. Texts come out sanitised and no wider than asked.

use std::borrow::Cow;

use super::color::Style;
use super::merge::Named;
use super::rows::{Row, State};
use super::sanitize;
use super::units;
use crate::vocabulary::WaitKind;

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
    sanitize::fit_middle(&indented, width).into_owned()
}

fn place(row: &Row, width: usize) -> String {
    let fit = if row.stack {
        sanitize::fit
    } else if row.label == WaitKind::Throttled.as_str() {
        with_quota
    } else {
        sanitize::fit_middle
    };
    row.place
        .as_ref()
        .map_or_else(String::new, |place| named(place, width, fit))
}

fn time(row: &Row, width: usize) -> String {
    let bound = if row.lower_bound { "≥ " } else { "" };
    sanitize::fit(&format!("{bound}{}", row.unit.time_aligned(row.ns)), width).into_owned()
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
        .map_or_else(String::new, |woken| named(woken, width, without_call))
}

/// The name is cut in its middle, not the `+n` behind it: that there are more must
/// show. A stack is cut at its outer end.
fn named(named: &Named, width: usize, fit: Fit) -> String {
    let more = match named.more {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    let name = sanitize::text(&named.text);
    if more.len() >= width {
        return fit(&name, width).into_owned();
    }
    fit(&name, width - more.len()).into_owned() + &more
}

/// Who woke matters more than in which call.
fn without_call(name: &str, width: usize) -> Cow<'_, str> {
    let who = name
        .rsplit_once(" (")
        .filter(|(_, call)| call.ends_with(')'));
    match who {
        Some((who, _)) if sanitize::width(name) > width => sanitize::fit_middle(who, width),
        _ => sanitize::fit_middle(name, width),
    }
}

/// `cgroup ba…ch: 20 ms per 100 ms`: the name is cut, and never the quota.
fn with_quota(name: &str, width: usize) -> Cow<'_, str> {
    let parts = name.rsplit_once(", quota ");
    match parts {
        Some((cgroup, quota)) if sanitize::width(name) > width && quota.len() + 2 < width => {
            let cgroup = sanitize::fit_middle(cgroup, width - quota.len() - 2);
            Cow::Owned(format!("{cgroup}: {quota}"))
        }
        _ => sanitize::fit_middle(name, width),
    }
}

type Fit = for<'a> fn(&'a str, usize) -> Cow<'a, str>;

fn plain(row: &Row) -> Style {
    match row.state {
        State::Lost => Style::Alarm,
        State::Other | State::LeftOut => Style::Faint,
        _ => Style::Plain,
    }
}

fn label_style(row: &Row) -> Style {
    match row.state {
        State::Lost => Style::Alarm,
        State::Cause => Style::Plain,
        State::Other | State::LeftOut => Style::Faint,
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
    fn a_cut_cgroup_keeps_its_quota() {
        let name = "cgroup batch-of-the-night, quota 20 ms per 100 ms";
        let cases = [
            (60, name),
            (40, "cgroup batc…-the-night: 20 ms per 100 ms"),
            (10, "cgrou…0 ms"),
        ];
        for (width, expect) in cases {
            let cut = with_quota(name, width);
            assert!(sanitize::width(&cut) <= width);
            assert_eq!(cut, expect);
        }
    }

    #[test]
    fn a_cut_name_keeps_its_count_of_others() {
        let cases = [
            ("exit of git index-pack", 0, 40, "exit of git index-pack"),
            ("exit of git index-pack", 2, 40, "exit of git index-pack +2"),
            ("exit of git index-pack", 2, 14, "exit …-pack +2"),
            ("exit of git index-pack", 2, 3, "e…k"),
            (
                "git fetch (threads) (write)",
                3,
                23,
                "git fetch (threads) +3",
            ),
            ("a\u{1b}[2J", 0, 40, "a\\x1b[2J"),
            ("a\u{1b}[2J", 1, 8, "a\\…2J +1"),
        ];
        for (text, more, width, expect) in cases {
            assert_eq!(
                named(
                    &Named {
                        text: text.to_owned(),
                        more
                    },
                    width,
                    without_call
                ),
                expect
            );
        }
    }
}
