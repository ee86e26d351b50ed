//! The critical path: what the run's length was made of.
//!
//! The chain of causes that ends with the root's exit (or the end of the
//! observation), followed backwards. The root is a process: the chain ends with the last
//! of its threads, which need not be the first one (an exec by another thread ends that,
//! and so may the first one itself). In a thread, back through what it did. At
//! a wait that another thread ended, on in that thread, from the instant of the
//! waking. At a wait that no thread of the tree ended, the time goes to that
//! cause, and the chain goes on before the wait. At a birth, on in the creator.
//! It ends at the start of the root's first thread.
//!
//! Of several roots (processes attached to) each has its path, and the run's is the one
//! that ends with the busiest thread of all, wherever in a tree that is. It goes back to
//! the start of the oldest thread that led to that one.
//!
//! Every instant of the root's life is in exactly one hop, so the hops add up
//! to it, to the nanosecond. A step either goes back in time or to a thread not
//! yet tried at that instant: where broken input leads in a circle, the wait it
//! began with is `unknown`, and the walk ends in any world.
//!
//! A group is *on* the path at an instant if the chain leads through one of its threads
//! then: the one that does what the hop says, or one that waits for it. So the path may
//! be on several groups at once, and on the root's also while that waits.

mod roots;
mod walk;

use std::{cmp::Reverse, collections::BTreeMap};

use rustc_hash::FxHashMap;

use super::{blame::NameCause, threads};
use crate::{
    document::{CriticalPath, Hop, PathSum, Thread},
    vocabulary::{CauseKind, WaitKind},
    world::{World, by_thread::ByThread, identity::ThreadId},
};
use roots::{busiest, first, last_of, oldest_ancestor, roots};
use walk::{Link, OnPath, Walk, What};

/// Hops that a document keeps.
const MOST_HOPS: usize = 10_000;

/// And of each of many paths at least.
const FEWEST_HOPS: usize = 20;

/// The critical paths of a run.
pub struct Paths {
    /// Of the command, or of the process attached to; of several the path that ends with
    /// the busiest thread. `None` when nothing was observed.
    pub of_run: Option<CriticalPath>,
    /// How long each group was on that path, ns.
    pub by_group: Vec<u64>,
    /// Of each process attached to, where there are several.
    pub of_each: Option<Vec<CriticalPath>>,
}

/// A path, and how long each group was on it, ns.
type WithGroups = (CriticalPath, Vec<u64>);

impl Paths {
    fn new(of_run: Option<WithGroups>, of_each: Option<Vec<CriticalPath>>) -> Paths {
        let (of_run, by_group) = of_run.unzip();
        Paths {
            of_run,
            by_group: by_group.unwrap_or_default(),
            of_each,
        }
    }
}

/// The critical paths of the processes attached to, or else of the command or the first
/// thread. `rows` says which of `threads` is which.
pub fn of(
    world: &World,
    attached: &[u32],
    threads: &[Thread],
    rows: &ByThread<usize>,
    namer: &impl NameCause,
) -> Paths {
    let naming = Naming {
        threads,
        rows,
        namer,
    };
    if attached.len() > 1 {
        let most = (MOST_HOPS / attached.len()).max(FEWEST_HOPS);
        let each = roots(world, attached).into_iter();
        let each = each.filter_map(|root| naming.path(world, root, most));
        let each = each.map(|(path, _)| path).collect();
        let of_run = busiest(world, threads);
        let of_run = of_run.and_then(|thread| naming.path_of_thread(world, thread));
        return Paths::new(of_run, Some(each));
    }
    let root = roots(world, attached).first().copied();
    let root = root.or(world.root).or_else(|| first(world));
    let of_run = root.and_then(|root| naming.path(world, root, MOST_HOPS));
    Paths::new(of_run, None)
}

/// The longest parts of the chain.
struct Longest {
    most: usize,
    links: Vec<Link>,
    left_out: u64,
}

impl Longest {
    fn new(most: usize) -> Longest {
        Longest {
            most,
            links: Vec::new(),
            left_out: 0,
        }
    }

    fn offer(&mut self, link: Link) {
        self.links.push(link);
        if self.links.len() == 2 * self.most {
            self.prune();
        }
    }

    fn prune(&mut self) {
        let over = self.links.len().saturating_sub(self.most);
        if over > 0 {
            let rank = |link: &Link| (Reverse(link.to_ns - link.from_ns), link.from_ns);
            self.links.select_nth_unstable_by_key(self.most, rank);
            self.links.truncate(self.most);
            self.left_out += over as u64;
        }
    }

    /// Those that are kept, first one first, and how many are left out.
    fn in_order(mut self) -> (Vec<Link>, u64) {
        self.prune();
        self.links.sort_unstable_by_key(|link| link.from_ns);
        (self.links, self.left_out)
    }
}

struct Naming<'a, N> {
    threads: &'a [Thread],
    rows: &'a ByThread<usize>,
    namer: &'a N,
}

