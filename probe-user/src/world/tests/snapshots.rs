//! Snapshots: what no switch has carried yet, and what changes while they are
//! taken. `bpf_ktime_get_ns` is read first, the task's state and its count of
//! switch-outs a moment later (`probe-ebpf/src/probes/snapshot.rs`).

use probe_common::{sched::state, task::snapshot};

use super::{
    account,
    timeline::{SLEEP, block, check},
};
use crate::{metrics::tests::run, wire::tests::probes::*};

fn check_records(probes: &Probes, ended_ns: u64, expected: &str) {
    let document = run::document(&probes.records, ended_ns);
    account::assert_closed(&document);
    assert_eq!(account::render(&document), block(expected));
}

fn who(tid: u32) -> Who {
    Who {
        tid,
        pid: tid,
        ppid: 1,
        comm: "test",
    }
}

#[test]
fn snapshot_a_waking_that_no_switch_carried_comes_with_the_last_snapshot() {
    check(
        "
        1  S###########L
        5  fn^##z~~~w--L
        ",
        "
        1: life 130 cpu 130
        5: life 120 cpu 30 queue 50 sleep 40x1 by task 1
        ",
    );
}

#[test]
fn snapshot_an_early_waking_of_a_thread_that_sleeps_on_does_not_end_its_wait() {
    check(
        "
        1  S##########L
        5  fn^#w#z~~~~L
        ",
        "
        1: life 120 cpu 120
        5: life 110 cpu 40 queue 10 open sleep 60
        ",
    );
}

#[test]
fn snapshot_a_waking_that_raced_with_the_switch_out_is_told_by_the_last_snapshot() {
    let mut probes = Probes::default();
    let task = probes.seed(1000, who(1), Out::default(), snapshot::ON_CPU);
    probes.waking(1040, task, &By::task(2, 202));
    probes.switch(1050, Some((task, Out::sleep(SLEEP))), None);
    // Runnable again already.
    probes.last(1090, task, Out::default(), 0);
    check_records(
        &probes,
        1100,
        "1: life 100 cpu 50 queue 50 sleep 0x1 by task",
    );
}

#[test]
fn snapshot_a_thread_missing_from_the_last_snapshot_died_unseen() {
    check(
        "
        1  S#########L
        5  fn^##z~~w^
        ",
        "
        1: life 110 cpu 110
        5: life 100 cpu 30 queue 20 unknown 20 sleep 30x1 by task 1
        ",
    );
}

#[test]
fn snapshot_a_thread_that_is_gone_has_run() {
    check(
        "
        1  S#########L
        5  f
        ",
        "
        1: life 110 cpu 110
        5: life 110 unknown 110
        ",
    );
}

#[test]
fn snapshot_events_between_the_last_snapshot_and_the_end_count() {
    check(
        "
        1  S#####L###z~
        5  fn^##zLw^##x#X##
        ",
        "
        1: life 160 cpu 100 open sleep 60
        5: life 120 cpu 80 queue 20 sleep 20x1 by task 1 exit 0
        ",
    );
}

#[test]
fn snapshot_what_happens_behind_the_end_is_left_out() {
    let mut probes = Probes::default();
    let task = probes.seed(1000, who(1), Out::default(), snapshot::ON_CPU);
    probes.last(1050, task, Out::default(), snapshot::ON_CPU);
    probes.switch(1070, Some((task, Out::sleep(SLEEP))), None);
    check_records(&probes, 1060, "1: life 60 cpu 60");
}

#[test]
fn snapshot_a_switch_out_in_the_moment_of_the_seed_loses_nothing() {
    // Running when the time was taken, asleep when the state was read. The
    // entry was there already, so the switch-out is in the ring, and the count
    // of switch-outs that the seed shows includes it.
    let mut probes = Probes::default();
    let task = probes.seed(1010, who(1), Out::sleep(SLEEP), 0);
    probes.records.clear();
    probes.switch(1010, Some((task, Out::sleep(SLEEP))), None);
    let mut seen = probes.clone();
    seen.records.clear();
    seen.last(1000, task, Out::sleep(SLEEP), 0);
    let seed = unflagged(&seen.records[0]);
    probes.records.push(seed);
    probes.waking(1050, task, &By::task(2, 202));
    probes.switch(1060, None, Some(task));
    probes.last(1080, task, Out::default(), snapshot::ON_CPU);
    check_records(
        &probes,
        1080,
        "1: life 80 cpu 30 queue 10 sleep 40x1 by task",
    );
}

/// A last snapshot, made a seed.
fn unflagged(record: &[u8]) -> Vec<u8> {
    let mut seed = record.to_vec();
    let flags = u16::from_ne_bytes([seed[6], seed[7]]) & !snapshot::FINAL;
    seed[6..8].copy_from_slice(&flags.to_ne_bytes());
    seed
}

#[test]
fn snapshot_a_switch_out_in_the_moment_of_the_last_snapshot_loses_nothing() {
    // Time read at 1500 while it ran, state and count read behind its
    // switch-out at 1501.
    let mut probes = Probes::default();
    let task = probes.seed(1000, who(1), Out::default(), snapshot::ON_CPU);
    probes.switch(1501, Some((task, Out::sleep(SLEEP))), None);
    probes.last(1500, task, Out::sleep(SLEEP), 0);
    check_records(&probes, 1600, "1: life 600 cpu 501 open sleep 99");
}

