//! The checks themselves: each kind of wrong report is noticed.

use serde_json::{Value, json};

use crate::audit;
use crate::report::Report;
use crate::stalls::{Contradiction, Stalls};
use crate::truth::{Measured, contradictions};
use crate::unseen::hidden;

/// One thread that sleeps 400 ms in 30 waits, runs 1 ms and queues 2 ms.
fn report() -> Value {
    let wakes = json!([{"source": "task", "comm": "k-futex", "tid": 12, "count": 30,
        "wait_ns": 400_000_000}]);
    let account = json!({"lifetime_ns": 403_000_000, "on_cpu_ns": 1_000_000,
        "runqueue_ns": 2_000_000, "idle_ns": 0, "open_ns": 0, "unknown_ns": 0, "open": [], "wakes": [],
        "waits": [{"kind": "futex", "syscall": "futex", "function": "futex_wait",
            "object": null, "count": 30, "total_ns": 400_000_000, "max_ns": 20_000_000,
            "begun_before": 0, "wakes": wakes}],
        "blame": [{"kind": "futex", "cause": "computing", "detail": "truth",
            "ns": 400_000_000}]});
    let mut thread = account.clone();
    let identity = json!({"pid": 10, "tid": 11, "ppid": 1, "creator_tid": 10,
        "comm": "t-futex", "argv": [], "former_comms": [], "role": "t-futex", "start_ns": 5,
        "end_ns": 403_000_005, "exit": {"code": 0},
        "switches": {"voluntary": 30, "involuntary": 0}});
    extend(&mut thread, &identity);
    let mut group = account;
    extend(&mut group, &json!({"name": "truth", "threads": 1}));
    json!({"schema": "waitscope.report/1", "command": [], "exit": {"code": 0},
        "host": {"kernel": "k", "arch": "a", "cpus": 2}, "tier": "tracepoint",
        "wall_ns": 1, "processes": 1, "attached": [], "threads": [thread], "groups": [group],
        "coverage": {"lost_total": 0, "lost": {}, "open_waits": 0,
            "unverified_wakes": 0, "folded_waits": 0, "folded_ns": 0,
            "residual_ns": 0, "problems": []},
        "overhead": {"probe_runs": 1, "probe_ns": null, "tool_cpu_ns": 1,
            "tool_peak_bytes": 1, "switches": 30}})
}

fn extend(object: &mut Value, with: &Value) {
    let with = with.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(with);
}

fn measured() -> Measured {
    Measured {
        name: "futex".into(),
        kind: "futex".into(),
        comm: "t-futex".into(),
        pid: 10,
        tid: 11,
        waker: Some("k-futex".into()),
        calls: 30,
        count: 30,
        wait_ns: 401_000_000,
        odd_cpu_ns: 0,
        waking_ns: 0,
        longest_waking_ns: 0,
        stale_ns: 0,
        opened_ns: 5,
        left_ns: 0,
        farewell_ns: 0,
        queued_ns: 0,
        unaccounted_ns: 0,
        oncpu_ns: 900_000,
        rundelay_ns: 2_100_000,
        expect_functions: vec!["futex_wait".into()],
        expect_source: vec!["task".into()],
    }
}

/// Everything said about the report after one change to it.
fn after(pointer: &str, value: Value) -> Vec<String> {
    let mut changed = report();
    *changed.pointer_mut(pointer).unwrap() = value;
    let changed = Report::parse(changed.to_string().as_bytes()).unwrap();
    let mut said = audit::violations(&changed);
    let wrong = contradictions(&changed, &[&measured()], 0, None);
    said.extend(Stalls::default().excuse(wrong));
    said
}

#[test]
fn a_right_report_is_accepted() {
    assert_eq!(
        after("/threads/0/comm", json!("t-futex")),
        Vec::<String>::new()
    );
    // Within 1 % + 1 ms.
    assert_eq!(
        after("/threads/0/switches/involuntary", json!(3)),
        Vec::<String>::new()
    );
}

/// A machine that stood still for 5 ms once may be off by that, once.
#[test]
fn a_stall_excuses_as_much_as_it_took() {
    let once = Stalls {
        count: 1,
        longest_ns: 5_000_000,
    };
    let off = |off_ns| Contradiction {
        sentence: format!("{off_ns:?}"),
        off_ns,
    };
    let left = |offs: &[Option<u64>]| once.excuse(offs.iter().copied().map(off).collect()).len();
    assert_eq!(left(&[Some(5_000_000)]), 0);
    assert_eq!(left(&[Some(5_000_001)]), 1);
    assert_eq!(left(&[None]), 1);
    // One boundary is in three sums: the two beside it and that of all.
    assert_eq!(left(&[Some(1); 3]), 0);
    assert_eq!(left(&[Some(1); 4]), 4);
}

#[test]
fn unverified_wakes_are_bounded_over_the_run() {
    let mut changed = report();
    changed["coverage"]["unverified_wakes"] = json!(1);
    let parsed = Report::parse(changed.to_string().as_bytes()).unwrap();
    assert!(hidden(&parsed).is_some_and(|said| said.starts_with("1 of 30")));
    changed["coverage"]["unverified_wakes"] = json!(0);
    let parsed = Report::parse(changed.to_string().as_bytes()).unwrap();
    assert_eq!(hidden(&parsed), None);
}

#[test]
fn every_wrong_report_is_noticed() {
    let wait = "/threads/0/waits/0";
    let wake = "/threads/0/waits/0/wakes/0";
    for (place, value, said) in [
        ("/coverage/lost_total".to_owned(), json!(1), "lost records"),
        ("/coverage/residual_ns".to_owned(), json!(-1), "residual -1"),
        (
            "/threads/0/lifetime_ns".to_owned(),
            json!(403_000_001),
            "its parts",
        ),
        ("/threads/0/end_ns".to_owned(), json!(403_000_006), "lives"),
        ("/threads/0/open_ns".to_owned(), json!(7), "open 7 ns"),
        (
            "/threads/0/on_cpu_ns".to_owned(),
            json!(2_100_000),
            "on-cpu",
        ),
        (
            "/threads/0/runqueue_ns".to_owned(),
            json!(900_000),
            "run queue",
        ),
        ("/threads/0/tid".to_owned(), json!(12), "0 threads"),
        ("/groups/0/threads".to_owned(), json!(2), "grouped"),
        (
            format!("{wait}/total_ns"),
            json!(394_000_000),
            "wait 394000000",
        ),
        (format!("{wait}/count"), json!(20), "20 waits"),
        (
            "/threads/0/blame/0/ns".to_owned(),
            json!(399_999_999),
            "blamed 399999999",
        ),
        (format!("{wait}/kind"), json!("poll"), "wait 0 ns"),
        (
            format!("{wait}/max_ns"),
            json!(1_000_000),
            "impossible maximum",
        ),
        (
            format!("{wait}/function"),
            json!("do_wait"),
            "in [\"do_wait\"]",
        ),
        (format!("{wait}/function"), json!(null), "no function"),
        (format!("{wake}/source"), json!("timer"), "ended by"),
        (format!("{wake}/comm"), json!("cat"), "ended by"),
        (format!("{wake}/comm"), json!(null), "ended by"),
        (format!("{wake}/source"), json!("unverified"), "ended by"),
        (format!("{wake}/count"), json!(29), "29 wakes"),
    ] {
        let found = after(&place, value);
        assert!(
            found.iter().any(|line| line.contains(said)),
            "{place}: {found:?}"
        );
    }
}
