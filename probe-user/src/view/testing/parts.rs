//! Pieces of documents, with times in ms.

use std::{fmt::Debug, str::FromStr};

use crate::document::*;

pub(super) const MS: u64 = 1_000_000;

/// `sums` with the lifetime that closes it.
pub(in crate::view) fn close(mut sums: Sums) -> Sums {
    let waits: u64 = sums.waits.iter().map(|wait| wait.total_ns).sum();
    sums.lifetime_ns = waits + sums.on_cpu_ns + sums.runqueue_ns + sums.open_ns;
    sums
}

pub(in crate::view) fn wait(
    kind: &str,
    syscall: &str,
    function: &str,
    count: u64,
    ms: u64,
) -> Wait {
    Wait {
        kind: word(kind),
        syscall: text(syscall),
        function: text(function),
        count,
        total_ns: ms * MS,
        max_ns: ms * MS,
        ..Wait::default()
    }
}

pub(in crate::view) fn wake(
    source: &str,
    comm: Option<&str>,
    syscall: Option<&str>,
    count: u64,
    ms: u64,
) -> Wake {
    Wake {
        source: word(source),
        comm: comm.map(str::to_owned),
        syscall: syscall.map(str::to_owned),
        count,
        wait_ns: ms * MS,
        ..Wake::default()
    }
}

pub(super) fn thread(pid: u32, tid: u32, comm: &str, start_ns: u64) -> Thread {
    Thread {
        pid: Some(pid),
        tid,
        comm: comm.to_owned(),
        role: comm.to_owned(),
        start_ns,
        end_ns: 4_210 * MS,
        ..Thread::default()
    }
}

pub(in crate::view) fn group(name: &str, threads: usize, pids: Vec<u32>, sums: Sums) -> Group {
    Group {
        name: name.to_owned(),
        threads,
        pids,
        sums,
        ..Group::default()
    }
}

/// Over the 4.21 s of a run; so many ms in all.
pub(super) fn level(ms: u64, p99: u64, max: u64) -> Level {
    Level {
        over_ns: 4_210 * MS,
        total_ns: ms * MS,
        p99,
        max,
    }
}

/// Most below so many µs.
pub(super) fn latency(count: u64, p99_us: u64) -> Latency {
    Latency {
        count,
        total_ns: count * p99_us * 100,
        p99_ns: p99_us * 1_000,
        max_ns: p99_us * 2_000,
    }
}

/// A word of the vocabulary that is wanted.
pub(super) fn word<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(super) fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

pub(in crate::view) fn blame(kind: &str, cause: &str, detail: &str, ms: u64) -> Blame {
    Blame {
        kind: word(kind),
        cause: word(cause),
        detail: text(detail),
        ns: ms * MS,
    }
}

pub(super) fn path_sum(cause: &str, detail: &str, ms: u64) -> PathSum {
    PathSum {
        cause: word(cause),
        detail: text(detail),
        ns: ms * MS,
    }
}

pub(super) fn site(kind: &str, function: &str) -> WaitSite {
    WaitSite {
        kind: word(kind),
        syscall: text("futex"),
        function: text(function),
        object: None,
        user_stack: None,
    }
}

/// Steps of so many ms.
pub(super) fn end_to_end(steps: Vec<(u64, Did)>) -> Vec<Step> {
    let mut at_ns = 0;
    let step = |(ms, did)| {
        let from_ns = at_ns;
        at_ns += ms * MS;
        Step {
            from_ns,
            to_ns: at_ns,
            did,
        }
    };
    steps.into_iter().map(step).collect()
}

/// A verdict of any texts whatever.
pub(in crate::view) fn verdict(ns: u64, text: &mut impl FnMut() -> String) -> Verdict {
    let mut value = |bound: f64| Value {
        expr: text(),
        lo: Some(bound),
        hi: None,
        unit: text(),
    };
    let values = vec![value(-3.0), value(0.125)];
    let evidence = Evidence {
        run: text(),
        pid: None,
        tid: 1,
        comm: text(),
        kind: Some(text()),
        function: Some(text()),
        stack: vec![text()],
        count: 2,
        ns,
    };
    Verdict {
        id: text(),
        says: text(),
        source: Some(text()),
        verdict: Decision::NotSeen,
        because: text(),
        values,
        evidence: vec![evidence],
    }
}
