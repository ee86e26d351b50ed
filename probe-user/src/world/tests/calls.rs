//! What calls returned, and which empty returns were wasted wakes.

use probe_common::kernel_return::function;

use super::{account::assert_closed, timeline::document};
use crate::{
    document::{Calls, Document, Function, Tier},
    metrics::tests::run,
    wire::tests::probes::{By, Out, Probes, Who},
};

/// The calls of the row below the first one, which is everybody's waker.
fn calls(row: &str) -> Calls {
    let width = row.len();
    let document = document(&format!("1 S{:#<width$}L\n{row}", ""));
    assert_closed(&document);
    of_thread(&document, 5)
}

/// The only function that a thread called.
fn of_thread(document: &Document, tid: u32) -> Calls {
    let thread = document.threads.iter().find(|thread| thread.tid == tid);
    let calls = thread.and_then(|thread| thread.sums.calls.clone());
    calls.and_then(|mut calls| calls.pop()).expect("calls")
}

/// Empty returns, and those after a wake.
#[track_caller]
fn check(row: &str, empty: u64, after_wake: u64) {
    let calls = calls(row);
    let told = (calls.empty, calls.empty_after_wake);
    assert_eq!(told, (Some(empty), Some(after_wake)), "{row}");
}

#[test]
fn calls_an_empty_return_after_a_wake_is_a_wasted_wake() {
    check("5 fn^#E#e~~w-^#0##zL", 1, 1);
    check("5 fn^#E#e~~o-^#0##zL", 1, 1);
    check("5 fn^#E#e~~k-^#0##zL", 1, 1);
    // The last snapshot, or its end, shows as well that nothing was lost.
    check("5 fn^#E#e~~w-^#0##L", 1, 1);
    check("5 fn^#E#e~~w-^#0##x#X", 1, 1);
}

#[test]
fn calls_a_timeout_is_no_wake() {
    check("5 fn^#E#e~~t-^#0##zL", 1, 0);
    // Woken for nothing inside the call, it slept on until its timeout.
    check("5 fn^#E#e~w-^#e~~t-^#0##zL", 1, 0);
    check("5 fn^#E#e~t-^#e~~w-^#0##zL", 1, 1);
}

#[test]
fn calls_what_ended_the_sleep_must_be_verified() {
    check("5 fn^#E#e~~i-^#0##zL", 1, 0);
    // Neither was a waking seen.
    check("5 fn^#E#e~~~~^#0##zL", 1, 0);
    // The switch-in was hidden.
    check("5 fn^#E#e~~w-r#0##zL", 1, 0);
}

#[test]
fn calls_an_empty_return_without_a_sleep_is_no_wasted_wake() {
    check("5 fn^#E0##zL", 1, 0);
    // It slept before the call; or for something else.
    check("5 fn^#e~w^#E0##zL", 1, 0);
    check("5 fn^#E#z~w^#0##zL", 1, 0);
    // The sleep was the call's before.
    check("5 fn^#E#e~w^#1#E0##zL", 1, 0);
    check("5 fn^#E#e~w^#0#E0##zL", 2, 1);
}

#[test]
fn calls_that_sleep_at_the_instant_of_their_entry_are_those_that_slept() {
    let mut probes = Probes::default();
    let task = server(&mut probes);
    let polls = Out::sleep(232);
    probes.switch(1010, Some((task, polls)), None);
    probes.waking(1030, task, &By::task(99, 1));
    probes.switch(1040, None, Some(task));
    probes.returned(1050, task, function::EPOLL, 1010, 0);
    probes.switch(1060, Some((task, polls)), None);
    let calls = of_thread(&run::document(&probes.records, 1100), 5);
    assert_eq!((calls.empty, calls.empty_after_wake), (Some(1), Some(1)));
}

#[test]
fn calls_other_stops_before_the_return_change_nothing() {
    check("5 fn^#E#e~w^#p-^#0##zL", 1, 1);
    check("5 fn^#E#e~w^#z~t^#0##zL", 1, 1);
}

