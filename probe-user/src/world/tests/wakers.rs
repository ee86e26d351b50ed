//! Who ended a wait.

use probe_common::sched::waker;

use super::{
    account,
    timeline::{SLEEP, check, document},
};
use crate::{
    metrics::tests::run,
    wire::tests::{frames::stack, probes::*},
};

#[test]
fn wakers_a_timer_that_interrupted_a_task_is_not_its_waking() {
    check(
        "
        1  S###########L
        5  fn^##z~~~t^#L
        ",
        "
        1: life 130 cpu 130
        5: life 120 cpu 60 queue 20 sleep 40x1 by timer
        ",
    );
    let document = document("1 S####L\n5 .fn^z~t^#L");
    let wait = &document.threads[1].sums.waits[0];
    assert_eq!(wait.function.as_deref(), Some("hrtimer_nanosleep"));
    let wake = &wait.wakes[0];
    assert_eq!((&wake.comm, wake.tid, &wake.syscall), (&None, None, &None));
}

#[test]
fn wakers_an_interrupt_without_a_stack_is_not_verified() {
    check(
        "
        1  S###########L
        5  fn^##z~~~i^#L
        ",
        "
        1: life 130 cpu 130
        5: life 120 cpu 60 queue 20 sleep 40x1 by unverified
        ",
    );
}

#[test]
fn wakers_a_waker_outside_the_tree_is_named() {
    check(
        "
        1  S###########L
        5  fn^##z~~~o^#L
        ",
        "
        1: life 130 cpu 130
        5: life 120 cpu 60 queue 20 sleep 40x1 by task outside cron 99
        ",
    );
    let document = document("1 S####L\n5 .fn^z~o^#L");
    let wake = &document.threads[1].sums.waits[0].wakes[0];
    assert_eq!(wake.pid, Some(98));
    assert_eq!(wake.comm.as_deref(), Some("cron"));
    assert_eq!(wake.syscall.as_deref(), Some("read"));
}

#[test]
fn wakers_a_kernel_thread_is_named_but_is_in_no_system_call() {
    check(
        "
        1  S###########L
        5  fn^##z~~~k^#L
        ",
        "
        1: life 130 cpu 130
        5: life 120 cpu 60 queue 20 sleep 40x1 by kthread outside kworker/0:1 77
        ",
    );
    let document = document("1 S####L\n5 .fn^z~k^#L");
    assert_eq!(document.threads[1].sums.waits[0].wakes[0].syscall, None);
}

#[test]
fn wakers_different_wakers_of_one_wait_are_counted_apart() {
    check(
        "
        1  S#####################L
        5  fn^z~~w^z~~~~o^z~t^#z~~w^L
        ",
        "
        1: life 260 cpu 260
        5: life 250 cpu 70 queue 50 sleep 110x3 by task 1 and task outside cron 99 sleep 20x1 by timer
        ",
    );
}

#[test]
fn wakers_a_stranger_whose_name_was_lost_is_known_by_its_tid() {
    let mut probes = Probes::default();
    let task = probes.seed(1000, Who::default(), Out::default(), 1 << 9);
    probes.switch(1010, Some((task, Out::sleep(SLEEP))), None);
    let by = By {
        tid: 99,
        flags: waker::CONTEXT_KNOWN,
        ..By::default()
    };
    probes.waking(1020, task, &by);
    probes.switch(1030, None, Some(task));
    probes.last(1040, task, Out::default(), 1 << 9);
    let document = run::document(&probes.records, 1040);
    assert_eq!(
        account::render(&document),
        "0: life 40 cpu 20 queue 10 sleep 10x1 by task outside 99"
    );
}

#[test]
fn wakers_the_idle_task_wakes_nobody() {
    let mut probes = Probes::default();
    let task = probes.seed(1000, Who::default(), Out::default(), 1 << 9);
    probes.switch(1010, Some((task, Out::sleep(SLEEP))), None);
    let by = By {
        tid: 0,
        nr: -1,
        flags: waker::CONTEXT_KNOWN | waker::IDLE | waker::HARDIRQ,
        ..By::default()
    };
    probes.waking(1020, task, &by);
    probes.switch(1030, None, Some(task));
    let document = run::cut(&probes.records);
    assert_eq!(
        account::render(&document),
        "0: life 30 cpu 10 queue 10 sleep 10x1 by unverified"
    );
}

