//! The report for people: who waited, where, for how long, woken by whom, and
//! how far to trust it, in lines no wider than asked.
//!
//! Each part appends to one page; the budgets of all groups share one
//! layout, so their columns stand under each other.

mod behind;
mod calls;
mod concurrency;
mod foot;
mod gil;
mod groups;
mod head;
mod layout;
mod listeners;
mod page;
mod timeline;

use crate::document::Document;
use page::Page;

/// The widest report: longer lines are hard to follow.
const WIDEST: usize = 120;
/// Below this nothing can be said in a line.
const NARROWEST: usize = 20;

/// How to draw the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Columns of the terminal. Up to 120 are used, and never fewer than 20.
    pub width: usize,
    /// With SGR colours.
    pub color: bool,
    /// Each thread below its group.
    pub per_thread: bool,
    /// Nothing is left out or made one: neither small rows nor small groups.
    pub all: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            width: 80,
            color: false,
            per_thread: false,
            all: false,
        }
    }
}

/// The report. Ends with a newline; free of control characters but for
/// newlines and, with `color`, SGR sequences.
pub fn render(document: &Document, options: &Options) -> String {
    let mut page = Page::new(options.width.clamp(NARROWEST, WIDEST), options.color);
    head::write(&mut page, document);
    groups::write(&mut page, document, options);
    foot::write(&mut page, document, options.all);
    timeline::write(&mut page, document, options);
    page.render()
}

#[cfg(test)]
mod tests;
