//! The report against stored text, and what holds for any report.

use proptest::prelude::*;

use super::*;
use crate::document::{Exit, Group, ProbeCost, Thread};
use crate::view::sanitize;
use crate::view::testing::{documents, filled, full, golden, pool, trouble};

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
                "queue ≥ 33 of 32",
                "queue ≥ 3 of 128, no overflow seen, ≥ 1 request",
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

/// Text of the characters most likely to break a terminal, or of any.
fn hostile() -> impl Strategy<Value = String> {
    let nasty = proptest::sample::select(vec![
        '\x1b',
        '[',
        ']',
        '0',
        'm',
        '\n',
        '\r',
        '\t',
        '\0',
        '\x07',
        '\x7f',
        '\u{9b}',
        '\u{85}',
        '\u{1f}',
        '\u{202e}',
        '\u{2066}',
        '\u{200b}',
        '\u{200d}',
        '\u{301}',
        '\u{2028}',
        ' ',
        '\u{3000}',
        '日',
        '👩',
        '\u{1f3fd}',
        '\u{fe0f}',
        'ل',
        'ا',
        'x',
        '<',
        '\\',
    ]);
    prop_oneof![
        any::<String>(),
        proptest::collection::vec(nasty, 0..200).prop_map(String::from_iter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_leaves_its_line_or_commands_the_terminal(
        texts in proptest::collection::vec(hostile(), 1..24),
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
#[test]
fn a_process_that_fails_is_one_end_and_not_one_for_each_thread() {
    let exit = Some(Exit::Code(1));
    let thread = |tid, group, exit| Thread {
        pid: Some(10),
        tid,
        group,
        exit,
        ..Thread::default()
    };
    let groups = ["python3 x.py", "reader", "writer", "parser"].map(|name| Group {
        name: name.to_owned(),
        threads: 1,
        exits: [(Exit::Code(1), 1)].into(),
        ..Group::default()
    });
    let mut document = Document {
        groups: groups.to_vec(),
        threads: (0..4)
            .map(|at| thread(10 + at, at as usize, exit))
            .collect(),
        ..Document::default()
    };
    let ends = |document: &Document| -> Vec<String> {
        let report = render(document, &Options::default());
        let about = report.lines().filter(|line| line.contains(" of 1 exit 1"));
        about.map(|line| line.trim_start().to_owned()).collect()
    };
    assert_eq!(
        ends(&document),
        ["worker ends   python3 x.py: 1 of 1 exit 1 (pid 10)"]
    );
    // One that ends otherwise than its process.
    document.threads[0].exit = Some(Exit::Code(0));
    document.groups[0].exits = [(Exit::Code(0), 1)].into();
    assert_eq!(ends(&document).len(), 3, "{:?}", ends(&document));
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
