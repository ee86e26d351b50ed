//! A document of any texts whatever.

use std::collections::BTreeMap;

use super::parts::verdict;
use crate::{
    document::*,
    vocabulary::{Behind, CauseKind, DescriptorKind, WaitKind, WakeSource},
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
        signal: (source == WakeSource::Signal).then(|| Signal {
            name: text(),
            ..Signal::default()
        }),
        count: 1,
        wait_ns: ns,
    };
    let wakes: Vec<Wake> = [
        WakeSource::Task,
        WakeSource::TaskExit,
        WakeSource::Kthread,
        WakeSource::Irq,
        WakeSource::Signal,
    ]
    .map(&mut wakes)
    .to_vec();
    let mut waits = |kind| Wait {
        kind,
        syscall: Some(text()),
        function: (kind != WaitKind::Event).then(&mut text),
        object: Some(text()),
        peer: Some(text()),
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
        left_out: Some(LeftOut {
            count: 1,
            total_ns: 1,
        }),
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
        runqueue_ns: ns,
        wait_states: Some(WaitStates {
            interruptible_ns: ns,
            uninterruptible_ns: ns,
        }),
        runqueue_behind: Some(vec![RunQueuePart {
            behind: Behind::Tree,
            detail: Some(text()),
            ns,
        }]),
        ..Sums::default()
    };
    let thread = Thread {
        comm: text(),
        former_comms: vec![text()],
        argv: vec![text(), text()],
        argv_cut: true,
        title: Some(text()),
        role: text(),
        exit: Some(Exit::Code(1)),
        runqueue_latency: Some(RunqueueLatency {
            wakes: ns,
            known: ns,
            total_ns: ns,
            p99_ns: ns,
            max_ns: ns,
        }),
        sums: sums.clone(),
        ..Thread::default()
    };
    let group = Group {
        name: text(),
        threads: 1,
        pids: vec![1],
        exits: BTreeMap::from([(Exit::Code(1), 1)]),
        children: Some(level(ns)),
        runtime: Some(text()),
        helper: true,
        unlisted: true,
        sums,
        critical_path_ns: Some(ns),
    };
    let mut site = || WaitSite {
        kind: WaitKind::Futex,
        syscall: Some(text()),
        function: Some(text()),
        object: Some(text()),
        user_stack: Some([1, 0, 2].into()),
    };
    let sites = [site(), site()];
    // With a name, with a file, and with neither.
    let user_frames = vec![
        UserFrame {
            module: Some(text().into()),
            build_id: Some(text().into()),
            offset: ns,
            function: Some(text().into()),
        },
        UserFrame {
            module: Some(text().into()),
            build_id: Some(text().into()),
            offset: 0x10,
            function: None,
        },
        UserFrame {
            build_id: Some(text().into()),
            offset: 0x10,
            ..UserFrame::default()
        },
    ];
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
    let mut fate = |cause, exit| fate(cause, exit, [text(), text()], ns);
    let fates = vec![
        fate(FateCause::Oom, Exit::Signal(9)),
        fate(FateCause::Segv, Exit::Signal(11)),
        fate(FateCause::Exit, Exit::Code(1)),
    ];
    let herd = Herd {
        object: text(),
        kind: WaitKind::Epoll,
        wakes: ns,
        useful: 1,
        wasted: ns,
        events: 2,
        fan_out_max: ns,
        wasted_cpu_ns: ns,
        waker_ns: ns,
        waker: text(),
        exclusive: Some(false),
        advice: Some(text()),
    };
    let mut path = || CriticalPath {
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
    };
    let (critical_path, critical_paths) = (Some(path()), Some(vec![path()]));
    Document {
        command: vec![text(), text()],
        attached: vec![1],
        started_before: 1,
        delay_ns: Some(ns),
        window: Some(Window {
            from_ns: ns,
            to_ns: ns,
            of_ns: ns,
        }),
        filter: Some(WaitFilter {
            kinds: vec![WaitKind::Futex],
            min_ns: Some(ns),
            max_ns: None,
        }),
        left_out_threads: Some(LeftOutThreads {
            threads: 1,
            lifetime_ns: ns,
        }),
        exit: None,
        interim: true,
        cut: true,
        host: Host {
            name: None,
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
            notes: vec![text()],
            partial: true,
            skipped: BTreeMap::from([(text(), 1)]),
            broken_records: ns,
            gil_as_futex: true,
            uncounted: ns,
            tail_ns: Some(ns),
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
        machine: Some(Machine {
            over_ns: ns,
            outside_cpu_ns: ns,
            ..Machine::default()
        }),
        threads: vec![thread],
        groups: vec![group],
        fd_tables: Some(vec![fd_table(ns, text())]),
        fd_open: Some(FdOpen {
            peak_sum: ns,
            at_ns: ns,
            tables_max: 2,
            exact: true,
        }),
        listeners: Some(vec![listener(ns, text())]),
        critical_path,
        critical_paths,
        explained: Some(vec![timeline]),
        memory: Some(vec![Memory {
            pid: 1,
            comm: text(),
            rss_peak: Some(ns),
            private_peak: Some(ns),
            threads: 3,
            stack_touched: Some(ns),
            kernel_stack: Some(16_384),
        }]),
        starts: Some(Starts {
            thread: Some(start(ns)),
            process: Some(start(ns)),
            program: Some(start(ns)),
        }),
        connections: Some(vec![connection(ns)]),
        herds: Some(vec![herd]),
        fates: Some(fates),
        user_frames,
        claims: Some(vec![verdict(ns, &mut text)]),
        // In no JSON.
        trace: None,
        started: None,
        asked_so_far: false,
        stacks: None,
        whole: None,
        recording: None,
    }
}

