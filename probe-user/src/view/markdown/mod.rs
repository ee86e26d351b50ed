//! Markdown, for a comment on a change or a page: the report of a run, and verdicts.
//!
//! Names are foreign text, and what renders this obeys more than a terminal does: tables,
//! emphasis, links, HTML, mentions. [`escaped`] is the one way in.

mod check;
mod report;

pub use check::check;
pub use report::report;

use super::sanitize;

/// A line of a table.
pub(super) fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A table's titles, and which of its columns stand to the right.
pub(super) fn titles(titles: &[(&str, bool)]) -> String {
    let names: Vec<String> = titles.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rules = titles.iter().map(|(_, right)| match right {
        true => "---:".to_owned(),
        false => "---".to_owned(),
    });
    row(&names) + &row(&rules.collect::<Vec<_>>())
}

/// Text that means itself: no line ends, no mark-up, no HTML, no mention of anybody and no
/// number of an issue.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in sanitize::text(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '@' => out += "&#64;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests;
