//! Descriptor tables: who uses which, for how long, and how full it was.

use probe_common::{
    fd::{CLOEXEC, OPEN, Object},
    fd_table::why,
    sched::state,
    task::snapshot,
    uapi::{CLONE_THREAD, S_IFIFO},
};

use crate::{
    document::{FdKinds, FdTable, FdTarget, TableOrigin},
    metrics::tests::run,
    vocabulary::DescriptorKind,
    wire::{
        session::Tier,
        tests::probes::{By, Out, Probes, TaskId, Who},
    },
    world::fd_table::MOST_POINTS,
};

/// Addresses of tables.
const A: u64 = 0xffff_8881_0000_1000;
const B: u64 = 0xffff_8881_0000_2000;

fn who(tid: u32, pid: u32) -> Who {
    Who {
        tid,
        pid,
        ppid: 1,
        comm: "server",
    }
}

/// A process that was there before, whose table A has four descriptors.
fn seeded() -> (Probes, TaskId) {
    let mut probes = Probes::default();
    let task = probes.seed(100, who(5, 5), Out::default(), snapshot::ON_CPU);
    probes.fds(100, task, why::SEED, A, 4);
    (probes, task)
}

fn born(probes: &mut Probes, ts_ns: u64, who: Who, files: u64, open: u32) -> TaskId {
    let flags = if who.tid == who.pid { 0 } else { CLONE_THREAD };
    let task = probes.fork(ts_ns, 5, flags, who);
    probes.fds(ts_ns, task, why::BIRTH, files, open);
    probes.wake_new(ts_ns, task, &By::default());
    task
}

fn ends(probes: &mut Probes, ts_ns: u64, task: TaskId, files: u64, open: u32) {
    probes.fds(ts_ns, task, why::EXIT, files, open);
    probes.exit(ts_ns, task, 0);
    let dead = Out {
        state: state::DEAD,
        ..Out::default()
    };
    probes.switch(ts_ns + 1, Some((task, dead)), None);
}

fn tables(probes: &Probes) -> Vec<FdTable> {
    let document = run::document(&probes.records, 10_000);
    document.fd_tables.expect("they were looked at")
}

/// Origin, processes, most threads at once, and peak of each.
fn briefly(tables: &[FdTable]) -> Vec<(TableOrigin, Vec<u32>, usize, u32)> {
    let one = |t: &FdTable| (t.origin, t.processes.clone(), t.threads_max, t.open.peak);
    tables.iter().map(one).collect()
}

#[test]
fn fd_tables_are_shared_by_threads_and_copied_by_forks() {
    let (mut probes, _) = seeded();
    born(&mut probes, 200, who(6, 5), A, 4);
    let child = born(&mut probes, 300, who(7, 7), B, 5);
    ends(&mut probes, 400, child, B, 6);
    assert_eq!(
        briefly(&tables(&probes)),
        [
            (TableOrigin::Seen, vec![5], 2, 4),
            (TableOrigin::Fork, vec![7], 1, 6),
        ]
    );
}

#[test]
fn fd_tables_may_be_shared_by_processes() {
    let (mut probes, _) = seeded();
    born(&mut probes, 200, who(7, 7), A, 4);
    assert_eq!(
        briefly(&tables(&probes)),
        [(TableOrigin::Seen, vec![5, 7], 2, 4)]
    );
}

/// The kernel gives the address to the next one.
#[test]
fn fd_tables_at_one_address_are_two_when_nobody_uses_the_first_any_more() {
    let (mut probes, _) = seeded();
    let first = born(&mut probes, 200, who(7, 7), B, 5);
    ends(&mut probes, 300, first, B, 5);
    born(&mut probes, 400, who(8, 8), B, 9);
    let tables = tables(&probes);
    assert_eq!(
        briefly(&tables[1..]),
        [
            (TableOrigin::Fork, vec![7], 1, 5),
            (TableOrigin::Fork, vec![8], 1, 9),
        ]
    );
    // The run begins at 100.
    assert_eq!((tables[1].from_ns, tables[1].to_ns), (100, 200));
    assert_eq!((tables[2].from_ns, tables[2].to_ns), (300, 9900));
}