fn fate(cause: FateCause, exit: Exit, [comm, sender]: [String; 2], n: u64) -> Fate {
    Fate {
        pid: Some(1),
        tid: 2,
        comm,
        group: 0,
        exit,
        cause,
        shortage: None,
        core: true,
        sender: Some(Sender {
            pid: 3,
            comm: sender,
            passed_on: false,
        }),
        by_kernel: true,
        address: Some(n),
        siblings: n,
        at_ns: n,
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

fn listener(n: u64, text: String) -> Listener {
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
        accept_limit: u32::MAX,
        accept_limit_at_max: Some(1),
        syn_limit_at_max: Some(2),
        seen_whole: true,
        first_ns: n,
        last_ns: n,
        pid: Some(u32::MAX),
        comm: Some(text.clone()),
        netns: Some(u32::MAX),
        ours: true,
        dropped_accept: n,
        dropped_syn: n,
        cookies: Some(n),
        full_ns: Some(n),
        full_certain_ns: Some(n),
        acceptors: vec![u32::MAX],
        series: Some(vec![(n, u32::MAX, n)]),
        acceptors_did: vec![WhileFull {
            wait: Some(WaitKind::Futex),
            cause: CauseKind::Network,
            detail: Some(text.clone()),
            ns: n,
        }],
        netstat: Some(BTreeMap::from([(text, n)])),
    }
}

fn connection(n: u64) -> Connection {
    Connection {
        remote: None,
        port: u16::MAX,
        family: u16::MAX,
        netns: Some(u32::MAX),
        listener: Some(0),
        groups: vec![0],
        attempts: n,
        early_end_ns: n,
        early_bytes: n,
        fates: Fates {
            served: n,
            refused: n,
            unanswered: n,
            closed_early: n,
            reset_early: n,
            open: n,
            failed: n,
        },
        connect: ConnectTimes {
            count: n,
            total_ns: n,
            p50_ns: n,
            p99_ns: n,
            max_ns: n,
        },
        syn_retransmits: n,
        syn_wait_ns: n,
        retransmits: n,
    }
}

fn fd_table(ns: u64, text: String) -> FdTable {
    let kinds = FdKinds {
        socket: 1,
        pipe: 2,
        file: 3,
        tty: 4,
        event: 5,
        timer: 6,
        epoll: 7,
        other: u32::MAX,
    };
    let target = FdTarget {
        fd: i32::MAX,
        kind: DescriptorKind::Pipe,
        target: text,
        cloexec: true,
    };
    FdTable {
        id: 1,
        processes: vec![1, 2],
        groups: vec![0],
        threads_max: 2,
        origin: TableOrigin::Fork,
        from_ns: ns,
        to_ns: ns,
        limit: Some(ns),
        limit_share: Some(0.8125),
        cut: true,
        open: FdsOpen {
            first: 1,
            last: 2,
            peak: u32::MAX,
            peak_ns: ns,
            peak_exact: true,
        },
        by_kind: Some(kinds.clone()),
        inherited: Some(u32::MAX),
        inherited_by_kind: Some(kinds),
        targets: Some(vec![target.clone(); 2]),
        targets_left: Some(u32::MAX),
        inherited_targets: Some(vec![target]),
        inherited_targets_left: Some(1),
        growth_per_s: Some(9.75),
        series: vec![(ns, 1), (ns, u32::MAX)],
    }
}

fn start(ns: u64) -> Start {
    Start {
        count: ns,
        p50_ns: ns,
        p99_ns: ns,
        max_ns: ns,
    }
}
