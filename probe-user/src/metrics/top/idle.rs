//! Which waits are for work that may never come.
//!
//! By its kind a wait is
//!
//! - *wanted*: nobody waits so but for something that has been asked for (a disk, memory, a
//!   lock, a full pipe or socket, an answer at the connecting end of a connection, CPU quota);
//! - as idle as *those it waits for* (a child, who writes to a pipe, also in a poll of nothing
//!   but pipes, a thread whose end is waited for);
//! - or *for work* (events, a time, a signal, a terminal, requests of others): idle, unless a
//!   wanted wait is for it. So is a futex that no thread is known to hold, while all that its
//!   process does otherwise is idle; else it is not known of it. Where all threads of a process
//!   wait so, for each other and without a time limit, none of them can go on: nothing of it
//!   is idle.
//!
//! In a deadlock, and behind one, nothing is idle.
//! What a wanted wait is for is wanted itself, and so on along the chain: a server that sleeps
//! in `epoll` is idle, and is not while a client waits for its answer.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{around::Around, chain::Chains, ids};
use crate::{
    document::top::Why,
    vocabulary::WaitKind,
    world::{World, identity::ThreadId, process::ProcessId},
};

/// Of each thread that waits: whether it is idle, or `None`.
pub type Idle = FxHashMap<ThreadId, Option<bool>>;

/// Judges the waits of a moment.
pub fn of(world: &World, chains: &Chains, around: &Around) -> Idle {
    let wanted = wanted(world, chains, around);
    let busy = busy(world, chains, &wanted);
    let judge = |&id: &ThreadId| {
        let kind = chains.present.kind(id)?;
        let process = world.get(id)?.process;
        let idle = match manner_of(chains, id, kind) {
            _ if wanted.contains(&id) || chains.deadlock(id).is_some() => Some(false),
            _ if chains.is_stuck(process) => Some(false),
            Manner::Wanted | Manner::Others => Some(!busy.threads.contains(&id)),
            Manner::Work => Some(true),
            Manner::Inside if busy.processes.contains(&process) => None,
            Manner::Inside => Some(true),
            Manner::NotKnown => None,
        };
        Some((id, idle))
    };
    chains.present.waits.keys().filter_map(judge).collect()
}

/// How a wait of a kind is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Wanted,
    /// By those that it is for.
    Others,
    /// For work.
    Work,
    /// For something in its own process.
    Inside,
    NotKnown,
}

fn manner(kind: WaitKind) -> Manner {
    use WaitKind::*;
    match kind {
        Gil | PipeWrite | SocketSend | SocketConnect | Disk | Sync | PageFault | Swap | Memory
        | KernelLock | FileLock | Throttled => Manner::Wanted,
        ChildExit | Vfork | PipeRead => Manner::Others,
        Epoll | Poll | Select | SocketRecv | SocketAccept | Sleep | Timer | Event | Signal
        | Tty | IoUring | Ipc | Stopped => Manner::Work,
        Futex => Manner::Inside,
        Unknown => Manner::NotKnown,
    }
}

/// The same, of what is known of one wait.
fn manner_of(chains: &Chains, id: ThreadId, kind: WaitKind) -> Manner {
    let others = chains.others(id);
    let all = |wanted| !others.is_empty() && others.iter().all(|(_, why)| *why == wanted);
    match kind {
        // To open a FIFO is to wait for somebody at its other end.
        WaitKind::PipeRead | WaitKind::PipeWrite if opens(chains, id) => Manner::Wanted,
        WaitKind::Futex if all(Why::ThreadExit) => Manner::Others,
        WaitKind::Poll | WaitKind::Select if all(Why::PipeWriter) => Manner::Others,
        _ => manner(kind),
    }
}

fn opens(chains: &Chains, id: ThreadId) -> bool {
    let open = chains.present.waits.get(&id);
    let syscall = open.and_then(|open| open.syscall.as_deref());
    matches!(syscall, Some("open" | "openat" | "openat2"))
}

/// Threads that something was asked of, and what they wait for.
fn wanted(world: &World, chains: &Chains, around: &Around) -> FxHashSet<ThreadId> {
    let is_wanted = |id: &ThreadId| {
        let Some(kind) = chains.present.kind(*id) else {
            return false;
        };
        let held = chains
            .others(*id)
            .iter()
            .any(|(_, why)| *why == Why::LockHolder);
        let tid = world.get(*id).map_or(0, |thread| thread.tid);
        let is_asked = around
            .others
            .get(&tid)
            .is_some_and(|others| others.is_asked);
        manner(kind) == Manner::Wanted || held || is_asked
    };
    let mut todo: Vec<ThreadId> = ids(world).filter(is_wanted).collect();
    let mut wanted = FxHashSet::default();
    while let Some(id) = todo.pop() {
        if wanted.insert(id) {
            todo.extend(chains.others(id).iter().map(|(other, _)| *other));
        }
    }
    wanted
}

/// What is not idle for certain.
struct Busy {
    threads: FxHashSet<ThreadId>,
    processes: FxHashSet<ProcessId>,
}

/// Threads that run, that are wanted, or wait for one that is busy; and their processes.
fn busy(world: &World, chains: &Chains, wanted: &FxHashSet<ThreadId>) -> Busy {
    let mut waiters: FxHashMap<ThreadId, Vec<ThreadId>> = FxHashMap::default();
    for id in ids(world) {
        let kind = chains.present.kind(id);
        if kind.is_some_and(|kind| manner_of(chains, id, kind) == Manner::Others) {
            for (other, _) in chains.others(id) {
                waiters.entry(*other).or_default().push(id);
            }
        }
    }
    let mut busy = Busy {
        threads: FxHashSet::default(),
        processes: FxHashSet::default(),
    };
    let is_busy = |id: &ThreadId| wanted.contains(id) || chains.present.kind(*id).is_none();
    let mut todo: Vec<ThreadId> = ids(world).filter(is_busy).collect();
    while let Some(id) = todo.pop() {
        if !busy.threads.insert(id) {
            continue;
        }
        let Some(thread) = world.get(id) else {
            continue;
        };
        todo.extend(waiters.get(&id).into_iter().flatten());
        // Who waits for a process waits for what any of its threads does.
        if busy.processes.insert(thread.process) {
            let process = world.processes.get(thread.process);
            let main = process.map(|process| process.main);
            todo.extend(
                main.and_then(|main| waiters.get(&main))
                    .into_iter()
                    .flatten(),
            );
        }
    }
    busy
}
