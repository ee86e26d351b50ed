//! Who waits for whom: what a blocked thread cannot go on without, as far as that follows
//! from facts, and what the chain of these ends in.
//!
//! - `child-exit`, `vfork`: the child that the call names; of any child the only one there is.
//! - `gil`: who certainly holds the lock (`gil`).
//! - What the records do not say ([`Around`]): the owner of a lock, by its memory; the thread
//!   whose end is waited for; who has locked a file; the child of a vfork(2) from before; who
//!   has the other end of a pipe or a connection, if only one process has.
//!
//! A thread that any of several could wake waits for none of them in particular. A child goes
//! on with its first thread; of another process with several threads it is not known which
//! one will answer, and the chain ends there.

use std::iter::successors;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    around::Around,
    gil, living,
    present::{Child, Present},
};
use crate::{
    document::top::{WaitsFor, Why},
    vocabulary::{CauseKind, WaitKind},
    world::{
        World,
        identity::ThreadId,
        process::ProcessId,
        thread::{State, Thread},
    },
};

/// Hops of a chain that are named.
const MOST_HOPS: usize = 16;

/// What a wait is for in a process that is stuck.
const STUCK: &str = "all its process waits";

/// The chains of a moment.
pub struct Chains {
    /// What each thread waits for.
    pub present: Present,
    /// All that could end a thread's wait.
    others: FxHashMap<ThreadId, Vec<(ThreadId, Why)>>,
    /// Addresses of other machines that are waited for.
    remote: FxHashMap<ThreadId, String>,
    /// Who is waited for and not followed.
    outside: FxHashMap<ThreadId, WaitsFor>,
    /// Processes in which every thread waits for the others, and for nothing from outside: no
    /// time limit, no descriptor, no child. Only a signal could still set them going.
    stuck: FxHashSet<ProcessId>,
    /// Processes with one thread.
    alone: FxHashSet<ThreadId>,
    /// Who holds the interpreter's lock, of processes in which somebody waits for it.
    gil_holders: FxHashMap<ProcessId, Option<ThreadId>>,
    /// What is at the end of the chain behind each.
    last: FxHashMap<ThreadId, Last>,
}

/// The end of a chain.
#[derive(Clone, Copy)]
enum Last {
    /// This thread, behind so many others.
    Thread(ThreadId, usize),
    /// Threads that wait for each other: the lowest of them.
    Circle(ThreadId),
}

/// What a chain ends in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndOf {
    /// A thread that does not wait.
    Task(ThreadId),
    /// Something that no thread does.
    Cause(CauseKind, Option<String>),
    /// It is not known.
    Unknown,
}

impl Chains {
    /// Of a world's present moment.
    pub fn of(world: &World, present: Present, around: &Around) -> Chains {
        let families = Families::of(world);
        let mut chains = Chains {
            present,
            others: FxHashMap::default(),
            remote: FxHashMap::default(),
            outside: FxHashMap::default(),
            stuck: FxHashSet::default(),
            alone: families.alone(),
            gil_holders: FxHashMap::default(),
            last: FxHashMap::default(),
        };
        let waiting: Vec<ThreadId> = chains.present.waits.keys().copied().collect();
        for id in waiting {
            if let Some(thread) = world.get(id) {
                chains.learn(world, thread, &families, around);
            }
        }
        chains.find_ends();
        let is_inside = |thread: &&Thread| {
            let others = around.others.get(&thread.tid);
            others.is_some_and(|others| others.is_inside)
                && chains.present.waits.contains_key(&thread.id)
        };
        let (inside, others): (Vec<&Thread>, Vec<&Thread>) = living(world).partition(is_inside);
        chains.stuck = inside.iter().map(|thread| thread.process).collect();
        for thread in others {
            chains.stuck.remove(&thread.process);
        }
        chains
    }

