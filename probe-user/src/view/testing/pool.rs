//! A run as it is wished for: complete, with budgets that close.

use std::collections::BTreeMap;

use super::parts::*;
use crate::document::*;

/// A Python program with a pool of threads that wait for git, some of which
/// failed. Of the threads only one of each group is there.
pub(in crate::view) fn pool() -> Document {
    let mut document = Document {
        command: words("gitsync --jobs 32 repos/"),
        exit: Some(Exit::Code(1)),
        host: Host {
            name: None,
            kernel: "6.18.44".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 4,
        },
        fates: Some(fates()),
        wall_ns: 4_210 * MS,
        overhead: Overhead {
            probe_runs: Some(2_408_662),
            probe_ns: None,
            probes: Vec::new(),
            tool_cpu_ns: Some(38 * MS),
            tool_peak_bytes: Some(35_861_299),
            tool_file_bytes: 3 << 30,
            switches: 1_204_331,
        },
        coverage: Coverage {
            lost: BTreeMap::from([("switch".to_owned(), 0)]),
            ..Coverage::default()
        },
        processes: 97,
        concurrency: Some(concurrency()),
        threads: threads(),
        groups: groups(),
        critical_path: Some(path()),
        explained: Some(vec![timeline()]),
        user_frames: user_frames(),
        ..Document::default()
    };
    document.name_threads();
    document
}

fn concurrency() -> Concurrency {
    Concurrency {
        running: level(7_700, 4, 4),
        runnable: level(13_050, 9, 17),
        blocked: level(237_400, 65, 67),
        unknown: level(0, 0, 0),
        processes: level(117_600, 33, 33),
        wakes: Wakes {
            count: 57_350,
            bins: 4_210,
            p99_per_ms: 30,
            max_per_ms: 41,
            burst_from: 16,
            bursts: 61,
            latency_inside: Some(latency(1_400, 3_200)),
            latency_outside: Some(latency(55_900, 400)),
        },
    }
}

fn fates() -> Vec<Fate> {
    let fate = |pid, cause, exit| Fate {
        pid: Some(pid),
        tid: pid,
        comm: "git".to_owned(),
        group: 1,
        exit,
        cause,
        shortage: None,
        core: false,
        sender: None,
        by_kernel: false,
        address: None,
        siblings: 0,
        at_ns: 900 * MS,
    };
    let terminated = |pid| Fate {
        sender: Some(Sender {
            pid: 7,
            comm: "sh".to_owned(),
            passed_on: false,
        }),
        ..fate(pid, FateCause::Signal, Exit::Signal(15))
    };
    vec![
        terminated(4310),
        terminated(4311),
        fate(4301, FateCause::Exit, Exit::Code(128)),
    ]
}

fn groups() -> Vec<Group> {
    let gits = [
        (Exit::Code(0), 93),
        (Exit::Code(128), 1),
        (Exit::Signal(15), 2),
    ];
    vec![
        Group {
            exits: BTreeMap::from([(Exit::Code(0), 32)]),
            children: Some(level(113_390, 32, 32)),
            ..group("python3 gitsync (threads)", 32, vec![4242], workers())
        },
        Group {
            exits: BTreeMap::from(gits),
            ..group("git", 96, (4301..4397).collect(), git())
        },
        Group {
            exits: BTreeMap::from([(Exit::Code(0), 1)]),
            ..group("python3 gitsync", 1, vec![4242], main())
        },
    ]
}

fn threads() -> Vec<Thread> {
    vec![
        Thread {
            former_comms: vec!["sh".to_owned()],
            argv: words("python3 gitsync --jobs 32 repos/"),
            group: 2,
            sums: main(),
            ..thread(4242, 4242, "python3", 0)
        },
        Thread {
            creator_tid: Some(4242),
            exit: Some(Exit::Code(0)),
            group: 0,
            sums: workers(),
            ..thread(4242, 4250, "python3", 0)
        },
        Thread {
            ppid: Some(4242),
            creator_tid: Some(4250),
            argv: words("git pull --ff-only"),
            exit: Some(Exit::Code(128)),
            group: 1,
            sums: git(),
            ..thread(4301, 4301, "git", 12 * MS)
        },
    ]
}

