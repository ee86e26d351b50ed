//! Metrics of documents whose truth is known. That losses move nothing is a property over
//! random runs, in `world::tests::claims`.

mod doubts;
mod losses;

use super::*;
use crate::{
    claim::selection::{Threads, select},
    document::{
        Blame, Concurrency, Connection, Coverage, Exit, Fates, FdTable, FdsOpen, Group, Herd,
        Level, OpenWait, Overhead, RunqueueLatency, Sums, Switches, Tier, Wait, WaitStates, Wake,
    },
    vocabulary::{CauseKind, WaitKind},
};

fn wake(source: WakeSource, count: u64, wait_ns: u64) -> Wake {
    Wake {
        source,
        count,
        wait_ns,
        ..Wake::default()
    }
}

fn wait(kind: WaitKind, function: Option<&str>, count: u64, ns: u64) -> Wait {
    Wait {
        kind,
        syscall: Some("epoll_wait".to_owned()),
        function: function.map(str::to_owned),
        count,
        total_ns: ns,
        max_ns: ns / count,
        idle: Some(false),
        wakes: vec![wake(WakeSource::Task, count, ns)],
        ..Wait::default()
    }
}

fn thread(pid: u32, tid: u32, comm: &str, waits: Vec<Wait>) -> Thread {
    let waited: u64 = waits.iter().map(|wait| wait.total_ns).sum();
    let born = wake(WakeSource::New, 1, 0);
    let of_waits = waits.iter().flat_map(|wait| wait.wakes.clone());
    let blame = waits.iter().map(|wait| Blame {
        kind: wait.kind,
        cause: CauseKind::Computing,
        detail: Some("git pull".to_owned()),
        ns: wait.total_ns,
    });
    Thread {
        pid: Some(pid),
        tid,
        comm: comm.to_owned(),
        process: Some(usize::from(pid != 1)),
        creator: (tid != 1).then_some(0),
        creator_tid: (tid != 1).then_some(1),
        end_ns: 1000,
        exit: Some(Exit::Code(0)),
        runqueue_latency: Some(RunqueueLatency {
            wakes: 1,
            known: 1,
            total_ns: 50,
            p99_ns: 50,
            max_ns: 50,
        }),
        sums: Sums {
            lifetime_ns: 1000,
            runqueue_ns: 50,
            on_cpu_ns: 950 - waited,
            switches: Switches {
                voluntary: 2,
                involuntary: 1,
            },
            wait_states: Some(WaitStates {
                interruptible_ns: waited,
                uninterruptible_ns: 0,
            }),
            wakes: of_waits.chain([born]).collect(),
            blame: blame.collect(),
            waits,
            ..Sums::default()
        },
        ..Thread::default()
    }
}

/// A process with two workers, and a child. 1 waits 500 in child-exit; 2 waits 900 in epoll,
/// once in four unseen; 3 400 in futex; the child 100 for the disk.
fn run() -> Document {
    let threads = vec![
        thread(
            1,
            1,
            "main",
            vec![wait(WaitKind::ChildExit, Some("do_wait"), 1, 500)],
        ),
        thread(
            1,
            2,
            "worker-1",
            vec![
                wait(WaitKind::Epoll, Some("ep_poll"), 3, 600),
                wait(WaitKind::Epoll, None, 1, 300),
            ],
        ),
        thread(
            1,
            3,
            "worker-2",
            vec![wait(WaitKind::Futex, Some("futex_wait"), 4, 400)],
        ),
        thread(
            9,
            9,
            "git",
            vec![wait(WaitKind::Disk, Some("io_schedule"), 1, 100)],
        ),
    ];
    Document {
        wall_ns: 1000,
        exit: Some(Exit::Signal(9)),
        concurrency: Some(Concurrency {
            running: level(1900, 2),
            runnable: level(2100, 3),
            ..Concurrency::default()
        }),
        groups: vec![Group {
            name: "python3 gitsync".to_owned(),
            threads: 4,
            ..Group::default()
        }],
        herds: Some(vec![Herd {
            wakes: 640,
            wasted: 630,
            fan_out_max: 64,
            ..Herd::default()
        }]),
        overhead: Overhead {
            probe_runs: Some(1),
            ..Overhead::default()
        },
        threads,
        ..Document::default()
    }
}

