//! What the rows of a group add up to.

use super::{run, tree::*};
use crate::{
    document::{Calls, Function, OpenWait, Sums, Wait},
    metrics::{calls, sums},
    wire::{
        session::Fact,
        tests::probes::{Out, Probes, Who},
    },
};

#[test]
fn sums_waits_of_one_place_add_up_over_a_groups_threads() {
    let (mut tree, root) = Tree::root(&["server"]);
    let workers = [tree.thread(root, "w-1"), tree.thread(root, "w-2")];
    for (worker, ns) in workers.into_iter().zip([1000, 3000]) {
        tree.nap(worker, WAIT, ns, root);
    }
    let document = tree.document();
    let sums = &group(&document, "server (w-*)").sums;
    assert_eq!(sums.waits.len(), 1);
    let wait = &sums.waits[0];
    assert_eq!(
        (wait.kind.as_str(), wait.count, wait.total_ns, wait.max_ns),
        ("child-exit", 2, 4000, 3000)
    );
    assert_eq!(sums.switches.voluntary, 2);
    let own: u64 = document
        .threads
        .iter()
        .filter(|t| t.tid != 100)
        .map(|t| t.sums.lifetime_ns)
        .sum();
    assert_eq!(sums.lifetime_ns, own);
}

#[test]
fn sums_beyond_all_numbers_end_at_the_greatest() {
    // As a hostile recording has them.
    let wait = Wait {
        count: u64::MAX,
        total_ns: u64::MAX,
        ..Wait::default()
    };
    let from = Sums {
        lifetime_ns: u64::MAX,
        on_cpu_ns: u64::MAX,
        waits: vec![wait],
        ..Sums::default()
    };
    let mut into = from.clone();
    sums::add(&mut into, &from);
    assert_eq!(into.lifetime_ns, u64::MAX);
    assert_eq!(into.waits[0].total_ns, u64::MAX);
}

#[test]
fn sums_wakers_of_one_name_are_one_and_keep_only_the_ids_they_share() {
    let (mut tree, root) = Tree::root(&["server"]);
    let wakers = [tree.thread(root, "w-1"), tree.thread(root, "w-2")];
    for waker in wakers {
        tree.nap(root, WAIT, 1000, waker);
    }
    let document = tree.document();
    let root_sums = &document.threads[0].sums;
    assert_eq!(root_sums.waits[0].wakes.len(), 2, "a thread knows each");
    let wakes = &group(&document, "server").sums.waits[0].wakes;
    assert_eq!(wakes.len(), 1, "{wakes:?}");
    let wake = &wakes[0];
    assert_eq!((wake.count, wake.wait_ns), (2, 2000));
    assert_eq!((wake.pid, wake.tid), (Some(100), None));
    assert_eq!(wake.comm.as_deref(), Some("server (w-*)"));
    assert!(!wake.outside);
}

#[test]
fn sums_wakers_in_different_processes_share_no_pid() {
    let (mut tree, root) = Tree::root(&["make"]);
    for _ in 0..2 {
        let child = tree.fork(root, "make");
        tree.exec(child, &["cc"]);
        tree.nap(root, WAIT, 1000, child);
    }
    let document = tree.document();
    let wake = &group(&document, "make").sums.waits[0].wakes[0];
    assert_eq!((wake.count, wake.pid, wake.tid), (2, None, None));
    assert_eq!(wake.comm.as_deref(), Some("cc"));
}

#[test]
fn sums_the_largest_wait_comes_first() {
    let (mut tree, root) = Tree::root(&["make"]);
    let other = tree.thread(root, "other");
    for (nr, ns) in [(WAIT, 500), (230, 2000), (7, 1000)] {
        tree.nap(root, nr, ns, other);
    }
    let document = tree.document();
    let kinds: Vec<&str> = document.threads[0]
        .sums
        .waits
        .iter()
        .map(|w| w.kind.as_str())
        .collect();
    assert_eq!(kinds, ["sleep", "poll", "child-exit"]);
}

#[test]
fn sums_open_waits_of_one_place_are_counted_together() {
    let (mut tree, root) = Tree::root(&["server"]);
    let workers = [tree.thread(root, "w-1"), tree.thread(root, "w-2")];
    for worker in workers {
        tree.sleep(worker, Out::sleep(WAIT));
    }
    tree.sleep(root, Out::sleep(230));
    let document = tree.document();
    let open = &group(&document, "server (w-*)").sums.open;
    assert_eq!(open.len(), 1);
    // One since 20 ns, the other since 10 ns.
    assert_eq!((open[0].count, open[0].so_far_ns), (2, 30));
    assert_eq!(document.coverage.open_waits, 3);
}