    fn learn(&mut self, world: &World, thread: &Thread, families: &Families, around: &Around) {
        let Some(open) = self.present.waits.get(&thread.id) else {
            return;
        };
        let of = |tasks: Vec<ThreadId>, why| tasks.into_iter().map(|id| (id, why)).collect();
        let found: Vec<(ThreadId, Why)> = match (open.child, open.kind) {
            (Child::No, WaitKind::Gil) => {
                let holder = self.gil_holders.entry(thread.process).or_insert_with(|| {
                    let threads = families.threads.get(&thread.process);
                    gil::holder(world, threads.map_or(&[], Vec::as_slice), &self.present)
                });
                of(holder.iter().copied().collect(), Why::GilHolder)
            }
            (Child::No, _) => self.around(world, thread, around),
            (child, _) => {
                let made = of(families.children(world, thread, child), Why::Child);
                match child {
                    // It may have been made before anything was seen.
                    Child::Vfork if made.is_empty() => self.around(world, thread, around),
                    _ => made,
                }
            }
        };
        self.others.insert(thread.id, found);
    }

    fn around(&mut self, world: &World, thread: &Thread, around: &Around) -> Vec<(ThreadId, Why)> {
        let Some(others) = around.others.get(&thread.tid) else {
            return Vec::new();
        };
        if let Some(remote) = &others.remote {
            self.remote.insert(thread.id, remote.clone());
        }
        if let Some(outside) = &others.outside {
            self.outside.insert(thread.id, outside.clone());
        }
        let tasks = others.tasks.iter();
        tasks
            .filter_map(|&(tid, why)| Some((world.directory.latest(tid)?, why)))
            .filter(|&(id, why)| id != thread.id || why == Why::LockHolder)
            .collect()
    }

