//! A document of any texts whatever.

use std::collections::BTreeMap;

use crate::{
    document::*,
    vocabulary::{CauseKind, WaitKind, WakeSource},
};

/// A document whose every text is one of `texts`, in turn. What has
/// no text of its own stays as it is by default.
#[expect(clippy::too_many_lines, reason = "one document")]
pub(in crate::view) fn filled(texts: &[String], ns: u64) -> Document {
    let mut texts = texts.iter().cycle().cloned();
    let mut text = || texts.next().unwrap_or_default();
    let mut wakes = |source| Wake {
        source,
        comm: Some(text()),
        pid: None,
        tid: None,
        syscall: Some(text()),
        outside: true,
        count: 1,
        wait_ns: ns,
    };
    let wakes: Vec<Wake> = [
        WakeSource::Task,
        WakeSource::TaskExit,
        WakeSource::Kthread,
        WakeSource::Irq,
    ]
    .map(&mut wakes)
    .to_vec();
    let mut waits = |kind| Wait {
        kind,
        syscall: Some(text()),
        function: (kind != WaitKind::Event).then(&mut text),
        object: Some(text()),
        stack: vec![text(), text()],
        idle: (kind != WaitKind::Event).then_some(kind == WaitKind::Futex),
        count: ns,
        total_ns: ns,
        max_ns: ns,
        begun_before: 1,
        wakes: wakes.clone(),
    };
    let waits: Vec<Wait> = [WaitKind::Futex, WaitKind::Unknown, WaitKind::Event]
        .map(&mut waits)
        .to_vec();
    let open = OpenWait {
        kind: WaitKind::Unknown,
        syscall: Some(text()),
        function: Some(text()),
        object: Some(text()),
        stack: vec![text()],
        count: 1,
        so_far_ns: ns,
        begun_before: true,
    };
    let mut blame = |cause| Blame {
        kind: WaitKind::Futex,
        cause,
        detail: Some(text()),
        ns,
    };
    let sums = Sums {
        lifetime_ns: ns,
        unknown_ns: 1,
        waits,
        open: vec![open],
        wakes,
        blame: [CauseKind::Network, CauseKind::Outside, CauseKind::Computing]
            .map(&mut blame)
            .to_vec(),
        calls: Some(vec![
            calls(Function::DoWait, ns),
            calls(Function::Epoll, ns),
        ]),
        gil: Some(GilHeld {
            held_ns: ns,
            hand_overs: 2,
        }),
        ..Sums::default()
    };
    let thread = Thread {
        comm: text(),
        former_comms: vec![text()],
        argv: vec![text(), text()],
        argv_cut: true,
        role: text(),
        exit: Some(Exit::Code(1)),
        sums: sums.clone(),
        ..Thread::default()
    };
    let group = Group {
        name: text(),
        threads: 1,
        pids: vec![1],
        exits: BTreeMap::from([(Exit::Code(1), 1)]),
        children: Some(level(ns)),
        sums,
    };
    let mut site = || WaitSite {
        kind: WaitKind::Futex,
        syscall: Some(text()),
        function: Some(text()),
        object: Some(text()),
    };
    let sites = [site(), site()];
    let step = |did| Step {
        from_ns: 0,
        to_ns: ns,
        did,
    };
    let [waited, open] = sites;
    let timeline = Timeline {
        thread: 0,
        pid: Some(1),
        tid: Some(1),
        name: Some(text()),
        born: thread.sums.wakes.first().cloned(),
        steps: vec![
            step(Did::NotWaiting {
                cause: CauseKind::Computing,
                detail: Some(text()),
            }),
            step(Did::Waited {
                site: waited,
                ended: thread.sums.wakes[1].clone(),
                blame: vec![PathSum {
                    cause: CauseKind::Network,
                    detail: Some(text()),
                    ns,
                }],
            }),
            step(Did::Open(open)),
        ],
        steps_left_out: ns,
    };
    Document {
        command: vec![text(), text()],
        attached: vec![1],
        exit: None,
        interim: true,
        host: Host {
            kernel: text(),
            arch: text(),
            cpus: 1,
        },
        tier: Tier::Full,
        wall_ns: ns,
        coverage: Coverage {
            lost: BTreeMap::from([(text(), 1), (text(), 2)]),
            open_waits: ns,
            unverified_wakes: ns,
            recovered_switches: ns,
            folded_waits: 1,
            folded_ns: 1,
            residual_ns: i64::MIN,
            problems: vec![text(), text()],
        },
        overhead: Overhead {
            probes: vec![ProbeCost {
                program: text(),
                runs: 1,
                ns,
            }],
            ..Overhead::default()
        },
        processes: 2,
        still_running: 1,
        concurrency: Some(concurrency(ns)),
        threads: vec![thread],
        groups: vec![group],
        fd_tables: Unobserved,
        listeners: Some(vec![listener(ns)]),
        critical_path: Some(CriticalPath {
            root: 0,
            from_ns: 0,
            to_ns: ns,
            sums: vec![PathSum {
                cause: CauseKind::Network,
                detail: Some(text()),
                ns,
            }],
            hops: vec![Hop {
                from_ns: 0,
                to_ns: ns,
                thread: 0,
                pid: None,
                tid: Some(1),
                name: Some(text()),
                wait: Some(WaitKind::Futex),
                cause: CauseKind::Network,
                detail: Some(text()),
            }],
            hops_left_out: ns,
        }),
        explained: Some(vec![timeline]),
        connections: Unobserved,
        herds: Unobserved,
        claims: Unobserved,
    }
}

fn calls(function: Function, n: u64) -> Calls {
    Calls {
        function,
        count: n,
        total_ns: n,
        max_ns: n,
        begun_before: n,
        failed: n,
        reaped: Some(n),
        none_ready: Some(n),
        with_events: Some(n),
        empty: Some(n),
        empty_after_wake: Some(n),
    }
}

fn concurrency(n: u64) -> Concurrency {
    let latency = Latency {
        count: n,
        total_ns: n,
        p99_ns: n,
        max_ns: n,
    };
    Concurrency {
        running: level(n),
        runnable: level(n),
        blocked: level(n),
        unknown: level(n),
        processes: level(n),
        wakes: Wakes {
            count: n,
            bins: n,
            p99_per_ms: n,
            max_per_ms: n,
            burst_from: n,
            bursts: n,
            latency_inside: Some(latency.clone()),
            latency_outside: Some(latency),
        },
    }
}

fn level(n: u64) -> Level {
    Level {
        over_ns: n,
        total_ns: n,
        p99: n,
        max: n,
    }
}

fn listener(n: u64) -> Listener {
    Listener {
        address: None,
        port: u16::MAX,
        family: u16::MAX,
        requests: n,
        accept_queue_max: u32::MAX,
        overflows: n,
        syn_queue_max: u32::MAX,
        syn_full: n,
        syn_at_limit: n,
        ..Listener::default()
    }
}
