//! What processes cost: memory, and the time until they run.

use probe_common::{
    sched::state,
    task::snapshot,
    uapi::{CLONE_THREAD, CLONE_VM},
};

use crate::{
    document::{Document, Start},
    metrics::tests::run,
    wire::{
        session::{Batch, Fact},
        tests::probes::{By, Out, Probes, TaskId, Who},
    },
};

fn who(tid: u32, pid: u32) -> Who {
    Who {
        tid,
        pid,
        ppid: 1,
        comm: "server",
    }
}

fn seeded() -> Probes {
    let mut probes = Probes::default();
    probes.seed(100, who(5, 5), Out::default(), snapshot::ON_CPU);
    probes
}

/// Made runnable at one instant, running from the next.
fn born(probes: &mut Probes, (from_ns, to_ns): (u64, u64), who: Who) -> TaskId {
    let flags = if who.tid == who.pid { 0 } else { CLONE_THREAD };
    let task = probes.fork(from_ns, 5, flags, who);
    probes.wake_new(from_ns, task, &By::default());
    probes.switch(to_ns, None, Some(task));
    task
}

fn document(probes: &Probes) -> Document {
    run::document(&probes.records, 10_000)
}

#[test]
fn memory_of_a_process_is_that_of_its_last_thread() {
    let mut probes = seeded();
    let child = born(&mut probes, (200, 210), who(7, 7));
    probes.peak(300, child, 48 << 20);
    probes.exit(300, child, 0);
    let rows = document(&probes).memory.expect("one is known");
    let rows: Vec<_> = rows.iter().map(|row| (row.pid, row.rss_peak)).collect();
    assert_eq!(rows, [(5, None), (7, Some(48 << 20))]);
}

#[test]
fn memory_of_the_program_before_is_not_that_of_the_one_behind_an_exec() {
    // Before the program and at the end, in any order of the exec and what it says.
    let check = |is_first: bool, before: Option<u64>, at_end, expected| {
        let mut probes = seeded();
        let child = born(&mut probes, (200, 210), who(7, 7));
        if let Some(bytes) = before.filter(|_| is_first) {
            probes.peak_before(299, child, bytes);
        }
        probes.exec(300, child, 7, &["true"]);
        if let Some(bytes) = before.filter(|_| !is_first) {
            probes.peak_before(301, child, bytes);
        }
        probes.peak(400, child, at_end);
        probes.exit(400, child, 0);
        let rows = document(&probes).memory;
        let own = rows.and_then(|rows| rows.iter().find(|row| row.pid == 7)?.rss_peak);
        assert_eq!(own, expected, "{before:?} {at_end}");
    };
    for first in [true, false] {
        check(first, Some(677 << 20), 677 << 20, None);
        check(first, Some(2 << 20), 3 << 20, Some(3 << 20));
        // A recording from before this was in it, or a lost record.
        check(first, None, 3 << 20, None);
    }
}

#[test]
fn memory_of_a_process_that_was_found_is_known_with_what_it_had_before() {
    for (before, expected) in [(None, None), (Some(9), None), (Some(4), Some(9))] {
        let mut probes = Probes::default();
        let found = probes.seed(100, who(5, 5), Out::default(), snapshot::ON_CPU);
        if let Some(bytes) = before {
            probes.peak_before(100, found, bytes);
        }
        probes.peak(300, found, 9);
        probes.exit(300, found, 0);
        let rows = document(&probes).memory;
        assert_eq!(rows.and_then(|rows| rows[0].rss_peak), expected);
    }
}

#[test]
fn memory_that_a_child_of_vfork_borrows_is_not_its_own() {
    let mut probes = seeded();
    let child = probes.fork(200, 5, CLONE_VM, who(7, 7));
    probes.peak(300, child, 9);
    probes.exit(300, child, 127 << 8);
    assert_eq!(document(&probes).memory, None);
}

#[test]
fn memory_of_what_lives_on_is_looked_up_at_the_end() {
    let probes = seeded();
    let mut analysis = run::begun();
    analysis.batch(&run::batch(&probes.records));
    analysis.batch(&Batch {
        facts: vec![Fact::Memory {
            pid: 5,
            rss_peak_bytes: Some(9),
            private_bytes: Some(4),
        }],
        ..Batch::default()
    });
    analysis.end(run::end(10_000));
    let rows = analysis.document().memory.expect("it is known");
    assert_eq!((rows[0].rss_peak, rows[0].private_peak), (Some(9), Some(4)));
}

#[test]
fn memory_is_unknown_where_no_process_showed_it() {
    let document = document(&seeded());
    assert_eq!((document.memory, document.starts), (None, None));
}

#[test]
fn starts_reach_from_the_clone_to_the_first_switch_in_and_the_first_exec() {
    let mut probes = seeded();
    born(&mut probes, (200, 240), who(6, 5));
    let child = born(&mut probes, (300, 310), who(7, 7));
    probes.exec(400, child, 7, &["git"]);
    probes.exec(500, child, 7, &["git"]);
    let starts = document(&probes).starts.expect("two were born");
    let one = |ns| {
        Some(Start {
            count: 1,
            p50_ns: ns,
            p99_ns: ns,
            max_ns: ns,
        })
    };
    assert_eq!(
        (starts.thread, starts.process, starts.program),
        (one(40), one(10), one(100))
    );
}

#[test]
fn starts_are_not_those_of_a_held_command() {
    let mut probes = Probes::default();
    let asleep = Out {
        state: state::INTERRUPTIBLE,
        ..Out::default()
    };
    let root = probes.seed(100, who(5, 5), asleep, snapshot::HELD);
    probes.waking(200, root, &By::default());
    probes.switch(210, None, Some(root));
    probes.exec(300, root, 5, &["sleep"]);
    assert_eq!(document(&probes).starts, None);
}
