//! Waits that a filter leaves out: budgets close with them, what is counted is blamed as
//! ever, and nothing else changes.

use proptest::prelude::*;

use super::{
    account::{assert_blamed, residual},
    properties::{config, played},
    timeline::{at, records},
};
use crate::{
    document::{Document, LeftOut, LeftOutThreads, Sums, Thread, WaitFilter},
    metrics::{select::Selection, tests::run},
    view::json,
    vocabulary::WaitKind,
};

fn filtered(records: &[Vec<u8>], ended_ns: u64, filter: WaitFilter) -> Document {
    let mut analysis = run::begun();
    analysis.count_only(filter);
    analysis.batch(&run::batch(records));
    analysis.end(run::end(ended_ns));
    analysis.document()
}

fn between(min_ns: Option<u64>, max_ns: Option<u64>) -> WaitFilter {
    WaitFilter {
        kinds: Vec::new(),
        min_ns,
        max_ns,
    }
}

/// Count and time of finished waits.
fn counted(sums: &Sums) -> (u64, u64) {
    let waits = sums.waits.iter();
    waits.fold((0, 0), |(count, ns), wait| {
        (count + wait.count, ns + wait.total_ns)
    })
}

#[test]
fn filter_waits_by_length_and_kind() {
    let records = records(
        "
        1   S##########################L
        5/1 S##z~~w^##z~~~~~~w^##z~~~~~L
        ",
    );
    let check = |filter: WaitFilter, waits: (u64, u64), left_out: (u64, u64), open_ns| {
        let document = filtered(&records, at(28), filter);
        let thread = document.threads.iter().find(|thread| thread.tid == 5);
        let sums = &thread.expect("a thread").sums;
        assert_eq!(residual(sums), 0);
        assert_eq!((counted(sums), sums.open_ns), (waits, open_ns));
        let LeftOut { count, total_ns } = sums.left_out.expect("a filter");
        assert_eq!((count, total_ns), left_out);
    };
    check(between(Some(30), None), (2, 100), (0, 0), 70);
    check(between(Some(31), None), (1, 70), (1, 30), 70);
    check(between(None, Some(69)), (1, 30), (1, 70), 70);
    check(between(Some(31), Some(69)), (0, 0), (2, 100), 70);
    let of = |kind| WaitFilter {
        kinds: vec![kind, WaitKind::Disk],
        ..WaitFilter::default()
    };
    check(of(WaitKind::Sleep), (2, 100), (0, 0), 70);
    // Open ones by their kind alone.
    check(of(WaitKind::Futex), (0, 0), (3, 170), 0);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn filter_what_is_left_out_and_what_is_counted_is_all(
        history in played(),
        limit_ns in prop_oneof![0..3_000_u64, 0..3_000_000_u64],
        kinds in proptest::sample::subsequence(WaitKind::ALL.to_vec(), 1..8),
    ) {
        let (records, ended_ns) = (history.records(), history.ended_ns);
        let whole = run::document(records, ended_ns);
        let long = filtered(records, ended_ns, between(Some(limit_ns + 1), None));
        let short = filtered(records, ended_ns, between(None, Some(limit_ns)));
        let by_kind = WaitFilter { kinds: kinds.clone(), ..WaitFilter::default() };
        let some = filtered(records, ended_ns, by_kind);
        for document in [&long, &short, &some] {
            for sums in sums(document) {
                prop_assert_eq!(residual(sums), 0);
                assert_blamed(sums);
            }
            prop_assert_eq!(&document.critical_path, &whole.critical_path);
            prop_assert_eq!(&document.concurrency, &whole.concurrency);
            prop_assert_eq!(&document.coverage, &whole.coverage);
            prop_assert_eq!(&document.herds, &whole.herds);
        }
        let all = sums(&whole).zip(sums(&long)).zip(sums(&short)).zip(sums(&some));
        for (((whole, long), short), some) in all {
            let (count, ns) = counted(whole);
            let (long_count, long_ns) = counted(long);
            let (short_count, short_ns) = counted(short);
            prop_assert_eq!((count, ns), (long_count + short_count, long_ns + short_ns));
            let left_out = long.left_out.unwrap_or_default();
            prop_assert_eq!((left_out.count, left_out.total_ns), (short_count, short_ns));
            let mut waits = whole.waits.clone();
            waits.retain(|wait| kinds.contains(&wait.kind));
            prop_assert_eq!(&some.waits, &waits);
            let mut blame = whole.blame.clone();
            blame.retain(|blame| kinds.contains(&blame.kind));
            prop_assert_eq!(&some.blame, &blame);
        }
    }
}

fn sums(document: &Document) -> impl Iterator<Item = &Sums> {
    let threads = document.threads.iter().map(|thread| &thread.sums);
    threads.chain(document.groups.iter().map(|group| &group.sums))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn filter_selected_threads_are_as_they_were_and_all_else_leads_to_them(
        history in played(),
        kept in proptest::collection::vec(any::<bool>(), 1..9),
    ) {
        let mut whole = run::explained(history.records(), history.ended_ns, 100, &[101, 102, 103]);
        // A page has all threads.
        whole.trace = None;
        let wanted = whole.threads.iter().zip(kept.iter().cycle());
        let wanted: Vec<String> =
            wanted.filter(|(_, kept)| **kept).map(|(thread, _)| thread.tid.to_string()).collect();
        prop_assume!(!wanted.is_empty());
        let mut document = whole.clone();
        Selection::new(&[], &wanted).apply(&mut document).unwrap();
        let stays = |thread: &&Thread| wanted.contains(&thread.tid.to_string());
        let (left, gone): (Vec<&Thread>, Vec<&Thread>) = whole.threads.iter().partition(stays);
        prop_assert_eq!(document.threads.len(), left.len());
        for (now, before) in document.threads.iter().zip(&left) {
            prop_assert_eq!(&now.sums, &before.sums);
            prop_assert_eq!(&document.groups[now.group].name, &whole.groups[before.group].name);
            let maker = before.creator.map(|at| &whole.threads[at]).filter(stays);
            let led = now.creator.map(|at| document.threads[at].tid);
            prop_assert_eq!(led, maker.map(|thread| thread.tid));
        }
        let out = document.left_out_threads.unwrap_or_default();
        let gone_ns: u64 = gone.iter().map(|thread| thread.sums.lifetime_ns).sum();
        prop_assert_eq!((out.threads, out.lifetime_ns), (gone.len() as u64, gone_ns));
        for (at, group) in document.groups.iter().enumerate() {
            prop_assert_eq!(residual(&group.sums), 0);
            assert_blamed(&group.sums);
            let members = document.threads.iter().filter(|thread| thread.group == at);
            prop_assert_eq!(members.count(), group.threads);
        }
        let bytes = json::render(&document);
        let back = Document::from_json(&bytes).unwrap();
        let started = document.started;
        prop_assert_eq!(Document { started, ..back }, document.clone());
        // Everything again changes only that it says so.
        let mut all = whole.clone();
        Selection::new(&["*".to_owned()], &[]).apply(&mut all).unwrap();
        prop_assert_eq!(all.left_out_threads.take(), Some(LeftOutThreads::default()));
        // A group that nobody is in is none then.
        if whole.groups.iter().all(|group| group.threads > 0) {
            prop_assert_eq!(all, whole);
        }
    }
}