#[test]
fn wakers_a_task_on_its_way_out_is_a_task_exit() {
    let mut probes = Probes::default();
    let who = |tid| Who {
        tid,
        pid: tid,
        ..Who::default()
    };
    let parent = probes.seed(1000, who(4), Out::default(), 1 << 9);
    let child = probes.seed(1001, who(5), Out::default(), 1 << 9);
    probes.switch(1010, Some((parent, Out::sleep(61))), None);
    probes.exit(1020, child, 3 << 8);
    let mut by = By::task(5, 231);
    by.flags |= waker::EXITING;
    probes.waking(1030, parent, &by);
    probes.switch(1035, Some((child, Out::DEAD)), None);
    probes.switch(1040, None, Some(parent));
    let document = run::cut(&probes.records);
    assert_eq!(
        account::render(&document),
        "4: life 40 cpu 10 queue 10 child-exit 20x1 by task-exit 5\n5: life 34 cpu 34 exit 3"
    );
}

/// A process of one thread.
fn named(tid: u32, comm: &'static str) -> Who {
    Who {
        tid,
        pid: tid,
        ppid: 1,
        comm,
    }
}

#[test]
fn wakers_a_waker_that_died_and_whose_tid_was_reused_is_still_itself() {
    let mut probes = Probes::default();
    let [sleeper, first] = [(1000, 4, "sleeper"), (1001, 5, "first")]
        .map(|(at_ns, tid, comm)| probes.seed(at_ns, named(tid, comm), Out::default(), 1 << 9));
    probes.switch(1010, Some((sleeper, Out::sleep(202))), None);
    probes.waking(1020, sleeper, &By::task(5, 202));
    probes.exit(1030, first, 0);
    probes.switch(1040, Some((first, Out::DEAD)), None);
    let second = probes.fork(1050, 4, 0, named(5, "second"));
    probes.wake_new(1060, second, &By::task(4, 56));
    probes.switch(1070, None, Some(second));
    probes.switch(1080, None, Some(sleeper));
    let document = run::cut(&probes.records);
    let wake = &document.threads[0].sums.waits[0].wakes[0];
    assert_eq!(wake.comm.as_deref(), Some("first"), "{wake:?}");
}

#[test]
fn wakers_a_thread_may_wake_from_its_first_instant_on() {
    let mut probes = Probes::default();
    let [sleeper, first] = [(1000, 4, "sleeper"), (1001, 5, "first")]
        .map(|(at_ns, tid, comm)| probes.seed(at_ns, named(tid, comm), Out::default(), 1 << 9));
    probes.exit(1010, first, 0);
    probes.switch(1020, Some((first, Out::DEAD)), None);
    probes.switch(1030, Some((sleeper, Out::sleep(202))), None);
    let second = probes.fork(1050, 4, 0, named(5, "second"));
    probes.wake_new(1060, second, &By::task(4, 56));
    probes.switch(1060, None, Some(second));
    probes.waking(1060, sleeper, &By::task(5, 202));
    probes.switch(1080, None, Some(sleeper));
    let document = run::cut(&probes.records);
    let wake = &document.threads[0].sums.waits[0].wakes[0];
    assert_eq!(wake.comm.as_deref(), Some("sleeper (forked)"), "{wake:?}");
}

#[test]
fn wakers_wakings_by_a_timer_are_counted_together_whatever_call_it_interrupts() {
    let mut probes = Probes::default();
    let task = probes.seed(1000, Who::default(), Out::default(), 1 << 9);
    for (at_ns, nr) in [(1010, 0), (1050, 202)] {
        let by = By {
            flags: waker::CONTEXT_KNOWN | waker::HARDIRQ,
            waker_stack: stack("hrtimer_wakeup asm_sysvec_apic_timer_interrupt vfs_read"),
            nr,
            ..By::default()
        };
        probes.switch(at_ns, Some((task, Out::sleep(SLEEP))), None);
        probes.waking(at_ns + 10, task, &by);
        probes.switch(at_ns + 20, None, Some(task));
    }
    let document = run::cut(&probes.records);
    let wakes = &document.threads[0].sums.waits[0].wakes;
    assert_eq!(wakes.len(), 1, "{wakes:?}");
    assert_eq!((wakes[0].count, wakes[0].wait_ns), (2, 20));
}
