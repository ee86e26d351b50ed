//! What the threads that accept at a listener did while its accept queue was full: the
//! time in which a stay of theirs (running, on a run queue, in a wait) and a stretch of
//! a full queue overlap. A wait counts for what most of it is blamed on, whichever part
//! of it overlaps.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::blame::NameCause;
use crate::{
    document::{self, WhileFull},
    vocabulary::{CauseKind, WaitKind},
    world::{
        World,
        blame::{cause::Cause, history::Logged},
        interval::Activity,
        listen::Queues,
        thread::{State, Thread},
    },
};

type What = (Option<WaitKind>, CauseKind, Option<String>);

/// What they did, largest first. `rows` are in the world's order.
pub fn of(
    world: &World,
    queues: &Queues,
    rows: &[document::Thread],
    namer: &impl NameCause,
) -> Vec<WhileFull> {
    let spans = queues.full.ended().spans;
    if spans.is_empty() {
        return Vec::new();
    }
    let acceptors: BTreeSet<_> = queues.accepting().collect();
    let mut sums: BTreeMap<What, u64> = BTreeMap::new();
    let threads = world.threads.iter().zip(rows);
    for (thread, row) in threads.filter(|(thread, _)| acceptors.contains(&thread.id)) {
        let mut add = |from_ns, to_ns, what: &dyn Fn() -> What| {
            let ns = overlap(&spans, from_ns, to_ns);
            if ns > 0 {
                *sums.entry(what()).or_default() += ns;
            }
        };
        for lived in world.logs.history(thread.id) {
            add(lived.from_ns, lived.to_ns, &|| what(&lived, namer));
        }
        add(thread.since_ns, world.now_ns, &|| {
            present(thread, row, namer)
        });
    }
    let mut list: Vec<WhileFull> = sums
        .into_iter()
        .map(|((wait, cause, detail), ns)| WhileFull {
            wait,
            cause,
            detail,
            ns,
        })
        .collect();
    list.sort_by_key(|did| Reverse(did.ns));
    list
}

fn what(lived: &Logged<'_>, namer: &impl NameCause) -> What {
    let wait = match lived.activity {
        Activity::Wait { key, .. } => Some(key.kind),
        _ => None,
    };
    let most = || lived.blame().into_iter().max_by_key(|&(_, ns)| ns);
    let cause = lived.cause().or_else(|| Some(most()?.0));
    let (cause, detail) = namer.name_cause(cause.unwrap_or(Cause::Unknown));
    (wait, cause, detail)
}

/// What it did last is not over.
fn present(thread: &Thread, row: &document::Thread, namer: &impl NameCause) -> What {
    let cause = match thread.state {
        State::Running => Cause::Computing(thread.id, thread.execs),
        State::Runnable => Cause::RunQueue,
        State::Waiting(_) => {
            let wait = row.sums.open.first().map(|open| open.kind);
            return (wait, CauseKind::Open, None);
        }
        State::NotStarted | State::Unknown | State::Dead => Cause::Unknown,
    };
    let (cause, detail) = namer.name_cause(cause);
    (None, cause, detail)
}

/// How long one of these spans, which lie in order, and this one overlap, ns.
fn overlap(spans: &[(u64, u64)], from_ns: u64, to_ns: u64) -> u64 {
    let first = spans.partition_point(|&(_, end_ns)| end_ns <= from_ns);
    let spans = spans[first..].iter();
    let within = spans.take_while(|&&(begin_ns, _)| begin_ns < to_ns);
    within
        .map(|&(begin_ns, end_ns)| end_ns.min(to_ns) - begin_ns.max(from_ns))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_full_stays_overlap_with_every_span() {
        let spans = [(10, 20), (20, 30), (50, 60)];
        let check = |from_ns, to_ns, ns| {
            assert_eq!(overlap(&spans, from_ns, to_ns), ns, "{from_ns} {to_ns}");
        };
        check(0, 10, 0);
        check(0, 11, 1);
        check(12, 13, 1);
        check(0, 100, 30);
        check(25, 55, 10);
        check(60, 70, 0);
    }
}
