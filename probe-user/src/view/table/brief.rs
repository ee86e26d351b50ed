//! Groups in one line each, and those that share one.

use super::page::{Page, Piece};
use crate::document::Group;
use crate::view::color::Style;
use crate::view::order::{self, Cost};
use crate::view::rows;
use crate::view::sanitize;
use crate::view::sentence;
use crate::view::units::{self, Unit};

/// The widest name, in columns.
const NAME: usize = 28;
/// In fewer columns nothing is said of how many threads there are.
const NARROW: usize = 60;
/// States that are named.
const NAMED: usize = 4;

/// ` git  96 processes  140.02 s  socket-recv 82 %, on cpu 11 %`; as many states as the
/// line has room for.
pub(super) fn write(page: &mut Page, costs: &[Cost]) {
    let longest_ns = costs.iter().map(|cost| cost.group.sums.lifetime_ns).max();
    let unit = Unit::of(longest_ns.unwrap_or(0));
    let most = NAME.min(page.width() / 3);
    let lines: Vec<[String; 3]> = costs
        .iter()
        .map(|cost| {
            let name = sanitize::text(&cost.group.name);
            [
                sanitize::fit_middle(&name, most).into_owned(),
                if page.width() < NARROW {
                    String::new()
                } else {
                    members(cost.group)
                },
                unit.time(cost.group.sums.lifetime_ns),
            ]
        })
        .collect();
    let widths: [usize; 3] = std::array::from_fn(|at| {
        let widths = lines.iter().map(|line| sanitize::width(&line[at]));
        widths.max().unwrap_or(0)
    });
    for (cost, [name, members, time]) in costs.iter().zip(&lines) {
        let pad = |text: &str, width: usize| " ".repeat(width - sanitize::width(text));
        let head = format!(
            "{}  {members}{}  {}{time}  ",
            pad(name, widths[0]),
            pad(members, widths[1]),
            pad(time, widths[2])
        );
        let used = 1 + widths.iter().sum::<usize>() + 6;
        page.line(vec![
            Piece::plain(" "),
            Piece::new(name, Style::Strong),
            Piece::plain(&head),
            Piece::plain(&states(cost, page.width().saturating_sub(used))),
        ]);
    }
}

/// `4 threads`, `96 processes`, `pid 4242`.
fn members(group: &Group) -> String {
    match (group.threads, group.pids.as_slice()) {
        (1, [pid]) => format!("pid {pid}"),
        (n, pids) if n == pids.len() => units::counted(n as u64, "process", "processes"),
        (n, _) => units::counted(n as u64, "thread", "threads"),
    }
}

/// `socket-recv 82 %, on cpu 11 %`: as many as there is room for, and at least one.
fn states(cost: &Cost, room: usize) -> String {
    let sums = &cost.group.sums;
    let mut text = String::new();
    for row in order::states(rows::rows(sums, &cost.group.name, false))
        .iter()
        .filter(|row| row.state != rows::State::Other)
        .take(NAMED)
    {
        let bound = if row.lower_bound { "≥ " } else { "" };
        let share = units::percent(row.ns, sums.lifetime_ns).unwrap_or_default();
        let state = format!("{} {bound}{share}", sentence::quiet(row));
        let gap = if text.is_empty() { "" } else { ", " };
        let width = sanitize::width(&text) + gap.len() + sanitize::width(&state);
        if !text.is_empty() && width > room {
            break;
        }
        text.push_str(gap);
        text.push_str(&state);
    }
    text
}

/// `9 more groups with nothing to do, 12 % of all threads' time (--all)`, and their names.
pub(super) fn together(page: &mut Page, costs: &[Cost], (what, names): (&str, &str), all_ns: u64) {
    if costs.is_empty() {
        return;
    }
    let more = units::counted(costs.len() as u64, "more group", "more groups");
    let lifetimes = costs.iter().map(|cost| cost.group.sums.lifetime_ns);
    let share = units::percent(lifetimes.fold(0, u64::saturating_add), all_ns);
    let share = share.unwrap_or_else(|| "0 %".to_owned());
    let text = format!(" {more}{what}, {share} of all threads' time (--all){names}");
    page.line(vec![Piece::new(&text, Style::Faint)]);
}