#[test]
fn fd_tables_of_threads_that_unshare_or_run_exec_are_others() {
    let (mut probes, leader) = seeded();
    let thread = born(&mut probes, 200, who(6, 5), A, 4);
    probes.fds(300, thread, why::SWITCH, B, 4);
    probes.fds(400, thread, why::SWITCH, B, 30);
    let other = born(&mut probes, 500, who(7, 7), A, 4);
    probes.exec(600, other, 7, &["git"]);
    probes.fds(600, other, why::EXEC, B + 64, 3);
    ends(&mut probes, 700, leader, A, 4);
    assert_eq!(
        briefly(&tables(&probes)),
        [
            (TableOrigin::Seen, vec![5, 7], 2, 4),
            (TableOrigin::Unshare, vec![5], 1, 30),
            (TableOrigin::Exec, vec![7], 1, 3),
        ]
    );
}

#[test]
fn fd_tables_have_a_course_and_a_sum() {
    let (mut probes, leader) = seeded();
    let child = born(&mut probes, 200, who(7, 7), B, 5);
    probes.fds(300, leader, why::SWITCH, A, 40);
    probes.fds(400, leader, why::SWITCH, A, 4);
    probes.fds(500, child, why::CALL, B, 20);
    ends(&mut probes, 600, child, B, 20);
    let document = run::document(&probes.records, 10_000);
    let tables = document.fd_tables.expect("they were looked at");
    let open = &tables[0].open;
    assert_eq!(
        (open.first, open.last, open.peak, open.peak_ns),
        (4, 4, 40, 200)
    );
    assert_eq!(tables[0].series, [(0, 4), (200, 40), (300, 4)]);
    assert_eq!(tables[1].limit, Some(1024));
    let sum = document.fd_open.expect("they were looked at");
    assert_eq!((sum.peak_sum, sum.at_ns, sum.tables_max), (45, 200, 2));
}

#[test]
fn fd_tables_know_what_came_through_an_exec() {
    let (mut probes, _) = seeded();
    let child = born(&mut probes, 200, who(7, 7), B, 9);
    probes.exec(300, child, 7, &["git"]);
    probes.fds(300, child, why::EXEC, B, 6);
    probes.fd_kinds(300, child, why::EXEC, B, [3, 2, 1, 0, 0, 0, 0, 0]);
    probes.fds(400, child, why::EXIT, B, 7);
    probes.fd_kinds(400, child, why::EXIT, B, [3, 2, 2, 0, 0, 0, 0, 0]);
    let table = &tables(&probes)[1];
    let kinds = |file| FdKinds {
        socket: 3,
        pipe: 2,
        file,
        ..FdKinds::default()
    };
    assert_eq!(table.origin, TableOrigin::Exec);
    assert_eq!(
        (table.open.first, table.open.peak, table.from_ns),
        (6, 7, 200)
    );
    let sum = run::document(&probes.records, 10_000).fd_open;
    assert_eq!(sum.map(|sum| sum.peak_sum), Some(13));
    assert_eq!(
        (table.inherited, &table.inherited_by_kind),
        (Some(6), &Some(kinds(1)))
    );
    assert_eq!(table.by_kind, Some(kinds(2)));
}

/// A pipe's end, or what has this inode number.
fn pipe(fd: i32, ino: u64) -> Object {
    Object {
        fd,
        ino,
        mode: S_IFIFO,
        ..Object::default()
    }
}

/// Number, target and whether an exec closes it, of each.
fn described(targets: Option<&[FdTarget]>) -> Vec<(i32, &str, bool)> {
    let brief = |target: &'_ FdTarget| {
        assert_eq!(target.kind, DescriptorKind::Pipe);
        (target.fd, target.cloexec)
    };
    let targets = targets.expect("they were described");
    let names = targets.iter().map(|target| target.target.as_str());
    let rest = targets.iter().map(brief);
    names
        .zip(rest)
        .map(|(name, (fd, cloexec))| (fd, name, cloexec))
        .collect()
}