impl<N: NameCause> Naming<'_, N> {
    /// The path of the process that `root` leads, or of this thread alone.
    fn path(&self, world: &World, root: ThreadId, most_hops: usize) -> Option<WithGroups> {
        let walk = Walk::new(world, root, last_of(world, root))?;
        Some(self.named(walk, root, most_hops))
    }

    /// The path that ends with a thread.
    fn path_of_thread(&self, world: &World, thread: ThreadId) -> Option<WithGroups> {
        let walk = Walk::new(world, oldest_ancestor(world, thread), thread)?;
        Some(self.named(walk, thread, MOST_HOPS))
    }

    fn named(&self, walk: Walk, root: ThreadId, most_hops: usize) -> WithGroups {
        let origin_ns = threads::origin_ns(walk.world);
        let (from_ns, to_ns) = (walk.begun_ns - origin_ns, walk.at_ns - origin_ns);
        let mut by_what: FxHashMap<What, u64> = FxHashMap::default();
        let mut longest = Longest::new(most_hops);
        let group = |thread: ThreadId| self.threads[self.rows[thread]].group;
        let groups = self.threads.iter().map(|thread| thread.group + 1).max();
        let on_path = OnPath::new(groups.unwrap_or(0), group);
        let by_group = walk.each(on_path, |link| {
            *by_what.entry(link.what.passed()).or_default() += link.to_ns - link.from_ns;
            longest.offer(link);
        });
        let (kept, left_out) = longest.in_order();
        let hop = |link: &Link| Hop {
            from_ns: link.from_ns - origin_ns,
            to_ns: link.to_ns - origin_ns,
            ..self.hop(link)
        };
        let path = CriticalPath {
            root: self.rows[root],
            from_ns,
            to_ns,
            sums: self.sums(by_what),
            hops: kept.iter().map(hop).collect(),
            hops_left_out: left_out,
        };
        (path, by_group)
    }

    fn cause(&self, what: What) -> (CauseKind, Option<String>) {
        match what {
            What::Passed(cause) | What::WaitedFor(_, cause) => self.namer.name_cause(cause),
            What::Open(thread) => {
                let kind = self.open_kind(thread);
                (CauseKind::Open, kind.map(|kind| kind.as_str().to_owned()))
            }
        }
    }

    fn open_kind(&self, thread: ThreadId) -> Option<WaitKind> {
        let sums = &self.threads[self.rows[thread]].sums;
        sums.open.first().map(|open| open.kind)
    }

    fn hop(&self, link: &Link) -> Hop {
        let (cause, detail) = self.cause(link.what);
        Hop {
            thread: self.rows[link.thread],
            wait: match link.what {
                What::Passed(_) => None,
                What::WaitedFor(kind, _) => Some(kind),
                What::Open(thread) => self.open_kind(thread),
            },
            cause,
            detail,
            ..Hop::default()
        }
    }

    /// By cause, largest first; equal ones in the order of their names.
    fn sums(&self, by_what: FxHashMap<What, u64>) -> Vec<PathSum> {
        let mut named: BTreeMap<(CauseKind, Option<String>), u64> = BTreeMap::new();
        for (what, ns) in by_what {
            *named.entry(self.cause(what)).or_default() += ns;
        }
        let sum = |((cause, detail), ns)| PathSum { cause, detail, ns };
        let mut sums: Vec<PathSum> = named.into_iter().map(sum).collect();
        sums.sort_by(|a, b| {
            let by_name = a.cause.as_str().cmp(b.cause.as_str());
            b.ns.cmp(&a.ns).then(by_name).then(a.detail.cmp(&b.detail))
        });
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::blame::cause::Cause;

    #[test]
    fn critical_path_of_too_many_hops_the_longest_are_kept_in_order() {
        let mut at_ns = 0;
        let link = |ns: u64| {
            at_ns += ns;
            Link {
                from_ns: at_ns - ns,
                to_ns: at_ns,
                thread: ThreadId(0),
                what: What::Passed(Cause::Timer),
            }
        };
        let links: Vec<Link> = (0..3 * MOST_HOPS as u64)
            .map(|at| if at % 3 == 1 { 7 } else { 2 })
            .map(link)
            .collect();
        let longest = |links: &[Link]| {
            let mut longest = Longest::new(MOST_HOPS);
            links.iter().rev().for_each(|link| longest.offer(*link));
            longest.in_order()
        };
        let (kept, left_out) = longest(&links);
        assert_eq!((kept.len(), left_out), (MOST_HOPS, 2 * MOST_HOPS as u64));
        assert!(kept.iter().all(|link| link.to_ns - link.from_ns == 7));
        assert!(kept.is_sorted_by_key(|link| link.from_ns));
        let (all, left_out) = longest(&links[..MOST_HOPS]);
        assert_eq!((all.len(), left_out), (MOST_HOPS, 0));
    }
}
