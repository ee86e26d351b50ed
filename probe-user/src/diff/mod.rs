//! Two sides of runs → their difference, which closes: what B took longer is divided to the
//! nanosecond over the causes on the critical path, and the lifetimes of each group of
//! threads over its states and waits. Pure: documents in, a document out.
//!
//! Left to right: `run` (document → what is compared, as a `tree`) → `rows` (runs → means that
//! add up) with `permutation` (which of them are changes) and `comparable` (what makes sides
//! less so); `fail_on` beside them.

pub mod comparable;
pub mod fail_on;
pub mod permutation;
pub mod rows;
pub mod run;
pub mod tree;

#[cfg(test)]
mod tests;

use std::{cmp::Reverse, collections::BTreeSet};

use self::{
    permutation::LEVEL,
    rows::Node,
    run::{Members, Run},
    tree::Tree,
};
use crate::document::diff::{Diff, FailOn, Finding, GroupDiff, Length, Row, Side, Test, Which};

/// The floor of [`permutation`], of the mean length of the runs: what differs by much less than
/// this is hardly ever a change, however even the runs are.
const FLOOR: f64 = 0.005;

/// The difference of two sides, none of them empty.
pub fn diff(mut a: Vec<Run>, mut b: Vec<Run>, fail_on: Vec<FailOn>) -> Diff {
    let has_paths = a.iter().chain(&b).all(|run| run.path.is_some());
    let length = match has_paths {
        true => Length::CriticalPath,
        false => Length::Wall,
    };
    let notes = comparable::notes(&a, &b, length);
    for run in a.iter_mut().chain(&mut b) {
        let wall = run.wall();
        run.path = run.path.take().filter(|_| has_paths).or(Some(wall));
        let ns = run.path.as_ref().map_or(0, |path| path.ns);
        run.about.length_ns = i64::try_from(ns).unwrap_or(i64::MAX);
    }
    let is_certain = |runs: &[Run]| runs.iter().all(|run| run.terms.is_certain());
    let side = |runs: &[Run]| Side {
        runs: runs.iter().map(|run| run.about.clone()).collect(),
        certain: is_certain(runs),
    };
    let (side_a, side_b) = (side(&a), side(&b));
    let rows = Rows::new(&a, &b);
    let (test, found) = rows.test(side_a.certain && side_b.certain);
    let (path, groups) = rows.shown(found);
    Diff {
        a: side_a,
        b: side_b,
        length,
        test,
        notes,
        path,
        groups,
        fail_on,
    }
}

/// Everything that is compared.
struct Rows {
    of_a: usize,
    of_b: usize,
    path: Node,
    groups: Vec<InAll>,
}

/// A group of every run.
struct InAll {
    name: String,
    only_in: Option<Which>,
    threads: [u64; 2],
    lifetime: Node,
}

type Found = (Finding, Option<f64>);

impl Rows {
    fn new(a: &[Run], b: &[Run]) -> Rows {
        let runs: Vec<&Run> = a.iter().chain(b).collect();
        let paths = runs.iter().map(|run| run.path.as_ref());
        let names = runs.iter().flat_map(|run| run.groups.keys());
        let names: BTreeSet<&String> = names.collect();
        let groups = names.into_iter().map(|name| of_group(name, a, b));
        Rows {
            of_a: a.len(),
            of_b: b.len(),
            path: Node::new(&paths.collect::<Vec<_>>()),
            groups: groups.collect(),
        }
    }

    fn each<'a>(&'a self, visit: &mut impl FnMut(&'a Node)) {
        self.path.each(visit);
        for group in &self.groups {
            group.lifetime.each(visit);
        }
    }

    /// How rows were tested, and what was found of each.
    fn test(&self, is_certain: bool) -> (Option<Test>, Vec<Found>) {
        let mut values: Vec<Vec<f64>> = Vec::new();
        self.each(&mut |node| values.push(node.ns.iter().map(|&ns| ns as f64).collect()));
        let lengths = self.path.ns.iter().map(|&ns| ns as f64);
        let floor = lengths.sum::<f64>() / self.path.ns.len().max(1) as f64 * FLOOR;
        if !is_certain {
            return (None, vec![(Finding::NotCertain, None); values.len()]);
        }
        let Some(found) = permutation::test(&values, self.of_a, self.of_b, floor) else {
            return (None, vec![(Finding::Untested, None); values.len()]);
        };
        let test = Test {
            level: LEVEL,
            divisions: found.divisions,
            exact: found.exact,
        };
        let findings = found.p.into_iter().map(|p| match p <= LEVEL {
            true => (Finding::Change, Some(p)),
            false => (Finding::Noise, Some(p)),
        });
        (Some(test), findings.collect())
    }

    fn shown(self, found: Vec<Found>) -> (Row, Vec<GroupDiff>) {
        let mut found = found.into_iter();
        let path = self.path.row(self.of_a, &mut found);
        let groups = self.groups.into_iter().map(|group| GroupDiff {
            lifetime: group.lifetime.row(self.of_a, &mut found),
            name: group.name,
            only_in: group.only_in,
            a_threads: group.threads[0],
            b_threads: group.threads[1],
        });
        let mut groups: Vec<GroupDiff> = groups.collect();
        groups.sort_by(|one, other| rank(one).cmp(&rank(other)));
        (path, groups)
    }
}

/// The group in which something differs most first.
fn rank(group: &GroupDiff) -> (Reverse<u64>, Reverse<i64>, &str) {
    let row = &group.lifetime;
    let parts = row
        .parts
        .iter()
        .map(|part| part.difference_ns.unsigned_abs());
    let most = parts.fold(row.difference_ns.unsigned_abs(), u64::max);
    (Reverse(most), Reverse(row.a.ns.max(row.b.ns)), &group.name)
}

fn of_group(name: &str, a: &[Run], b: &[Run]) -> InAll {
    let of = |run: &'_ Run| run.groups.get(name).map(|it| it.threads);
    let threads = |runs: &[Run]| {
        let threads = runs.iter().filter_map(of).fold(0_u64, u64::saturating_add);
        let runs = runs.len().max(1) as u64;
        threads.saturating_add(runs / 2) / runs
    };
    let has = |runs: &[Run]| runs.iter().any(|run| run.groups.contains_key(name));
    let lifetimes = a.iter().chain(b).map(|run| run.groups.get(name));
    let lifetimes: Vec<Option<&Tree>> = lifetimes
        .map(|members| members.map(|Members { lifetime, .. }| lifetime))
        .collect();
    InAll {
        name: name.to_owned(),
        only_in: match (has(a), has(b)) {
            (true, false) => Some(Which::A),
            (false, true) => Some(Which::B),
            _ => None,
        },
        threads: [threads(a), threads(b)],
        lifetime: Node::new(&lifetimes),
    }
}
