//! Parts of a run: what several that follow each other have is what the whole run has, to
//! the nanosecond.

use std::{collections::BTreeMap, path::Path};

use proptest::prelude::*;

use super::{
    account::{assert_closed, render},
    properties::{assert_path, config, played},
    recorded::{self, recordings},
    timeline::{at, block, records},
};
use crate::{
    document::Document,
    metrics::tests::run,
    vocabulary::WakeSource,
    wire::{event::What, tests::decoded},
    world::window::Window,
};

/// The report of a part of a run, whose records come in two drains.
fn part(records: &[Vec<u8>], ended_ns: u64, from_ns: u64, to_ns: Option<u64>) -> Document {
    let mut analysis = run::begun_in(Window { from_ns, to_ns });
    let (first, second) = records.split_at(records.len() / 2);
    analysis.batch(&run::batch(first));
    analysis.batch(&run::batch(second));
    analysis.end(run::end(ended_ns));
    analysis.document()
}

/// What is comparable, by thread: times, ns, and counts. Threads that have one tid in turn
/// are one, and where an exec gives a thread another's all of the process.
fn spent(documents: &[Document], takes_tid: bool) -> BTreeMap<(u32, String), u64> {
    let mut all: BTreeMap<(u32, String), u64> = BTreeMap::new();
    for thread in documents.iter().flat_map(|document| &document.threads) {
        let who = thread.pid.filter(|_| takes_tid).unwrap_or(thread.tid);
        let mut add = |what: &str, n: u64| {
            *all.entry((who, what.to_owned())).or_default() += n;
        };
        let sums = &thread.sums;
        add("life", sums.lifetime_ns);
        add("cpu", sums.on_cpu_ns);
        add("queue", sums.runqueue_ns);
        add("unknown", sums.unknown_ns);
        add("voluntary", sums.switches.voluntary);
        add("involuntary", sums.switches.involuntary);
        for wait in &sums.waits {
            add(wait.kind.as_str(), wait.total_ns);
            add(&format!("{} waits", wait.kind), wait.count);
        }
        for open in &sums.open {
            add(open.kind.as_str(), open.so_far_ns);
        }
        let born = sums
            .wakes
            .iter()
            .filter(|wake| wake.source == WakeSource::New);
        add("born", born.map(|wake| wake.count).sum());
    }
    all.retain(|_, n| *n > 0);
    all
}

/// The reports of the parts between these instants, and from the last one on.
fn parts(records: &[Vec<u8>], ended_ns: u64, borders: &[u64]) -> Vec<Document> {
    let ends = borders.iter().copied().map(Some).chain([None]);
    let begins = [0].into_iter().chain(borders.iter().copied());
    let windows = begins.zip(ends);
    windows
        .map(|(from_ns, to_ns)| part(records, ended_ns, from_ns, to_ns))
        .collect()
}

/// `from` and `to` in columns behind the first instant.
#[track_caller]
fn check(drawing: &str, (from, to): (usize, usize), expected: &str) {
    let records = records(drawing);
    let ns = |column: usize| 10 * column as u64;
    let document = part(&records, at(40), ns(from), Some(ns(to)));
    assert_closed(&document);
    assert_path(&document);
    assert_eq!(render(&document), block(expected));
}

#[test]
fn window_a_wait_that_had_ended_by_its_end_is_not_open() {
    let drawing = "
        1   S######################L
        5/1 S##z~~~~w----^####z~~w-^L
    ";
    // The switch-in at column 13 says that it was woken at column 8.
    check(
        drawing,
        (0, 10),
        "
        1: life 100 cpu 100
        5: life 100 cpu 30 queue 20 sleep 50x1 by task 1
        ",
    );
    // And here nobody knows yet that it was.
    check(
        drawing,
        (9, 15),
        "
        1: life 60 cpu 60
        5: life 60 cpu 20 queue 40
        ",
    );
    check(
        drawing,
        (5, 7),
        "
        1: life 20 cpu 20
        5: life 20 open sleep ≥20
        ",
    );
}

#[test]
fn window_births_and_ends_behind_its_end_are_not_seen() {
    let drawing = "
        1   S######################L
        5/1 .fn--^###z~~w-^##x#X
        6/1 ............fn^##x#X
    ";
    check(
        drawing,
        (4, 11),
        "
        1: life 70 cpu 70
        5: life 70 cpu 40 queue 10 open sleep 20
        ",
    );
}

