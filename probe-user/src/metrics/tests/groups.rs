//! Which threads are one row.

use std::collections::BTreeMap;

use probe_common::task::snapshot::ON_CPU;

use super::{run, tree::*};
use crate::{
    document::Exit,
    wire::{
        session::Fact,
        tests::probes::{Out, Probes, Who},
    },
};

#[test]
fn groups_pool_threads_are_apart_from_the_main_thread() {
    let (mut tree, root) = Tree::root(&["python3", "/opt/gitsync", "--jobs", "4"]);
    for _ in 0..4 {
        tree.thread(root, "ThreadPoolExecu");
    }
    let document = tree.document();
    assert_eq!(
        sizes(&document),
        [
            ("python3 gitsync", 1, 1),
            ("python3 gitsync (ThreadPoolExecu)", 4, 1)
        ]
    );
    let pool = group(&document, "python3 gitsync (ThreadPoolExecu)");
    assert_eq!(pool.runtime.as_deref(), Some("python pool"));
    assert!(!pool.helper);
    assert_eq!(document.processes, 1);
}

#[test]
fn groups_numbers_in_names_of_threads_fold() {
    let (mut tree, root) = Tree::root(&["server"]);
    for comm in ["worker-1", "worker-2", "worker-17", "logger"] {
        tree.thread(root, comm);
    }
    assert_eq!(
        sizes(&tree.document()),
        [
            ("server", 1, 1),
            ("server (logger)", 1, 1),
            ("server (worker-*)", 3, 1)
        ]
    );
}

#[test]
fn groups_threads_without_a_name_of_their_own_are_just_threads() {
    let (mut tree, root) = Tree::root(&["server"]);
    tree.thread(root, "server");
    tree.thread(root, "server");
    assert_eq!(
        sizes(&tree.document()),
        [("server", 1, 1), ("server (threads)", 2, 1)]
    );
}

#[test]
fn groups_children_of_one_role_are_one_group() {
    let (mut tree, root) = Tree::root(&["python3", "gitsync"]);
    for number in 0..96 {
        let child = tree.fork(root, "python3");
        tree.exec(child, &["git", "fetch", "--all"]);
        tree.exit(child, if number == 7 { 128 << 8 } else { 0 });
    }
    let document = tree.document();
    assert_eq!(
        sizes(&document),
        [("git fetch", 96, 96), ("python3 gitsync", 1, 1)]
    );
    assert_eq!(document.processes, 97);
    let exits = BTreeMap::from([(Exit::Code(0), 95), (Exit::Code(128), 1)]);
    assert_eq!(group(&document, "git fetch").exits, exits);
    assert_eq!(group(&document, "python3 gitsync").exits, BTreeMap::new());
}

#[test]
fn groups_children_of_pool_threads_belong_to_the_process() {
    let (mut tree, root) = Tree::root(&["python3", "gitsync"]);
    for _ in 0..3 {
        let worker = tree.thread(root, "ThreadPoolExecu");
        let child = tree.fork(worker, "python3");
        tree.exec(child, &["git", "fetch"]);
    }
    assert_eq!(
        sizes(&tree.document()),
        [
            ("git fetch", 3, 3),
            ("python3 gitsync", 1, 1),
            ("python3 gitsync (ThreadPoolExecu)", 3, 1)
        ]
    );
}

#[test]
fn groups_one_label_under_different_parents_is_two_groups() {
    let (mut tree, root) = Tree::root(&["make"]);
    for program in ["one", "other"] {
        let parent = tree.fork(root, "make");
        tree.exec(parent, &[program]);
        let child = tree.fork(parent, program);
        tree.exec(child, &["git", "gc"]);
    }
    assert_eq!(
        sizes(&tree.document()),
        [
            ("git gc of one", 1, 1),
            ("git gc of other", 1, 1),
            ("make", 1, 1),
            ("one", 1, 1),
            ("other", 1, 1)
        ]
    );
}

