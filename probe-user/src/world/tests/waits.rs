//! When a wait begins and ends, and what is not one.

use probe_common::{fd::Object, sched::flag};

use super::timeline::{check, check_cut};
use crate::{metrics::tests::run, vocabulary::WakeSource, wire::tests::probes::*};

#[test]
fn waits_a_wait_lies_between_its_switch_out_and_its_waking() {
    check(
        "
        1  S###################L
        5  fn-^###z~~~~w-^##x#X
        ",
        "
        1: life 210 cpu 210
        5: life 180 cpu 90 queue 40 sleep 50x1 by task 1 exit 0
        ",
    );
}

#[test]
fn waits_running_at_the_end_is_not_a_preemption() {
    check(
        "
        1  S#########L
        5  fn^######L
        ",
        "
        1: life 110 cpu 110
        5: life 100 cpu 90 queue 10
        ",
    );
    let document = super::timeline::document("1 S####L");
    assert_eq!(document.threads[0].sums.switches.involuntary, 0);
    assert_eq!(document.threads[0].sums.runqueue_count, 0);
}

#[test]
fn waits_a_preempted_thread_is_on_the_run_queue_whatever_its_state() {
    check("1 S##p---^##y--^L", "1: life 150 cpu 80 queue 70");
    let sums = &super::timeline::document("1 S##p---^##y--^L").threads[0].sums;
    assert_eq!((sums.switches.involuntary, sums.switches.voluntary), (2, 0));
    assert_eq!(sums.runqueue_count, 2);
}

#[test]
fn waits_a_wait_ends_at_its_first_waking() {
    // The second waking would come from a stranger.
    check(
        "
        1  S################L
        5  fn^##z~~~w-o-o--^L
        ",
        "
        1: life 180 cpu 180
        5: life 170 cpu 50 queue 80 sleep 40x1 by task 1
        ",
    );
}

#[test]
fn waits_a_waking_older_than_the_switch_out_ends_a_wait_of_zero_length() {
    // `w` raced with `z`: the thread never truly slept.
    check(
        "
        1  S############L
        5  fn^###wz---^#L
        ",
        "
        1: life 140 cpu 140
        5: life 130 cpu 80 queue 50 sleep 0x1 by task 1
        ",
    );
}

#[test]
fn waits_an_interrupt_that_raced_with_the_switch_out_is_told_by_its_stack() {
    check(
        "
        1  S############L
        5  fn^###tz---^#L
        ",
        "
        1: life 140 cpu 140
        5: life 130 cpu 80 queue 50 sleep 0x1 by timer
        ",
    );
}

#[test]
fn waits_a_waking_of_a_running_thread_means_nothing_once_it_is_woken_from_its_sleep() {
    check(
        "
        1  S###############L
        5  fn^#w#z~~~~~o-^#L
        ",
        "
        1: life 170 cpu 170
        5: life 160 cpu 70 queue 30 sleep 60x1 by task outside cron 99
        ",
    );
}

#[test]
fn waits_a_waking_of_a_runnable_thread_is_no_wait() {
    check(
        "
        1  S###############L
        5  fn^#p--w--^####z~L
        ",
        "
        1: life 180 cpu 180
        5: life 170 cpu 70 queue 70 open sleep 30
        ",
    );
}

#[test]
fn waits_an_open_wait_is_a_lower_bound() {
    check(
        "
        1  S#########L
        5  fn^##z~~~~L
        ",
        "
        1: life 110 cpu 110
        5: life 100 cpu 30 queue 10 open sleep 60
        ",
    );
    let document = super::timeline::document("1 S#z~~~L");
    assert_eq!(document.coverage.open_waits, 1);
    assert_eq!(
        document.threads[0].sums.waits,
        [],
        "it has not ended, so it does not count"
    );
}

#[test]
fn waits_a_hidden_waking_leaves_the_wait_whole_and_its_end_unverified() {
    check(
        "
        1  S###########L
        5  fn^##z~~~~^#L
        ",
        "
        1: life 130 cpu 130
        5: life 120 cpu 60 queue 10 sleep 50x1 by unverified
        ",
    );
    let document = super::timeline::document("1 S#z~~^L");
    assert_eq!(document.coverage.unverified_wakes, 1);
}

