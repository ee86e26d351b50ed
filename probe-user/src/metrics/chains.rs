//! What was behind waits, link by link: the wait, the thread that ended it and what that
//! waited for meanwhile, …, to a cause that ends the chain. Σ chains of a thread = its finished
//! waits that the report counts, to the nanosecond, and what they end in adds up to its blame;
//! but where records of a waker were lost behind a waking, that is `unknown` here: when the
//! wait was blamed, nobody knew yet.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    blame::{Name, NameCause},
    threads::Namer,
};
use crate::{
    document::stacks::{Chain, Link},
    vocabulary::WaitKind,
    world::{
        World,
        blame::{
            cause::Cause,
            links::{Behind, Doing, Past},
        },
        identity::ThreadId,
        thread::Thread,
    },
};

/// So deep a chain is followed link by link; what is behind that is its causes.
const DEEPEST: usize = 12;

/// A link with less than this part of a thread's waits is not followed either.
const SMALLEST: u64 = 1000;

/// Those of all threads, in the world's order.
pub fn of(world: &World, namer: &Namer<'_>) -> Vec<Chain> {
    let threads = world.threads.iter().enumerate();
    let chains = threads.flat_map(|(row, thread)| {
        let tree = Tree {
            world,
            namer,
            groups: FxHashMap::default(),
            names: FxHashMap::default(),
            nodes: Vec::new(),
            tops: FxHashMap::default(),
        };
        tree.of(thread, row)
    });
    chains.collect()
}

/// What is behind one thread's waits.
struct Tree<'a> {
    world: &'a World,
    namer: &'a Namer<'a>,
    groups: FxHashMap<ThreadId, Arc<str>>,
    names: FxHashMap<Cause, Name>,
    nodes: Vec<Node>,
    /// Those of the waits themselves.
    tops: FxHashMap<Link, usize>,
}

struct Node {
    link: Link,
    parent: Option<usize>,
    depth: usize,
    ns: u64,
    children: FxHashMap<Link, usize>,
    /// What those did that ended the waits.
    behind: Vec<Past>,
}

impl Tree<'_> {
    fn of(mut self, thread: &Thread, row: usize) -> Vec<Chain> {
        let (logs, filter) = (&self.world.logs, self.world.logs.filter);
        let counts = |kind, ns| filter.is_none_or(|filter| filter.counts(kind, ns));
        let mut all_ns = 0;
        logs.links(logs.past(thread), |link| {
            if let Doing::Wait(kind, behind) = link.doing
                && counts(kind, link.ns)
            {
                all_ns += link.ns;
                self.wait(None, None, kind, behind, link.ns);
            }
        });
        let mut next = 0;
        while next < self.nodes.len() {
            self.follow(next, all_ns / SMALLEST);
            next += 1;
        }
        self.chains(row)
    }

    /// Looks at what is behind the waits of a node.
    fn follow(&mut self, at: usize, smallest_ns: u64) {
        let Node { depth, ns, .. } = self.nodes[at];
        let is_followed = depth < DEEPEST && ns >= smallest_ns;
        let logs = &self.world.logs;
        for past in std::mem::take(&mut self.nodes[at].behind) {
            if !is_followed {
                logs.causes_behind(past, |cause, ns| self.cause(at, cause, ns));
                continue;
            }
            logs.links(past, |link| match link.doing {
                Doing::Pass(cause) => self.cause(at, logs.cause(cause), link.ns),
                Doing::Wait(kind, behind) => {
                    let group = self.groups.entry(link.thread);
                    let group = group.or_insert_with(|| self.namer.group_name(link.thread).into());
                    let group = Some(group.clone());
                    self.wait(Some(at), group, kind, behind, link.ns);
                }
            });
        }
    }

    fn wait(
        &mut self,
        parent: Option<usize>,
        group: Option<Arc<str>>,
        kind: WaitKind,
        behind: Behind,
        ns: u64,
    ) {
        let node = self.node(parent, Link::Wait { group, kind }, ns);
        match behind {
            Behind::Cause(cause) => self.cause(node, self.world.logs.cause(cause), ns),
            Behind::Thread(past) => self.nodes[node].behind.push(past),
        }
    }

    fn cause(&mut self, parent: usize, cause: Cause, ns: u64) {
        let name = self.names.entry(cause);
        let (kind, detail) = name.or_insert_with(|| self.namer.name_cause(cause)).clone();
        self.node(Some(parent), Link::Cause(kind, detail), ns);
    }

    /// The node of a link, with so much more time.
    fn node(&mut self, parent: Option<usize>, link: Link, ns: u64) -> usize {
        let next = self.nodes.len();
        let siblings = match parent {
            Some(parent) => &mut self.nodes[parent].children,
            None => &mut self.tops,
        };
        let at = *siblings.entry(link.clone()).or_insert(next);
        if at == next {
            self.nodes.push(Node {
                link,
                parent,
                depth: parent.map_or(0, |parent| self.nodes[parent].depth + 1),
                ns: 0,
                children: FxHashMap::default(),
                behind: Vec::new(),
            });
        }
        self.nodes[at].ns += ns;
        at
    }

    /// The ways to all that ends one.
    fn chains(&self, row: usize) -> Vec<Chain> {
        let ends = self.nodes.iter().enumerate();
        let ends = ends.filter(|(_, node)| matches!(node.link, Link::Cause(..)));
        let mut chains: Vec<Chain> = ends
            .map(|(at, node)| {
                let way = std::iter::successors(Some(at), |&at| self.nodes[at].parent);
                let mut links: Vec<Link> = way.map(|at| self.nodes[at].link.clone()).collect();
                links.reverse();
                Chain {
                    thread: row,
                    links,
                    ns: node.ns,
                }
            })
            .collect();
        chains.sort_unstable_by(|a, b| b.ns.cmp(&a.ns).then_with(|| a.links.cmp(&b.links)));
        chains
    }
}