fn main() -> Sums {
    close(Sums {
        on_cpu_ns: 88 * MS,
        waits: vec![Wait {
            wakes: vec![wake("task", Some("python3"), Some("futex"), 33, 4_122)],
            ..wait("futex", "futex", "futex_wait_queue", 33, 4_122)
        }],
        ..Sums::default()
    })
}

fn workers() -> Sums {
    let waits = vec![
        Wait {
            wakes: vec![
                wake("task-exit", Some("git"), None, 95, 128_000),
                wake("task-exit", Some("git index-pack"), None, 1, 910),
            ],
            ..wait("child-exit", "wait4", "do_wait", 96, 128_910)
        },
        Wait {
            wakes: vec![wake("timer", None, None, 32, 2_100)],
            ..wait("sleep", "clock_nanosleep", "hrtimer_nanosleep", 32, 2_100)
        },
        Wait {
            wakes: vec![wake("task", Some("python3"), Some("futex"), 611, 420)],
            ..wait("gil", "futex", "futex_wait_queue", 611, 420)
        },
        Wait {
            wakes: vec![wake("task", Some("git"), Some("execve"), 96, 31)],
            ..wait("vfork", "vfork", "kernel_clone", 96, 31)
        },
    ];
    close(Sums {
        on_cpu_ns: 610 * MS,
        runqueue_ns: 1_100 * MS,
        runqueue_count: 1_204,
        waits,
        blame: workers_blame(),
        ..Sums::default()
    })
}

fn workers_blame() -> Vec<Blame> {
    vec![
        blame("child-exit", "network", "127.0.0.1:9418", 78_600),
        blame("child-exit", "computing", "git index-pack", 28_410),
        blame("child-exit", "computing", "git rev-list", 9_050),
        blame("child-exit", "starting", "", 7_730),
        blame("child-exit", "disk", "vda", 3_870),
        blame("child-exit", "run-queue", "", 950),
        blame("child-exit", "outside", "systemd-journald", 180),
        blame("child-exit", "unknown", "", 120),
        blame("sleep", "timer", "", 2_100),
        blame("gil", "computing", "python3 gitsync (threads)", 420),
        blame("vfork", "starting", "", 31),
    ]
}

fn git() -> Sums {
    let waits = vec![
        Wait {
            object: text("tcp 127.0.0.1:40222 → 127.0.0.1:9418"),
            wakes: vec![wake("net-rx", None, None, 1_204, 78_600)],
            ..wait("socket-recv", "read", "wait_woken", 1_204, 78_600)
        },
        Wait {
            wakes: vec![wake("block-io", None, None, 412, 3_870)],
            ..wait("disk", "", "folio_wait_bit_common", 412, 3_870)
        },
        Wait {
            wakes: vec![
                wake("task", Some("git index-pack"), Some("write"), 3_000, 900),
                wake("task", Some("git remote-https"), Some("write"), 800, 350),
                wake("task-exit", Some("git"), None, 12, 2),
            ],
            ..wait("pipe-read", "read", "anon_pipe_read", 3_812, 1_252)
        },
        wait("futex", "futex", "", 40, 3),
    ];
    close(Sums {
        on_cpu_ns: 28_410 * MS,
        runqueue_ns: 1_250 * MS,
        runqueue_count: 52_133,
        waits,
        blame: vec![
            blame("socket-recv", "network", "127.0.0.1:9418", 78_600),
            blame("disk", "disk", "", 3_870),
            blame("pipe-read", "computing", "git index-pack", 900),
            blame("pipe-read", "network", "127.0.0.1:9418", 352),
        ],
        ..Sums::default()
    })
}

