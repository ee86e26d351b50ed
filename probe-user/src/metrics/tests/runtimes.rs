//! Threads of a program made by Go.

use super::{run, tree::*};
use crate::{
    document::Document,
    wire::{
        session::{Fact, ScanResult},
        tests::probes::Out,
    },
};

/// `nanosleep`
const SLEEP: i16 = 35;
/// When the root runs its program.
const EXEC_NS: u64 = 1010;
/// `futex`
const FUTEX: i16 = 202;

/// What it is with a fact about process 100.
fn with(tree: &Tree, found: ScanResult) -> Document {
    let mut batch = run::batch(&tree.probes.records);
    batch.facts.push(Fact::Python {
        pid: 100,
        from_ns: EXEC_NS,
        found,
    });
    let mut analysis = run::begun();
    analysis.batch(&batch);
    analysis.document()
}

#[test]
fn runtime_threads_of_go_are_distinguished_by_what_they_do() {
    let (mut tree, root) = Tree::root(&["web"]);
    let [sysmon, worker, parked, open] = [(); 4].map(|()| tree.thread(root, "web"));
    tree.nap(sysmon, SLEEP, 1000, root);
    tree.nap(worker, READ, 1000, root);
    tree.sleep(open, Out::sleep(FUTEX));
    for _ in 0..3 {
        tree.nap(parked, FUTEX, 1_000_000, worker);
    }
    tree.sleep(parked, Out::sleep(FUTEX));
    tree.pass(1_000_000);
    tree.run(worker);
    let document = with(&tree, ScanResult::Go);
    assert_eq!(
        sizes(&document),
        [
            ("web", 1, 1),
            ("web (go Ms)", 1, 1),
            ("web (go parked Ms)", 2, 1),
            ("web (go sysmon)", 1, 1)
        ]
    );
    for (name, helper) in [
        ("go Ms", false),
        ("go parked Ms", true),
        ("go sysmon", true),
    ] {
        let group = group(&document, &format!("web ({name})"));
        assert_eq!(
            (group.runtime.as_deref(), group.helper),
            (Some(name), helper)
        );
    }
    let notes = &document.coverage.notes;
    assert!(notes[0].starts_with("web: made by Go"), "{notes:?}");
    let other = with(&tree, ScanResult::NoPython);
    assert_eq!(sizes(&other), [("web", 1, 1), ("web (threads)", 4, 1)]);
    assert_eq!(other.coverage.notes, [""; 0]);
}
