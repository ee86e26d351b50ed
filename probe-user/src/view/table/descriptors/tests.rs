//! What is said of descriptor tables.

use super::*;
use crate::document::{FdsOpen, Group, Thread};

/// The table of process 5, whose leader is in group 0; its threads are in group 1.
fn held(peak: u32) -> FdTable {
    FdTable {
        processes: vec![5],
        groups: vec![0, 1],
        threads_max: 1,
        limit: Some(100),
        limit_share: Some(f64::from(peak) / 100.0),
        open: FdsOpen {
            peak,
            last: peak,
            ..FdsOpen::default()
        },
        ..FdTable::default()
    }
}

fn document(tables: Vec<FdTable>, open: FdOpen) -> Document {
    let group = |name: &str| Group {
        name: name.to_owned(),
        ..Group::default()
    };
    let leader = |pid, group| Thread {
        pid: Some(pid),
        tid: pid,
        group,
        ..Thread::default()
    };
    Document {
        groups: vec![group("server"), group("server (threads)"), group("child")],
        threads: vec![leader(5, 0), leader(4, 2)],
        fd_tables: Some(tables),
        fd_open: Some(open),
        ..Document::default()
    }
}

fn at_once(peak_sum: u64, tables_max: usize) -> FdOpen {
    FdOpen {
        peak_sum,
        tables_max,
        ..FdOpen::default()
    }
}

#[track_caller]
fn check_with(tables: &[FdTable], open: FdOpen, all: bool, expect: &[&str]) {
    let mut page = Page::new(200, false);
    write(&mut page, &document(tables.to_vec(), open), all);
    let text = page.render();
    let lines: Vec<&str> = text.lines().map(|line| &line[TEXT..]).collect();
    assert_eq!(lines, expect);
}

#[track_caller]
fn check(table: FdTable, expect: &str) {
    let open = at_once(table.open.peak.into(), 1);
    let expect: &[&str] = if expect.is_empty() { &[] } else { &[expect] };
    check_with(&[table], open, false, expect);
}

#[test]
fn descriptors_are_near_the_limit_that_was_in_force() {
    check(held(79), "");
    check(
        held(80),
        "server (pid 5): ≥ 80 open, 80 % of the limit of 100",
    );
    // Set to 1 behind the peak.
    let lowered = FdTable {
        limit: Some(1),
        ..held(9)
    };
    check(lowered.clone(), "");
    let near = FdTable {
        limit_share: Some(0.9),
        ..lowered
    };
    check(near, "server (pid 5): ≥ 9 open, 90 % of the limit then");
    let unknown = FdTable {
        limit_share: None,
        ..held(90)
    };
    check(unknown, "");
}

#[test]
fn descriptors_of_a_table_that_is_not_looked_at_as_a_whole_may_be_more() {
    let cut = FdTable {
        cut: true,
        ..held(29)
    };
    check(cut, "server (pid 5): ≥ 29 open, ≥ 29 % of the limit of 100");
}

#[test]
fn descriptors_are_what_they_were_as_they_were_counted() {
    let kinds = |socket, pipe, file, epoll, other| FdKinds {
        socket,
        pipe,
        file,
        epoll,
        other,
        ..FdKinds::default()
    };
    let with = |by_kind, last| {
        let mut table = held(90);
        table.by_kind = Some(by_kind);
        table.open.last = last;
        table
    };
    let head = "server (pid 5): ≥ 90 open, 90 % of the limit of 100";
    let check = |table, rest: &str| check(table, &format!("{head}{rest}"));
    check(
        with(kinds(88, 1, 1, 0, 0), 90),
        ", 88 sockets, 1 pipe, 1 file",
    );
    let five = kinds(60, 20, 5, 3, 2);
    check(
        with(five, 90),
        ", 60 sockets, 20 pipes, 5 files, 3 epolls, 2 of other kinds",
    );
    check(
        with(kinds(0, 0, 2, 0, 1), 3),
        ", 3 at its end: 2 files, 1 other",
    );
    check(with(kinds(0, 0, 2, 0, 1), 4), "");
}

#[test]
fn descriptors_first_line_is_of_the_largest_of_those_shared_most() {
    let shared = |id, threads_max, peak, processes: &[u32]| FdTable {
        id,
        threads_max,
        processes: processes.to_vec(),
        ..held(peak)
    };
    let check = |tables: &[FdTable], open, expect| check_with(tables, open, false, expect);
    check(
        &[
            shared(0, 2, 7, &[4]),
            shared(1, 2, 9, &[5]),
            shared(2, 1, 50, &[4]),
        ],
        at_once(60, 3),
        &["2 threads of server share a table with ≥ 9 open, ≥ 60 open in 3 tables at once"],
    );
    // The first process that used it names it, not the one with the lowest pid.
    check(
        &[shared(0, 2, 7, &[4, 5])],
        at_once(7, 1),
        &["2 threads of server in 2 processes share a table with ≥ 7 open"],
    );
    check(&[shared(0, 2, 7, &[5])], at_once(7, 1), &[]);
    check(
        &[shared(0, 1, 7, &[5]), shared(1, 1, 9, &[4])],
        at_once(9, 2),
        &[],
    );
}

#[test]
fn descriptors_of_one_table_are_said_once() {
    let line = "server (pid 5): ≥ 3 open, 3 % of the limit of 100";
    let check = |sum, first| check_with(&[held(3)], at_once(sum, 1), true, &[first, line]);
    check(3, "≥ 3 open in one table");
    check(103, "≥ 3 open in one table, ≥ 103 before an exec");
    // Asked for by --fds.
    let exact = FdOpen {
        exact: true,
        ..at_once(3, 1)
    };
    check_with(&[held(3)], exact, false, &["≥ 3 open in one table", line]);
}

#[test]
fn descriptors_behind_an_exec_are_counted_with_the_standard_ones() {
    let inherited = |id, inherited| FdTable {
        id,
        inherited: Some(inherited),
        ..held(9)
    };
    let check = |tables: &[FdTable], expect: &[&str]| {
        check_with(tables, at_once(9, 1), false, expect);
    };
    check(&[inherited(0, 3)], &[]);
    check(
        &[inherited(0, 5)],
        &["5 open behind the exec of server (pid 5), none O_CLOEXEC"],
    );
    check(
        &[inherited(0, 5), inherited(1, 4), inherited(2, 3)],
        &[
            "5 open behind the exec of server (pid 5), none O_CLOEXEC, more than 3 also behind \
           1 other exec",
        ],
    );
}
