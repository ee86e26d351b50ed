//! The report against stored text, and what holds for any report.

use proptest::prelude::*;

use super::*;
use crate::document::{
    Blame, CriticalPath, Exit, Fate, FateCause, Group, ProbeCost, Sender, Shortage, Sums, Thread,
    Wait, Wake,
};
use crate::view::sanitize;
use crate::view::testing::{documents, filled, full, golden, hostile_texts, pool, trouble};
use crate::vocabulary::{CauseKind, WaitKind, WakeSource};

const WIDTHS: [usize; 3] = [60, 80, 120];

#[test]
fn reports_are_as_stored() {
    for (name, document) in documents() {
        for width in WIDTHS {
            for (suffix, options) in variants(width) {
                let report = render(&document, &options);
                golden(&format!("{name}-{width}{suffix}.txt"), &report);
                check_lines(&report, &options);
            }
        }
    }
}

fn variants(width: usize) -> [(&'static str, Options); 3] {
    let plain = Options {
        width,
        ..Options::default()
    };
    [
        ("", plain),
        (
            "-color",
            Options {
                color: true,
                ..plain
            },
        ),
        (
            "-everything",
            Options {
                per_thread: true,
                all: true,
                ..plain
            },
        ),
    ]
}

/// What no line of any report may do.
fn check_lines(report: &str, options: &Options) {
    assert!(report.ends_with('\n'));
    let bare = without_sgr(report, options.color);
    for line in bare.split('\n') {
        assert!(!line.chars().any(sanitize::is_hostile), "{line:?}");
        assert_eq!(line, line.trim_end(), "trailing space");
        let width = sanitize::width(line);
        assert!(
            width <= options.width.max(NARROWEST),
            "{width} columns: {line:?}"
        );
    }
}

/// The report without our own colours; any other escape stays.
fn without_sgr(report: &str, color: bool) -> String {
    let ours = [
        "\x1b[1m",
        "\x1b[2m",
        "\x1b[36m",
        "\x1b[33m",
        "\x1b[1;31m",
        "\x1b[0m",
    ];
    let strip = |text: String, sgr: &&str| text.replace(sgr, "");
    if color {
        ours.iter().fold(report.to_owned(), strip)
    } else {
        report.to_owned()
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    for (name, document) in documents() {
        let colored = render(
            &document,
            &Options {
                color: true,
                ..Options::default()
            },
        );
        assert!(
            !colored.contains("\x1b[0m \x1b"),
            "{name}: one style, one sequence"
        );
        assert_eq!(
            without_sgr(&colored, true),
            render(&document, &Options::default()),
            "{name}"
        );
    }
}

#[test]
fn kind_function_and_time_survive_sixty_columns() {
    let report = render(
        &pool(),
        &Options {
            width: 60,
            ..Options::default()
        },
    );
    for (kind, function, time) in [
        ("child-exit", "do_wait", "128.91 s"),
        ("sleep", "hrtimer_nanosleep", "2.10 s"),
        ("socket-recv", "wait_woken", "78.60 s"),
        ("disk", "folio_wait_bit_common", "3.87 s"),
    ] {
        let whole = |line: &str| {
            [kind, function, time]
                .iter()
                .all(|text| line.contains(text))
        };
        assert!(
            report.lines().any(whole),
            "{kind} {function} {time} in\n{report}"
        );
    }
}

#[test]
fn losses_and_lower_bounds_are_said_without_colour() {
    let report = render(&trouble(), &Options::default());
    for text in [
        "LOST 1,234 records (switch 1,200, fork 34): totals are lower bounds",
        "≥ 4.00 s",
        "≥ 2.00 s",
        "-250 µs unaccounted in all",
        "killed by SIGSEGV",
        "nobody yet",
    ] {
        assert!(report.contains(text), "{text} in\n{report}");
    }
}

#[test]
fn counts_of_calls_and_requests_are_lower_bounds_only_where_theirs_are_lost() {
    let exact = render(&full(), &Options::default());
    assert!(exact.contains("1,204, 31 returned nothing (28 after a wake)"));
    assert!(!exact.contains('≥'), "{exact}");
    for (class, marked) in [
        ("call", ["do_wait ≥ 17, ≥ 4 reaped", "(≥ 28 after"]),
        (
            "request",
            [
                "queue ≥ 33 of 32 + 1",
                "no overflow seen, queue ≥ 3 of 128, ≥ 1 request",
            ],
        ),
        ("switch", ["(≥ 28 after a wake)", "do_wait 17, 4 reaped"]),
    ] {
        let mut lossy = full();
        lossy.coverage.lost.insert(class.to_owned(), 1);
        let report = render(&lossy, &Options::default());
        for text in marked {
            assert!(report.contains(text), "{text} in\n{report}");
        }
    }
}

/// What drawing a pool of so many threads takes of a CPU, ns.
fn cost_of(threads: usize) -> u64 {
    let on_cpu_ns = || -> u64 {
        let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        times.split(' ').next().unwrap().parse().unwrap()
    };
    let mut document = pool();
    let thread = document.threads[1].clone();
    document.threads = vec![thread; threads];
    let options = Options {
        per_thread: true,
        ..Options::default()
    };
    let before_ns = on_cpu_ns();
    let lines = render(&document, &options).lines().count();
    assert!(lines > 5 * threads, "{lines}");
    on_cpu_ns() - before_ns
}

#[test]
fn a_table_of_eight_times_the_threads_costs_eight_times_as_much() {
    let (few, many) = (cost_of(1_000), cost_of(8_000));
    // Twice that for what is measured beside it; 64 times would be quadratic.
    assert!(many < 16 * few, "{few} ns, then {many} ns");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_leaves_its_line_or_commands_the_terminal(
        texts in hostile_texts(),
        ns in prop_oneof![any::<u64>(), 0..10_u64],
        width in 0_usize..200,
        color: bool,
        per_thread: bool,
        all: bool,
    ) {
        let options = Options { width, color, per_thread, all };
        check_lines(&render(&filled(&texts, ns), &options), &options);
    }
}

#[test]
fn what_is_left_where_records_are_lost_is_said() {
    let mut lossy = full();
    lossy.coverage.lost.insert("switch".to_owned(), 5);
    lossy.coverage.folded_waits = 1200;
    lossy.coverage.folded_ns = 3_000_000_000;
    let check = |document: &Document, text: &str| {
        let report = render(document, &Options::default());
        let words: Vec<&str> = report.split_whitespace().collect();
        assert!(words.join(" ").contains(text), "{text} in\n{report}");
    };
    let sums = "of 3.00 s and 1,200 waits only the sums are known";
    check(&lossy, &format!("totals are whole, but {sums}"));
    lossy.threads[0].sums.unknown_ns = 1;
    check(&lossy, &format!("totals are lower bounds, and {sums}"));
    lossy.coverage.folded_ns = 0;
    check(&lossy, "(switch 5): totals are lower bounds");
}

#[test]
fn table_what_probes_cost_is_said_per_run() {
    let mut document = pool();
    let cost = |program: &str, runs, ns| ProbeCost {
        program: program.to_owned(),
        runs,
        ns,
    };
    document.overhead.probes = vec![cost("sched_switch", 1000, 326_400), cost("idle", 0, 0)];
    let report = render(&document, &Options::default());
    assert!(report.contains("sched_switch 1,000 × 326 ns"), "{report}");
}

/// A process of four threads, of which three have names, that ends by `os._exit(1)`.
fn fate(pid: u32, exit: Exit, cause: FateCause) -> Fate {
    Fate {
        pid: Some(pid),
        tid: pid,
        comm: "x".to_owned(),
        group: 0,
        exit,
        cause,
        shortage: None,
        core: false,
        sender: None,
        by_kernel: false,
        address: None,
        siblings: 0,
        at_ns: 0,
    }
}

#[track_caller]
fn check_fates(document: &Document, expect: &[&str]) {
    let report = render(
        document,
        &Options {
            width: 120,
            ..Options::default()
        },
    );
    let lines = report
        .lines()
        .skip_while(|line| !line.starts_with(" fates "));
    let lines = lines.take_while(|line| line.starts_with(" fates ") || line.starts_with("     "));
    let lines: Vec<&str> = lines.map(|line| line[15..].trim_end()).collect();
    assert_eq!(lines, expect);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn fates_say_what_each_process_ended_by() {
    let killed = |signal, cause| fate(10, Exit::Signal(signal), cause);
    let sent = |pid, passed_on| Fate {
        sender: Some(Sender {
            pid,
            comm: "sh".to_owned(),
            passed_on,
        }),
        ..killed(15, FateCause::Signal)
    };
    let cases = [
        (
            fate(10, Exit::Code(3), FateCause::Exit),
            "exited with 3 (pid 10)",
        ),
        (
            Fate {
                siblings: 3,
                ..fate(10, Exit::Code(3), FateCause::Exit)
            },
            "exited with 3 (pid 10), 3 siblings went with it",
        ),
        (
            killed(9, FateCause::OomMemcg),
            "killed for want of memory in its cgroup (pid 10)",
        ),
        (
            Fate {
                shortage: Some(Shortage::Machine),
                ..killed(9, FateCause::Oom)
            },
            "killed for want of memory of the machine (pid 10)",
        ),
        (
            killed(9, FateCause::Oom),
            "killed for want of memory (whether its cgroup's or the machine's is not known) (pid 10)",
        ),
        (
            killed(11, FateCause::StackOverflow),
            "killed by SIGSEGV: stack overflow (pid 10)",
        ),
        (
            Fate {
                address: Some(16),
                core: true,
                ..killed(11, FateCause::Segv)
            },
            "killed by SIGSEGV at 0x10, core dumped (pid 10)",
        ),
        (
            sent(7, false),
            "killed by SIGTERM (pid 10), sent by sh (pid 7)",
        ),
        (
            sent(7, true),
            "killed by SIGTERM (pid 10), passed on by waitscope",
        ),
        (
            sent(10, false),
            "killed by SIGTERM (pid 10), sent by itself",
        ),
        (
            Fate {
                by_kernel: true,
                ..killed(2, FateCause::Signal)
            },
            "killed by SIGINT (pid 10), sent by the kernel",
        ),
        (
            Fate {
                by_kernel: true,
                address: Some(4096),
                ..killed(8, FateCause::Signal)
            },
            "killed by SIGFPE at 0x1000 (pid 10)",
        ),
        (
            killed(40, FateCause::Signal),
            "killed by SIGRTMIN+6 (pid 10)",
        ),
        (
            Fate {
                tid: 12,
                comm: "worker".to_owned(),
                ..killed(11, FateCause::Segv)
            },
            "killed by SIGSEGV (pid 10, its thread worker 12)",
        ),
    ];
    for (fate, expect) in cases {
        let leader = Thread {
            pid: Some(10),
            tid: 10,
            comm: "x".to_owned(),
            ..Thread::default()
        };
        let group = Group {
            name: "x".to_owned(),
            pids: vec![10],
            ..Group::default()
        };
        let document = Document {
            threads: vec![leader],
            groups: vec![group],
            fates: Some(vec![fate]),
            ..Document::default()
        };
        check_fates(&document, &[&format!("x: {expect}")]);
    }
}

#[test]
fn fates_that_are_alike_are_one_line_and_that_of_the_command_is_in_the_first() {
    let leader = |pid| Thread {
        pid: Some(pid),
        tid: pid,
        ..Thread::default()
    };
    let group = Group {
        name: "reader of the one that was made by the first".to_owned(),
        threads: 16,
        pids: (10..18).collect(),
        ..Group::default()
    };
    let fault = |pid, address| Fate {
        address: Some(address),
        ..fate(pid, Exit::Signal(11), FateCause::Segv)
    };
    let failed = |pid| fate(pid, Exit::Code(1), FateCause::Exit);
    let document = Document {
        exit: Some(Exit::Code(1)),
        groups: vec![group],
        threads: (10..18).map(leader).collect(),
        fates: Some(vec![
            fault(14, 16),
            fault(15, 16),
            fate(12, Exit::Signal(9), FateCause::Signal),
            failed(10),
            failed(11),
            failed(13),
            Fate {
                core: true,
                ..fault(16, 16)
            },
            Fate {
                core: true,
                ..fault(17, 24)
            },
        ]),
        ..Document::default()
    };
    let name = "reader of the o…e by the first";
    check_fates(
        &document,
        &[
            // At one place, and at two.
            &format!("{name}: 2 of 8 killed by SIGSEGV at 0x10 (pid 14 and 1 more)"),
            &format!("{name}: 1 of 8 killed by SIGKILL (pid 12)"),
            &format!("{name}: 2 of 8 exited with 1 (pid 11 and 1 more)"),
            &format!("{name}: 2 of 8 killed by SIGSEGV, core dumped (pid 16 and 1 more)"),
        ],
    );
}

#[test]
fn what_is_cut_and_what_still_runs_is_said() {
    let mut document = Document {
        still_running: 1,
        groups: vec![Group::default()],
        threads: vec![Thread {
            argv: vec!["echo".to_owned(), "12".to_owned()],
            argv_cut: true,
            ..Thread::default()
        }],
        ..Document::default()
    };
    let options = Options {
        per_thread: true,
        ..Options::default()
    };
    let report = render(&document, &options);
    assert!(
        report.contains("1 process of the tree still runs;"),
        "{report}"
    );
    assert!(report.contains("echo 12…\n"), "{report}");
    (document.still_running, document.threads[0].argv_cut) = (2, false);
    let report = render(&document, &options);
    assert!(
        report.contains("2 processes of the tree still run;"),
        "{report}"
    );
    assert!(report.contains("echo 12\n"), "{report}");
}

#[test]
fn interim_reports_say_so_first() {
    let document = Document {
        interim: true,
        ..pool()
    };
    let report = render(&document, &Options::default());
    let (first, rest) = report.split_once('\n').unwrap();
    let wall = crate::view::units::time(document.wall_ns);
    let expected = format!("interim report of the first {wall}: the run goes on");
    assert_eq!(first, expected);
    assert_eq!(rest, render(&pool(), &Options::default()));
}

/// A group of one thread that computed and waited behind many causes.
fn wide_group(at: u32, name: &str) -> Group {
    let blame = |cause: u64| Blame {
        kind: WaitKind::PipeRead,
        cause: CauseKind::Computing,
        detail: Some(format!("{name} {cause}")),
        ns: 1_000_000 * (20 - cause),
    };
    let waits = |kind| Wait {
        kind,
        function: Some("a_function_with_a_name_that_is_longer_than_any".to_owned()),
        count: 1_234_567,
        total_ns: 190_000_000,
        wakes: vec![Wake {
            source: WakeSource::TaskExit,
            comm: Some(name.to_owned()),
            count: 1_234_567,
            wait_ns: 190_000_000,
            ..Wake::default()
        }],
        ..Wait::default()
    };
    let kinds = [WaitKind::PipeRead, WaitKind::Epoll, WaitKind::SocketConnect];
    Group {
        name: name.to_owned(),
        threads: 1,
        pids: vec![at],
        sums: Sums {
            lifetime_ns: 670_000_000,
            on_cpu_ns: 100_000_000,
            waits: kinds.map(waits).to_vec(),
            blame: (0..20).map(blame).collect(),
            ..Sums::default()
        },
        ..Group::default()
    }
}

#[test]
fn table_of_any_number_of_groups_has_fifty_lines_and_all_columns() {
    let name = "a-very-long-name-of-a-program-that-someone-called-server-name-64";
    for groups in [1, 2, 5, 20, 98, 1_000] {
        let document = Document {
            command: vec![name.to_owned(); 9],
            wall_ns: 1_000_000_000,
            groups: (0..groups).map(|at| wide_group(at, name)).collect(),
            ..Document::default()
        };
        let report = render(&document, &Options::default());
        let lines: Vec<&str> = report.lines().collect();
        assert!(lines.len() <= 50, "{} lines:\n{report}", lines.len());
        let titles = ["where", "in", "time", "of sum", "count", "woken by"];
        let has_all = |line: &&&str| titles.iter().all(|title| line.contains(title));
        assert_eq!(lines.iter().filter(has_all).count(), 1, "{report}");
        let row = lines
            .iter()
            .find(|line| line.starts_with("   socket-connect"));
        let row = row.unwrap();
        assert!(
            row.contains("1,234,567  ") && row.contains("28.4 %"),
            "{row}"
        );
    }
}

#[test]
fn table_helpers_of_a_runtime_share_a_line_unless_the_run_waited_for_them() {
    let mut document = Document {
        groups: (0..5).map(|at| wide_group(at, "java")).collect(),
        critical_path: Some(CriticalPath {
            to_ns: 1_000_000_000,
            ..CriticalPath::default()
        }),
        ..Document::default()
    };
    for group in &mut document.groups[1..] {
        group.helper = true;
        group.runtime = Some("jvm gc".to_owned());
    }
    let line = |document: &Document, groups: &str| {
        let text = format!("{groups} of all threads' time (--all): jvm gc\n");
        let report = render(document, &Options::default());
        assert!(report.contains(&text), "{text} in\n{report}");
    };
    line(&document, "4 more groups, 80 %");
    document.groups[1].critical_path_ns = Some(50_000_000);
    line(&document, "3 more groups, 60 %");
}

/// With --wait-all.
#[test]
fn table_a_path_that_ends_before_the_run_says_so() {
    let mut document = pool();
    document.wall_ns *= 2;
    let report = render(&document, &Options::default());
    let words: Vec<&str> = report.split_whitespace().collect();
    let end =
        "4.210 s to the end of python3 gitsync (pid 4242), 4.210 s before that of the run: network";
    assert!(words.join(" ").contains(end), "{report}");
}

#[test]
fn table_hints_come_with_a_number_and_an_option() {
    let mut document = pool();
    document.explained = None;
    let report = render(&document, &Options::default());
    let hint = "59 % of the critical path was one socket-recv wait of git: --explain 4301";
    let words: Vec<&str> = report.split_whitespace().collect();
    assert!(words.join(" ").contains(hint), "{report}");
    assert!(
        report
            .lines()
            .filter(|line| line.starts_with(" hint"))
            .count()
            <= 2
    );
}
