//! A run's document → what of it is compared.
//!
//! The **length** of a run is the life of its first process, as its critical path explains
//! it: causes, and behind each whose it was. A report without a path has its wall time, of
//! which it is not known what it was made of.
//!
//! Of a **group** the lifetimes of its threads are divided into states and kinds of waits,
//! and finished waits of a kind into their causes. Groups of one name are one.

use std::{collections::BTreeMap, mem};

use super::tree::Tree;
use crate::{
    document::{CriticalPath, Document, Group, Sums, diff::ComparedRun},
    vocabulary::CauseKind,
};

/// Running.
pub const ON_CPU: &str = "on-cpu";
/// Runnable, not running.
pub const RUN_QUEUE: &str = CauseKind::RunQueue.as_str();
/// In waits that were not finished.
pub const OPEN: &str = CauseKind::Open.as_str();
/// In waits that a filter does not count.
pub const LEFT_OUT: &str = "left-out";
/// Covered by lost records. (`unknown` is the kind of finished waits of which no more is known.)
pub const LOST: &str = "lost";
/// Not explained.
pub const UNKNOWN: &str = CauseKind::Unknown.as_str();

/// What is compared of a run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Who it is.
    pub about: ComparedRun,
    /// What may make it less comparable with others.
    pub terms: Terms,
    /// Its length by its critical path; `None` where it has none.
    pub path: Option<Tree>,
    /// Its groups by name.
    pub groups: BTreeMap<String, Members>,
}

/// The terms under which a report was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Which part of the run, ns.
    pub window: Option<(u64, u64)>,
    /// When the account began, ns.
    pub delay_ns: Option<u64>,
    /// Which waits are counted, in words.
    pub filter: Option<String>,
    /// Threads were left out.
    pub selects_threads: bool,
    /// More was to come, or the recording ends early.
    pub is_partial: bool,
    /// Records are missing or broken.
    pub lost: u64,
    /// Time of threads that lost records cover, ns.
    pub unknown_ns: u64,
}

impl Terms {
    /// Nothing is missing.
    pub fn is_certain(&self) -> bool {
        !self.is_partial && self.lost == 0 && self.unknown_ns == 0
    }
}

/// Threads of one role.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// How many.
    pub threads: u64,
    /// Their lifetimes.
    pub lifetime: Tree,
}

impl Run {
    /// `file`: what it was read from. `filter`: in words.
    pub fn new(file: String, document: &Document, filter: Option<String>) -> Run {
        let mut groups: BTreeMap<String, Members> = BTreeMap::new();
        for group in &document.groups {
            let members = groups.entry(group.name.clone()).or_default();
            members.threads = members.threads.saturating_add(group.threads as u64);
            members.lifetime.merge(of_group(group));
        }
        for members in groups.values_mut() {
            members.lifetime = mem::take(&mut members.lifetime).closed();
        }
        let coverage = &document.coverage;
        Run {
            about: ComparedRun {
                file,
                command: document.command.clone(),
                exit: document.exit,
                host: document.host.clone(),
                tier: document.tier,
                wall_ns: document.wall_ns,
                length_ns: 0,
                lost_total: coverage.lost_total(),
            },
            terms: Terms {
                window: document.window.map(|it| (it.from_ns, it.to_ns)),
                delay_ns: document.delay_ns,
                filter,
                selects_threads: document.left_out_threads.is_some(),
                is_partial: document.cut || document.interim || coverage.partial,
                lost: missing(document),
                unknown_ns: unknown_ns(document),
            },
            path: document.critical_path.as_ref().map(of_path),
            groups,
        }
    }

    /// Its wall time, of which nothing is known.
    pub fn wall(&self) -> Tree {
        let mut tree = Tree::of(self.about.wall_ns);
        tree.add(UNKNOWN, self.about.wall_ns);
        tree
    }
}

/// Records that are missing, broken or late, and runs of probes that were skipped.
fn missing(document: &Document) -> u64 {
    let coverage = &document.coverage;
    let skipped = coverage.skipped.values();
    let skipped = skipped.fold(0, |sum: u64, &n| sum.saturating_add(n));
    let lost = coverage.lost_total().saturating_add(skipped);
    lost.saturating_add(coverage.broken_records)
}

fn unknown_ns(document: &Document) -> u64 {
    let groups = document.groups.iter().map(|group| group.sums.unknown_ns);
    groups.fold(0, u64::saturating_add)
}

fn of_path(path: &CriticalPath) -> Tree {
    let mut tree = Tree::of(path.to_ns.saturating_sub(path.from_ns));
    for sum in &path.sums {
        cause(&mut tree, sum.cause, sum.detail.as_ref(), sum.ns);
    }
    tree.closed()
}

/// Adds the time of a cause, below it by its detail. A cause without any has no parts.
fn cause(tree: &mut Tree, cause: CauseKind, detail: Option<&String>, ns: u64) {
    let cause = tree.part(cause.as_str());
    cause.ns += i128::from(ns);
    let part = cause.parts.entry(detail.cloned()).or_default();
    part.ns += i128::from(ns);
}

fn of_group(group: &Group) -> Tree {
    let Sums {
        lifetime_ns,
        on_cpu_ns,
        runqueue_ns,
        runqueue_count,
        open_ns,
        unknown_ns,
        ..
    } = group.sums;
    let mut tree = Tree::of(lifetime_ns);
    tree.add(ON_CPU, on_cpu_ns);
    tree.add(RUN_QUEUE, runqueue_ns);
    if runqueue_count > 0 {
        tree.part(RUN_QUEUE).count = Some(runqueue_count);
    }
    tree.add(OPEN, open_ns);
    tree.add(LOST, unknown_ns);
    if let Some(left_out) = group.sums.left_out {
        tree.add(LEFT_OUT, left_out.total_ns);
    }
    for wait in &group.sums.waits {
        let kind = tree.part(wait.kind.as_str());
        kind.ns += i128::from(wait.total_ns);
        kind.count = Some(kind.count.unwrap_or(0).saturating_add(wait.count));
    }
    for blame in &group.sums.blame {
        let kind = tree.part(blame.kind.as_str());
        cause(kind, blame.cause, blame.detail.as_ref(), blame.ns);
    }
    tree
}
