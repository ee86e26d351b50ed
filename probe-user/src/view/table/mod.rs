//! The report for people: who waited, where, for how long, woken by whom, and
//! how far to trust it, in lines no wider than asked.
//!
//! What ran and what that came to; the groups; what else is said of the run. Each part is
//! a page; the budgets of all groups share one layout, so their columns stand under each
//! other. The groups take what the others leave of [`LINES`].

mod behind;
mod brief;
mod calls;
mod claims;
mod concurrency;
mod connections;
mod descriptors;
mod fates;
mod foot;
mod full;
mod gil;
mod groups;
pub(super) mod head;
mod herds;
mod hints;
pub(in crate::view) mod layout;
mod listeners;
mod memory;
pub(super) mod page;
mod plan;
mod targets;
mod timeline;

use crate::document::{Check, Document};
use crate::view::order::order;
use page::Page;
pub use page::Passage;

/// The widest report: longer lines are hard to follow.
const WIDEST: usize = 120;
/// Below this nothing can be said in a line.
const NARROWEST: usize = 20;

/// Lines of a report by default, more or less. Of a run that needs many warnings there are
/// more, and where lines are short.
const LINES: usize = 50;

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
    let width = options.width.clamp(NARROWEST, WIDEST);
    let part = |write: &dyn Fn(&mut Page)| {
        let mut page = Page::new(width, options.color);
        write(&mut page);
        page.render()
    };
    let costs = order(document);
    let head = part(&|page| head::write(page, document, &costs, options.all));
    let foot = part(&|page| foot::write(page, document, &costs, options.all));
    let used = head.lines().count() + foot.lines().count();
    let left = LINES.saturating_sub(used);
    let groups = part(&|page| groups::write(page, document, &costs, options, left));
    let timelines = part(&|page| timeline::write(page, document, options));
    let claims = document.claims.as_deref().unwrap_or_default();
    let claims = part(&|page| claims::write(page, claims));
    [head, groups, foot, timelines, claims].concat()
}

/// What stands before the groups and behind them, sentence by sentence, for a view that
/// breaks lines itself.
pub fn passages(document: &Document) -> (Vec<Passage>, Vec<Passage>) {
    let costs = order(document);
    let part = |write: &dyn Fn(&mut Page)| {
        let mut page = Page::new(usize::MAX / 2, false);
        write(&mut page);
        page.passages()
    };
    let head = part(&|page| head::write(page, document, &costs, false));
    let foot = part(&|page| foot::write(page, document, &costs, true));
    (head, foot)
}

/// The verdicts of `waitscope check`, in the same way.
pub fn check(check: &Check, width: usize, color: bool) -> String {
    let mut page = Page::new(width.clamp(NARROWEST, WIDEST), color);
    claims::check(&mut page, check);
    page.render()
}

#[cfg(test)]
mod tests;