#[test]
fn snapshot_a_preemption_in_the_moment_of_the_last_snapshot_loses_nothing() {
    let mut probes = Probes::default();
    let task = probes.seed(1000, who(1), Out::default(), snapshot::ON_CPU);
    probes.switch(1501, Some((task, Out::preempted())), None);
    probes.last(1500, task, Out::default(), 0);
    check_records(&probes, 1600, "1: life 600 cpu 501 queue 99");
}

#[test]
fn snapshot_a_switch_in_in_the_moment_of_the_last_snapshot_loses_nothing() {
    // Asleep and woken when the time was read; running, its waking carried
    // away by the switch-in, when the rest was.
    let mut probes = Probes::default();
    let task = probes.seed(1000, who(1), Out::default(), snapshot::ON_CPU);
    probes.switch(1100, Some((task, Out::sleep(SLEEP))), None);
    probes.waking(1490, task, &By::task(2, 202));
    probes.switch(1501, None, Some(task));
    probes.last(1500, task, Out::default(), snapshot::ON_CPU);
    check_records(
        &probes,
        1600,
        "1: life 600 cpu 199 queue 11 sleep 390x1 by task",
    );
}

#[test]
fn snapshot_a_thread_born_while_the_last_snapshot_was_taken_lives() {
    // The iterator had passed its place; it runs at the end all the same.
    check(
        "
        1  S##L###
        5  ....fn^##
        ",
        "
        1: life 90 cpu 90
        5: life 40 cpu 30 queue 10
        ",
    );
}

#[test]
fn snapshot_a_dead_leader_that_the_seed_found_waits_for_nothing() {
    // A process whose first thread has ended, but not the others: the iterator
    // finds the zombie, in state dead.
    let mut probes = Probes::default();
    let zombie = Out {
        state: state::DEAD,
        nr: 60,
        ..Out::default()
    };
    let leader = probes.seed(1000, who(1), zombie, 0);
    probes.last(1090, leader, zombie, 0);
    let document = run::document(&probes.records, 1100);
    account::assert_closed(&document);
    assert_eq!(document.coverage.open_waits, 0);
    assert_eq!(account::render(&document), "1:");
}

#[test]
fn snapshot_a_waking_in_the_moment_of_the_last_snapshot_is_not_from_the_future() {
    // Asleep when the time was read, woken a moment later, when the rest was.
    let mut probes = Probes::default();
    let task = probes.seed(1000, who(1), Out::default(), snapshot::ON_CPU);
    probes.switch(1100, Some((task, Out::sleep(SLEEP))), None);
    probes.waking(1502, task, &By::task(2, 202));
    probes.last(1500, task, Out::default(), 0);
    check_records(
        &probes,
        1600,
        "1: life 600 cpu 100 queue 100 sleep 400x1 by task",
    );
}

/// A waking may name a tid as it was before an exec; broken records may say that
/// two threads were each other's predecessors.
#[test]
fn snapshot_threads_that_came_before_each_other_are_no_endless_search() {
    let mut probes = Probes::default();
    let [first, _, third, sleeper] =
        [1, 2, 4, 5].map(|tid| probes.seed(1000, who(tid), Out::sleep(SLEEP), 0));
    probes.exec(1010, third, 1, &["a"]);
    probes.exec(1020, first, 2, &["b"]);
    probes.exec(1030, first, 4, &["c"]);
    probes.waking(500, sleeper, &By::task(1, 202));
    probes.switch(1040, None, Some(sleeper));
    let document = run::document(&probes.records, 1100);
    account::assert_closed(&document);
}

/// The iterator goes by tid, and tids come again from the smallest.
#[test]
fn snapshot_a_leader_that_is_seen_behind_its_threads_is_of_their_process() {
    let mut probes = Probes::default();
    for (tid, pid) in [(3, 7), (7, 7), (9, 7)] {
        let who = Who { pid, ..who(tid) };
        probes.seed(1000, who, Out::default(), snapshot::ON_CPU);
    }
    let document = run::document(&probes.records, 1100);
    let groups = document
        .groups
        .iter()
        .map(|g| (&*g.name, g.threads, &*g.pids));
    let mut groups: Vec<_> = groups.collect();
    groups.sort_unstable();
    assert_eq!(groups, [("test", 1, &[7][..]), ("test (threads)", 2, &[7])]);
}

#[test]
fn snapshot_a_thread_that_came_as_the_last_one_began_lives() {
    let mut probes = Probes::default();
    let first = probes.seed(1000, who(1), Out::default(), snapshot::ON_CPU);
    let second = probes.seed(1000, who(5), Out::sleep(SLEEP), 0);
    let third = probes.seed(1000, who(6), Out::sleep(SLEEP), 0);
    for (at_ns, task) in [(1049, third), (1050, second)] {
        probes.waking(at_ns - 10, task, &By::task(1, 202));
        probes.switch(at_ns, None, Some(task));
    }
    probes.last(1050, first, Out::default(), snapshot::ON_CPU);
    check_records(
        &probes,
        1100,
        "
        1: life 100 cpu 100
        5: life 100 cpu 50 queue 10 sleep ≥40x1 by task 1
        6: life 100 queue 10 unknown 51 sleep ≥39x1 by task 1
        ",
    );
}
