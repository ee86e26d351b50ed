//! Behind what threads stood on run queues. What is certain of that is the world's
//! (`world::run_queue`); the rest of the time is `unknown`: the parts add up to it.

use std::cmp::Reverse;

use super::sums::NameWaker;
use crate::{
    document::RunQueuePart,
    vocabulary::{Behind, WakeSource},
    world::{
        account::{Account, RunQueue, WakeKey},
        identity::{ThreadId, Waker},
    },
};

/// The parts of a thread's time on run queues, of which there is so much in all.
pub fn of(account: &Account, runqueue_ns: u64, namer: &impl NameWaker) -> Vec<RunQueuePart> {
    let RunQueue {
        outside_ns,
        idle_cpu_ns,
        tree,
    } = &account.run_queue;
    let mut parts = Vec::new();
    for (thread, ns) in tree.iter() {
        add_part(&mut parts, Behind::Tree, group_of(thread, namer), ns);
    }
    add_part(&mut parts, Behind::Tree, None, tree.rest_ns());
    add_part(&mut parts, Behind::Outside, None, *outside_ns);
    add_part(&mut parts, Behind::IdleCpu, None, *idle_cpu_ns);
    let known_ns: u64 = parts.iter().map(|part| part.ns).sum();
    let unknown_ns = runqueue_ns.saturating_sub(known_ns);
    add_part(&mut parts, Behind::Unknown, None, unknown_ns);
    parts
}

fn group_of(thread: ThreadId, namer: &impl NameWaker) -> Option<String> {
    let key = WakeKey {
        signal: None,
        source: WakeSource::Task,
        waker: Waker::Thread(thread),
        nr: -1,
    };
    namer.name_waker(&key).comm
}

fn add_part(parts: &mut Vec<RunQueuePart>, behind: Behind, detail: Option<String>, ns: u64) {
    if ns == 0 {
        return;
    }
    let same = |part: &&mut RunQueuePart| part.behind == behind && part.detail == detail;
    match parts.iter_mut().find(same) {
        Some(part) => part.ns = part.ns.saturating_add(ns),
        None => parts.push(RunQueuePart { behind, detail, ns }),
    }
}

/// Adds a thread's parts to its group's.
pub fn add(into: &mut Option<Vec<RunQueuePart>>, from: Option<&[RunQueuePart]>) {
    let Some(from) = from else { return };
    let parts = into.get_or_insert_default();
    for RunQueuePart { behind, detail, ns } in from {
        add_part(parts, *behind, detail.clone(), *ns);
    }
}

/// Largest first.
pub fn sort(parts: &mut [RunQueuePart]) {
    parts.sort_by(|a, b| {
        let key = |part: &RunQueuePart| (Reverse(part.ns), part.behind);
        key(a).cmp(&key(b)).then_with(|| a.detail.cmp(&b.detail))
    });
}
