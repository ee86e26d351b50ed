//! The calls of every thread, and adding them up for a group.

use crate::{
    document::{Calls, Function, Thread, Tier},
    world::{World, call::CallSum},
};

/// Gives every thread's row its calls, where they are observed. `threads` are in the world's
/// order.
pub fn fill(world: &World, tier: Tier, threads: &mut [Thread]) {
    if tier != Tier::Full {
        return;
    }
    for (row, thread) in threads.iter_mut().zip(world.threads.iter()) {
        let of = [
            (Function::DoWait, thread.calls.do_wait),
            (Function::Epoll, thread.calls.epoll),
        ];
        let called = of.iter().filter(|(_, sum)| sum.count > 0);
        row.sums.calls = Some(
            called
                .map(|(function, sum)| calls(*function, sum))
                .collect(),
        );
    }
}

fn calls(function: Function, sum: &CallSum) -> Calls {
    let CallSum {
        count,
        begun_before,
        total_ns,
        max_ns,
        fruitful,
        empty,
        failed,
        empty_after_wake,
    } = *sum;
    let of = |wanted: Function, n: u64| (function == wanted).then_some(n);
    Calls {
        function,
        count,
        total_ns,
        max_ns,
        begun_before,
        failed,
        reaped: of(Function::DoWait, fruitful),
        none_ready: of(Function::DoWait, empty),
        with_events: of(Function::Epoll, fruitful),
        empty: of(Function::Epoll, empty),
        empty_after_wake: of(Function::Epoll, empty_after_wake),
    }
}

/// Adds a thread's calls to its group's, which stay in order of function.
pub fn add(into: &mut Option<Vec<Calls>>, from: Option<&[Calls]>) {
    let Some(from) = from else { return };
    let list = into.get_or_insert_default();
    for calls in from {
        match list.binary_search_by_key(&calls.function, |own| own.function) {
            Ok(at) => add_one(&mut list[at], calls),
            Err(at) => list.insert(at, calls.clone()),
        }
    }
}

fn add_one(into: &mut Calls, from: &Calls) {
    into.count = into.count.saturating_add(from.count);
    into.total_ns = into.total_ns.saturating_add(from.total_ns);
    into.max_ns = into.max_ns.max(from.max_ns);
    into.begun_before = into.begun_before.saturating_add(from.begun_before);
    into.failed = into.failed.saturating_add(from.failed);
    for (sum, n) in [
        (&mut into.reaped, from.reaped),
        (&mut into.none_ready, from.none_ready),
        (&mut into.with_events, from.with_events),
        (&mut into.empty, from.empty),
        (&mut into.empty_after_wake, from.empty_after_wake),
    ] {
        *sum = sum.zip(n).map(|(sum, n)| sum + n);
    }
}