#[test]
fn waits_a_recovered_switch_in_counts_as_one() {
    check(
        "
        1  S###########L
        5  fn^##z~~w-r##zL
        ",
        "
        1: life 150 cpu 150
        5: life 140 cpu 60 queue 30 sleep 30x1 by task 1 open sleep 20
        ",
    );
    let document = super::timeline::document("1 S#z~w-r##zL");
    assert_eq!(document.coverage.recovered_switches, 1);
    assert_eq!(document.coverage.problems, Vec::<String>::new());
}

#[test]
fn waits_of_one_kind_at_one_place_add_up() {
    check(
        "
        1  S########################L
        5  fn^#z~~w^#z~~~~~w^#z~w^##L
        ",
        "
        1: life 260 cpu 260
        5: life 250 cpu 100 queue 40 sleep 110x3 by task 1
        ",
    );
    let document = super::timeline::document("1 S#z~~w^#z~~~~~w^#z~w^##L");
    assert_eq!(document.threads[0].sums.waits[0].max_ns, 60);
}

#[test]
fn waits_a_cut_recording_ends_at_its_last_record() {
    check_cut(
        "
        1  S##############p
        5  fn^##z~~~~w--^
        ",
        "
        1: life 150 cpu 150
        5: life 140 cpu 50 queue 40 sleep 50x1 by task 1
        ",
    );
    // The waking travels with the switch-in: without it, the sleep is open.
    check_cut(
        "
        1  S##############p
        5  fn^##z~~~~w--
        ",
        "
        1: life 150 cpu 150
        5: life 140 cpu 30 queue 10 open sleep 100
        ",
    );
}

#[test]
fn waits_an_open_wait_does_not_bear_the_stack_of_the_sleep_before() {
    let document = super::timeline::document("1 S##z~t^##z~~L");
    let sums = &document.threads[0].sums;
    assert_eq!(sums.waits[0].function.as_deref(), Some("hrtimer_nanosleep"));
    assert_eq!(sums.open[0].function, None);
}

#[test]
fn waits_do_not_bear_what_was_taken_for_the_sleep_before() {
    // The switch-in between the two was lost.
    let waits = |row: &str| {
        let document = super::timeline::document(&format!("1 S####################L\n{row}"));
        let mut threads = document.threads.into_iter();
        let sleeper = threads.find(|thread| thread.tid == 5);
        let sums = sleeper.expect("it was born").sums;
        (sums.waits, sums.open)
    };
    let (finished, _) = waits("5 fn^##z~~t(##z~~w^#L");
    assert_eq!((finished[0].count, &finished[0].function), (1, &None));
    let (finished, _) = waits("5 fn^##z~~t(##z~~i^#L");
    assert_eq!(finished[0].wakes[0].source, WakeSource::Unverified);
    let (_, open) = waits("5 fn^##z~~t(##z~~~~~L");
    assert_eq!((open[0].so_far_ns, &open[0].function), (100, &None));
}

#[test]
fn waits_are_not_on_the_file_of_the_sleep_before() {
    let mut probes = Probes::default();
    let task = probes.seed(1000, Who::default(), Out::default(), 1 << 9);
    let reads = Out {
        flags: flag::OBJECT,
        ..Out::sleep(0)
    };
    let pipe = Object {
        mode: 0o010_600,
        ..Object::default()
    };
    let locks = Out {
        arg0: 0x1000,
        ..Out::sleep(202)
    };
    probes.object(1010, task, pipe);
    for (at_ns, out) in [(1010, reads), (1050, locks)] {
        probes.switch(at_ns, Some((task, out)), None);
        probes.waking(at_ns + 10, task, &By::task(99, 1));
        probes.switch(at_ns + 20, None, Some(task));
    }
    let document = run::cut(&probes.records);
    let waits = document.threads[0].sums.waits.iter();
    let mut told: Vec<_> = waits
        .map(|wait| (wait.kind.as_str(), wait.object.as_deref()))
        .collect();
    told.sort_unstable();
    assert_eq!(told[0], ("futex", Some("futex 0x1000")));
    assert_eq!(told[1].0, "pipe-read");
}
