//! Lost records: the time they covered is unknown, and nothing else is.

use probe_common::{
    loss_sums::what,
    sched::{flag, state},
};

use super::timeline::{SLEEP, check};
use crate::{
    document::Document,
    metrics::tests::run,
    wire::{
        session::{End, LossSum},
        tests::probes::{By, Out, Probes, Who},
    },
};

#[test]
fn losses_lost_switch_out_makes_unknown_time() {
    check(
        "
        1  S###############L
        5  fn^####)~~~w-^##L
        ",
        "
        1: life 170 cpu 170
        5: life 160 cpu 40 queue 10 unknown 110
        ",
    );
}

#[test]
fn losses_lost_switch_in_makes_unknown_time() {
    check(
        "
        1  S################L
        5  fn^####z~~~w-(#z~L
        ",
        "
        1: life 180 cpu 180
        5: life 170 cpu 50 queue 10 unknown 80 open sleep 30
        ",
    );
}

#[test]
fn losses_a_gap_in_the_sequence_makes_unknown_time() {
    // A whole sleep and the next switch-out are missing.
    check(
        "
        1  S####################L
        5  fn^##z~w^##)~w(##)~w^##L
        ",
        "
        1: life 240 cpu 240
        5: life 230 cpu 70 queue 20 unknown 120 sleep 20x1 by task 1
        ",
    );
}

#[test]
fn losses_a_lost_last_switch_out_makes_unknown_time_until_the_end() {
    check(
        "
        1  S############L
        5  fn^###)~~~~~~L
        ",
        "
        1: life 140 cpu 140
        5: life 130 queue 10 unknown 110 open sleep 10
        ",
    );
}

#[test]
fn losses_a_switch_in_lost_before_the_last_snapshot_is_no_open_wait() {
    // The snapshot shows it on a CPU: whatever it did since it fell asleep, it
    // does not sleep now.
    let document = super::timeline::document("1 S##z~~~w(##L");
    super::account::assert_closed(&document);
    assert_eq!(document.coverage.open_waits, 0);
    assert_eq!(
        super::account::render(&document),
        "1: life 120 cpu 40 unknown 80"
    );
}

#[test]
fn losses_a_switch_in_lost_before_the_last_snapshot_is_no_run_queue() {
    let document = super::timeline::document("1 S##p---(##L");
    super::account::assert_closed(&document);
    let sums = &document.threads[0].sums;
    assert!(sums.runqueue_ns <= 40, "it ran since: {sums:?}");
}

#[test]
fn losses_a_thread_whose_birth_was_lost_begins_when_it_is_first_seen() {
    let drawing = "
        1  S###########L
        5  fn^##z~~~w^##L
        ";
    let lost_fork = |records: Vec<Vec<u8>>| -> Vec<Vec<u8>> {
        let fork = probe_common::families::kind::FORK.to_ne_bytes();
        records.into_iter().filter(|r| r[..2] != fork).collect()
    };
    let document = run::document(&lost_fork(super::timeline::records(drawing)), 1140);
    super::account::assert_closed(&document);
    assert_eq!(
        super::account::render(&document),
        super::timeline::block(
            "
            1: life 140 cpu 140
            5: life 120 cpu 70 queue 10 sleep 40x1 by task 1
            "
        )
    );
    assert_eq!(document.threads[1].pid, Some(5), "the last snapshot told");
}

#[test]
fn losses_a_thread_of_which_only_its_end_was_seen_is_counted_as_unidentified() {
    let mut probes = Probes::default();
    let task = probes.fork(900, 1, 0, Who::default());
    probes.records.clear();
    probes.exit(1000, task, 0);
    probes.switch(1010, Some((task, Out::DEAD)), None);
    let document = run::document(&probes.records, 1100);
    super::account::assert_closed(&document);
    assert_eq!(document.threads.len(), 1);
    assert_eq!(document.threads[0].sums.lifetime_ns, 0);
    assert_eq!(
        document.coverage.problems,
        ["1 threads whose birth was not recorded: process and name are unknown"]
    );
}

#[test]
fn losses_a_switch_in_lost_after_a_sleepers_seed_makes_unknown_time() {
    // It was found asleep; how long it slept on is not known, and that it ran
    // all the time until its switch-out least of all.
    check("1 Z~~~~w-(##z~L", "1: life 130 unknown 100 open sleep 30");
}