#[test]
fn window_a_root_that_is_over_has_no_path() {
    let records = records(
        "
        1   S####x#X
        5/5 .fn^##########x#X
        ",
    );
    let path = |from_ns| part(&records, at(30), from_ns, None).critical_path;
    assert!(path(50).is_some());
    assert_eq!(path(90), None);
}

/// Where it lies, and how long the run was that nobody saw to its end.
#[test]
fn window_the_report_says_where_it_lies() {
    let drawing = "
        1   S######################x#X
        5/1 .fn^##z~~w^##x#X
    ";
    let records = records(drawing);
    let check = |from_ns, to_ns, expected: (u64, u64)| {
        let document = part(&records, at(40), from_ns, to_ns);
        let window = document.window.expect("a part");
        assert_eq!((window.from_ns, window.to_ns), expected);
        assert_eq!(window.of_ns, part(&records, at(40), 0, None).wall_ns);
        assert_eq!(document.wall_ns, expected.1 - expected.0);
        assert_eq!(document.exit, None);
        assert_eq!(document.overhead.probe_runs, None);
    };
    check(0, None, (0, 250));
    check(0, Some(40), (0, 40));
    check(100, Some(200), (100, 200));
    check(100, Some(900), (100, 250));
    check(240, None, (240, 250));
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn window_consecutive_ones_add_up_to_the_whole_run(
        history in played(),
        permilles in proptest::collection::vec(0..=1000_u64, 1..5),
    ) {
        let whole = run::document(history.records(), history.ended_ns);
        let mut borders: Vec<u64> = permilles.iter().map(|it| whole.wall_ns * it / 1000).collect();
        borders.sort_unstable();
        borders.dedup();
        borders.retain(|&ns| ns > 0 && ns < whole.wall_ns);
        let parts = parts(history.records(), history.ended_ns, &borders);
        for document in &parts {
            assert_closed(document);
            if document.critical_path.is_some() {
                assert_path(document);
            }
        }
        let (events, _) = decoded(&history.records().concat());
        let takes_tid = events.iter().any(|event| match &event.what {
            What::Exec(exec) => exec.old_tid != event.tid,
            _ => false,
        });
        prop_assert_eq!(spent(&parts, takes_tid), spent(&[whole], takes_tid));
    }

    #[test]
    fn window_the_account_of_one_closes_where_records_were_lost(
        history in played(),
        kept in proptest::collection::vec(proptest::bool::weighted(0.9), 1..60),
        (from, to) in (0..=1000_u64, 0..=1000_u64),
    ) {
        let all = history.records().iter().zip(kept.iter().cycle());
        let records: Vec<Vec<u8>> =
            all.filter(|(_, kept)| **kept).map(|(record, _)| record.clone()).collect();
        let whole = run::document(&records, history.ended_ns);
        let (from, to) = (from.min(to), from.max(to) + 1);
        let ns = |permille: u64| whole.wall_ns * permille / 1000;
        prop_assume!(ns(from) < whole.wall_ns);
        let document = part(&records, history.ended_ns, ns(from), Some(ns(to)));
        assert_closed(&document);
        if document.critical_path.is_some() {
            assert_path(&document);
        }
        let life = |document: &Document| -> u64 {
            document.threads.iter().map(|thread| thread.sums.lifetime_ns).sum()
        };
        prop_assert!(life(&document) <= life(&whole));
    }
}

#[test]
fn window_the_parts_of_stored_recordings_add_up() {
    let mut seen = 0;
    for path in recordings() {
        let whole = replayed(&path, None);
        let borders = [13, 37, 71].map(|percent| whole.wall_ns * percent / 100);
        let ends = borders.into_iter().map(Some).chain([None]);
        let begins = [0].into_iter().chain(borders);
        let windows = begins
            .zip(ends)
            .map(|(from_ns, to_ns)| Window { from_ns, to_ns });
        let parts: Vec<Document> = windows.map(|it| replayed(&path, Some(it))).collect();
        parts.iter().for_each(assert_closed);
        let of_ns = parts.iter().map(|part| part.window.unwrap().of_ns);
        assert_eq!(of_ns.collect::<Vec<_>>(), [whole.wall_ns; 4], "{path:?}");
        assert_eq!(spent(&parts, true), spent(&[whole], true), "{path:?}");
        seen += 1;
    }
    assert!(seen > 10, "{seen} recordings");
}

fn replayed(path: &Path, window: Option<Window>) -> Document {
    recorded::replayed(path, |analysis| {
        if let Some(window) = window {
            analysis.only(window);
        }
    })
}
