//! What is not certain of a run of which nothing was lost.

use super::*;

#[test]
fn metric_an_open_wait_counts_and_may_become_of_any_length() {
    let mut document = run();
    let sums = &mut document.threads[1].sums;
    sums.waits.pop();
    sums.open_ns = 300;
    sums.open.push(OpenWait {
        kind: WaitKind::Epoll,
        count: 1,
        so_far_ns: 300,
        ..OpenWait::default()
    });
    check(
        &document,
        &[
            ("pool.share(epoll)", 0.45, 0.45),
            ("pool.waits(epoll)", 3.0, 3.0),
            ("pool.longest(epoll)", 300.0, ANY),
            ("pool.longest(futex)", 100.0, 100.0),
            ("pool.idle", 0.0, 300.0),
        ],
    );
    document.threads[1].sums.open[0].kind = WaitKind::Unknown;
    check(
        &document,
        &[
            ("pool.share(epoll)", 0.3, 0.45),
            ("pool.share(futex)", 0.2, 0.35),
        ],
    );
}

#[test]
fn metric_unknown_kinds_wakers_and_causes_may_be_any() {
    let mut document = run();
    let sums = &mut document.threads[3].sums;
    sums.waits[0].kind = WaitKind::Unknown;
    sums.wakes[0].source = WakeSource::Unverified;
    sums.blame[0].cause = CauseKind::Unknown;
    check(
        &document,
        &[
            ("children.share(disk)", 0.0, 0.1),
            ("children.share(unknown)", 0.1, 0.1),
            ("children.woken_by(timer)", 0.0, 1.0),
            ("children.woken_by(unverified)", 1.0, 1.0),
            ("children.blame(network)", 0.0, 1.0),
            ("children.blame(unknown)", 1.0, 1.0),
        ],
    );
    document.threads[3].sums.blame[0] = Blame {
        cause: CauseKind::Network,
        ns: 100,
        ..Blame::default()
    };
    check(
        &document,
        &[
            ("children.blame(network)", 1.0, 1.0),
            ("children.blame(network, 127.*)", 0.0, 1.0),
            ("children.blame(disk, sd?)", 0.0, 0.0),
        ],
    );
}

#[test]
fn metric_futex_waits_may_be_for_a_lock_that_was_not_found() {
    let mut document = run();
    document.coverage.gil_as_futex = true;
    check(
        &document,
        &[
            ("pool.share(gil)", 0.0, 0.2),
            ("pool.share(futex)", 0.0, 0.2),
            ("pool.share(epoll)", 0.45, 0.45),
        ],
    );
}

#[test]
fn metric_the_raw_tier_says_what_it_does_not_see() {
    let document = Document {
        tier: Tier::Raw,
        ..run()
    };
    check(
        &document,
        &[
            ("pool.share(throttled)", 0.0, 0.05),
            ("pool.share(runqueue)", 0.0, 0.05),
            ("tree.exits(clean)", 0.0, ANY),
            ("tree.fd_tables", 0.0, ANY),
        ],
    );
    let doubts = measure(&document, "tree.fd_tables").doubts;
    assert_eq!(
        doubts[0].what,
        "the raw tier does not see descriptor tables"
    );
}

#[test]
fn metric_descriptors_are_lower_bounds_where_looks_may_have_missed_some() {
    let table = |id, pid, peak, peak_exact| FdTable {
        id,
        processes: vec![pid],
        threads_max: 3,
        limit: Some(100),
        limit_share: Some(f64::from(peak) / 100.0),
        open: FdsOpen {
            peak,
            peak_exact,
            ..FdsOpen::default()
        },
        ..FdTable::default()
    };
    let mut document = run();
    document.fd_tables = Some(vec![table(0, 1, 40, true), table(1, 9, 5, true)]);
    check(
        &document,
        &[
            ("tree.fd_tables", 2.0, 2.0),
            ("pool.fd_tables", 1.0, 1.0),
            ("pool.fd_peak_table", 40.0, 40.0),
            ("pool.fd_sharers_max", 3.0, 3.0),
            ("pool.fd_limit_share", 0.4 - 0.000_051, 0.4 + 0.000_051),
            ("pool.fd_growth", 0.0, 0.0),
            ("tree.fd_peak_sum", 40.0, 45.0),
        ],
    );
    document.fd_tables.as_mut().unwrap()[0].open.peak_exact = false;
    check(
        &document,
        &[
            ("pool.fd_peak_table", 40.0, ANY),
            ("children.fd_peak_table", 5.0, 5.0),
            ("pool.fd_limit_share", 0.4 - 0.000_051, ANY),
        ],
    );
}

#[test]
fn metric_connections_of_a_part_of_a_group_may_be_others() {
    let mut document = run();
    document.connections = Some(vec![Connection {
        attempts: 10,
        fates: Fates {
            served: 7,
            refused: 3,
            ..Fates::default()
        },
        syn_wait_ns: 30,
        groups: vec![0],
        ..Connection::default()
    }]);
    check(
        &document,
        &[
            ("tree.connects", 10.0, 10.0),
            ("tree.connects_failed(refused)", 3.0, 3.0),
            ("tree.connects_failed", 3.0, 3.0),
            ("tree.syn_wait", 30.0, 30.0),
            ("pool.connects", 0.0, 10.0),
            ("tree.connect_p99", 0.0, ANY),
        ],
    );
    document.coverage.uncounted = 1;
    check(&document, &[("tree.connects", 10.0, ANY)]);
    document.coverage = Coverage::default();
    document.coverage.lost.insert("connection".to_owned(), 1);
    check(&document, &[("tree.connects", 0.0, ANY)]);
}