#[test]
fn groups_a_fork_without_an_exec_is_said_to_be_one() {
    let (mut tree, root) = Tree::root(&["python3", "gitsync"]);
    for _ in 0..3 {
        tree.fork(root, "python3");
    }
    assert_eq!(
        sizes(&tree.document()),
        [
            ("python3 gitsync", 1, 1),
            ("python3 gitsync (forked)", 3, 3)
        ]
    );
}

#[test]
fn groups_however_deep_a_program_forks_itself_are_one() {
    let (mut tree, root) = Tree::root(&["nest", "30"]);
    let mut last = root;
    for _ in 0..30 {
        last = tree.fork(last, "nest");
    }
    tree.thread(last, "worker-1");
    assert_eq!(
        sizes(&tree.document()),
        [
            ("nest", 1, 1),
            ("nest (forked)", 30, 30),
            ("nest (worker-*)", 1, 1)
        ]
    );
}

#[test]
fn groups_however_deep_programs_run_each_other_are_one_for_each() {
    let (mut tree, root) = Tree::root(&["make"]);
    let mut last = root;
    for _ in 0..20 {
        for program in ["sh", "make", "make"] {
            last = tree.fork(last, "make");
            tree.exec(last, &[program]);
        }
    }
    assert_eq!(
        sizes(&tree.document()),
        [
            ("make", 1, 1),
            ("make (nested)", 40, 40),
            ("sh of make", 1, 1),
            ("sh of make (nested)", 19, 19)
        ]
    );
}

#[test]
fn groups_of_one_name_and_one_makers_name_are_one() {
    let (mut tree, root) = Tree::root(&["top"]);
    for program in ["one", "other"] {
        let parent = tree.fork(root, "top");
        tree.exec(parent, &[program]);
        for _ in 0..2 {
            let shim = tree.fork(parent, program);
            tree.exec(shim, &["shim"]);
            let child = tree.fork(shim, "shim");
            tree.exec(child, &["python3"]);
        }
    }
    assert_eq!(
        sizes(&tree.document()),
        [
            ("one", 1, 1),
            ("other", 1, 1),
            ("python3 of shim", 4, 4),
            ("shim of one", 2, 2),
            ("shim of other", 2, 2),
            ("top", 1, 1)
        ]
    );
}

#[test]
fn groups_a_name_that_a_program_gives_itself_is_not_its_name() {
    let (mut tree, root) = Tree::root(&["server"]);
    tree.rename(root, "server: 3 busy");
    tree.thread(root, "server");
    let worker = tree.thread(root, "server: 3 busy");
    tree.rename(worker, "worker-7");
    assert_eq!(
        sizes(&tree.document()),
        [
            ("server", 1, 1),
            ("server (threads)", 1, 1),
            ("server (worker-*)", 1, 1)
        ]
    );
}

#[test]
fn groups_of_forked_processes_have_the_names_that_these_keep() {
    let (mut tree, root) = Tree::root(&["server"]);
    for name in ["worker-1", "worker-2", "logger"] {
        let child = tree.fork(root, "server");
        tree.rename(child, name);
    }
    tree.fork(root, "server");
    assert_eq!(
        sizes(&tree.document()),
        [
            ("server", 1, 1),
            ("server (forked)", 1, 1),
            ("server (logger)", 1, 1),
            ("server (worker-*)", 2, 2)
        ]
    );
}

#[test]
fn groups_do_not_depend_on_names_that_show_what_a_process_does_now() {
    let (mut tree, root) = Tree::root(&["perl", "pool.pl"]);
    for names in [&["pool: idle"][..], &["pool: idle", "pool: busy"], &[]] {
        let child = tree.fork(root, "perl");
        names.iter().for_each(|name| tree.rename(child, name));
    }
    assert_eq!(
        sizes(&tree.document()),
        [("perl pool.pl", 1, 1), ("perl pool.pl (forked)", 3, 3)]
    );
}

