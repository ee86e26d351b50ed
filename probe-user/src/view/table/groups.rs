//! The groups, dearest first: as much of them as there is room for.

use std::cmp::Reverse;

use super::Options;
use super::brief;
use super::page::{Page, Piece};
use super::plan::Plan;
use crate::document::{Document, Thread};
use crate::view::color::Style;
use crate::view::order::{self, Cost};

/// Runtimes that are named.
const NAMED: usize = 3;

/// The groups in about so many lines.
pub(super) fn write(
    page: &mut Page,
    document: &Document,
    costs: &[Cost],
    options: &Options,
    lines: usize,
) {
    page.line(Vec::new());
    if document.groups.is_empty() {
        page.line(vec![Piece::plain(" no thread was observed")]);
        return;
    }
    // Two are this line and that of the titles.
    let plan = Plan::new(document, costs, options, lines.saturating_sub(2));
    let is_short = plan.full.iter().any(|full| full.is_short);
    let is_cut = is_short || !plan.brief.is_empty();
    if !plan.full.is_empty() {
        page.titles();
    }
    let threads = match options.per_thread {
        true => threads_by_group(document),
        false => Vec::new(),
    };
    for (at, full) in plan.full.into_iter().enumerate() {
        if at > 0 {
            page.line(Vec::new());
        }
        let threads = threads.get(full.index()).map_or(&[][..], Vec::as_slice);
        full.write(page, threads, options);
    }
    let all_ns = order::lifetime_ns(costs);
    let together = [
        (&plan.helpers, "", &*runtimes(&plan.helpers)),
        (&plan.quiet, " with nothing to do", ""),
        (&plan.rest, "", ""),
    ];
    let has_more = together.iter().any(|(costs, ..)| !costs.is_empty());
    if has_more || !plan.brief.is_empty() {
        page.line(Vec::new());
    }
    brief::write(page, &plan.brief);
    for (costs, what, names) in together {
        brief::together(page, costs, (what, names), all_ns);
    }
    if is_cut && !has_more {
        let text = " (--all: every group in full, and all causes)";
        page.line(vec![Piece::new(text, Style::Faint)]);
    }
}

/// `: jvm gc, jvm service`.
fn runtimes(costs: &[Cost]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for runtime in costs
        .iter()
        .filter_map(|cost| cost.group.runtime.as_deref())
    {
        if !names.contains(&runtime) {
            names.push(runtime);
        }
    }
    let more = if names.len() > NAMED { ", …" } else { "" };
    names.truncate(NAMED);
    format!(": {}{more}", names.join(", "))
}

/// Longest-lived first within each group.
fn threads_by_group(document: &Document) -> Vec<Vec<&Thread>> {
    let mut groups = vec![Vec::new(); document.groups.len()];
    for thread in &document.threads {
        if let Some(group) = groups.get_mut(thread.group) {
            group.push(thread);
        }
    }
    for group in &mut groups {
        group.sort_by_key(|thread| Reverse(thread.sums.lifetime_ns));
    }
    groups
}
