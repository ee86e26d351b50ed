//! Blame on drawn timelines: 10 ns a column, the first row wakes all others.

use super::timeline::{block, document};
use crate::document::{Blame, Document};

/// The blame of every thread that has some, by tid.
fn render(document: &Document) -> String {
    let mut threads: Vec<_> = document.threads.iter().collect();
    threads.sort_by_key(|thread| thread.tid);
    let with_some = threads.iter().filter(|t| !t.sums.blame.is_empty());
    let lines: Vec<String> = with_some
        .map(|thread| {
            let causes: Vec<String> = thread.sums.blame.iter().map(one).collect();
            format!("{}: {}", thread.tid, causes.join(", "))
        })
        .collect();
    lines.join("\n")
}

fn one(blame: &Blame) -> String {
    let detail = blame.detail.as_deref().map(|d| format!(" {d}"));
    let detail = detail.unwrap_or_default();
    format!("{} {}{detail} {}", blame.kind, blame.cause, blame.ns)
}

#[track_caller]
fn check(drawing: &str, expected: &str) {
    let document = document(drawing);
    super::account::assert_closed(&document);
    assert_eq!(render(&document), block(expected), "\n{drawing}");
}

#[test]
fn a_waker_that_ran_is_computing_and_one_that_queued_is_not() {
    check(
        "4    S#########p--^####p#
         5/4  f.n^#z~~~~~~~~~w-^#",
        "5: sleep computing test 70, sleep run-queue 30",
    );
}
