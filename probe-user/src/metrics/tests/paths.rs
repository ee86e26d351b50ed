//! The critical path across births.

use super::{
    run,
    tree::{Tree, WAIT},
};
use crate::wire::tests::probes::{By, Out};

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
}

#[test]
fn critical_path_of_nothing_there_is_no_path() {
    assert_eq!(run::document(&[], 5).critical_path, None);
}
