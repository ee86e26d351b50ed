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
//! Every instant of the root's life is in exactly one hop, so the hops add up
//! to it, to the nanosecond. A step either goes back in time or to a thread not
//! yet tried at that instant: where broken input leads in a circle, the wait it
//! began with is `unknown`, and the walk ends in any world.

use std::{cmp::Reverse, collections::BTreeMap};

use rustc_hash::FxHashMap;

use super::{blame::NameCause, sums, threads};
use crate::{
    document::{CriticalPath, Hop, PathSum, Thread},
    vocabulary::{CauseKind, WaitKind},
    world::{
        World,
        blame::{cause::Cause, history::Backwards},
        by_thread::ByThread,
        identity::ThreadId,
        interval::{Activity, Ended},
        thread::{self, State},
    },
};

/// Hops that a document keeps.
const MOST_HOPS: usize = 10_000;

/// The critical path of the first process attached to or else of the first
/// thread; `None` when nothing was observed. `rows` says which of `threads` is which.
pub fn of(
    world: &World,
    attached: &[u32],
    threads: &[Thread],
    rows: &ByThread<usize>,
    namer: &impl NameCause,
) -> Option<CriticalPath> {
    let root = root(world, attached)?;
    let walk = Walk::from_end_of(world, root, last_of(world, root))?;
    let origin_ns = threads::origin_ns(world);
    let (from_ns, to_ns) = (walk.begun_ns - origin_ns, walk.at_ns - origin_ns);
    let mut by_what: FxHashMap<What, u64> = FxHashMap::default();
    let mut longest = Longest::default();
    walk.each(|link| {
        *by_what.entry(link.what.passed()).or_default() += link.to_ns - link.from_ns;
        longest.offer(link);
    });
    let naming = Naming {
        threads,
        rows,
        namer,
    };
    let sums = naming.sums(by_what);
    let (kept, left_out) = longest.in_order();
    let hop = |link: &Link| Hop {
        from_ns: link.from_ns - origin_ns,
        to_ns: link.to_ns - origin_ns,
        ..naming.hop(link)
    };
    Some(CriticalPath {
        root: rows[root],
        from_ns,
        to_ns,
        sums,
        hops: kept.iter().map(hop).collect(),
        hops_left_out: left_out,
    })
}

fn root(world: &World, attached: &[u32]) -> Option<ThreadId> {
    let has_begun = |t: &thread::Thread| t.start_ns.is_some();
    let is_wanted = |t: &&thread::Thread| attached.first() == Some(&t.tid) && has_begun(t);
    let mut threads = world.threads.iter();
    let wanted = world.threads.iter().find(is_wanted);
    let root = wanted.or_else(|| threads.find(|thread| has_begun(thread)));
    root.map(|thread| thread.id)
}

/// The thread of the root's process that ends last; of several the one that says what
/// it runs. A root that does not lead its process stands for itself.
fn last_of(world: &World, root: ThreadId) -> ThreadId {
    let thread = world.get(root).filter(|thread| thread.is_leader());
    let process = thread.and_then(|thread| world.processes.get(thread.process));
    let end_of = |id: &ThreadId| {
        let thread = world.get(*id).filter(|thread| thread.start_ns.is_some())?;
        let is_main = process.is_some_and(|process| process.runs == *id);
        Some((sums::end_ns(world, thread), is_main, *id == root))
    };
    let threads = process.iter().flat_map(|process| &process.threads);
    threads.copied().max_by_key(end_of).unwrap_or(root)
}

/// A part of the chain.
#[derive(Clone, Copy, Debug)]
struct Link {
    from_ns: u64,
    to_ns: u64,
    thread: ThreadId,
    what: What,
}

/// What a part of the chain was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum What {
    /// No wait.
    Passed(Cause),
    /// A wait that leads to no other thread.
    WaitedFor(WaitKind, Cause),
    /// A thread's wait that has not ended.
    Open(ThreadId),
}

impl What {
    /// The same for a sum: what waited for a cause does not matter to that.
    fn passed(self) -> What {
        match self {
            What::WaitedFor(_, cause) => What::Passed(cause),
            what => what,
        }
    }
}

/// Where the chain goes on.
enum Before {
    /// In the same thread, before what it did since then.
    Then(u64, What),
    /// In another thread, at the same instant; if that was tried already, as
    /// the first.
    There(ThreadId, u64, What),
}

struct Walk<'a> {
    world: &'a World,
    logs: Backwards<'a>,
    begun_ns: u64,
    at_ns: u64,
    thread: ThreadId,
    /// Threads tried at `at_ns`.
    tried: Vec<ThreadId>,
}