#[test]
fn groups_of_a_runtimes_threads_say_so() {
    let (mut tree, root) = Tree::root(&["java", "-jar", "x.jar"]);
    for comm in [
        "java",
        "GC Thread#0",
        "GC Thread#1",
        "G1 Conc#0",
        "VM Thread",
        "VM Periodic Tas",
        "C1 CompilerThre",
        "C2 CompilerThre",
        "pool-1-thread-3",
    ] {
        tree.thread(root, comm);
    }
    let document = tree.document();
    let found = ["java", "java (threads)", "java (pool-1-thread-*)"];
    let own = found.map(|name| (group(&document, name).runtime.clone(), false));
    assert_eq!(own, [const { (None, false) }; 3]);
    for (name, threads) in [("jvm gc", 3), ("jvm service", 2), ("jvm compiler", 2)] {
        let group = group(&document, &format!("java ({name})"));
        let said = (group.runtime.as_deref(), group.helper, group.threads);
        assert_eq!(said, (Some(name), true, threads));
    }
}

#[test]
fn groups_of_what_was_found_running_have_its_name_and_not_its_title() {
    let mut probes = Probes::default();
    let mut facts = Vec::new();
    for (pid, title) in [(5, "idle"), (6, "UPDATE waiting"), (7, "COMMIT")] {
        let who = Who {
            tid: pid,
            pid,
            ppid: 1,
            comm: "postgres",
        };
        probes.seed(1000, who, Out::default(), ON_CPU);
        facts.push(Fact::Argv {
            pid,
            argv: vec![format!("postgres: bench [local] {title}"), String::new()],
            file: Some("postgres".to_owned()),
        });
    }
    let mut batch = run::batch(&probes.records);
    batch.facts = facts;
    let mut analysis = run::begun();
    analysis.batch(&batch);
    analysis.end(run::end(1100));
    let document = analysis.document();
    assert_eq!(sizes(&document), [("postgres", 3, 3)]);
    let first = &document.threads[0];
    assert_eq!(first.title.as_deref(), Some("postgres: bench [local] idle"));
    assert_eq!(first.argv, [""; 0]);
}

#[test]
fn groups_a_reused_pid_is_another_process() {
    let (mut tree, root) = Tree::root(&["make"]);
    for program in ["one", "other"] {
        let child = tree.fork_as(root, 500, "make");
        tree.exec(child, &[program]);
        tree.exit(child, 0);
    }
    let document = tree.document();
    assert_eq!(document.processes, 3);
    assert_eq!(
        sizes(&document),
        [("make", 1, 1), ("one", 1, 1), ("other", 1, 1)]
    );
}

#[test]
fn groups_every_thread_points_to_its_group() {
    let (mut tree, root) = Tree::root(&["make"]);
    let child = tree.fork(root, "make");
    tree.exec(child, &["cc"]);
    tree.thread(child, "lto-1");
    let document = tree.document();
    for thread in &document.threads {
        let group = &document.groups[thread.group];
        let pid = thread.pid.expect("its birth was seen");
        assert!(group.pids.contains(&pid), "{thread:?}");
    }
    let counted: usize = document.groups.iter().map(|g| g.threads).sum();
    assert_eq!(counted, document.threads.len());
}

#[test]
fn groups_are_sorted_by_their_time_and_the_oldest_comes_first_among_equals() {
    let (mut tree, root) = Tree::root(&["make"]);
    let short = tree.fork(root, "make");
    tree.exec(short, &["short"]);
    tree.exit(short, 0);
    let long = tree.fork(root, "make");
    tree.exec(long, &["long"]);
    tree.pass(10_000);
    tree.exit(long, 0);
    let document = tree.document();
    let names: Vec<&str> = document.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["make", "long", "short"]);
    let lives: Vec<u64> = document.groups.iter().map(|g| g.sums.lifetime_ns).collect();
    assert!(lives.is_sorted_by(|a, b| a >= b), "{lives:?}");
}

#[test]
fn groups_a_document_depends_on_its_records_alone() {
    let (mut tree, root) = Tree::root(&["make"]);
    for number in 0..40 {
        let child = tree.fork(root, "make");
        tree.nap(child, WAIT, 1000, root);
        tree.nap(root, if number % 2 == 0 { WAIT } else { READ }, 1000, child);
    }
    let first = tree.document();
    for _ in 0..20 {
        assert_eq!(tree.document(), first);
    }
}
