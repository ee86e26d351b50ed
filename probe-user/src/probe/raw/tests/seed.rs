//! Snapshots made in user space, as the world reads them.

use probe_common::{
    entry::{RUNNING_UNKNOWN, TaskEntry},
    sched::{flag, state},
    task::Snapshot,
};

use crate::{
    probe::raw::{
        procfs::Stat,
        seed::{last, put, seeded},
    },
    wire::{
        decode::{Problems, decode},
        event::{self, What},
    },
};

fn stat(task_state: u16) -> Stat {
    let mut comm = [0; 16];
    comm[..4].copy_from_slice(b"work");
    Stat {
        state: task_state,
        ppid: 7,
        comm,
    }
}

/// What becomes of a record on its way to the world.
fn event_of(record: &Snapshot) -> event::Snapshot {
    let (mut bytes, mut events) = (Vec::new(), Vec::new());
    put(&mut bytes, record);
    let mut problems = Problems::default();
    decode(&bytes, &mut problems, |event| events.push(event));
    assert_eq!(problems, Problems::default());
    match events.pop().map(|event| event.what) {
        Some(What::Snapshot(seen)) => *seen,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_seed_says_what_proc_says() {
    let asleep = event_of(&seeded(5, 11, 12, false, &stat(state::INTERRUPTIBLE)));
    assert_eq!(
        (asleep.pid, asleep.ppid, &*asleep.comm),
        (11, 7, &b"work"[..])
    );
    assert!(!asleep.last && !asleep.held && !asleep.on_cpu);
    assert_eq!(asleep.off.state, state::INTERRUPTIBLE);
    let held = event_of(&seeded(5, 11, 11, true, &stat(state::INTERRUPTIBLE)));
    assert!(held.held && !held.last);
    // Nobody knows whether it runs or waits for a CPU.
    let awake = event_of(&seeded(5, 11, 12, false, &stat(state::RUNNING)));
    assert!(awake.on_cpu);
}

#[test]
fn the_last_look_joins_proc_and_the_probes_table() {
    let check = |running, in_proc, on_cpu, told_state| {
        let entry = TaskEntry {
            running,
            seq: 3,
            wake_ns: 9,
            ..TaskEntry::FRESH
        };
        let seen = event_of(&last(10, &entry, &stat(in_proc)));
        assert!(seen.last);
        assert_eq!((seen.on_cpu, seen.off.state), (on_cpu, told_state));
        assert_eq!(
            (seen.off.seq, seen.wake.map(|wake| wake.ts_ns)),
            (3, Some(9))
        );
    };
    check(1, state::RUNNING, true, state::RUNNING);
    // About to sleep, and not gone yet.
    check(1, state::INTERRUPTIBLE, true, state::INTERRUPTIBLE);
    check(0, state::INTERRUPTIBLE, false, state::INTERRUPTIBLE);
    check(0, state::RUNNING, false, state::RUNNING);
    // Its last switch-out is still to come.
    check(0, state::DEAD, false, state::RUNNING);
    // Never switched since it was found.
    check(RUNNING_UNKNOWN, state::RUNNING, true, state::RUNNING);
    check(RUNNING_UNKNOWN, state::STOPPED, false, state::STOPPED);
}

#[test]
fn call_and_lock_come_from_the_probes_table() {
    let entry = TaskEntry {
        nr: 202,
        arg0: 1,
        arg1: 2,
        nr_flags: flag::COMPAT,
        on_lock: 1,
        ..TaskEntry::FRESH
    };
    let off = event_of(&last(10, &entry, &stat(state::UNINTERRUPTIBLE))).off;
    assert_eq!((off.call.nr, off.call.arg0, off.call.arg1), (202, 1, 2));
    assert!(off.call.compat && off.on_lock);
}