fn level(total_ns: u64, max: u64) -> Level {
    Level {
        over_ns: 1000,
        total_ns,
        p99: max,
        max,
    }
}

fn selection(name: &str) -> Selection {
    let process = Process::Root;
    match name {
        "pool" => Selection {
            process,
            threads: Threads::Others,
            name: None,
        },
        "nobody" => Selection {
            name: Some("nobody*".to_owned()),
            ..Selection::default()
        },
        "workers" => Selection {
            name: Some("work?r-*".to_owned()),
            ..Selection::default()
        },
        built_in => Selection::built_in(built_in).unwrap(),
    }
}

/// `pool.share(epoll)`, or `blame(computing, git*)`, which has a glob behind the comma.
fn measure(document: &Document, asked: &str) -> Measured {
    let (who, what) = asked.split_once('.').unwrap();
    let (name, arguments) = what
        .trim_end_matches(')')
        .split_once('(')
        .unwrap_or((what, ""));
    let mut arguments = arguments.split(", ").filter(|text| !text.is_empty());
    let word = arguments.next().map(|word| Argument::Word(word.to_owned()));
    let glob = arguments.next().map(|glob| Argument::Glob(glob.to_owned()));
    let arguments: Vec<Argument> = word.into_iter().chain(glob).collect();
    let metric = find(name).unwrap_or_else(|| panic!("no metric {name}"));
    metric.arguments.check(name, &arguments).unwrap();
    let (prepared, selection) = (Prepared::new(document), selection(who));
    let threads = select(document, &prepared, &selection);
    let subject = Subject {
        document,
        threads: &threads,
        selection: &selection,
        prepared: &prepared,
    };
    (metric.measure)(&subject, &arguments)
}

#[track_caller]
fn check(document: &Document, cases: &[(&str, f64, f64)]) {
    for &(asked, lo, hi) in cases {
        let measured = measure(document, asked);
        let is =
            |value: f64, wanted: f64| value == wanted || (value - wanted).abs() < 1e-9 * wanted;
        assert!(
            is(measured.lo, lo) && is(measured.hi, hi),
            "{asked}: {measured:?}"
        );
        let wide = hi > lo * (1.0 + 1e-9);
        assert_eq!(wide, !measured.doubts.is_empty(), "{asked}: {measured:?}");
    }
}

const ANY: f64 = f64::INFINITY;

#[test]
fn metric_a_whole_run_is_measured_exactly() {
    check(
        &run(),
        &[
            ("tree.threads", 4.0, 4.0),
            ("root.threads", 3.0, 3.0),
            ("pool.threads", 2.0, 2.0),
            ("workers.threads", 2.0, 2.0),
            ("children.threads", 1.0, 1.0),
            ("tree.processes", 2.0, 2.0),
            ("tree.processes_max", 2.0, 2.0),
            ("root.children_max", 1.0, 1.0),
            ("pool.children_max", 0.0, 0.0),
            ("pool.lifetime", 2000.0, 2000.0),
            ("pool.on_cpu", 600.0, 600.0),
            ("pool.runqueue", 100.0, 100.0),
            ("pool.wait", 1300.0, 1300.0),
            ("pool.wait(epoll)", 900.0, 900.0),
            ("pool.waits(epoll)", 4.0, 4.0),
            ("pool.longest(epoll)", 300.0, 300.0),
            ("pool.share(epoll)", 0.45, 0.45),
            ("pool.share(on_cpu)", 0.3, 0.3),
            ("pool.share(runqueue)", 0.05, 0.05),
            ("pool.share(idle)", 0.0, 0.0),
            ("pool.woken_by(task)", 1.0, 1.0),
            ("pool.woken_by(task-exit)", 0.0, 0.0),
            ("pool.blame(computing)", 1.0, 1.0),
            ("pool.blame(computing, git*)", 1.0, 1.0),
            ("pool.blame(computing, make*)", 0.0, 0.0),
            ("pool.cpu_asleep", 0.0, 0.0),
            ("pool.state(interruptible)", 1.0, 1.0),
            ("pool.switches_voluntary", 4.0, 4.0),
            ("pool.switches_involuntary", 2.0, 2.0),
            ("pool.switches_per_s", 6e6, 6e6),
            ("pool.migrations", 0.0, 0.0),
            ("tree.running_mean", 1.9, 1.9),
            ("tree.runnable_max", 3.0, 3.0),
            ("tree.exits(clean)", 2.0, 2.0),
            ("tree.exits(SIGKILL)", 0.0, 0.0),
            ("pool.syscalls_seen(kqueue)", 0.0, 0.0),
            ("tree.herd_wasted", 630.0, 630.0),
            ("tree.herd_fan_out_max", 64.0, 64.0),
            ("tree.wall", 1000.0, 1000.0),
            ("tree.exit_code", 137.0, 137.0),
            ("tree.lost", 0.0, 0.0),
        ],
    );
}

