//! Events leave in an order that does not depend on how they arrived.

use probe_common::sched::state;
use proptest::prelude::*;

use crate::wire::{
    event::{
        Accept, Event, Exec, FdLook, Fork, Function, KernelReturn, Migration, Off, On, Peak,
        Pending, Request, Snapshot, Step, Stranger, Syscall, What,
    },
    order::Order,
};

fn event(ts_ns: u64, tid: u32, what: What) -> Event {
    Event {
        ts_ns,
        cpu: 0,
        tid,
        what,
    }
}

fn off() -> Off {
    Off {
        seq: 1,
        state: state::INTERRUPTIBLE,
        preempted: false,
        io_wait: false,
        has_object: false,
        has_second: false,
        on_lock: false,
        throttled: false,
        call: Syscall::default(),
    }
}

fn on(recovered: bool) -> What {
    What::On(On {
        seq: 1,
        recovered,
        ..On::default()
    })
}

fn rename() -> What {
    What::Rename(Box::default())
}

fn stranger() -> Stranger {
    Stranger {
        tid: 1,
        pid: 1,
        comm: Box::default(),
    }
}

/// One of each, in the order in which facts of one instant are applied.
fn ranked() -> Vec<What> {
    vec![
        What::Object(Box::default()),
        What::SecondObject(Box::default()),
        What::SleeperStack(Box::default()),
        What::WakerStack(Box::default()),
        What::UserStack(1),
        What::UserFrames(Box::default()),
        What::Disk(1),
        What::Signals(Pending::default()),
        What::Waker(stranger()),
        What::Fork(Fork {
            creator_tid: 1,
            pid: 1,
            ppid: 1,
            clone_flags: 0,
            comm: Box::default(),
        }),
        What::Snapshot(Box::new(Snapshot {
            last: false,
            held: false,
            on_cpu: false,
            pid: 1,
            ppid: 1,
            migrations: 0,
            off: off(),
            wake: None,
            comm: Box::default(),
        })),
        exec(),
        What::FdTable(FdLook::default()),
        What::FdKinds(Box::default()),
        What::Peak(Peak::default()),
        rename(),
        What::Exit {
            status: Some(0),
            migrations: 0,
        },
        What::Migration(Migration {
            from_cpu: 0,
            to_cpu: 1,
            idle_until_ns: None,
        }),
        What::Off(off()),
        on(false),
        What::KernelReturn(KernelReturn {
            function: Function::DoWait,
            result: 0,
            entered_ns: None,
        }),
        request(),
        What::Connect(Box::default()),
        What::Step(Step::default()),
        What::Listening(Box::default()),
        What::Accept(Accept::default()),
        What::Sent(Box::default()),
        What::Victim(Box::default()),
        What::Cgroup(Box::default()),
        What::Open(Box::default()),
    ]
}

fn exec() -> What {
    What::Exec(Exec {
        old_tid: 1,
        comm: Box::default(),
        argv: Box::default(),
    })
}

fn request() -> What {
    What::Request(Request::default())
}

fn released(order: &mut Order, watermark_ns: u64) -> Vec<Event> {
    let mut out = Vec::new();
    order.release(watermark_ns, |event| out.push(event.clone()));
    out
}

fn times(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.ts_ns).collect()
}

#[test]
fn nothing_younger_than_the_watermark_is_released() {
    let mut order = Order::default();
    for ts_ns in [5, 1, 3, 0] {
        order.push(event(ts_ns, 1, rename()));
    }
    assert_eq!(times(&released(&mut order, 3)), [0, 1, 3]);
    assert!(released(&mut order, 4).is_empty());
    let mut rest = Vec::new();
    order.release(u64::MAX, |event| rest.push(event.ts_ns));
    assert_eq!(rest, [5]);
    assert_eq!(order.late(), 0);
}

#[test]
fn a_watermark_of_zero_says_nothing_and_releases_nothing() {
    let mut order = Order::default();
    order.push(event(7, 1, rename()));
    assert_eq!(released(&mut order, 0), []);
    assert_eq!(times(&released(&mut order, 10)), [7]);
    order.push(event(9, 1, rename()));
    // It does not turn the clock back either: 9 is late all the same.
    assert_eq!(released(&mut order, 0), []);
    order.push(event(9, 2, rename()));
    assert_eq!(order.late(), 2);
}

#[test]
fn late_events_are_counted_and_released_all_the_same() {
    let mut order = Order::default();
    released(&mut order, 100);
    order.push(event(100, 1, rename()));
    assert_eq!(order.late(), 0, "the watermark itself is not late");
    order.push(event(99, 1, rename()));
    assert_eq!(order.late(), 1);
    assert_eq!(times(&released(&mut order, 100)), [99, 100]);
}

#[test]
fn a_recovered_switch_in_is_never_late() {
    let mut order = Order::default();
    released(&mut order, 100);
    order.push(event(50, 1, on(true)));
    assert_eq!(order.late(), 0);
    order.push(event(50, 1, on(false)));
    assert_eq!(order.late(), 1);
}

#[test]
fn cause_comes_before_effect_at_one_instant() {
    let mut order = Order::default();
    // The effect's thread sorts before the cause's: rank must win.
    for (place, what) in ranked().into_iter().enumerate().rev() {
        order.push(event(1, 99 - place as u32, what));
    }
    let out = released(&mut order, 1);
    let whats: Vec<What> = out.into_iter().map(|event| event.what).collect();
    assert_eq!(whats, ranked());
}

/// Distinct by (time, rank, thread), as the events of a trace are. Time 0 is
/// long before any trace.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = (1..40_u64, 0..5_u32, 0..ranked().len());
    proptest::collection::btree_set(one, 1..60).prop_map(|set| {
        set.into_iter()
            .map(|(ts_ns, tid, rank)| event(ts_ns, tid, ranked()[rank].clone()))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_arrival_is_released_in_the_same_order(
        (events, shuffled) in events().prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle())),
    ) {
        let (mut one, mut other) = (Order::default(), Order::default());
        events.into_iter().for_each(|event| one.push(event));
        shuffled.into_iter().for_each(|event| other.push(event));
        prop_assert_eq!(released(&mut one, u64::MAX), released(&mut other, u64::MAX));
        prop_assert_eq!(one.late() + other.late(), 0);
    }

    /// Each event arrives `delay` after its time; drains state a watermark that
    /// is one window behind them.
    #[test]
    fn any_arrival_within_the_window_is_released_in_the_same_order(
        events in events(),
        delays in proptest::collection::vec(0..15_u64, 60),
        drains in proptest::collection::btree_set(0..60_u64, 0..20),
    ) {
        const WINDOW: u64 = 15;
        let mut arriving: Vec<(u64, &Event)> =
            events.iter().zip(&delays).map(|(event, delay)| (event.ts_ns + delay, event)).collect();
        arriving.sort_by_key(|&(at, _)| at);
        let mut order = Order::default();
        let mut out = Vec::new();
        let mut arriving = arriving.into_iter().peekable();
        for drain in drains {
            while let Some((_, event)) = arriving.next_if(|&(at, _)| at <= drain) {
                order.push(event.clone());
            }
            out.extend(released(&mut order, drain.saturating_sub(WINDOW)));
        }
        arriving.for_each(|(_, event)| order.push(event.clone()));
        out.extend(released(&mut order, u64::MAX));
        let mut straight = Order::default();
        events.iter().for_each(|event| straight.push(event.clone()));
        prop_assert_eq!(out, released(&mut straight, u64::MAX));
        prop_assert_eq!(order.late(), 0);
    }
}
