//! What a deep chain of waits costs: counted, not timed.

use super::account::assert_closed;
use crate::{
    document::Document,
    metrics::tests::{
        run,
        tree::{Tree, WAIT},
    },
    syscall::Table,
    wire::tests::{decoded, probes::Out},
    world::World,
};

/// Records of processes each of which waits for the one that it has started.
fn nested(depth: usize) -> Vec<Vec<u8>> {
    let (mut tree, root) = Tree::root(&["nest"]);
    let mut chain = vec![root];
    for _ in 0..depth {
        let parent = chain[chain.len() - 1];
        let child = tree.fork(parent, "nest");
        tree.sleep(parent, Out::sleep(WAIT));
        chain.push(child);
    }
    while let [.., parent, child] = chain[..] {
        tree.wake(parent, child);
        tree.exit(child, 0);
        chain.pop();
    }
    tree.records()
}

/// What the blame of all of that is kept in.
fn kept(records: &[Vec<u8>]) -> usize {
    let mut world = World::new(Table::by_id("x86_64").expect("a known table"));
    let (events, _) = decoded(&records.concat());
    events.iter().for_each(|event| world.apply(event));
    let accounts = world
        .threads
        .iter()
        .map(|thread| thread.account.blame.len());
    world.logs.kept_shares() + accounts.sum::<usize>()
}

#[test]
fn growth_of_a_deep_chain_is_in_proportion_to_its_waits() {
    let [some, twice] = [200, 400].map(|depth| kept(&nested(depth)));
    assert!(
        twice < some * 22 / 10,
        "{some} at a depth of 200, {twice} of 400"
    );
}

/// However deep, what is behind a wait is all there.
#[test]
fn growth_in_depth_loses_no_cause() {
    let records = nested(100);
    let document: Document = run::cut(&records);
    assert_closed(&document);
    let blame = |at: usize| {
        let causes = document.threads[at].sums.blame.iter();
        causes.map(|b| (b.cause.as_str(), b.ns)).collect::<Vec<_>>()
    };
    // The innermost ran; each around it waited 30 ns longer, in which its child ran.
    let computed = |at: usize| {
        blame(at)
            .iter()
            .filter(|b| b.0 == "computing")
            .map(|b| b.1)
            .sum()
    };
    let all: Vec<u64> = (0..100).map(computed).collect();
    assert!(all.windows(2).all(|w: &[u64]| w[0] > w[1]), "{all:?}");
    assert_eq!(blame(100), []);
}