    /// All that could end its wait.
    pub fn others(&self, id: ThreadId) -> &[(ThreadId, Why)] {
        self.others.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The one that has to act before a thread goes on.
    pub fn next(&self, id: ThreadId) -> Option<(ThreadId, Why)> {
        match self.others(id) {
            &[only] => Some(only),
            _ => None,
        }
    }

    /// The one that is not followed.
    pub fn outside(&self, id: ThreadId) -> Option<&WaitsFor> {
        self.outside.get(&id)
    }

    /// Every thread of it waits for the others, without end.
    pub fn is_stuck(&self, process: ProcessId) -> bool {
        self.stuck.contains(&process)
    }

    /// The same, if it is known by which of its threads that acts.
    fn thread_behind(&self, id: ThreadId) -> Option<ThreadId> {
        let (next, why) = self.next(id)?;
        let is_thread = match why {
            Why::Child | Why::LockHolder | Why::GilHolder | Why::ThreadExit => true,
            Why::PipeWriter | Why::PipeReader | Why::SocketPeer | Why::FileLockHolder => {
                self.alone.contains(&next)
            }
        };
        is_thread.then_some(next)
    }

    /// The threads behind a thread that is in no circle, nearest first.
    pub fn threads_behind(&self, id: ThreadId) -> impl Iterator<Item = ThreadId> {
        successors(self.thread_behind(id), |&id| self.thread_behind(id))
    }

    /// The last of them, or the thread itself.
    pub fn last(&self, id: ThreadId) -> ThreadId {
        match self.last.get(&id) {
            Some(&Last::Thread(end, _)) => end,
            _ => id,
        }
    }

    /// The chain behind a thread, hop by hop; around a circle once, and of a long one the
    /// beginning.
    pub fn hops(&self, id: ThreadId) -> Vec<(ThreadId, Why)> {
        let mut seen = FxHashSet::default();
        let mut hops = Vec::new();
        let mut at = Some(id);
        while let Some(id) = at.filter(|id| hops.len() < MOST_HOPS && seen.insert(*id)) {
            hops.extend(self.next(id));
            at = self.thread_behind(id);
        }
        hops
    }

    /// The threads that wait for each other, or that it waits for by way of others: the
    /// first of them.
    pub fn deadlock(&self, id: ThreadId) -> Option<ThreadId> {
        match self.last.get(&id) {
            Some(&Last::Circle(first)) => Some(first),
            _ => None,
        }
    }

    /// Each thread is walked through once, however deep the chains are.
    fn find_ends(&mut self) {
        let mut starts: Vec<ThreadId> = self.others.keys().copied().collect();
        starts.sort_unstable();
        for start in starts {
            let (mut path, mut on_path) = (Vec::new(), FxHashSet::default());
            let mut at = Some(start);
            while let Some(id) = at.filter(|id| !self.last.contains_key(id) && on_path.insert(*id))
            {
                path.push(id);
                at = self.thread_behind(id);
            }
            let mut last = at.and_then(|id| match self.last.get(&id) {
                Some(&known) => Some(known),
                None => {
                    let circle = path.iter().skip_while(|other| **other != id);
                    circle.min().copied().map(Last::Circle)
                }
            });
            for id in path.into_iter().rev() {
                let here = match last {
                    None => Last::Thread(id, 0),
                    Some(Last::Thread(end, hops)) => Last::Thread(end, hops + 1),
                    Some(Last::Circle(first)) => Last::Circle(first),
                };
                self.last.insert(id, here);
                last = Some(here);
            }
        }
    }

    /// What the chain behind a blocked thread ends in, and behind how many others.
    pub fn end(&self, world: &World, id: ThreadId) -> (EndOf, usize) {
        match self.last.get(&id) {
            Some(Last::Circle(_)) => (EndOf::Unknown, 0),
            Some(&Last::Thread(end, hops)) => (self.end_at(world, end), hops),
            None => (self.end_at(world, id), 0),
        }
    }

    /// What a thread does that waits for nobody in particular.
    pub fn end_at(&self, world: &World, id: ThreadId) -> EndOf {
        let Some(thread) = world.get(id) else {
            return EndOf::Unknown;
        };
        let open = match &thread.state {
            State::Running | State::Runnable => return EndOf::Task(id),
            State::Waiting(_) if self.present.woken.contains_key(&id) => return EndOf::Task(id),
            State::Waiting(_) => self.present.waits.get(&id),
            _ => None,
        };
        let Some(open) = open else {
            return EndOf::Unknown;
        };
        if self.is_stuck(thread.process) {
            return EndOf::Cause(CauseKind::Unknown, Some(STUCK.to_owned()));
        }
        if open.kind == WaitKind::Stopped {
            let stopped = format!("stopped {}", thread.comm);
            return EndOf::Cause(CauseKind::Unknown, Some(stopped));
        }
        // Some process has the other end, but not which of its threads.
        if !self.others(id).is_empty() {
            return EndOf::Unknown;
        }
        match open.kind {
            WaitKind::Sleep | WaitKind::Timer => EndOf::Cause(CauseKind::Timer, None),
            WaitKind::Disk | WaitKind::Sync | WaitKind::Swap => EndOf::Cause(CauseKind::Disk, None),
            WaitKind::Throttled => EndOf::Cause(
                CauseKind::CpuQuota,
                open.object.as_deref().map(str::to_owned),
            ),
            _ => match self.remote.get(&id) {
                Some(address) => EndOf::Cause(CauseKind::Network, Some(address.clone())),
                None => EndOf::Unknown,
            },
        }
    }
}

/// Processes of the moment: their threads and their children.
struct Families {
    threads: FxHashMap<ProcessId, Vec<ThreadId>>,
    /// First threads of the processes that one is the parent of.
    children: FxHashMap<u32, Vec<ThreadId>>,
}

impl Families {
    fn of(world: &World) -> Families {
        let mut families = Families {
            threads: FxHashMap::default(),
            children: FxHashMap::default(),
        };
        for thread in living(world) {
            let (id, process) = (thread.id, thread.process);
            families.threads.entry(process).or_default().push(id);
            if let Some(parent) = thread.ppid.filter(|_| thread.is_leader()) {
                families.children.entry(parent).or_default().push(id);
            }
        }
        families
    }

    fn alone(&self) -> FxHashSet<ThreadId> {
        let alone = self.threads.values().filter_map(|list| match list[..] {
            [only] => Some(only),
            _ => None,
        });
        alone.collect()
    }

    fn children(&self, world: &World, parent: &Thread, which: Child) -> Vec<ThreadId> {
        let children = parent.pid.and_then(|pid| self.children.get(&pid));
        let children = children.into_iter().flatten().copied();
        let is_it = |id: &ThreadId| {
            let child = world.get(*id);
            child.is_some_and(|child| match which {
                Child::No => false,
                Child::One(pid) => child.pid == Some(pid),
                Child::Any => true,
                Child::Vfork => child.creator == Some(parent.id) && !child.has_execed,
            })
        };
        let found: Vec<ThreadId> = children.filter(is_it).collect();
        match which {
            // The latest: it waits for no other one.
            Child::Vfork => found.into_iter().max().into_iter().collect(),
            _ => found,
        }
    }
}