#[test]
fn fd_tables_have_what_each_descriptor_was_at_the_last_look() {
    let (mut probes, _) = seeded();
    let child = born(&mut probes, 200, who(7, 7), B, 3);
    probes.exec(300, child, 7, &["git"]);
    let (at_exec, at_exit) = (why::EXEC | why::DESCRIBED, why::EXIT | why::DESCRIBED);
    probes.fds(300, child, why::EXEC, B, 2);
    probes.fd_kinds(300, child, at_exec, B, [0, 2, 0, 0, 0, 0, 0, 0]);
    probes.open(300, child, OPEN, pipe(1, 5));
    probes.open(300, child, OPEN, pipe(0, 4));
    probes.fds(400, child, why::EXIT, B, 4);
    probes.fd_kinds(400, child, at_exit, B, [0, 3, 0, 0, 0, 0, 0, 0]);
    // Of another look, which nothing is known of.
    probes.open(399, child, OPEN, pipe(7, 9));
    probes.open(400, child, OPEN | CLOEXEC, pipe(2, 6));
    probes.open(400, child, OPEN, pipe(0, 4));
    let tables = tables(&probes);
    let through = described(tables[1].inherited_targets.as_deref());
    assert_eq!(through, [(0, "pipe:[4]", false), (1, "pipe:[5]", false)]);
    assert_eq!(tables[1].inherited_targets_left, Some(0));
    let last = described(tables[1].targets.as_deref());
    assert_eq!(last, [(0, "pipe:[4]", false), (2, "pipe:[6]", true)]);
    // The record of one is lost; the fourth is reserved.
    assert_eq!(tables[1].targets_left, Some(1));
    assert_eq!((&tables[0].targets, tables[0].targets_left), (&None, None));
}

#[test]
fn fd_tables_say_how_many_descriptors_lie_beyond_those_that_are_described() {
    let (mut probes, leader) = seeded();
    let flags = why::FINAL | why::DESCRIBED | why::CUT;
    probes.fds(300, leader, why::FINAL | why::CUT, A, 300);
    // A second thread of the table, at the same instant.
    let other = born(&mut probes, 200, who(6, 6), B, 4);
    probes.fd_kinds(300, other, why::EXIT | why::DESCRIBED, B, [0; 8]);
    probes.fd_kinds(300, leader, flags, A, [0, 300, 0, 0, 0, 0, 0, 0]);
    probes.open(300, leader, OPEN, pipe(0, 4));
    let tables = tables(&probes);
    assert_eq!(
        (&tables[0].by_kind, tables[0].targets_left),
        (&None, Some(299))
    );
    assert_eq!(tables[1].targets, Some(Vec::new()));
}

/// What was open before an exec is not what is open at the end.
#[test]
fn fd_tables_forget_what_was_described_where_the_account_begins_anew() {
    let (mut probes, _) = seeded();
    let child = born(&mut probes, 200, who(7, 7), B, 3);
    for (ts_ns, program) in [(300, "sh"), (400, "git")] {
        probes.exec(ts_ns, child, 7, &[program]);
        probes.fds(ts_ns, child, why::EXEC, B, 1);
    }
    probes.fd_kinds(
        300,
        child,
        why::EXEC | why::DESCRIBED,
        B,
        [0, 1, 0, 0, 0, 0, 0, 0],
    );
    probes.open(300, child, OPEN, pipe(0, 4));
    assert_eq!(tables(&probes)[1].targets, None);
}

/// Where the look at the exit is lost, what it would have shown is not known.
#[test]
fn fd_tables_do_not_take_an_exec_for_the_end() {
    let (mut probes, _) = seeded();
    let child = born(&mut probes, 200, who(7, 7), B, 3);
    probes.exec(300, child, 7, &["git"]);
    probes.fds(300, child, why::EXEC, B, 1);
    let flags = why::EXEC | why::DESCRIBED;
    probes.fd_kinds(300, child, flags, B, [0, 1, 0, 0, 0, 0, 0, 0]);
    probes.open(300, child, OPEN, pipe(0, 4));
    let here = [(0, "pipe:[4]", false)];
    assert_eq!(described(tables(&probes)[1].targets.as_deref()), here);
    ends(&mut probes, 400, child, B, 2);
    let table = &tables(&probes)[1];
    assert_eq!(table.targets, None);
    assert_eq!(described(table.inherited_targets.as_deref()), here);
}