#[test]
fn calls_a_call_that_returned_something_is_not_empty() {
    let calls = calls("5 fn^#E#e~w^#1#E#e~w^#!##zL");
    let told = (calls.with_events, calls.empty, calls.failed);
    assert_eq!(told, (Some(1), Some(0), 1));
    assert_eq!(calls.empty_after_wake, Some(0));
}

#[test]
fn calls_nothing_is_claimed_across_lost_records() {
    // A whole sleep was lost behind the one that is known.
    check("5 fn^#E#e~w^#)~t(#0##zL", 1, 0);
    // Its switch-out, its switch-in.
    check("5 fn^#E#e~w^#)~t^#0##zL", 1, 0);
    check("5 fn^#E#e~w^#e~t(#0##zL", 1, 0);
    // Its switch-in from the run queue.
    check("5 fn^#E#e~w^#p--(#0##zL", 1, 0);
    // The same, before the last snapshot.
    check("5 fn^#E#e~w^#)~t(#0##L", 1, 0);
    check("5 fn^#E#e~w^#e~t(#0##L", 1, 0);
    // The next record, which would have shown it.
    check("5 fn^#E#e~w^#0#)~w^##zL", 1, 0);
    check("5 fn^#E#e~w^#0#)~w(##L", 1, 0);
}

#[test]
fn calls_nothing_is_claimed_before_the_next_record_confirms_it() {
    let records = super::timeline::records("1 S##############\n5 fn^#E#e~w^#0");
    let document = run::cut(&records);
    let calls = of_thread(&document, 5);
    assert_eq!((calls.empty, calls.empty_after_wake), (Some(1), Some(0)));
}

fn server(probes: &mut Probes) -> usize {
    let who = Who {
        tid: 5,
        pid: 5,
        ppid: 1,
        comm: "server",
    };
    probes.seed(1000, who, Out::default(), 1 << 9)
}

/// A thread's calls of `do_wait`: when entered, when returned, the result.
fn waited(all: &[(u64, u64, i32)]) -> Document {
    let mut probes = Probes::default();
    let task = server(&mut probes);
    for &(entered_ns, ts_ns, result) in all {
        probes.returned(ts_ns, task, function::DO_WAIT, entered_ns, result);
    }
    run::document(&probes.records, 9000)
}

#[test]
fn calls_times_are_of_calls_whose_entry_was_seen() {
    let all = [
        (0, 1500, 7),
        (1600, 1700, 8),
        (1800, 2100, 0),
        (2200, 2250, -10),
    ];
    let expected = Calls {
        function: Function::DoWait,
        count: 4,
        total_ns: 450,
        max_ns: 300,
        begun_before: 1,
        failed: 1,
        reaped: Some(2),
        none_ready: Some(1),
        ..Calls::none_of(Function::DoWait)
    };
    let document = waited(&all);
    assert_eq!(document.threads[0].sums.calls, Some(vec![expected]));
    // An entry behind the return takes no time, and does not turn it back.
    let document = waited(&[(u64::MAX, 1500, 7)]);
    let calls = of_thread(&document, 5);
    assert_eq!((calls.count, calls.total_ns), (1, 0));
}

#[test]
fn calls_change_no_time_and_only_the_full_tier_tells_them() {
    let mut probes = Probes::default();
    let task = server(&mut probes);
    let without = run::document(&probes.records, 9000);
    probes.returned(2000, task, function::EPOLL, 1500, 3);
    let with = run::document(&probes.records, 9000);
    assert_eq!(without.threads[0].sums.calls, Some(Vec::new()));
    let sums = |document: &Document| crate::document::Sums {
        calls: None,
        ..document.threads[0].sums.clone()
    };
    assert_eq!(sums(&with), sums(&without));
    for tier in [Tier::Tracepoint, Tier::Raw] {
        let mut analysis = run::begun_on(tier);
        analysis.batch(&run::batch(&probes.records));
        analysis.end(run::end(9000));
        let document = analysis.document();
        assert_eq!(document.threads[0].sums.calls, None);
        assert_eq!(document.groups[0].sums.calls, None);
        assert_eq!(document.listeners, None);
    }
}