#[test]
fn losses_a_newborn_that_the_last_snapshot_shows_asleep_is_not_on_the_run_queue() {
    // Its first run and its switch-out were lost; a waking that came while it
    // still ran is all that its entry shows.
    let mut probes = Probes::default();
    let creator = probes.seed(1000, who(4), Out::default(), 1 << 9);
    let newborn = probes.fork(1010, 4, 0, who(5));
    probes.wake_new(1020, newborn, &By::task(4, 56));
    let told = probes.records.len();
    probes.switch(1030, None, Some(newborn));
    probes.waking(1040, newborn, &By::task(4, 202));
    probes.switch(1050, Some((newborn, Out::sleep(230))), None);
    probes.records.truncate(told);
    probes.last(1060, creator, Out::default(), 1 << 9);
    probes.last(1070, newborn, Out::sleep(230), 0);
    let document = run::document(&probes.records, 1100);
    super::account::assert_closed(&document);
    assert_eq!(document.threads[1].sums.runqueue_ns, 0);
}

fn who(tid: u32) -> Who {
    Who {
        tid,
        pid: tid,
        ppid: 1,
        comm: "test",
    }
}

/// Two sleeps and what lies between them, of which no record is left; the probes
/// have added up what `lost` says.
fn with_sums(lost: &[(u16, u64, u64)]) -> (String, Document) {
    let drawing = "
        1  S####################L
        5  fn^##z~w^##)~w(##)~w^##L
    ";
    let sum = |&(what, count, ns): &(u16, u64, u64)| LossSum {
        state: u16::from(what == what::SLEEP),
        nr: if what == what::SLEEP { SLEEP } else { 0 },
        ..folded(what, count, ns)
    };
    let lost: Vec<LossSum> = lost.iter().map(sum).collect();
    let document = ended_with(drawing, 24, lost);
    (last_line(&document), document)
}

fn folded(what: u16, count: u64, ns: u64) -> LossSum {
    LossSum {
        tid: 5,
        what,
        count,
        ns,
        ..LossSum::default()
    }
}

fn ended_with(drawing: &str, column: usize, folded: Vec<LossSum>) -> Document {
    ended(
        drawing,
        End {
            loss_sums: folded,
            ..run::end(super::timeline::at(column))
        },
    )
}

fn ended(drawing: &str, end: End) -> Document {
    let mut analysis = run::begun();
    analysis.batch(&run::batch(&super::timeline::records(drawing)));
    analysis.end(end);
    let document = analysis.document();
    super::account::assert_closed(&document);
    document
}

