//! Beginnings and ends of threads.

use super::timeline::check;
use crate::{document::Exit, metrics::tests::run, wire::tests::probes::*};

#[test]
fn birth_a_life_begins_when_it_first_becomes_runnable() {
    check(
        "
        1  S#########L
        5  f..n--^###L
        ",
        "
        1: life 110 cpu 110
        5: life 80 cpu 50 queue 30
        ",
    );
}

#[test]
fn birth_a_thread_that_never_became_runnable_has_no_life() {
    check(
        "
        1  S#########L
        5  f.........L
        ",
        "
        1: life 110 cpu 110
        5:
        ",
    );
}

#[test]
fn birth_a_newborn_that_has_not_run_yet_is_on_the_run_queue() {
    check(
        "
        1  S#########L
        5  f...n-----L
        ",
        "
        1: life 110 cpu 110
        5: life 70 queue 70
        ",
    );
}

#[test]
fn birth_its_first_run_is_a_wake_by_its_creator_but_ends_no_wait() {
    let document = super::timeline::document("1 S####L\n5 .fn^##L");
    let wakes = &document.threads[1].sums.wakes;
    let told: Vec<_> = wakes
        .iter()
        .map(|w| (w.source.as_str(), w.tid, w.count, w.wait_ns))
        .collect();
    assert_eq!(told, [("new", Some(1), 1, 0)]);
    assert_eq!(wakes[0].syscall.as_deref(), Some("clone"));
    assert_eq!(document.threads[1].sums.runqueue_count, 1);
}

#[test]
fn birth_a_held_root_is_born_when_released() {
    check("1 H~~~~~~o-^##L", "1: life 60 cpu 40 queue 20");
    // Held, but not asleep yet when it was found: still not its own time.
    check("1 H#z~~~~o-^##L", "1: life 60 cpu 40 queue 20");
}

#[test]
fn birth_a_seeded_sleeper_has_begun_before() {
    check(
        "1 Z~~~~o-^##L",
        "1: life 110 cpu 40 queue 20 sleep ≥50x1 by task outside cron 99",
    );
    check("1 Z~~~~L", "1: life 60 open sleep ≥60");
}

#[test]
fn birth_a_seeded_runnable_thread_is_on_the_run_queue() {
    check("1 Q--^##L", "1: life 70 cpu 40 queue 30");
}

#[test]
fn birth_records_before_the_seed_win() {
    // Followed before it is looked at: it switched in and out in between. The
    // seed tells who it is, not what it does.
    let mut probes = Probes::default();
    let who = Who {
        tid: 7,
        pid: 7,
        ppid: 1,
        comm: "early",
    };
    let found = Out::sleep(super::timeline::SLEEP);
    let task = probes.seed(1000, who, found, 0);
    let seed = probes.records.remove(0);
    probes.switch(900, None, Some(task));
    probes.switch(950, Some((task, found)), None);
    probes.records.push(seed);
    probes.waking(1100, task, &By::task(7, 202));
    probes.switch(1150, None, Some(task));
    probes.last(1200, task, Out::default(), 1 << 9);
    let document = run::document(&probes.records, 1300);
    super::account::assert_closed(&document);
    assert_eq!(
        super::account::render(&document),
        "7: life 400 cpu 200 queue 50 sleep 150x1 by task 7"
    );
    assert_eq!(document.threads[0].comm, "early");
    assert_eq!(document.threads[0].ppid, Some(1));
}

#[test]
fn birth_nothing_follows_the_last_switch_out() {
    check(
        "
        1  S################L
        5  fn^##z~~w^##x##X
        ",
        "
        1: life 180 cpu 180
        5: life 140 cpu 90 queue 20 sleep 30x1 by task 1 exit 0
        ",
    );
}

#[test]
fn birth_exits_are_wait_statuses() {
    for (status, expected) in [
        (0, Exit::Code(0)),
        (7 << 8, Exit::Code(7)),
        (255 << 8, Exit::Code(255)),
        (15, Exit::Signal(15)),
        (0x80 | 11, Exit::Signal(11)),
    ] {
        let mut probes = Probes::default();
        let task = probes.seed(1000, Who::default(), Out::default(), 1 << 9);
        probes.exit(1010, task, status);
        probes.switch(1020, Some((task, Out::DEAD)), None);
        let document = run::document(&probes.records, 1030);
        assert_eq!(document.threads[0].exit, Some(expected), "{status:#x}");
    }
}

#[test]
fn birth_migrations_come_with_the_exit_or_the_last_snapshot() {
    let mut probes = Probes::default();
    let who = |tid| Who {
        tid,
        pid: tid,
        ..Who::default()
    };
    let on_cpu = 1 << 9;
    let dying = probes.seed(1000, who(5), Out::default(), on_cpu);
    let living = probes.seed(1001, who(6), Out::default(), on_cpu);
    for _ in 0..3 {
        probes.migrate(dying);
    }
    probes.exit(1010, dying, 0);
    probes.switch(1020, Some((dying, Out::DEAD)), None);
    probes.migrate(living);
    probes.last(1030, living, Out::default(), on_cpu);
    let document = run::document(&probes.records, 1040);
    let told: Vec<u64> = document.threads.iter().map(|t| t.sums.migrations).collect();
    assert_eq!(told, [3, 1]);
}

#[test]
fn birth_renames_keep_former_names() {
    let mut probes = Probes::default();
    let who = Who {
        tid: 5,
        pid: 5,
        ppid: 1,
        comm: "python3",
    };
    let task = probes.seed(1000, who, Out::default(), 1 << 9);
    for (ts_ns, comm) in [(1010, "pool-1"), (1020, "pool-1"), (1030, "pool-2")] {
        probes.rename(ts_ns, task, comm);
    }
    let thread = &run::document(&probes.records, 1040).threads[0];
    assert_eq!(thread.comm, "pool-2");
    assert_eq!(thread.former_comms, ["python3", "pool-1"]);
    assert_eq!(thread.role, "pool-*");
}

#[test]
fn birth_a_thread_that_shows_progress_in_its_name_does_not_grow_without_bound() {
    const NAMES: [&str; 2] = ["even", "odd"];
    let mut probes = Probes::default();
    let task = probes.seed(1000, Who::default(), Out::default(), 1 << 9);
    for step in 0..1000 {
        probes.rename(1010 + step as u64, task, NAMES[step % 2]);
    }
    let thread = &run::document(&probes.records, 3000).threads[0];
    assert_eq!(thread.comm, "odd");
    assert!(thread.former_comms.len() <= 16);
}
