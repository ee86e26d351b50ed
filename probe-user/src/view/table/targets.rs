//! What the descriptors of a table are: those that are the same together, most first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::page::Piece;
use crate::document::FdTarget;
use crate::view::{sanitize, units};

/// Targets that are named.
const MOST: usize = 6;
/// Ranges of numbers that are named of each.
const RANGES: usize = 3;
/// Columns of a name: both ends of a connection.
const NAME: usize = 44;
/// Standard input, output and error come through any exec.
const STANDARD: usize = 3;

/// `40 × pipe:[4711] at 5–44`, `null at 0–2`, `9 without O_CLOEXEC`; `left`: descriptors of
/// which nothing is known.
pub(super) fn pieces(targets: &[FdTarget], left: Option<u32>, all: bool) -> Vec<Piece> {
    let mut same: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for target in targets {
        same.entry(&target.target).or_default().push(target.fd);
    }
    let mut same: Vec<(&str, Vec<i32>)> = same.into_iter().collect();
    same.sort_by_key(|(_, fds)| (Reverse(fds.len()), fds.first().copied()));
    let named = if all { same.len() } else { MOST };
    let (named, others) = same.split_at(named.min(same.len()));
    let mut parts: Vec<String> = named.iter().map(|(name, fds)| of(name, fds)).collect();
    let mut add = |count: usize, what: &str| {
        if count > 0 {
            parts.push(format!("{} {what}", units::count(count as u64)));
        }
    };
    add(
        others.iter().map(|(_, fds)| fds.len()).sum(),
        "more (--all)",
    );
    add(left.unwrap_or(0) as usize, "not described");
    let kept = targets.iter().filter(|target| !target.cloexec).count();
    if kept > STANDARD {
        add(kept, "without O_CLOEXEC");
    }
    parts.iter().map(|part| Piece::plain(part)).collect()
}

fn of(name: &str, fds: &[i32]) -> String {
    let text = sanitize::text(name);
    let name = sanitize::fit_middle(&text, NAME);
    let count = match fds.len() {
        1 => String::new(),
        n => format!("{} × ", units::count(n as u64)),
    };
    format!("{count}{name} at {}", ranges(fds))
}

/// `3, 5–9, 12, …` of ascending numbers.
fn ranges(fds: &[i32]) -> String {
    let runs: Vec<&[i32]> = fds.chunk_by(|a, b| a.checked_add(1) == Some(*b)).collect();
    let text = |run: &&[i32]| match **run {
        [] => String::new(),
        [only] => only.to_string(),
        [first, .., last] => format!("{first}–{last}"),
    };
    let mut parts: Vec<String> = runs.iter().take(RANGES).map(text).collect();
    if runs.len() > RANGES {
        parts.push("…".to_owned());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::table::page::Page;

    fn target(fd: i32, name: &str) -> FdTarget {
        FdTarget {
            fd,
            target: name.to_owned(),
            cloexec: fd % 2 == 1,
            ..FdTarget::default()
        }
    }

    #[track_caller]
    fn check(targets: &[FdTarget], left: u32, all: bool, expected: &str) {
        let mut page = Page::new(400, false);
        let pieces = pieces(targets, Some(left), all);
        page.flow(Piece::plain(""), 0, "; ", pieces);
        assert_eq!(page.render(), format!("{expected}\n"));
    }

    #[test]
    fn targets_that_are_the_same_are_together() {
        let mut targets: Vec<FdTarget> = (0..3).map(|fd| target(fd, "null")).collect();
        check(&targets, 0, false, "3 × null at 0–2");
        targets.extend([5, 6, 9, 11, 13].map(|fd| target(fd, "pipe:[7]")));
        targets.push(target(8, "tcp 127.0.0.1:1 → 127.0.0.1:2"));
        check(
            &targets,
            40,
            false,
            "5 × pipe:[7] at 5–6, 9, 11, …; 3 × null at 0–2; tcp 127.0.0.1:1 → 127.0.0.1:2 at 8; \
             40 not described; 4 without O_CLOEXEC",
        );
        check(&[], 0, false, "");
    }

    #[test]
    fn targets_beyond_the_most_frequent_are_counted_unless_all_are_wanted() {
        let one_each = |n: i32| -> Vec<FdTarget> {
            let fds = (0..n).map(|at| 2 * at + 1);
            fds.map(|fd| target(fd, &format!("f{fd:02}"))).collect()
        };
        let six = "f01 at 1; f03 at 3; f05 at 5; f07 at 7; f09 at 9; f11 at 11";
        check(&one_each(6), 0, false, six);
        check(&one_each(8), 0, false, &format!("{six}; 2 more (--all)"));
        let all = format!("{six}; f13 at 13; f15 at 15");
        check(&one_each(8), 0, true, &all);
    }

    #[test]
    fn targets_with_hostile_names_stay_in_their_line() {
        check(&[target(1, "\x1b[31m\n")], 0, false, r"\x1b[31m\n at 1");
        let odd = [target(i32::MAX, "x"), target(i32::MIN, "x")];
        check(&odd, 0, true, "2 × x at 2147483647, -2147483648");
    }
}
