//! What makes sides less comparable is said.

use super::{diff_of, document};
use crate::document::{Document, Exit, LeftOutThreads, Tier, Window};

/// A plain run, changed.
fn changed(change: impl Fn(&mut Document)) -> Document {
    let mut document = document(&[("timer", 10)], &[]);
    change(&mut document);
    document
}

fn notes(a: &[Document], b: &[Document]) -> Vec<String> {
    diff_of(a, b).notes
}

#[test]
fn comparable_equal_runs_have_but_one_note() {
    let run = || changed(|_| ());
    let notes = |a: usize, b: usize| notes(&vec![run(); a], &vec![run(); b]).join("\n");
    assert_eq!(
        notes(1, 1),
        "one run each does not show how much equal runs differ: nothing here can be called a change, \
         or noise; 5 runs a side can"
    );
    assert_eq!(
        notes(1, 3),
        "1 and 3 runs are too few to keep change and noise apart: 5 a side are enough"
    );
    assert_eq!(
        notes(5, 5),
        "a row is a change where a permutation test of all rows together says so: of comparisons of equal \
         runs at most 1 % call any row one"
    );
}

#[test]
fn comparable_what_differs_is_named() {
    let check = |change: &dyn Fn(&mut Document), expect: &str| {
        let notes = notes(&[changed(|_| ())], &[changed(change)]);
        assert_eq!(notes[0], expect);
    };
    check(
        &|it| it.command.push("-j2".to_owned()),
        "the commands differ: A `make`, B `make -j2`",
    );
    check(
        &|it| it.command.clear(),
        "the commands differ: A `make`, B running processes",
    );
    check(
        &|it| it.exit = Some(Exit::Signal(9)),
        "the ends of the commands differ: A not seen, B SIGKILL",
    );
    check(
        &|it| it.host.kernel = "6.12.1".to_owned(),
        "the kernels differ: A unknown, B 6.12.1",
    );
    check(
        &|it| it.host.cpus = 8,
        "the machines differ: A unknown, B unknown with 8 CPUs",
    );
    check(
        &|it| {
            it.tier = match it.tier {
                Tier::Raw => Tier::Full,
                _ => Tier::Raw,
            };
        },
        &format!("the tiers differ: A {}, B raw", Document::default().tier),
    );
    let window = Window {
        from_ns: 1_000_000,
        to_ns: 2_500_000,
        of_ns: 9_000_000,
    };
    check(
        &|it| it.window = Some(window),
        "the parts of the runs differ: A all of it, B 1 ms to 2.5 ms",
    );
    check(
        &|it| it.delay_ns = Some(5_000_000_000),
        "the delays before the account differ: A 0 ns, B 5 s",
    );
    check(
        &|it| it.left_out_threads = Some(LeftOutThreads::default()),
        "the threads that are listed differ: A all, B some",
    );
}

#[test]
fn comparable_runs_of_one_side_that_differ_are_named_too() {
    let other = || changed(|it| it.command.push("-j2".to_owned()));
    let mixed = [changed(|_| ()), other()];
    assert_eq!(
        notes(&mixed, &mixed)[0],
        "the commands differ within both sides: `make -j2` and `make`"
    );
}

#[test]
fn comparable_losses_are_named_with_their_run() {
    let check = |change: &dyn Fn(&mut Document), expect: &str| {
        let diff = diff_of(&[changed(change)], &[changed(|_| ())]);
        assert!(!diff.a.certain && diff.b.certain);
        assert_eq!(diff.notes[0], expect);
    };
    check(
        &|it| {
            it.coverage.lost.insert("switch".to_owned(), 3);
            it.coverage.broken_records = 1;
        },
        "4 records of run.wsc (A) are missing or broken: no row is certain",
    );
    check(
        &|it| it.cut = true,
        "run.wsc (A) ends before its run did: no row is certain",
    );
    check(
        &|it| it.groups[0].sums.unknown_ns = 2_000_000,
        "2 ms of thread time of run.wsc (A) are lost: no row is certain",
    );
}

#[test]
fn comparable_a_run_without_a_path_is_named() {
    let notes = notes(&[changed(|it| it.critical_path = None)], &[changed(|_| ())]);
    assert!(
        notes[0].starts_with("run.wsc has no critical path: "),
        "{notes:?}"
    );
}
