//! What follows from what, and in which words.

use super::{read, with};
use crate::claim::{
    file::{self, Given},
    interval::Interval,
    truth::Truth,
    verdict::{Findings, check, decide},
    words,
};
use crate::document::{
    Coverage, Decision, Document, Exit, Fate, FateCause, Group, Overhead, Sums, Thread, Wait,
};
use crate::vocabulary::WaitKind;

#[test]
fn a_verdict_is_what_is_certain() {
    use Truth::{False, True, Unknown};
    for seen in [False, Unknown, True] {
        for holds in [False, Unknown, True] {
            for refuted in [False, Unknown, True] {
                let expected = match (seen, holds, refuted) {
                    (False, ..) => Some(Decision::NotSeen),
                    (True, True, True) => None,
                    (True, True, _) => Some(Decision::Correct),
                    (True, _, True) => Some(Decision::Wrong),
                    (True, False, False) => Some(Decision::Partial),
                    _ => Some(Decision::CannotTell),
                };
                let findings = Findings {
                    seen,
                    holds,
                    refuted,
                };
                assert_eq!(decide(findings), expected, "{findings:?}");
            }
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn comparisons_in_words_have_value_and_bound() {
    for (expression, lo, hi, expected) in [
        (
            "pool.share(epoll) >= 50%",
            0.032,
            0.032,
            "pool.share(epoll) 3.2 % (wants >= 50 %)",
        ),
        (
            "pool.share(epoll) >= 50%",
            0.961,
            0.961,
            "pool.share(epoll) 96.1 % (>= 50 %)",
        ),
        (
            "50% <= pool.share(epoll)",
            0.961,
            0.961,
            "pool.share(epoll) 96.1 % (>= 50 %)",
        ),
        (
            "not pool.share(epoll) >= 50%",
            0.961,
            0.961,
            "pool.share(epoll) 96.1 % (wants < 50 %)",
        ),
        (
            "pool.share(epoll) >= 50%",
            0.49999,
            0.49999,
            "pool.share(epoll) 49.999 % (wants >= 50 %)",
        ),
        (
            "pool.share(epoll) >= 50%",
            0.5,
            0.5,
            "pool.share(epoll) 50 % (>= 50 %)",
        ),
        (
            "pool.share(epoll) >= 50%",
            0.03,
            0.61,
            "pool.share(epoll) 3 % to 61 % (wants >= 50 %)",
        ),
        (
            "wall < 1s",
            1_234_567_890.0,
            1_234_567_890.0,
            "wall 1.23 s (wants < 1 s)",
        ),
        ("wall < 100us", 78.0, 78.0, "wall 78 ns (< 100 us)"),
        (
            "wall < 1ms",
            999_600.0,
            999_600.0,
            "wall 0.9996 ms (< 1 ms)",
        ),
        (
            "wall > 1s",
            5e8,
            f64::INFINITY,
            "wall at least 500 ms (wants > 1 s)",
        ),
        (
            "wall > 1s",
            f64::NEG_INFINITY,
            f64::INFINITY,
            "wall unknown (wants > 1 s)",
        ),
        (
            "pool.rss_peak < 1MiB",
            2_621_440.0,
            2_621_440.0,
            "pool.rss_peak 2.5 MiB (wants < 1 MiB)",
        ),
        (
            "pool.threads == 32",
            1234.0,
            1234.0,
            "pool.threads 1,234 (wants == 32)",
        ),
        (
            "pool.wait / wall > 50%",
            3.0,
            3.0,
            "pool.wait / wall 100 % (> 50 %)",
        ),
        (
            "pool.wait / wall > 2",
            3.0,
            3.0,
            "pool.wait / wall 1 (wants > 2)",
        ),
        (
            "pool.wait < wall",
            3.0,
            3.0,
            "pool.wait 3 ns (wants < wall 3 ns)",
        ),
        (
            "pool.switches_per_s > 5/s",
            2.5,
            2.5,
            "pool.switches_per_s 2.5/s (wants > 5/s)",
        ),
        (
            "pool.threads - 4 > 5",
            1.0,
            1.0,
            "pool.threads - 4 -3 (wants > 5)",
        ),
    ] {
        let file = read(&with(expression)).unwrap();
        let values = vec![Interval::new(lo, hi); file.metrics.len()];
        let holds = &file.claims[0].holds;
        let comparisons = holds.decisive(&values);
        assert_eq!(
            words::comparison(comparisons[0], &values),
            expected,
            "{expression}"
        );
    }
}

const S: u64 = 1_000_000_000;

/// A process of one thread that lived for 10 s, and slept for most of it.
fn sleeper() -> Document {
    let wait = Wait {
        kind: WaitKind::Sleep,
        function: Some("hrtimer_nanosleep".to_owned()),
        count: 4,
        total_ns: 9 * S,
        ..Wait::default()
    };
    let sums = Sums {
        lifetime_ns: 10 * S,
        on_cpu_ns: S,
        waits: vec![wait],
        ..Sums::default()
    };
    let thread = Thread {
        pid: Some(7),
        tid: 7,
        comm: "sleep".to_owned(),
        end_ns: 10 * S,
        exit: Some(Exit::Code(0)),
        sums: sums.clone(),
        ..Thread::default()
    };
    let group = Group {
        threads: 1,
        pids: vec![7],
        sums,
        ..Group::default()
    };
    Document {
        wall_ns: 10 * S,
        processes: 1,
        exit: Some(Exit::Code(0)),
        threads: vec![thread],
        groups: vec![group],
        command: vec!["sleep".to_owned(), "10".to_owned()],
        overhead: Overhead {
            probe_runs: Some(8),
            ..Overhead::default()
        },
        coverage: Coverage {
            tail_ns: Some(0),
            ..Coverage::default()
        },
        ..Document::default()
    }
}

fn verdict(claim: &str) -> (Decision, String) {
    let text =
        format!("schema = \"waitscope.claims/1\"\n[[claim]]\nid = \"A\"\nsays = \"so\"\n{claim}\n");
    let file = read(&text).unwrap_or_else(|errors| panic!("{claim}: {errors:?}"));
    let (verdicts, contradicted) = check(&file, &[Some(&sleeper())]);
    assert_eq!(
        contradicted.is_empty(),
        !verdicts[0].because.contains("contradicts")
    );
    (verdicts[0].verdict, verdicts[0].because.clone())
}

#[test]
fn verdicts_say_why() {
    for (claim, decision, because) in [
        (
            "holds = 'tree.share(sleep) >= 50%'",
            Decision::Correct,
            "tree.share(sleep) 90 % (>= 50 %)",
        ),
        (
            "holds = 'tree.share(sleep) < 50%'",
            Decision::Wrong,
            "tree.share(sleep) 90 % (wants < 50 %)",
        ),
        (
            "holds = 'tree.share(sleep) > 95%'\nrefuted = 'tree.share(sleep) < 50%'",
            Decision::Partial,
            "tree.share(sleep) 90 % (wants > 95 %); not refuted: tree.share(sleep) 90 % (wants < 50 %)",
        ),
        (
            "holds = 'tree.share(sleep) > 95%'\nrefuted = 'tree.wait > 1s'",
            Decision::Wrong,
            "tree.share(sleep) 90 % (wants > 95 %)",
        ),
        (
            "holds = 'wall > 1s'\nseen = 'tree.wait(epoll) > 0s'",
            Decision::NotSeen,
            "not seen: tree.wait(epoll) 0 ns (wants > 0 s)",
        ),
        (
            "holds = 'tree.wait(sleep) / tree.wait(epoll) > 2'",
            Decision::CannotTell,
            "tree.wait(sleep) / tree.wait(epoll) unknown (wants > 2): `tree.wait(epoll)` may be 0, \
             by which nothing can be divided (say with `seen` when it is not)",
        ),
        (
            "holds = 'wall > 1s'\nrefuted = 'wall > 2s'",
            Decision::CannotTell,
            "the claim contradicts itself, holds and refuted are both true: wall 10 s (> 1 s), \
             wall 10 s (> 2 s)",
        ),
    ] {
        assert_eq!(verdict(claim), (decision, because.to_owned()), "{claim}");
    }
}

#[test]
fn values_are_every_metric_once_and_what_is_shown() {
    let text = with("tree.share(sleep) >= 50% and tree.wait(sleep) > 1s").replace(
        "holds",
        "show = ['wall', 'tree.wait(sleep) / 2', 'tree.share(sleep)']\nholds",
    );
    let file = read(&text).unwrap();
    let (verdicts, _) = check(&file, &[Some(&sleeper())]);
    let values = verdicts[0].values.iter();
    // Bounds of what no binary number is lie on both sides of it.
    let rounded = |lo: f64| (lo * 1e9).round() / 1e9;
    let values: Vec<_> = values
        .map(|value| {
            (
                value.expr.as_str(),
                value.lo.map(rounded),
                value.unit.as_str(),
            )
        })
        .collect();
    assert_eq!(
        values,
        [
            ("tree.share(sleep)", Some(0.9), "share"),
            ("tree.wait(sleep)", Some(9e9), "ns"),
            ("wall", Some(1e10), "ns"),
            ("tree.wait(sleep) / 2", Some(4.5e9), "ns"),
        ]
    );
}

#[test]
fn verdicts_do_not_need_a_run_that_is_only_shown() {
    let text = "schema = 'waitscope.claims/1'\n[run.here]\n[run.there]\n[[claim]]\nid = 'A'\n\
                says = 'so'\nholds = 'here:wall > 1s'\nshow = ['here:wall', 'there:wall / 2']\n";
    let given = ["here".to_owned()];
    let judged = |text: &str| {
        let file = file::read(text, Given::Named(&given)).unwrap();
        check(&file, &[Some(&sleeper()), None]).0.remove(0)
    };
    let shown = judged(text);
    assert_eq!(shown.verdict, Decision::Correct);
    assert_eq!(
        shown.because,
        "here:wall 10 s (> 1 s); there:wall is not measured, no run `there` was given"
    );
    let of = |expr: &str| shown.values.iter().find(|value| value.expr == expr);
    let unknown = of("there:wall / 2").map(|value| (value.lo, value.hi));
    assert_eq!(unknown, Some((None, None)));
    let decided = judged(&text.replace("here:wall > 1s", "here:wall > there:wall"));
    assert_eq!(decided.verdict, Decision::NotSeen);
    assert_eq!(decided.because, "no run `there` was given");
}

#[test]
fn ends_of_many_processes_cost_little() {
    const MANY: u32 = 20_000;
    let file = read(&with("tree.exits(segv) == 20000 and tree.exits(oom) == 0")).unwrap();
    let mut document = sleeper();
    let (exit, sample) = (Exit::Signal(11), document.threads[0].clone());
    let thread = |pid| Thread {
        pid: Some(pid),
        tid: pid,
        exit: Some(exit),
        ..sample.clone()
    };
    document.threads = (1..=MANY).map(thread).collect();
    let fate = |pid| Fate {
        pid: Some(pid),
        tid: pid,
        comm: "sleep".to_owned(),
        group: 0,
        exit,
        cause: FateCause::Segv,
        shortage: None,
        core: false,
        sender: None,
        by_kernel: true,
        address: None,
        siblings: 0,
        at_ns: 0,
    };
    document.fates = Some((1..=MANY).map(fate).collect());
    let begin = std::time::Instant::now();
    let (verdicts, _) = check(&file, &[Some(&document)]);
    assert_eq!(
        verdicts[0].verdict,
        Decision::Correct,
        "{}",
        verdicts[0].because
    );
    assert!(begin.elapsed().as_secs() < 2, "{:?}", begin.elapsed());
}

#[test]
fn a_thousand_claims_cost_little() {
    let claims = (0..1_000).map(|n| {
        format!("[[claim]]\nid = \"C{n}\"\nsays = \"so\"\nholds = \"tree.wait(sleep) > {n}ns\"\n")
    });
    let text = format!(
        "schema = \"waitscope.claims/1\"\n{}",
        claims.collect::<String>()
    );
    let file = read(&text).unwrap();
    let mut document = sleeper();
    document.threads = vec![document.threads[0].clone(); 20_000];
    let begin = std::time::Instant::now();
    let (verdicts, _) = check(&file, &[Some(&document)]);
    assert!(
        verdicts
            .iter()
            .all(|verdict| verdict.verdict == Decision::Correct)
    );
    // A debug build is some twenty times slower than what is shipped.
    assert!(begin.elapsed().as_secs() < 2, "{:?}", begin.elapsed());
}