/// They are waitscope's until the command runs.
#[test]
fn fd_tables_of_a_held_command_begin_with_its_exec() {
    let mut probes = Probes::default();
    let root = probes.seed(100, who(5, 5), Out::default(), snapshot::HELD);
    probes.fds(100, root, why::SEED, A, 11);
    probes.fds(200, root, why::SWITCH, A, 12);
    probes.exec(300, root, 5, &["sleep"]);
    probes.fds(300, root, why::EXEC, A, 3);
    assert_eq!(
        briefly(&tables(&probes)),
        [(TableOrigin::Exec, vec![5], 1, 3)]
    );
}

#[test]
fn fd_tables_peak_is_exact_where_every_call_was_looked_at() {
    let peak_exact = |exact, threads| {
        let (mut probes, _) = seeded();
        for tid in 0..threads {
            born(&mut probes, 200, who(6 + tid, 5), A, 4);
        }
        let document = run::exact(&probes.records, exact);
        document.fd_tables.expect("they were looked at")[0]
            .open
            .peak_exact
    };
    assert!(peak_exact(true, 0));
    assert!(!peak_exact(true, 1));
    assert!(!peak_exact(false, 0));
}

#[test]
fn fd_tables_keep_so_many_points_of_their_course() {
    let (mut probes, leader) = seeded();
    for step in 0..9_000 {
        probes.fds(200 + u64::from(step), leader, why::SWITCH, A, 5 + step);
    }
    let table = &tables(&probes)[0];
    assert!((MOST_POINTS / 2..=MOST_POINTS).contains(&table.series.len()));
    assert_eq!(table.series[0], (0, 4));
    assert_eq!(table.open.last, 9_004);
    assert!(table.series.is_sorted());
}

#[test]
fn fd_tables_are_unknown_where_none_was_looked_at() {
    let mut probes = Probes::default();
    probes.seed(100, who(5, 5), Out::default(), snapshot::ON_CPU);
    let document = run::document(&probes.records, 10_000);
    assert_eq!((document.fd_tables, document.fd_open), (None, None));
    assert_eq!(document.tier, Tier::Full);
}

#[test]
fn fd_tables_come_as_near_to_a_limit_as_it_was_in_force() {
    let check = |looks: &[(u32, u64)], expect| {
        let mut probes = Probes::default();
        let task = probes.seed(100, who(5, 5), Out::default(), snapshot::ON_CPU);
        for (at, look) in (200..).zip(looks) {
            probes.fds_of(at, task, why::SWITCH, A, *look);
        }
        assert_eq!(tables(&probes)[0].limit_share, expect, "{looks:?}");
    };
    check(&[(9, 1024)], Some(0.0088));
    check(&[(30, 100), (85, 100), (4, 100)], Some(0.85));
    // Set to 1 when nine were open: that is no share of it.
    check(&[(9, 1024), (9, 1)], Some(0.0088));
    check(&[(9, 1)], None);
    // Raised in time, and lowered behind the peak.
    check(&[(90, 100), (150, 1000)], Some(0.9));
    check(&[(90, 1000), (10, 100)], Some(0.1));
    check(&[(9, 0)], None);
    check(&[(9, u64::MAX)], Some(0.0));
    check(&[(10, 10)], Some(1.0));
}

#[test]
fn fd_tables_are_behind_an_exec_those_of_the_process_that_ran_it() {
    let (mut probes, _) = seeded();
    let child = born(&mut probes, 200, who(7, 7), B, 5);
    let other = probes.fork(300, 7, 0, who(8, 8));
    probes.fds(300, other, why::BIRTH, B, 5);
    ends(&mut probes, 400, other, B, 5);
    probes.exec(500, child, 7, &["git"]);
    probes.fds(500, child, why::EXEC, B, 9);
    assert_eq!(
        briefly(&tables(&probes)[1..]),
        [(TableOrigin::Exec, vec![7], 1, 9)]
    );
}
