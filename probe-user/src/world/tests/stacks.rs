//! What waits were spent in adds up to the waits, and what is behind them to their blame.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    properties::{config, played},
    recorded::{recordings, replayed},
};
use crate::{
    analysis::Analysis,
    document::{Document, WaitFilter, stacks::Link},
    metrics::{Wanted, tests::run},
    vocabulary::{CauseKind, WaitKind},
};

const WANTED: Wanted = Wanted {
    trace: false,
    switches: false,
    stacks: true,
    chains: true,
};

/// By thread and kind, and by what else.
type Sums<T> = BTreeMap<(usize, WaitKind, T), u64>;

fn add<T: Ord>(sums: &mut Sums<T>, key: (usize, WaitKind, T), ns: u64) {
    if ns > 0 {
        *sums.entry(key).or_default() += ns;
    }
}

/// Blame is compared only where nothing was lost: what was blamed in time may turn out to be
/// unknown.
#[track_caller]
fn assert_adds_up(document: &Document, is_whole: bool, of: &str) {
    let stacks = document.stacks.as_ref().unwrap();
    let mut reported: Sums<bool> = Sums::new();
    let mut blamed: Sums<(CauseKind, Option<String>)> = Sums::new();
    for (at, thread) in document.threads.iter().enumerate() {
        for wait in &thread.sums.waits {
            add(&mut reported, (at, wait.kind, true), wait.total_ns);
        }
        for open in &thread.sums.open {
            add(&mut reported, (at, open.kind, false), open.so_far_ns);
        }
        for blame in &thread.sums.blame {
            let cause = (blame.cause, blame.detail.clone());
            add(&mut blamed, (at, blame.kind, cause), blame.ns);
        }
    }
    let mut spent = Sums::new();
    for wait in &stacks.waits {
        let key = (wait.thread, wait.site.kind, wait.wake.is_some());
        add(&mut spent, key, wait.ns);
    }
    assert_eq!(spent, reported, "{of}");
    let mut behind = Sums::new();
    for chain in &stacks.chains {
        let [
            Link::Wait { group: None, kind },
            ..,
            Link::Cause(cause, detail),
        ] = &chain.links[..]
        else {
            panic!("{of}: {chain:?}");
        };
        let key = (chain.thread, *kind, (*cause, detail.clone()));
        add(&mut behind, key, chain.ns);
    }
    if is_whole {
        assert_eq!(behind, blamed, "{of}");
    }
    assert_eq!(by_kind(&behind), by_kind(&blamed), "{of}");
}

fn by_kind<T>(sums: &Sums<T>) -> BTreeMap<(usize, WaitKind), u64> {
    let mut kinds = BTreeMap::new();
    for (&(thread, kind, _), ns) in sums {
        *kinds.entry((thread, kind)).or_default() += ns;
    }
    kinds
}

/// With all waits, and with those of some lengths.
fn filters() -> [Option<WaitFilter>; 2] {
    let long = WaitFilter {
        kinds: Vec::new(),
        min_ns: Some(100),
        max_ns: Some(10_000_000),
    };
    [None, Some(long)]
}

fn set(analysis: &mut Analysis, filter: Option<WaitFilter>) {
    analysis.keep(WANTED);
    if let Some(filter) = filter {
        analysis.count_only(filter);
    }
}

#[test]
fn stacks_of_stored_recordings_add_up() {
    for path in recordings() {
        for filter in filters() {
            let document = replayed(&path, |analysis| set(analysis, filter));
            assert_adds_up(&document, true, &path.display().to_string());
        }
    }
}

#[test]
fn stacks_are_kept_without_a_change_of_the_report() {
    for path in recordings() {
        let with = Document {
            stacks: None,
            user_frames: Vec::new(),
            ..replayed(&path, |analysis| set(analysis, None))
        };
        assert_eq!(with, replayed(&path, |_| ()), "{path:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn stacks_of_any_history_add_up(
        history in played(),
        (share, kept) in proptest::sample::select(vec![1.0, 0.95]).prop_flat_map(|share| {
            (Just(share), proptest::collection::vec(proptest::bool::weighted(share), 1..60))
        }),
        filter in proptest::sample::select(filters().to_vec()),
    ) {
        let all = history.records().iter().zip(kept.iter().cycle());
        let records: Vec<Vec<u8>> =
            all.filter(|(_, kept)| **kept).map(|(record, _)| record.clone()).collect();
        let mut analysis = run::begun();
        set(&mut analysis, filter);
        analysis.batch(&run::batch(&records));
        analysis.end(run::end(history.ended_ns));
        assert_adds_up(&analysis.document(), share == 1.0, "a history");
    }
}