fn futex(arg0: u64) -> Out {
    Out {
        arg0,
        ..Out::sleep(202)
    }
}

#[test]
fn sums_a_waits_object_is_told_only_while_it_is_the_only_one() {
    let (mut tree, root) = Tree::root(&["server"]);
    for worker in ["a-1", "a-2", "b-1"] {
        let worker_task = tree.thread(root, worker);
        let address = if worker == "a-2" { 0x2000 } else { 0x1000 };
        tree.wait(worker_task, futex(address), 10, root);
    }
    let document = tree.document();
    let object = |name| group(&document, name).sums.waits[0].object.clone();
    assert_eq!(object("server (a-*)"), None);
    assert_eq!(object("server (b-*)").as_deref(), Some("futex 0x1000"));
}

#[test]
fn sums_a_thread_with_too_many_objects_keeps_the_sums() {
    const OBJECTS: u64 = 600;
    let (mut tree, root) = Tree::root(&["server"]);
    let task = tree.thread(root, "w-1");
    // Twice each: those with a name of their own keep it.
    for address in (1..=OBJECTS).chain(1..=OBJECTS) {
        tree.wait(task, futex(address << 12), 10, root);
    }
    let document = tree.document();
    let sums = &document.threads[1].sums;
    let (named, rest): (Vec<_>, Vec<_>) = sums.waits.iter().partition(|w| w.object.is_some());
    assert_eq!(named.len(), 512);
    assert!(named.iter().all(|wait| wait.count == 2));
    assert_eq!(rest.len(), 1, "all others together");
    assert_eq!(rest[0].count, 2 * (OBJECTS - 512));
}

#[test]
fn sums_calls_that_are_newer_than_the_table_are_told_by_number() {
    let (mut tree, root) = Tree::root(&["server"]);
    let other = tree.thread(root, "other");
    tree.nap(root, 900, 1000, other);
    let document = tree.document();
    let wait = &document.threads[0].sums.waits[0];
    assert_eq!(wait.syscall.as_deref(), Some("call 900"));
    assert_eq!(wait.kind.as_str(), "unknown");
}

#[test]
fn sums_lifetimes_are_told_from_the_beginning_of_the_run() {
    let (mut tree, root) = Tree::root(&["make"]);
    tree.pass(970);
    let child = tree.fork(root, "make");
    tree.exit(child, 0);
    let document = tree.document();
    let [root_row, child_row] = &document.threads[..] else {
        panic!("two threads");
    };
    assert_eq!((root_row.start_ns, root_row.end_ns), (0, 1020));
    assert_eq!((child_row.start_ns, child_row.end_ns), (990, 1020));
    assert_eq!(document.wall_ns, 1020);
    assert_eq!(child_row.creator_tid, Some(100));
    assert_eq!(child_row.ppid, Some(100));
    assert_eq!(root_row.creator_tid, None);
}