impl<'a> Walk<'a> {
    fn from_end_of(world: &'a World, root: ThreadId, last: ThreadId) -> Option<Walk<'a>> {
        let thread = world.get(last)?;
        let begun_ns = world.get(root)?.start_ns?;
        Some(Walk {
            world,
            logs: world.logs.backwards(),
            begun_ns,
            at_ns: sums::end_ns(world, thread).max(begun_ns),
            thread: last,
            tried: Vec::new(),
        })
    }

    /// Calls `each` with every part of the chain, last part first.
    fn each(mut self, mut each: impl FnMut(Link)) {
        let mut next: Option<Link> = None;
        while self.at_ns > self.begun_ns {
            let (from_ns, what) = match self.before() {
                Before::There(thread, ..) if self.may_be_tried(thread) => {
                    self.tried.push(self.thread);
                    self.thread = thread;
                    continue;
                }
                Before::Then(from_ns, what) | Before::There(_, from_ns, what) => (from_ns, what),
            };
            // Back, whatever broken input says.
            let from_ns = from_ns.clamp(self.begun_ns, self.at_ns - 1);
            let to_ns = std::mem::replace(&mut self.at_ns, from_ns);
            self.tried.clear();
            match &mut next {
                Some(next) if (next.thread, next.what) == (self.thread, what) => {
                    next.from_ns = from_ns;
                }
                _ => {
                    let link = Link {
                        from_ns,
                        to_ns,
                        thread: self.thread,
                        what,
                    };
                    next.replace(link).into_iter().for_each(&mut each);
                }
            }
        }
        next.into_iter().for_each(each);
    }

    /// It may also be forgotten.
    fn may_be_tried(&self, thread: ThreadId) -> bool {
        let is_tried = thread == self.thread || self.tried.contains(&thread);
        !is_tried && self.world.get(thread).is_some()
    }

    /// What the thread did until now.
    fn before(&mut self) -> Before {
        let unknown = What::Passed(Cause::Unknown);
        let Some(thread) = self.world.get(self.thread) else {
            return Before::Then(self.begun_ns, unknown);
        };
        if thread.start_ns.is_none_or(|start| start >= self.at_ns) {
            return match thread.creator {
                Some(creator) => Before::There(creator, self.begun_ns, unknown),
                None => Before::Then(self.begun_ns, unknown),
            };
        }
        let Some(lived) = self.logs.until(self.thread, self.at_ns) else {
            return match thread.since_ns {
                since_ns if since_ns < self.at_ns => {
                    Before::Then(since_ns, self.present(&thread.state))
                }
                _ => Before::Then(self.begun_ns, unknown),
            };
        };
        match (lived.activity, lived.waited_for()) {
            (Activity::Wait { key, .. }, Some(Ended::By(waker))) => {
                let circle = What::WaitedFor(key.kind, Cause::Unknown);
                Before::There(waker, lived.from_ns, circle)
            }
            (Activity::Wait { key, .. }, Some(Ended::For(cause))) => {
                Before::Then(lived.from_ns, What::WaitedFor(key.kind, cause))
            }
            _ => {
                let cause = lived.cause().unwrap_or(Cause::Unknown);
                Before::Then(lived.from_ns, What::Passed(cause))
            }
        }
    }

    /// What is not finished.
    fn present(&self, state: &State) -> What {
        match state {
            State::Running => What::Passed(Cause::Computing(self.thread, self.execs())),
            State::Runnable => What::Passed(Cause::RunQueue),
            State::Waiting(_) => What::Open(self.thread),
            State::Unknown | State::NotStarted | State::Dead => What::Passed(Cause::Unknown),
        }
    }

    fn execs(&self) -> u16 {
        self.world.get(self.thread).map_or(0, |t| t.execs)
    }
}

/// The longest parts of the chain.
#[derive(Default)]
struct Longest {
    links: Vec<Link>,
    left_out: u64,
}

impl Longest {
    fn offer(&mut self, link: Link) {
        self.links.push(link);
        if self.links.len() == 2 * MOST_HOPS {
            self.prune();
        }
    }

    fn prune(&mut self) {
        let over = self.links.len().saturating_sub(MOST_HOPS);
        if over > 0 {
            let rank = |link: &Link| (Reverse(link.to_ns - link.from_ns), link.from_ns);
            self.links.select_nth_unstable_by_key(MOST_HOPS, rank);
            self.links.truncate(MOST_HOPS);
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
            let mut longest = Longest::default();
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
