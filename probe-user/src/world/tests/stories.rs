//! Critical paths and stories of drawn timelines: 10 ns a column, the first row
//! wakes all others.

use super::timeline::{at, block, records};
use crate::{
    document::{Did, Document, Hop, Step, Timeline},
    metrics::tests::run,
};

/// The story of `tid`, in a run that was attached to it.
fn document(drawing: &str, tid: u32) -> Document {
    let width = drawing.lines().map(|line| line.trim().len()).max();
    run::explained(&records(drawing), at(width.unwrap_or(0)), tid, &[tid])
}

/// `tid: [wait:] cause detail ns`, in order of time.
#[track_caller]
fn check_path(drawing: &str, tid: u32, expected: &str) {
    let document = document(drawing, tid);
    super::properties::assert_path(&document);
    let path = document.critical_path.as_ref().expect("a path");
    let line = |hop: &Hop| {
        let tid = document.threads[hop.thread].tid;
        let wait = hop.wait.map(|wait| format!("{wait}: ")).unwrap_or_default();
        format!("{tid}: {wait}{} {}", hop.cause, hop.to_ns - hop.from_ns)
    };
    let hops: Vec<String> = path.hops.iter().map(line).collect();
    assert_eq!(hops.join("\n"), block(expected), "\n{drawing}");
}

#[track_caller]
fn check_story(drawing: &str, tid: u32, expected: &str) {
    let document = document(drawing, tid);
    assert_told(&document);
    let stories = document.explained.iter().flatten();
    let lines: Vec<String> = stories.flat_map(|s| s.steps.iter().map(line)).collect();
    assert_eq!(lines.join("\n"), block(expected), "\n{drawing}");
}

/// `what ns [by whom: causes]`.
fn line(step: &Step) -> String {
    let ns = step.to_ns - step.from_ns;
    match &step.did {
        Did::NotWaiting { cause, .. } => format!("{cause} {ns}"),
        Did::Open(site) => format!("open {} {ns}", site.kind),
        Did::Waited { site, ended, blame } => {
            let causes: Vec<String> = blame
                .iter()
                .map(|sum| format!("{} {}", sum.cause, sum.ns))
                .collect();
            let tid = ended.tid.map(|tid| format!(" {tid}")).unwrap_or_default();
            let (kind, source) = (site.kind, ended.source);
            format!("{kind} {ns} by {source}{tid}: {}", causes.join(", "))
        }
    }
}

/// Every story is of a thread asked for and covers its life without a gap; what
/// was behind a wait adds up to it.
pub(super) fn assert_told(document: &Document) {
    for story in document.explained.iter().flatten() {
        let Timeline {
            thread,
            steps,
            steps_left_out,
            ..
        } = story;
        let thread = &document.threads[*thread];
        let mut at_ns = thread.start_ns;
        for step in steps {
            assert_eq!(step.from_ns, at_ns, "{story:?}");
            assert!(step.to_ns > at_ns, "{step:?}");
            at_ns = step.to_ns;
            if let Did::Waited { blame, .. } = &step.did {
                let blamed: u64 = blame.iter().map(|sum| sum.ns).sum();
                assert_eq!(blamed, step.to_ns - step.from_ns, "{step:?}");
            }
        }
        let end_ns = if thread.sums.lifetime_ns == 0 {
            thread.start_ns
        } else {
            thread.end_ns
        };
        assert_eq!((at_ns, *steps_left_out), (end_ns, 0), "{story:?}");
    }
}

const WOKEN_BY_A_SLEEPER: &str = "
    4    S#########z~~t^####p#
    5/4  f.n^#z~~~~~~~~~w-^##x#X
";

#[test]
fn timeline_the_path_goes_on_in_the_waker_and_does_not_come_back() {
    check_path(
        WOKEN_BY_A_SLEEPER,
        5,
        "4: computing 80
         4: sleep: timer 30
         4: run-queue 10
         4: computing 10
         5: run-queue 20
         5: computing 50",
    );
}

#[test]
fn timeline_a_story_tells_who_ended_a_wait_and_what_was_behind() {
    check_story(
        WOKEN_BY_A_SLEEPER,
        5,
        "run-queue 10
         computing 20
         sleep 100 by task 4: computing 60, timer 30, run-queue 10
         run-queue 20
         computing 50",
    );
}

#[test]
fn timeline_what_has_not_ended_is_open() {
    let drawing = "
        4    S################L
        5/4  f.n^####z~~~~~~~~L
    ";
    check_path(
        drawing,
        5,
        "5: run-queue 10
         5: computing 50
         5: sleep: open 150",
    );
    check_story(
        drawing,
        5,
        "run-queue 10
         computing 50
         open sleep 150",
    );
}

#[test]
fn timeline_every_life_of_a_tid_is_told_and_of_no_other() {
    let twice = "
        4    S############################
        5    f.n^####x#X
        5    ...............f.n^##########
        6    .f.n^########################
    ";
    let told = document(twice, 5).explained.expect("asked for");
    assert_eq!(told.len(), 2);
    assert_eq!(document(twice, 7).explained, Some(Vec::new()));
    let unasked = run::explained(&records(twice), at(30), 4, &[]);
    assert_eq!(unasked.explained, None);
}

#[test]
fn path_goes_on_with_the_threads_that_outlive_the_first() {
    check_path(
        "
        5   S##########x#X
        6/5 ..fn^##z~~~o-^####x#X
        ",
        5,
        "5: computing 30
         6: run-queue 10
         6: computing 30
         6: sleep: outside 40
         6: run-queue 20
         6: computing 70",
    );
}