#[test]
fn sums_of_a_group_are_those_of_its_threads() {
    let (mut tree, root) = Tree::root(&["server"]);
    for name in ["w-1", "w-2"] {
        let worker = tree.thread(root, name);
        tree.nap(worker, WAIT, 1000, root);
        tree.sleep(worker, Out::preempted());
        tree.run(worker);
        tree.probes.migrate(worker);
        // A switch-out whose record is lost.
        tree.sleep(worker, Out::sleep(WAIT));
        tree.probes.records.pop();
        tree.run(worker);
        tree.exit(worker, 0);
    }
    for name in ["w-3", "w-4"] {
        let worker = tree.thread(root, name);
        tree.sleep(worker, Out::sleep(READ));
    }
    tree.exit(root, 0);
    let document = tree.document();
    let workers = group(&document, "server (w-*)");
    assert_eq!(workers.threads, 4);
    type Part = (&'static str, fn(&Sums) -> u64);
    let parts: [Part; 9] = [
        ("lifetime", |s| s.lifetime_ns),
        ("cpu", |s| s.on_cpu_ns),
        ("run queue", |s| s.runqueue_ns),
        ("stays on it", |s| s.runqueue_count),
        ("open", |s| s.open_ns),
        ("unknown", |s| s.unknown_ns),
        ("voluntary", |s| s.switches.voluntary),
        ("involuntary", |s| s.switches.involuntary),
        ("migrations", |s| s.migrations),
    ];
    for (name, part) in parts {
        let threads = document.threads.iter().filter(|t| t.tid != 100);
        let own: Vec<u64> = threads.map(|t| part(&t.sums)).filter(|&n| n > 0).collect();
        assert!(own.len() >= 2, "{name}: {own:?}");
        assert_eq!(part(&workers.sums), own.iter().sum::<u64>(), "{name}");
    }
}

#[test]
fn sums_of_a_group_count_all_waits_that_had_begun_before() {
    let mut probes = Probes::default();
    let who = |tid| Who {
        tid,
        pid: 4,
        ppid: 1,
        comm: "test",
    };
    probes.seed(1000, who(4), Out::default(), 1 << 9);
    let sleepers = [5, 6].map(|tid| probes.seed(1000, who(tid), Out::sleep(WAIT), 0));
    for (ts_ns, task) in [1100, 1300].into_iter().zip(sleepers) {
        probes.switch(ts_ns, None, Some(task));
    }
    let document = run::document(&probes.records, 1400);
    let wait = &group(&document, "test (threads)").sums.waits[0];
    let told = (wait.count, wait.begun_before, wait.total_ns, wait.max_ns);
    assert_eq!(told, (2, 2, 400, 300));
}

#[test]
fn sums_do_not_change_the_arguments_of_a_program_that_was_run_later() {
    let who = |tid| Who {
        tid,
        pid: tid,
        ppid: 1,
        comm: "before",
    };
    let mut probes = Probes::default();
    let tasks = [5, 6].map(|tid| probes.seed(1000, who(tid), Out::default(), 1 << 9));
    probes.exec(1010, tasks[0], 5, &["after"]);
    for task in tasks {
        probes.last(1020, task, Out::default(), 1 << 9);
    }
    let mut batch = run::batch(&probes.records);
    batch.facts = [5, 6]
        .map(|pid| Fact::Argv {
            pid,
            argv: vec!["before".to_owned(), "--all".to_owned()],
            file: None,
        })
        .to_vec();
    let mut analysis = run::begun();
    analysis.batch(&batch);
    analysis.end(run::end(1100));
    let document = analysis.document();
    assert_eq!(document.threads[0].argv, ["after"]);
    assert_eq!(document.threads[1].argv, ["before", "--all"]);
}

#[test]
fn sums_of_a_group_keep_waits_apart_that_are_idle_or_have_begun_before() {
    let mut group = Sums::default();
    for (idle, idle_ns, begun_before) in [
        (Some(true), 30, true),
        (Some(false), 0, false),
        (None, 0, true),
        (Some(true), 12, false),
    ] {
        let finished = Wait {
            idle,
            count: 1,
            ..Wait::default()
        };
        let open = OpenWait {
            begun_before,
            count: 1,
            ..OpenWait::default()
        };
        let thread = Sums {
            idle_ns,
            waits: vec![finished],
            open: vec![open],
            ..Sums::default()
        };
        sums::add(&mut group, &thread);
    }
    assert_eq!(group.idle_ns, 42);
    let waits: Vec<_> = group.waits.iter().map(|w| (w.idle, w.count)).collect();
    assert_eq!(waits, [(Some(true), 2), (Some(false), 1), (None, 1)]);
    let open: Vec<_> = group
        .open
        .iter()
        .map(|w| (w.begun_before, w.count))
        .collect();
    assert_eq!(open, [(true, 2), (false, 2)]);
}

#[test]
fn sums_calls_of_a_group_are_those_of_its_threads() {
    let of_thread = |n: u64| Calls {
        function: Function::Epoll,
        count: 60 * n,
        total_ns: 100 * n,
        max_ns: 1000 / n,
        begun_before: n,
        failed: 10 * n,
        with_events: Some(30 * n),
        empty: Some(20 * n),
        empty_after_wake: Some(2 * n),
        ..Calls::none_of(Function::Epoll)
    };
    let mut group = None;
    for n in [2, 1] {
        calls::add(&mut group, Some(&[of_thread(n)]));
    }
    calls::add(&mut group, None);
    let expected = Calls {
        max_ns: 1000,
        ..of_thread(3)
    };
    assert_eq!(group, Some(vec![expected]));
}
