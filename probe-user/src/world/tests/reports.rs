//! Reports that are made while the run goes on.

use proptest::prelude::*;

use super::{
    account::{assert_closed, render},
    properties::{assert_path, config, drain, locked, on_a_futex, played},
    timeline::{at, block, records},
};
use crate::{analysis::Analysis, metrics::tests::run, view::json, wire::session::Batch};

/// The report when all up to a column has been seen.
#[track_caller]
fn check(analysis: &Analysis, expected: &str) {
    let document = analysis.report();
    assert_closed(&document);
    assert!(document.interim);
    assert_eq!(render(&document), block(expected));
}

fn until(column: usize, records: &[Vec<u8>]) -> Batch {
    Batch {
        watermark_ns: at(column),
        ..run::batch(records)
    }
}

#[test]
fn report_of_an_instant_closes_every_account_at_the_watermark() {
    let drawing = "
        1  S################
        5  fn-^###z~~~~w-^##";
    let mut analysis = run::begun();
    check(&analysis, "");
    analysis.batch(&until(8, &records(drawing)));
    check(
        &analysis,
        "
        1: life 80 cpu 80
        5: life 70 cpu 40 queue 20 open sleep 10
        ",
    );
    // Nothing has happened.
    analysis.batch(&until(11, &[]));
    check(
        &analysis,
        "
        1: life 110 cpu 110
        5: life 100 cpu 40 queue 20 open sleep 40
        ",
    );
    analysis.batch(&until(17, &[]));
    check(
        &analysis,
        "
        1: life 170 cpu 170
        5: life 160 cpu 70 queue 40 sleep 50x1 by task 1
        ",
    );
    analysis.end(run::end(at(17)));
    let document = analysis.document();
    assert!(!document.interim);
}

proptest! {
    #![proptest_config(config())]

    /// Nearly every sleep may be for an interpreter lock, and records may be lost: blame
    /// is settled late, and time is unknown.
    #[test]
    fn report_reports_made_meanwhile_close_and_change_nothing_of_the_last_one(
        history in played(),
        kept in proptest::collection::vec(proptest::bool::weighted(0.95), 1..60),
        for_locks in any::<bool>(),
        delays in proptest::collection::vec(0..50_000_u64, 1..50),
        pauses in proptest::collection::vec(1..100_000_u64, 1..50),
        gaps in proptest::collection::vec(1..200_usize, 1..6),
    ) {
        let all = history.records().iter().zip(kept.iter().cycle());
        let kept = all.filter(|(_, kept)| **kept).map(|(record, _)| record.clone());
        let records: Vec<_> = match for_locks {
            true => kept.map(on_a_futex).collect(),
            false => kept.collect(),
        };
        let tids = history.truth.all_tids().into_iter().flatten();
        let tids: Vec<u32> = tids.collect();
        let document = |gaps: &[usize]| {
            let mut analysis = run::begun();
            analysis.explain(&tids);
            if for_locks {
                let facts = tids.iter().copied().map(locked).collect();
                analysis.batch(&Batch { facts, ..Batch::default() });
            }
            let mut drains = 0;
            let mut asked = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).peekable();
            drain(&mut analysis, &records, &delays, &pauses, |analysis| {
                drains += 1;
                if asked.next_if_eq(&drains).is_some() {
                    let report = analysis.report();
                    assert_closed(&report);
                    assert_path(&report);
                }
            });
            analysis.end(run::end(history.ended_ns));
            analysis.document()
        };
        let (asked, unasked) = (document(&gaps), document(&[]));
        prop_assert_eq!(json::render(&asked), json::render(&unasked));
    }
}
