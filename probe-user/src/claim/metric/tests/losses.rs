//! What lost records, skipped runs and cut reports do to metrics.

use super::*;

/// The same run with such losses.
fn losing(class: &str, count: u64) -> Document {
    let mut document = run();
    document.coverage.lost.insert(class.to_owned(), count);
    document.coverage.tail_ns = Some(0);
    document
}

#[test]
fn metric_lost_switches_widen_by_the_time_they_covered() {
    let mut document = losing("switch", 3);
    let sums = &mut document.threads[1].sums;
    sums.unknown_ns = 50;
    sums.on_cpu_ns = 0;
    check(
        &document,
        &[
            ("pool.on_cpu", 550.0, 600.0),
            ("pool.wait(epoll)", 900.0, 950.0),
            ("pool.share(epoll)", 0.45, 0.475),
            ("pool.share(disk)", 0.0, 0.025),
            ("pool.waits(epoll)", 4.0, 10.0),
            ("pool.lifetime", 1950.0, 2000.0),
            ("tree.herd_wasted", 0.0, ANY),
            ("tree.threads", 4.0, 4.0),
        ],
    );
    let measured = measure(&document, "pool.share(epoll)");
    assert_eq!(measured.doubts[0].what, "3 records of switches were lost");
    assert!(measured.doubts[0].remedy.contains("--ring-size"));
}

#[test]
fn metric_a_living_threads_end_is_not_certain_where_switches_were_lost() {
    let mut document = losing("switch", 1);
    document.coverage.tail_ns = Some(20);
    // It has ended before.
    document.threads[1].end_ns = 900;
    document.threads[2].exit = None;
    check(
        &document,
        &[("pool.share(futex)", 380.0 / 2000.0, 420.0 / 2000.0)],
    );
}

#[test]
fn metric_a_lost_stack_may_have_moved_one_wait() {
    check(
        &losing("stack", 1),
        &[
            ("pool.wait(epoll)", 600.0, 1200.0),
            ("pool.wait(futex)", 400.0, 700.0),
            ("pool.wait", 1300.0, 1300.0),
            ("pool.share(on_cpu)", 0.3, 0.3),
            ("pool.woken_by(task)", (1300.0 - 300.0) / 1300.0, 1.0),
        ],
    );
}

#[test]
fn metric_other_losses_spoil_what_they_are_about() {
    check(
        &losing("object", 1),
        &[
            ("children.share(disk)", 0.0, 0.1),
            ("children.share(pipe-read)", 0.0, 0.1),
            ("children.share(epoll)", 0.0, 0.0),
        ],
    );
    check(
        &losing("waker", 1),
        &[
            ("children.woken_by(task)", 0.0, 1.0),
            ("children.share(disk)", 0.1, 0.1),
            ("pool.blame(computing)", 1.0, 1.0),
        ],
    );
    check(
        &losing("task", 1),
        &[
            ("pool.share(epoll)", 0.0, 1.0),
            ("tree.threads", 0.0, ANY),
            ("tree.exits(clean)", 0.0, ANY),
        ],
    );
    check(&losing("call", 1), &[("tree.herd_wakes", 0.0, ANY)]);
    for class in [
        "request",
        "connection",
        "fd-table",
        "disk",
        "migration",
        "fold",
    ] {
        check(&losing(class, 1), &[("pool.share(epoll)", 0.45, 0.45)]);
    }
}

#[test]
fn metric_a_report_of_a_run_that_went_on_bounds_from_below() {
    let mut document = run();
    document.coverage.partial = true;
    document.threads[1].end_ns = 990;
    document.threads[2].exit = None;
    check(
        &document,
        &[
            ("pool.share(epoll)", 0.0, 1.0),
            ("pool.wait(epoll)", 900.0, ANY),
            ("pool.wait(futex)", 0.0, ANY),
            ("tree.threads", 4.0, ANY),
            ("tree.wall", 1000.0, ANY),
            ("workers.wait", 0.0, ANY),
        ],
    );
    let old = Document {
        overhead: Overhead::default(),
        ..run()
    };
    check(&old, &[("pool.share(epoll)", 0.0, 1.0)]);
    // What is so by now.
    document.asked_so_far = true;
    check(
        &document,
        &[
            ("pool.wait(epoll)", 900.0, ANY),
            ("pool.wait(futex)", 400.0, ANY),
            ("pool.longest(futex)", 100.0, ANY),
            ("tree.threads", 4.0, ANY),
            ("workers.wait", 1300.0, ANY),
        ],
    );
}

#[test]
fn metric_skipped_runs_and_broken_records_spoil_times() {
    let mut document = run();
    document
        .coverage
        .skipped
        .insert("sched_waking".to_owned(), 2);
    check(
        &document,
        &[("pool.share(epoll)", 0.0, 1.0), ("tree.lost", 2.0, 2.0)],
    );
    let mut document = run();
    document.coverage.skipped.insert("ingress".to_owned(), 2);
    check(&document, &[("pool.share(epoll)", 0.45, 0.45)]);
    let mut document = run();
    document.coverage.broken_records = 1;
    check(&document, &[("pool.share(epoll)", 0.0, 1.0)]);
}

#[test]
fn metric_threads_of_one_tid_may_be_taken_for_each_other() {
    let mut document = losing("switch", 1);
    document.threads[3].tid = 2;
    check(
        &document,
        &[("pool.share(epoll)", 0.0, 1.0), ("tree.threads", 0.0, ANY)],
    );
}
