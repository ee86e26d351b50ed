//! `--fail-on`: a side of several runs is the interval of them all.

use super::document;
use crate::diff::fail_on::FailOn;
use crate::document::{Document, Exit, Overhead, Thread, diff::Which};

/// Runs that took so many ms.
fn walls(ms: &[u64]) -> Vec<Document> {
    let one = |&ms: &u64| Document {
        wall_ns: ms * 1_000_000,
        exit: Some(Exit::Code(0)),
        overhead: Overhead {
            probe_runs: Some(1),
            ..Overhead::default()
        },
        threads: vec![Thread {
            pid: Some(7),
            tid: 7,
            ..Thread::default()
        }],
        ..document(&[("timer", 10)], &[])
    };
    ms.iter().map(one).collect()
}

fn decided(text: &str, a: &[u64], b: &[u64]) -> (Option<bool>, String) {
    let mut fail_on = FailOn::read(&[text.to_owned()]).unwrap();
    for (side, runs) in [(Which::A, walls(a)), (Which::B, walls(b))] {
        runs.iter().for_each(|run| fail_on.measure(side, run));
    }
    let decided = fail_on.decide();
    assert_eq!(decided[0].expression, text);
    (decided[0].holds, decided[0].because.clone())
}

#[test]
fn fail_on_is_true_if_it_is_of_every_pair_of_runs() {
    let text = "b:wall > a:wall * 1.1";
    let cases: [(&[u64], &[u64], Option<bool>); 6] = [
        (&[100], &[111], Some(true)),
        (&[100], &[109], Some(false)),
        (&[100, 90], &[111, 200], Some(true)),
        (&[100, 90], &[80, 98], Some(false)),
        (&[100, 90], &[105, 99], None),
        (&[100, 120], &[121, 140], None),
    ];
    for (a, b, expect) in cases {
        assert_eq!(decided(text, a, b).0, expect, "{a:?} {b:?}");
    }
}

#[test]
fn fail_on_names_what_decided_it_and_why_it_is_not_certain() {
    let (_, because) = decided("b:wall > a:wall * 110%", &[100], &[150]);
    assert_eq!(because, "b:wall 150 ms (> a:wall * 110% 110 ms)");
    let (_, because) = decided("b:wall > a:wall", &[100, 200], &[150]);
    assert_eq!(
        because,
        "b:wall 150 ms (wants > a:wall 100 ms to 200 ms); it is so of some runs, and not of others"
    );
    let (holds, because) = decided("b:wall / a:tree.on_cpu > 2", &[100], &[150]);
    assert_eq!(holds, None);
    assert!(
        because.ends_with("; `a:tree.on_cpu` may be 0, by which nothing can be divided"),
        "{because}"
    );
}

#[test]
fn fail_on_is_of_one_side_too() {
    assert_eq!(decided("b:tree.threads > 0", &[1], &[2]).0, Some(true));
    assert_eq!(decided("a:root.threads != 1", &[1], &[2]).0, Some(false));
    assert_eq!(
        decided("not (b:wall < 3ms) or a:wall > 1s", &[1], &[2]).0,
        Some(false)
    );
}

#[test]
fn fail_on_that_means_nothing_is_shown_with_what_there_is() {
    let check = |text: &str, message: &str, help: Option<&str>| {
        let wrong = FailOn::read(&["b:wall > 1s".to_owned(), text.to_owned()]).unwrap_err();
        let (at, errors) = &wrong[0];
        assert_eq!((*at, errors.len()), (1, 1), "{errors:?}");
        assert_eq!(
            (errors[0].message.as_str(), errors[0].help.as_deref()),
            (message, help)
        );
    };
    check(
        "c:wall > 1s",
        "there is no run `c`",
        Some("there is `a`, `b`"),
    );
    check(
        "a:pool.wait > 1s",
        "there is no selection `pool`",
        Some("there is `tree`, `root`, `children`"),
    );
    check(
        "wall > 1s",
        "there are several runs, and this names none",
        Some("write `a:wall`"),
    );
    check(
        "b:wall > 5",
        "a time is compared with a plain number",
        Some("write it as in `5ms`"),
    );
    check(
        "b:wall",
        "this is a number, and a comparison is wanted",
        Some("compare it, as in `b:wall > 5ms`"),
    );
    check("", "the expression is empty", None);
}