fn path() -> CriticalPath {
    let sums = [
        ("network", "127.0.0.1:9418", 2_500),
        ("computing", "git index-pack", 1_400),
        ("starting", "", 190),
        ("computing", "python3 gitsync", 88),
        ("run-queue", "", 20),
        ("disk", "vda", 12),
    ];
    let hop = |(from_ms, to_ms, thread, wait, cause, detail)| Hop {
        from_ns: from_ms * MS,
        to_ns: to_ms * MS,
        thread,
        wait: Option::map(wait, word),
        cause: word(cause),
        detail: text(detail),
        ..Hop::default()
    };
    let hops = [
        (0, 88, 0, None, "computing", "python3 gitsync"),
        (88, 278, 2, None, "starting", ""),
        (278, 298, 2, None, "run-queue", ""),
        (298, 310, 2, Some("disk"), "disk", "vda"),
        (
            310,
            2_810,
            2,
            Some("socket-recv"),
            "network",
            "127.0.0.1:9418",
        ),
        (2_810, 4_210, 2, None, "computing", "git index-pack"),
    ];
    CriticalPath {
        root: 0,
        from_ns: 0,
        to_ns: 4_210 * MS,
        sums: sums
            .map(|(cause, detail, ms)| path_sum(cause, detail, ms))
            .to_vec(),
        hops: hops.map(hop).to_vec(),
        hops_left_out: 0,
    }
}

/// A stack of so many frames that not all of them are named.
const DEEP: [u32; 11] = [1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 0];

fn user_frames() -> Vec<UserFrame> {
    let frame = |file: &str, function| UserFrame {
        module: text(file).map(Into::into),
        build_id: Some("0123456789abcdef0123456789abcdef01234567".into()),
        offset: 0x2_7c8a,
        function: text(function).map(Into::into),
    };
    vec![
        frame("/usr/lib/x86_64-linux-gnu/libc.so.6", ""),
        frame("/usr/lib/x86_64-linux-gnu/libc.so.6", "wait4"),
        frame("/usr/bin/python3.13", "_PyEval_EvalFrameDefault"),
        frame(
            "/usr/lib/libstdc++.so.6",
            "std::thread::_State_impl<int (*)(void)>::_M_run()",
        ),
    ]
}

fn timeline() -> Timeline {
    let in_program = |kind: &str, function: &str, stack: &[u32]| WaitSite {
        user_stack: (!stack.is_empty()).then(|| stack.into()),
        ..site(kind, function)
    };
    let waited = |kind: &str, function: &str, stack, ended, blame: &[PathSum]| Did::Waited {
        site: in_program(kind, function, stack),
        ended,
        blame: blame.to_vec(),
    };
    let not_waiting = |cause: &str, detail| Did::NotWaiting {
        cause: word(cause),
        detail: text(detail),
    };
    let creator = Wake {
        pid: Some(4242),
        tid: Some(4242),
        ..wake("new", Some("python3 gitsync"), Some("clone"), 0, 0)
    };
    let git = Wake {
        pid: Some(4301),
        tid: Some(4301),
        ..wake("task-exit", Some("git"), None, 0, 0)
    };
    let behind = [
        path_sum("network", "127.0.0.1:9418", 2_500),
        path_sum("computing", "git index-pack", 1_000),
        path_sum("starting", "", 190),
        path_sum("disk", "vda", 10),
    ];
    let timer = || wake("timer", None, None, 0, 0);
    let mut steps = vec![
        (1, not_waiting("run-queue", "")),
        (60, not_waiting("computing", "python3 gitsync (threads)")),
        (3_700, waited("child-exit", "do_wait", &DEEP, git, &behind)),
    ];
    for _ in 0..40 {
        steps.push((2, not_waiting("computing", "python3 gitsync (threads)")));
        let slept = [path_sum("timer", "", 3)];
        steps.push((
            3,
            waited("sleep", "hrtimer_nanosleep", &[1], timer(), &slept),
        ));
    }
    steps.push((149, Did::Open(in_program("futex", "", &[1, 0]))));
    Timeline {
        thread: 1,
        born: Some(creator),
        steps: end_to_end(steps),
        steps_left_out: 3,
        ..Timeline::default()
    }
}

/// The same, with other texts: commands, kernel, groups and causes.
pub(in crate::view) fn renamed(text: &mut impl FnMut() -> String) -> Document {
    let mut document = pool();
    document.command = vec![text(), text()];
    document.host.kernel = text();
    document.groups.iter_mut().for_each(|group| {
        group.name = text();
        group
            .sums
            .blame
            .iter_mut()
            .for_each(|blame| blame.detail = Some(text()));
    });
    let path = document.critical_path.as_mut().unwrap();
    path.sums
        .iter_mut()
        .for_each(|sum| sum.detail = Some(text()));
    document
}
