//! What several runs a side had → rows, with means that add up.
//!
//! The mean of a row is rounded to the nearest ns. Its parts' means are rounded down, and what
//! that leaves goes to those that lost most, a ns each: so parts add up to their row, on each
//! side, and so do their differences.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::tree::{Name, RESIDUAL, Tree};
use crate::document::diff::{Amount, Finding, Row};

/// An amount of every run, A's before B's, and its parts.
#[derive(Debug)]
pub struct Node {
    /// Time, ns, by run.
    pub ns: Vec<i128>,
    count: Vec<Option<u64>>,
    /// What it is made of.
    pub parts: BTreeMap<Name, Node>,
}

impl Node {
    /// Of the runs' trees; a run without one had nothing of it.
    pub fn new(trees: &[Option<&Tree>]) -> Node {
        let parts = trees.iter().flatten().flat_map(|tree| &tree.parts);
        let names: BTreeSet<&Name> = parts.map(|(name, _)| name).collect();
        // That no more is known needs no row of its own.
        let is_plain = names.iter().all(|name| name.is_none());
        // Where only some runs say what it was made of, the others do not account for it.
        let whole: Vec<Option<Tree>> = trees.iter().map(|tree| undivided(*tree)).collect();
        let divided: Vec<Option<&Tree>> = trees
            .iter()
            .zip(&whole)
            .map(|(tree, whole)| whole.as_ref().or(*tree))
            .collect();
        let parts = divided.iter().flatten().flat_map(|tree| &tree.parts);
        let names: BTreeSet<&Name> = parts.map(|(name, _)| name).collect();
        let parts = names.into_iter().filter(|_| !is_plain).map(|name| {
            let parts = divided.iter();
            let parts = parts.map(|tree| tree.and_then(|it| it.parts.get(name)));
            (name.clone(), Node::new(&parts.collect::<Vec<_>>()))
        });
        Node {
            ns: trees
                .iter()
                .map(|tree| tree.map_or(0, |it| it.ns))
                .collect(),
            count: trees
                .iter()
                .map(|tree| tree.and_then(|it| it.count))
                .collect(),
            parts: parts.collect(),
        }
    }

    /// It and all its parts, in a fixed order.
    pub fn each<'a>(&'a self, visit: &mut impl FnMut(&'a Node)) {
        visit(self);
        self.parts.values().for_each(|part| part.each(visit));
    }

    /// The rows, each with what was found of it: in the order of [`Node::each`]. The first
    /// `of_a` runs are A's.
    pub fn row(
        &self,
        of_a: usize,
        found: &mut impl Iterator<Item = (Finding, Option<f64>)>,
    ) -> Row {
        let sides = [&self.ns[..of_a], &self.ns[of_a..]].map(mean);
        self.with_means(None, sides, of_a, found)
    }

    fn with_means(
        &self,
        name: Name,
        means: [i128; 2],
        of_a: usize,
        found: &mut impl Iterator<Item = (Finding, Option<f64>)>,
    ) -> Row {
        let (finding, p) = found.next().unwrap_or_default();
        let sides = |side: usize, part: &Node| match side {
            0 => sum(&part.ns[..of_a]),
            _ => sum(&part.ns[of_a..]),
        };
        let runs = [of_a, self.ns.len() - of_a];
        let parts = [0, 1].map(|side| {
            let sums = self.parts.values().map(|part| sides(side, part));
            apportioned(means[side], &sums.collect::<Vec<_>>(), runs[side])
        });
        let rows = self.parts.iter().enumerate().map(|(at, (name, part))| {
            part.with_means(name.clone(), [parts[0][at], parts[1][at]], of_a, found)
        });
        let mut rows: Vec<Row> = rows.collect();
        rows.sort_by(|one, other| rank(one).cmp(&rank(other)));
        Row {
            name,
            a: amount(means[0], &self.ns[..of_a], &self.count[..of_a]),
            b: amount(means[1], &self.ns[of_a..], &self.count[of_a..]),
            difference_ns: whole(means[1] - means[0]),
            finding,
            p,
            parts: rows,
        }
    }
}

/// What has no parts, as one that is not accounted for.
fn undivided(tree: Option<&Tree>) -> Option<Tree> {
    let tree = tree.filter(|tree| tree.parts.is_empty() && tree.ns != 0)?;
    let mut whole = Tree {
        ns: tree.ns,
        ..Tree::default()
    };
    whole.part(RESIDUAL).ns = tree.ns;
    Some(whole)
}

/// The largest difference first; of equal ones that of which there was most.
fn rank(row: &Row) -> (Reverse<u64>, Reverse<i64>, &Name) {
    let most = row.a.ns.max(row.b.ns);
    (
        Reverse(row.difference_ns.unsigned_abs()),
        Reverse(most),
        &row.name,
    )
}

fn amount(mean: i128, ns: &[i128], counts: &[Option<u64>]) -> Amount {
    let counted: Vec<i128> = counts.iter().flatten().map(|&n| n.into()).collect();
    let count = (!counted.is_empty()).then(|| sum(&counted));
    // A run in which nothing of it is counted had none.
    let of = i128::try_from(counts.len().max(1)).unwrap_or(1);
    // What came up at all is not said never to have.
    let count = count.map(|sum| rounded(sum, of).max(sum.min(1)));
    Amount {
        ns: whole(mean),
        min_ns: whole(ns.iter().copied().min().unwrap_or(0)),
        max_ns: whole(ns.iter().copied().max().unwrap_or(0)),
        count: count.map(|count| u64::try_from(count).unwrap_or(u64::MAX)),
    }
}

/// Sums over some runs → means that add up to `mean`.
fn apportioned(mean: i128, sums: &[i128], runs: usize) -> Vec<i128> {
    let runs = i128::try_from(runs.max(1)).unwrap_or(1);
    let mut means: Vec<i128> = sums.iter().map(|sum| sum.div_euclid(runs)).collect();
    let left = mean - means.iter().sum::<i128>();
    let mut lost: Vec<usize> = (0..sums.len()).collect();
    lost.sort_by_key(|&at| (Reverse(sums[at].rem_euclid(runs)), at));
    let left = usize::try_from(left).unwrap_or(0);
    lost.into_iter().take(left).for_each(|at| means[at] += 1);
    means
}

fn mean(ns: &[i128]) -> i128 {
    rounded(sum(ns), i128::try_from(ns.len().max(1)).unwrap_or(1))
}

/// To nearest; a half up.
fn rounded(sum: i128, of: i128) -> i128 {
    (2 * sum + of).div_euclid(2 * of)
}

fn sum(numbers: &[i128]) -> i128 {
    numbers.iter().sum()
}

/// Of no run in which time passes is it more.
fn whole(ns: i128) -> i64 {
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}
