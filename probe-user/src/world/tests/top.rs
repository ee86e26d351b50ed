//! Ticks: the present moment of a run, and what its latest part was for.

use proptest::prelude::*;

use super::{
    properties::{config, locked, on_a_futex, played},
    timeline::{at, records},
};
use crate::{
    document::top::{Task, TaskState, Tick},
    metrics::{
        tests::run,
        top::{Kept, Span, around::Around},
    },
    vocabulary::{CauseKind, WaitKind},
    wire::session::{Batch, OffCpu, Wakings},
};

fn until(watermark_ns: u64, records: &[Vec<u8>]) -> Batch {
    Batch {
        watermark_ns,
        ..run::batch(records)
    }
}

/// The tick at a column, with a window from another one on.
fn tick(drawing: &str, from: usize, to: usize) -> Tick {
    tick_with(drawing, from, to, Wakings::default())
}

fn tick_with(drawing: &str, from: usize, to: usize, wakings: Wakings) -> Tick {
    let mut analysis = run::begun();
    analysis.batch(&until(at(to), &records(drawing)));
    analysis.learn_wakings(wakings);
    let span = Span {
        tick: 1,
        since_ns: at(from),
        window_ns: at(from),
    };
    analysis.tick(span, &mut Kept::default(), |_, _| Around::default())
}

fn task(tick: &Tick, tid: u32) -> &Task {
    tick.tasks.iter().find(|task| task.tid == tid).unwrap()
}

fn blame(task: &Task) -> Vec<(WaitKind, CauseKind, u64)> {
    let rows = task.blame.iter();
    rows.map(|row| (row.kind, row.cause, row.ns)).collect()
}

const SLEEPER: &str = "
    1  S################
    5  fn-^###z~~~~w-^##";

/// Its record is still to come.
const WOKEN: &str = "
    1  S##############
    5  fn-^###z~~~~w-";

#[test]
fn top_a_moment_has_states_and_their_ages() {
    let at_9 = tick(SLEEPER, 0, 9);
    let (running, asleep) = (task(&at_9, 1), task(&at_9, 5));
    assert_eq!(running.state, TaskState::Running);
    assert_eq!(
        (asleep.state, asleep.kind),
        (TaskState::Blocked, Some(WaitKind::Sleep))
    );
    assert_eq!((asleep.age_ns, asleep.age_at_least), (at(9) - at(7), false));
    assert_eq!(asleep.idle, Some(true));
    assert_eq!(
        asleep.because.as_ref().map(|it| it.cause),
        Some(CauseKind::Timer)
    );
    assert_eq!((at_9.summary.running, at_9.summary.idle), (1, 1));
    // A waking comes with the switch-in behind it; a preemption is known at once.
    assert_eq!(task(&tick(WOKEN, 9, 13), 5).state, TaskState::Blocked);
    let preempted = tick("1  S##p-^#", 0, 4);
    assert_eq!(task(&preempted, 1).state, TaskState::Runnable);
}

#[test]
fn top_the_woken_are_runnable_before_they_run() {
    let wakings = |off, wake| {
        let off_cpu = OffCpu {
            off_ns: at(off),
            wake_ns: Some(at(wake)),
        };
        Wakings::new(move |tid| (tid == 5).then_some(off_cpu))
    };
    // The probes remember it, or the record of the switch-in is there already.
    for at_13 in [
        tick_with(WOKEN, 9, 13, wakings(7, 12)),
        tick(SLEEPER, 9, 13),
        tick_with(SLEEPER, 9, 13, wakings(15, 16)),
    ] {
        let task_5 = task(&at_13, 5);
        assert_eq!((task_5.state, task_5.kind), (TaskState::Runnable, None));
        assert_eq!(task_5.age_ns, at(13) - at(12));
        assert_eq!(task_5.interval.runqueue_ns, at(13) - at(12));
        assert_eq!(task_5.interval.waits[&WaitKind::Sleep], at(12) - at(9));
        // By whom is in the record.
        let unknown = (WaitKind::Sleep, CauseKind::Unknown, at(12) - at(9));
        assert_eq!(blame(task_5), [unknown]);
        assert_eq!(at_13.summary.runnable, 1);
    }
    // Of another sleep, and after the moment.
    for not_now in [wakings(3, 5), wakings(7, 14)] {
        let tick = tick_with(WOKEN, 9, 13, not_now);
        assert_eq!(task(&tick, 5).state, TaskState::Blocked);
    }
    assert_eq!(task(&tick(SLEEPER, 9, 11), 5).state, TaskState::Blocked);
}

#[test]
fn top_a_window_has_only_its_part_of_a_wait() {
    // While it goes on, and when who ended it is known.
    let open = blame(task(&tick(SLEEPER, 8, 9), 5));
    assert_eq!(open, [(WaitKind::Sleep, CauseKind::Timer, at(9) - at(8))]);
    let ended = blame(task(&tick(SLEEPER, 10, 15), 5));
    assert_eq!(
        ended,
        [(WaitKind::Sleep, CauseKind::Computing, at(12) - at(10))]
    );
    assert_eq!(blame(task(&tick(SLEEPER, 13, 15), 5)), []);
}

proptest! {
    #![proptest_config(config())]

    /// Whatever happened, was lost or is forgotten: what the waits of a window were for adds
    /// up to them, and what a thread did in it is no longer than it.
    #[test]
    fn top_the_window_closes(
        history in played(),
        kept in proptest::collection::vec(proptest::bool::weighted(0.97), 1..60),
        for_locks in any::<bool>(),
        (cut, window, older, before) in (0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0),
    ) {
        let all = history.records().iter().zip(kept.iter().cycle());
        let kept = all.filter(|(_, kept)| **kept).map(|(record, _)| record.clone());
        let kept: Vec<Vec<u8>> = match for_locks {
            true => kept.map(on_a_futex).collect(),
            false => kept.collect(),
        };
        let mut analysis = run::begun();
        if for_locks {
            analysis.batch(&Batch { facts: (1..200).map(locked).collect(), ..Batch::default() });
        }
        let share = |ns: u64, share: f64| (ns as f64 * share) as u64;
        let now_ns = share(history.ended_ns, cut);
        // A tick before.
        let mut from_before = Kept::default();
        analysis.batch(&until(share(now_ns, before), &kept));
        let first = Span { tick: 1, since_ns: 0, window_ns: 0 };
        analysis.tick(first, &mut from_before, |_, _| Around::default());
        analysis.batch(&until(now_ns, &[]));
        let window_ns = share(analysis.now_ns(), window);
        analysis.forget(share(window_ns, older));
        let span = Span { tick: 2, since_ns: window_ns, window_ns };
        let tick = analysis.tick(span, &mut Kept::default(), |_, _| Around::default());
        // What a tick before has left changes nothing.
        let other = analysis.tick(span, &mut from_before, |_, _| Around::default());
        prop_assert_eq!(&tick, &other);
        for task in &tick.tasks {
            let waits: u64 = task.interval.waits.values().sum();
            let blamed: u64 = task.blame.iter().map(|row| row.ns).sum();
            prop_assert_eq!(waits, blamed, "{:?}", task);
            let all = waits + task.interval.on_cpu_ns + task.interval.runqueue_ns;
            prop_assert!(all <= tick.interval_ns, "{:?} in {}", task, tick.interval_ns);
        }
        let whole = tick.window.as_ref().map(|window| window.blocked_ns);
        let blamed = tick.tasks.iter().flat_map(|task| &task.blame).map(|row| row.ns);
        prop_assert_eq!(whole, Some(blamed.sum()));
    }
}