fn last_line(document: &Document) -> String {
    let lines = super::account::render(document);
    lines.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn losses_sums_of_lost_records_stand_in_for_unknown_time() {
    let whole = [
        (what::CPU, 2, 60),
        (what::SLEEP, 2, 40),
        (what::RUNQUEUE, 2, 20),
    ];
    let (account, document) = with_sums(&whole);
    assert_eq!(
        account,
        "5: life 230 cpu 130 queue 40 sleep 60x3 by unverified and task 1"
    );
    let coverage = &document.coverage;
    assert_eq!((coverage.folded_waits, coverage.folded_ns), (2, 120));
    let (account, _) = with_sums(&whole[..2]);
    assert_eq!(
        account,
        "5: life 230 cpu 130 queue 20 unknown 20 sleep 60x3 by unverified and task 1"
    );
}

#[test]
fn losses_add_up_to_counts_as_well_as_times() {
    let (account, document) = with_sums(&[
        (what::CPU, 2, 59),
        (what::SLEEP, 2, 41),
        (what::RUNQUEUE, 2, 20),
    ]);
    assert_eq!(
        account,
        "5: life 230 cpu 129 queue 40 sleep 61x3 by unverified and task 1"
    );
    let lossy = document.threads.iter().find(|thread| thread.tid == 5);
    let sums = &lossy.expect("it was born").sums;
    // Two of each are in the records.
    assert_eq!((sums.runqueue_count, sums.switches.voluntary), (4, 3));
    let wait = &sums.waits[0];
    assert_eq!(wait.max_ns, 21, "no shorter than the mean of the lost ones");
    let ended: Vec<_> = wait.wakes.iter().map(|w| (w.count, w.wait_ns)).collect();
    assert_eq!(ended, [(2, 41), (1, 20)]);
}

#[test]
fn losses_of_two_threads_with_one_tid_are_nobodys() {
    let drawing = "
        1  S####################L
        5  fn^#X
        5  ......fn^##)~w(##L
    ";
    let lost = vec![folded(what::CPU, 1, 20), folded(what::RUNQUEUE, 1, 10)];
    let document = ended_with(drawing, 22, lost);
    assert_eq!(
        last_line(&document),
        "5: life 150 cpu 50 queue 10 unknown 90"
    );
    assert_eq!(document.coverage.folded_ns, 0);
}

/// What sums say that a sleep waited for, in this system call and on a file of this
/// type, while the kernel waited for I/O.
fn io_of_sums(nr: i16, mode: u32) -> String {
    let sum = |what: u16, ns: u64| folded(what, 2, ns);
    let sleep = LossSum {
        state: state::UNINTERRUPTIBLE,
        nr,
        flags: flag::IOWAIT,
        mode,
        ..sum(what::SLEEP, 40)
    };
    let drawing = "
        1  S####################L
        5  fn^##z~w^##)~w(##)~w^##L
    ";
    let lost = vec![sum(what::CPU, 60), sleep, sum(what::RUNQUEUE, 20)];
    last_line(&ended_with(drawing, 24, lost))
}

#[test]
fn losses_sums_tell_a_disk_only_from_a_file_that_is_read() {
    const OPENAT: i16 = 257;
    let expect = |kind| {
        format!("5: life 230 cpu 130 queue 40 {kind} 40x2 by unverified sleep 20x1 by task 1")
    };
    assert_eq!(io_of_sums(0, 0o100_000), expect("disk"));
    assert_eq!(io_of_sums(OPENAT, 0), expect("unknown"));
}

#[test]
fn losses_sums_that_are_more_than_what_is_unknown_are_not_believed() {
    let (account, document) = with_sums(&[(what::CPU, 2, 121)]);
    assert_eq!(
        account,
        "5: life 230 cpu 70 queue 20 unknown 120 sleep 20x1 by task 1"
    );
    assert_eq!(document.coverage.folded_ns, 0);
    // Nor such that no sum holds, as a damaged recording may have them.
    let (account, _) = with_sums(&[(what::CPU, 1, u64::MAX), (what::SLEEP, 1, 2)]);
    assert_eq!(
        account,
        "5: life 230 cpu 70 queue 20 unknown 120 sleep 20x1 by task 1"
    );
}

#[test]
fn losses_counted_beyond_all_numbers_end_at_the_greatest() {
    let stay = |what| (what, u64::MAX, 2);
    let (_, document) = with_sums(&[what::CPU, what::RUNQUEUE, what::SLEEP].map(stay));
    let thread = document.threads.iter().find(|t| t.tid == 5).unwrap();
    assert_eq!(thread.sums.runqueue_count, u64::MAX);
    assert_eq!(document.coverage.folded_waits, u64::MAX);
}

#[test]
fn losses_the_instant_of_a_lost_last_switch_out_ends_the_life() {
    let drawing = "
        1  S############L
        5  fn^###x#)
    ";
    let end_ns = super::timeline::at(8);
    let lost = vec![folded(what::CPU, 1, 60), folded(what::END, 1, end_ns)];
    let document = ended_with(drawing, 14, lost);
    assert_eq!(last_line(&document), "5: life 70 cpu 60 queue 10 exit 0");
}

/// A thread that is missing from the last snapshot, of which nothing else is told
/// than what is added up, with and without lost records of births and deaths.
fn missing(folded: &[LossSum], lost: u64) -> String {
    let drawing = "
        1  S############L
        5  fn^##z~
    ";
    let end = End {
        loss_sums: folded.to_vec(),
        lost: vec![("task".to_owned(), lost)],
        ..run::end(super::timeline::at(14))
    };
    last_line(&ended(drawing, end))
}

#[test]
fn losses_who_is_only_missing_has_not_died_where_such_records_were_lost() {
    let dead = "5: life 130 cpu 30 queue 10 unknown 90";
    assert_eq!(missing(&[], 0), dead);
    let open = "5: life 130 cpu 30 queue 10 open sleep 90";
    assert_eq!(missing(&[], 1), open);
}

#[test]
fn losses_sums_tell_a_death_also_where_such_records_were_lost() {
    let end = [folded(what::END, 1, super::timeline::at(10))];
    assert_eq!(missing(&end, 0), missing(&end, 1));
    assert_eq!(missing(&end, 1), "5: life 90 cpu 30 queue 10 unknown 50");
}
