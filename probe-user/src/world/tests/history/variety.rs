//! Random histories are worth what they contain: everything odd must occur.

use std::collections::BTreeSet;

use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};

use super::{
    History, script,
    told::{Told, told},
};
use crate::{
    document::Calls,
    metrics::tests::run,
    wire::{
        event::{Event, What},
        tests::decoded,
    },
};

/// How many histories have a thing.
#[derive(Debug, Default)]
struct Count {
    histories: u32,
    hidden_switch_ins: u32,
    hidden_wakings: u32,
    raced_wakings: u32,
    execs_by_another: u32,
    reused_tids: u32,
    tids_of_two: u32,
    events_behind_the_snapshot: u32,
    seeded: u32,
    calls_unseen_entered: u32,
    wasted_wakes: u32,
    timeouts: u32,
    most_threads: usize,
    kinds: BTreeSet<String>,
    sources: BTreeSet<String>,
}

impl Count {
    fn add(&mut self, history: &History) {
        let events: Vec<Event> = history
            .records()
            .iter()
            .flat_map(|record| decoded(record).0)
            .collect();
        let has = |test: &dyn Fn(&Event) -> bool| u32::from(events.iter().any(test));
        self.histories += 1;
        self.hidden_switch_ins += has(&|e| matches!(&e.what, What::On(on) if on.recovered));
        self.execs_by_another +=
            has(&|e| matches!(&e.what, What::Exec(exec) if exec.old_tid != e.tid));
        self.seeded += u32::from(history.release.is_none());
        self.events_behind_the_snapshot +=
            u32::from(history.snapshot_ends < history.records().len());
        let document = run::document(history.records(), history.ended_ns);
        self.add_threads(&told(&document));
        let (reused, shared) = reuse(&events);
        self.reused_tids += u32::from(reused);
        self.tids_of_two += u32::from(shared);
        self.most_threads = self.most_threads.max(document.threads.len());
    }

    fn add_threads(&mut self, threads: &[Told]) {
        let has = |test: &dyn Fn(&Told) -> bool| u32::from(threads.iter().any(test));
        self.hidden_wakings += has(&|t| t.wakes.keys().any(|w| w.source == "unverified"));
        self.raced_wakings += has(&|t| t.waits.values().any(super::told::Waits::has_empty));
        self.calls_unseen_entered += has(&|t| t.called(|calls| calls.begun_before) > 0);
        let wasted = |calls: &Calls| calls.empty_after_wake.unwrap_or(0);
        let empty = |calls: &Calls| calls.empty.or(calls.none_ready).unwrap_or(0);
        self.wasted_wakes += has(&|t| t.called(wasted) > 0);
        self.timeouts += has(&|t| t.called(empty) > t.called(wasted));
        for thread in threads {
            let kinds = thread.waits.keys().map(|place| place.kind.clone());
            self.kinds.extend(kinds);
            let sources = thread.wakes.keys().map(|waker| waker.source.clone());
            self.sources.extend(sources);
        }
    }
}

/// Whether a tid was given twice, and whether before its first owner's end.
fn reuse(events: &[Event]) -> (bool, bool) {
    let (mut known, mut alive) = (BTreeSet::new(), BTreeSet::new());
    let (mut reused, mut shared) = (false, false);
    for event in events {
        match &event.what {
            What::Fork(_) => {
                reused |= !known.insert(event.tid);
                shared |= !alive.insert(event.tid);
            }
            What::Off(off) if off.state & probe_common::sched::state::DEAD != 0 => {
                alive.remove(&event.tid);
            }
            _ => {}
        }
    }
    (reused, shared)
}

#[test]
fn world_random_histories_contain_everything_that_is_odd() {
    let mut runner = TestRunner::deterministic();
    let mut count = Count::default();
    for _ in 0..400 {
        let script = script().new_tree(&mut runner).unwrap().current();
        count.add(&History::play(&script));
    }
    for (what, histories) in [
        ("hidden switch-ins", count.hidden_switch_ins),
        ("hidden wakings", count.hidden_wakings),
        ("raced wakings", count.raced_wakings),
        ("execs by another thread", count.execs_by_another),
        ("reused tids", count.reused_tids),
        ("tids of two living threads", count.tids_of_two),
        (
            "events behind the snapshot",
            count.events_behind_the_snapshot,
        ),
        ("seeded threads", count.seeded),
        ("calls begun before", count.calls_unseen_entered),
        ("empty returns after a wake", count.wasted_wakes),
        ("other empty returns", count.timeouts),
    ] {
        assert!(histories >= 4, "{what}: {count:?}");
    }
    assert!(count.most_threads >= 12, "{count:?}");
    let kinds = ["child-exit", "epoll", "futex", "page-fault", "pipe-read"];
    let more = ["sleep", "sync", "throttled", "unknown"];
    for kind in kinds.into_iter().chain(more) {
        assert!(count.kinds.contains(kind), "{kind}: {count:?}");
    }
    let sources = ["kthread", "net-rx", "new", "task", "task-exit"];
    for source in sources.into_iter().chain(["timer", "unverified"]) {
        assert!(count.sources.contains(source), "{source}: {count:?}");
    }
}
