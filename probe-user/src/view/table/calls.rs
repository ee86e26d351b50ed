//! What the watched kernel functions returned, below the rows of the waits.

use probe_common::loss::Loss;

use super::page::{Page, Piece};
use crate::document::{Calls, Coverage, Function, Sums};
use crate::view::color::Style;
use crate::view::units;

/// One line per function that was called.
pub(super) fn write(page: &mut Page, sums: &Sums, depth: usize, coverage: &Coverage) {
    for (at, calls) in sums.calls.iter().flatten().enumerate() {
        let name = if at == 0 { "calls" } else { "" };
        let label = Piece::new(&format!("{:1$}{name}", "", 2 * depth), Style::Faint);
        page.beside(label, ", ", sentence(calls, coverage));
    }
}

/// `do_epoll_wait 1,204, 31 returned nothing (28 after a wake), 2 failed`.
fn sentence(calls: &Calls, coverage: &Coverage) -> Vec<Piece> {
    let has_lost = coverage.has_lost(Loss::KernelReturn);
    let count = |n| at_least(n, has_lost);
    let mut parts = vec![format!(
        "{} {}",
        calls.function.as_str(),
        count(calls.count)
    )];
    let mut add = |n: u64, what: &str| {
        if n > 0 {
            parts.push(format!("{} {what}", count(n)));
        }
    };
    match calls.function {
        Function::DoWait => {
            add(calls.reaped.unwrap_or(0), "reaped");
            add(calls.none_ready.unwrap_or(0), "found none ready");
        }
        Function::Epoll => add(calls.empty.unwrap_or(0), &nothing(calls, coverage)),
    }
    add(calls.failed, "failed");
    parts.iter().map(|part| Piece::plain(part)).collect()
}

/// A wake is known only if nothing is lost of all that shows it.
fn nothing(calls: &Calls, coverage: &Coverage) -> String {
    match calls.empty_after_wake {
        Some(n) if n > 0 => {
            let woken = at_least(n, coverage.lost_total() > 0);
            format!("returned nothing ({woken} after a wake)")
        }
        _ => "returned nothing".to_owned(),
    }
}

/// A count, marked as a lower bound where records are lost.
pub(super) fn at_least(n: u64, has_lost: bool) -> String {
    let mark = if has_lost { "≥ " } else { "" };
    format!("{mark}{}", units::count(n))
}
