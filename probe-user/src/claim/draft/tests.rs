//! What is drafted of small runs: the text, that it holds of them, and that it does not hold of
//! what does something else.

use proptest::prelude::*;

use super::{Refusal, Source, draft};
use crate::{
    claim::{
        file::{self, Given},
        verdict::check,
    },
    document::{
        Coverage, Decision, Document, Exit, Group, Overhead, Sums, Switches, Thread, Verdict, Wait,
        Wake,
    },
    vocabulary::{WaitKind, WakeSource},
};

/// Drafts of these runs; and every claim of that is CORRECT on each.
pub(crate) fn drafted(documents: &[&Document]) -> Result<String, Refusal> {
    let named = documents.iter();
    let sources = named.map(|&document| Source {
        name: "run.wsc",
        document,
    });
    let text = draft(&sources.collect::<Vec<_>>())?;
    for document in documents {
        for verdict in verdicts(&text, document) {
            assert_eq!(verdict.verdict, Decision::Correct, "{verdict:?}\n{text}");
        }
    }
    assert!(text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')));
    Ok(text)
}

fn verdicts(text: &str, document: &Document) -> Vec<Verdict> {
    let file = file::read(text, Given::One);
    let file = file.unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    assert!((1..=super::MOST).contains(&file.claims.len()), "{text}");
    let (verdicts, contradicted) = check(&file, &[Some(document)]);
    assert!(contradicted.is_empty());
    verdicts
}

const S: u64 = 1_000_000_000;

/// A program whose first thread waits for the end of so many others, each of which is a share
/// of its 10 s, percent, in a wait of a kind.
fn pool(threads: u32, kind: WaitKind, percent: u64) -> Document {
    let mut list = vec![thread(1, "pool", 0, WaitKind::Futex, 95)];
    list.extend((2..2 + threads).map(|tid| thread(tid, "w", 1, kind, percent)));
    let group = |name: &str, index: usize| {
        let own = list.iter().filter(|thread| thread.group == index);
        let lifetime_ns = own.clone().map(|thread| thread.sums.lifetime_ns).sum();
        Group {
            name: name.to_owned(),
            threads: own.count(),
            pids: vec![1],
            sums: Sums {
                lifetime_ns,
                ..Sums::default()
            },
            ..Group::default()
        }
    };
    Document {
        wall_ns: 10 * S,
        processes: 1,
        exit: Some(Exit::Code(0)),
        groups: vec![group("pool", 0), group("pool (w)", 1)],
        threads: list,
        command: vec!["pool".to_owned()],
        overhead: Overhead {
            probe_runs: Some(8),
            ..Overhead::default()
        },
        coverage: Coverage {
            tail_ns: Some(0),
            ..Coverage::default()
        },
        fates: Some(Vec::new()),
        ..Document::default()
    }
}

fn thread(tid: u32, comm: &str, group: usize, kind: WaitKind, percent: u64) -> Thread {
    let total_ns = percent * S / 10;
    let wake = |wait_ns| Wake {
        source: WakeSource::Task,
        count: 4,
        wait_ns,
        ..Wake::default()
    };
    let sums = Sums {
        lifetime_ns: 10 * S,
        on_cpu_ns: 10 * S - total_ns,
        switches: Switches {
            voluntary: 4,
            involuntary: 0,
        },
        waits: vec![Wait {
            kind,
            count: 4,
            total_ns,
            max_ns: total_ns,
            wakes: vec![wake(total_ns)],
            ..Wait::default()
        }],
        wakes: vec![
            wake(total_ns),
            Wake {
                source: WakeSource::New,
                count: 1,
                ..Wake::default()
            },
        ],
        ..Sums::default()
    };
    Thread {
        pid: Some(1),
        tid,
        comm: comm.to_owned(),
        role: comm.to_owned(),
        process: Some(0),
        creator: (tid > 1).then_some(0),
        group,
        end_ns: 10 * S,
        exit: Some(Exit::Code(0)),
        sums,
        ..Thread::default()
    }
}

/// The claims without their ids.
fn lines(text: &str) -> Vec<&str> {
    let lines = text.lines();
    let values = lines.filter(|line| line.starts_with("holds") || line.starts_with("says"));
    values.filter_map(|line| line.split('"').nth(1)).collect()
}

#[test]
fn draft_of_one_run_has_wide_margins() {
    let text = drafted(&[&pool(8, WaitKind::Epoll, 90)]).unwrap();
    assert!(text.contains("[who.pool_w]\nprocess = \"root\"\nthreads = \"others\"\n"));
    let lines = lines(&text);
    for pair in [
        [
            "the threads of pool (w) wait mostly in epoll",
            "pool_w.wait(epoll) / pool_w.wait >= 50%",
        ],
        [
            "the waits of the threads of pool (w) are mostly ended by another task",
            "pool_w.woken_by(task) >= 50%",
        ],
        [
            "there are about as many threads of pool (w) as there were",
            "pool_w.threads >= 4 and pool_w.threads <= 20",
        ],
        [
            "the threads of pool (w) wait more than they compute",
            "pool_w.wait / (pool_w.on_cpu + pool_w.wait) >= 50%",
        ],
        ["no other process is started", "tree.processes == 1"],
        ["no process fails", "tree.exits(failed) == 0"],
        ["no record of the run is lost", "lost == 0"],
        ["the run takes no longer than 30s", "wall <= 30s"],
    ] {
        assert!(lines.windows(2).any(|two| two == pair), "{pair:?}\n{text}");
    }
    assert_eq!(lines[0], "the threads of pool (w) wait mostly in epoll");
    assert!(
        !text.contains("pool.threads"),
        "a first thread is one\n{text}"
    );
}

#[test]
fn draft_of_several_runs_is_as_wide_as_they_differ() {
    let runs = [80, 84, 82].map(|percent| pool(8, WaitKind::Epoll, percent));
    let text = drafted(&[&runs[0], &runs[1], &runs[2]]).unwrap();
    let lines = lines(&text);
    for line in [
        "pool_w.woken_by(task) >= 60%",
        "pool_w.threads == 8",
        "the threads of pool (w) hardly wait for locks",
        "pool_w.share(futex) + pool_w.share(gil) <= 20%",
    ] {
        assert!(lines.contains(&line), "{line}\n{text}");
    }
    let differ = [pool(8, WaitKind::Epoll, 80), pool(6, WaitKind::Epoll, 40)];
    let text = drafted(&[&differ[0], &differ[1]]).unwrap();
    assert!(
        text.contains("pool_w.threads >= 4 and pool_w.threads <= 10"),
        "{text}"
    );
    // What only some have is no claim.
    let others = [pool(8, WaitKind::Epoll, 80), pool(0, WaitKind::Epoll, 0)];
    let text = drafted(&[&others[0], &others[1]]).unwrap();
    assert!(!text.contains("pool_w"), "{text}");
}

#[test]
fn draft_is_wrong_of_another_behaviour() {
    let text = drafted(&[&pool(8, WaitKind::Epoll, 80)]).unwrap();
    let wrong = |document: &Document| {
        let verdicts = verdicts(&text, document).into_iter();
        let wrong = verdicts.filter(|it| it.verdict == Decision::Wrong);
        wrong.map(|it| it.id).collect::<Vec<String>>()
    };
    assert_eq!(wrong(&pool(7, WaitKind::Epoll, 75)), [""; 0]);
    assert_eq!(wrong(&pool(8, WaitKind::Poll, 80)), ["pool_w.epoll"]);
    assert_eq!(wrong(&pool(32, WaitKind::Epoll, 80)), ["pool_w.threads"]);
    let mut failed = pool(8, WaitKind::Epoll, 80);
    failed.exit = Some(Exit::Code(3));
    failed.threads[0].exit = failed.exit;
    assert_eq!(wrong(&failed), ["run.exit-code", "run.failures"]);
}

#[test]
fn draft_of_losses_claims_what_they_leave() {
    let mut lossy = pool(8, WaitKind::Epoll, 80);
    lossy.coverage.lost.insert("switch".to_owned(), 3);
    for thread in &mut lossy.threads {
        thread.sums.on_cpu_ns -= S / 2;
        thread.sums.unknown_ns = S / 2;
    }
    let text = drafted(&[&lossy]).unwrap();
    assert!(
        text.contains("pool_w.wait(epoll) / pool_w.wait >= "),
        "{text}"
    );
    assert!(!text.contains("lost == 0"), "{text}");
    // With lost births nothing is certain of any thread; of these runs together nothing either.
    let mut spoiled = pool(8, WaitKind::Epoll, 80);
    spoiled.coverage.lost.insert("task".to_owned(), 1);
    let both = drafted(&[&pool(8, WaitKind::Epoll, 80), &spoiled]);
    let refused = |text: Result<String, Refusal>| {
        text.map_or(true, |text| {
            !text.contains(".wait(") && !text.contains("threads ")
        })
    };
    assert!(refused(drafted(&[&spoiled])) && refused(both));
}

#[test]
fn draft_of_nothing_is_refused() {
    let refused = drafted(&[&pool(1, WaitKind::Epoll, 50), &Document::default()]);
    let message = refused.unwrap_err().to_string();
    assert_eq!(
        message,
        "nothing was observed in run.wsc, so there is nothing to claim"
    );
}

/// Names with what means something in patterns, expressions, TOML and terminals.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[*?\"'\\\\a-c\\[\\]{} \n\r\t\u{0}\u{1b}\u{202e}\u{fffd}]{0,20}",
        prop::sample::select(vec![
            "root", "any", "children", "tree", "and", "run", "", "* *"
        ])
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn draft_holds_whatever_programs_and_threads_are_called(
        names in prop::collection::vec(name(), 5),
        threads in 0_u32..5,
    ) {
        let mut run = pool(threads, WaitKind::Epoll, 80);
        run.groups[0].name.clone_from(&names[0]);
        run.groups[1].name.clone_from(&names[1]);
        run.command = vec![names[2].clone(), names[3].clone()];
        for thread in &mut run.threads {
            thread.argv.clone_from(&run.command);
            let blame = crate::document::Blame {
                kind: thread.sums.waits[0].kind,
                cause: crate::vocabulary::CauseKind::Computing,
                detail: Some(names[4].clone()),
                ns: thread.sums.waits[0].total_ns,
            };
            thread.sums.blame = vec![blame];
            if thread.tid > 1 {
                thread.comm.clone_from(&names[3]);
                thread.role.clone_from(&names[3]);
            }
        }
        let text = drafted(&[&run]).unwrap();
        prop_assert!(text.contains(".wait("), "{}", text);
        prop_assert_eq!(&text, &drafted(&[&run]).unwrap());
    }
}
