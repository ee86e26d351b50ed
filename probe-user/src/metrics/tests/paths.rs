//! The critical path across births.

use super::{
    run,
    tree::{READ, Tree, WAIT},
};
use crate::{
    document::CriticalPath,
    wire::tests::probes::{By, Out},
};

#[test]
fn critical_path_before_a_birth_the_path_goes_on_in_the_creator() {
    let (mut tree, root) = Tree::root(&["make"]);
    let child = tree.fork(root, "sh");
    tree.sleep(root, Out::sleep(WAIT));
    tree.pass(100);
    let grandchild = tree.fork(child, "cc");
    tree.exec(grandchild, &["cc"]);
    tree.sleep(child, Out::sleep(WAIT));
    tree.pass(500);
    let (now, by) = (tree.tick(), By::task(tree.tid(grandchild), 202));
    tree.probes.waking(now, root, &by);
    tree.run(root);
    tree.pass(50);
    tree.exit(root, 0);
    let document = tree.document();
    let path = document.critical_path.as_ref().expect("a path");
    let of_thread: Vec<(&str, &str)> = path
        .hops
        .iter()
        .map(|hop| {
            (
                document.threads[hop.thread].comm.as_str(),
                hop.cause.as_str(),
            )
        })
        .collect();
    let expected = [
        ("make", "starting"),
        ("make", "computing"),
        ("sh", "run-queue"),
        ("sh", "computing"),
        ("cc", "run-queue"),
        ("cc", "computing"),
        ("make", "run-queue"),
        ("make", "computing"),
    ];
    assert_eq!(of_thread, expected, "{path:?}");
    let hops = path.hops.iter().map(|hop| hop.to_ns - hop.from_ns);
    assert_eq!(hops.sum::<u64>(), path.to_ns - path.from_ns);
    // make is on it but for what sh did before make slept, sh until it made cc, cc since.
    let on_path = |name: &str| {
        let group = document.groups.iter().find(|group| group.name == name);
        group.and_then(|group| group.critical_path_ns).unwrap()
    };
    let of = |comm: &str| {
        let of = path.hops.iter();
        let of = of.filter(|hop| document.threads[hop.thread].comm == comm);
        of.map(|hop| hop.to_ns - hop.from_ns).sum::<u64>()
    };
    let sh = document.groups.iter().map(|group| &group.name);
    let sh = sh.filter(|name| !["make", "cc"].contains(&name.as_str()));
    assert_eq!(sh.map(|name| on_path(name)).sum::<u64>(), of("sh"));
    assert_eq!(on_path("cc"), of("cc"));
    let make = &document.threads[path.root];
    let slept = make
        .sums
        .waits
        .iter()
        .map(|wait| wait.total_ns)
        .sum::<u64>();
    assert_eq!(on_path("make"), of("make") + slept);
}

/// Two servers, one of which has a worker that computes. The worker is the busiest
/// thread, and its path begins with the process that was there first.
#[test]
fn critical_path_of_several_roots_is_that_of_the_busiest_thread() {
    let (mut tree, first) = Tree::root(&["nginx"]);
    let second = tree.found(1, "redis");
    let worker = tree.fork(first, "worker");
    let before = tree.found(tree.tid(second), "helper");
    tree.sleep(first, Out::sleep(WAIT));
    tree.sleep(second, Out::sleep(WAIT));
    tree.sleep(before, Out::sleep(WAIT));
    tree.pass(5000);
    tree.nap(worker, READ, 700, worker);
    tree.pass(300);
    let waiting = [first, second, before];
    let pids = [first, second].map(|task| tree.tid(task));
    let document = tree.attached(&pids, &waiting);
    let path = document.critical_path.as_ref().expect("a path");
    assert_eq!(document.threads[path.root].comm, "worker");
    assert_eq!(path.to_ns, document.wall_ns);
    assert_eq!(path.from_ns, 0, "{path:?}");
    let whole = |path: &CriticalPath| {
        let hops = path.hops.iter().map(|hop| hop.to_ns - hop.from_ns);
        assert_eq!(hops.sum::<u64>(), path.to_ns - path.from_ns);
        document.threads[path.root].tid
    };
    whole(path);
    let each = document.critical_paths.as_ref().expect("several");
    assert_eq!(each.iter().map(whole).collect::<Vec<_>>(), pids);
    // The helper; not the worker, which was seen to begin.
    assert_eq!(document.started_before, 1);
    let one = tree.attached(&pids[..1], &waiting);
    assert_eq!(one.critical_paths, None);
    assert_eq!(
        one.threads[one.critical_path.expect("a path").root].tid,
        pids[0]
    );
}

#[test]
fn critical_path_of_nothing_there_is_no_path() {
    assert_eq!(run::document(&[], 5).critical_path, None);
}