#[test]
fn metric_what_is_not_known_is_everything_and_says_why() {
    check(
        &run(),
        &[
            ("nobody.share(epoll)", 0.0, 1.0),
            ("nobody.woken_by(task)", 0.0, 1.0),
            ("pool.running_mean", 0.0, ANY),
            ("pool.herd_wakes", 0.0, ANY),
            ("pool.syscalls_seen(epoll_wait)", 8.0, ANY),
            ("pool.syscalls_seen(read)", 0.0, ANY),
            ("tree.fd_peak_sum", 0.0, ANY),
            ("tree.connects", 0.0, ANY),
            ("tree.overflows", 0.0, ANY),
            ("tree.rss_peak", 0.0, ANY),
            ("tree.stack_touched", 0.0, ANY),
            ("tree.start_p50(thread)", 0.0, ANY),
            ("tree.cpus", 0.0, ANY),
            ("tree.cpu_share", 0.0, 1.0),
            ("tree.exits(oom)", 0.0, ANY),
            ("pool.switch_cost", 0.0, 100.0),
        ],
    );
    check(
        &run(),
        &[("nobody.wait", 0.0, 0.0), ("nobody.threads", 0.0, 0.0)],
    );
}

#[test]
fn metric_latency_is_that_of_the_threads() {
    let measured = measure(&run(), "pool.runqueue_latency_p99");
    assert_eq!(measured.hi, 50.0);
    let mut document = run();
    document.threads[1].runqueue_latency = None;
    check(&document, &[("pool.runqueue_latency_p99", 0.0, ANY)]);
}

#[test]
fn metric_evidence_is_the_largest_first() {
    let document = run();
    let (prepared, selection) = (Prepared::new(&document), Selection::default());
    let threads = select(&document, &prepared, &selection);
    let subject = Subject {
        document: &document,
        threads: &threads,
        selection: &selection,
        prepared: &prepared,
    };
    let rows = |name: &str, word: &str| {
        let arguments = [Argument::Word(word.to_owned())];
        let rows = evidence(&subject, find(name).unwrap(), &arguments);
        let row = |row: &Evidence| (row.tid, row.function.clone().unwrap_or_default(), row.ns);
        rows.iter().map(row).collect::<Vec<_>>()
    };
    let both = vec![(2, "ep_poll".to_owned(), 600), (2, String::new(), 300)];
    assert_eq!(rows("share", "epoll"), both);
    assert_eq!(rows("woken_by", "task").len(), 5);
    assert_eq!(rows("share", "disk")[0].1, "io_schedule");
}

#[test]
fn metric_the_nearest_name_is_suggested() {
    let names = || METRICS.iter().map(|metric| metric.name);
    assert_eq!(nearest("shares", names()), Some("share"));
    assert_eq!(nearest("on-cpu", names()), Some("on_cpu"));
    assert_eq!(nearest("qqq", names()), None);
}
