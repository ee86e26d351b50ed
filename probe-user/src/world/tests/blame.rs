//! Blame on drawn timelines: 10 ns a column, the first row wakes all others.

use probe_common::task::snapshot;

use super::timeline::{SLEEP, block, document};
use crate::{
    document::{Blame, Document},
    metrics::tests::run,
    wire::tests::probes::{By, Out, Probes, Who},
};

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

/// The burst that wakes the sleeper has not ended when its wait is divided.
#[test]
fn an_exec_divides_what_its_caller_computes() {
    let who = |tid| Who {
        tid,
        pid: tid,
        ppid: 1,
        comm: "before",
    };
    let mut probes = Probes::default();
    let waker = probes.seed(1000, who(4), Out::default(), snapshot::ON_CPU);
    probes.exec(1010, waker, 4, &["first"]);
    let sleeper = probes.fork(1020, 4, 0, who(5));
    probes.wake_new(1030, sleeper, &By::task(4, 56));
    probes.switch(1040, None, Some(sleeper));
    probes.switch(1050, Some((sleeper, Out::sleep(SLEEP))), None);
    probes.exec(1080, waker, 4, &["second"]);
    probes.waking(1100, sleeper, &By::task(4, 202));
    probes.switch(1110, None, Some(sleeper));
    let document = run::document(&probes.records, 1200);
    super::account::assert_closed(&document);
    assert_eq!(
        render(&document),
        "5: sleep computing first 30, sleep computing second 20"
    );
}
