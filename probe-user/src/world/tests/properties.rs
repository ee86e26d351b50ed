//! Properties of the world over random histories.

use probe_common::{families::kind, sched::Switch};
use proptest::{prelude::*, sample::Index};

use super::{
    account::assert_closed,
    history::{
        self, History,
        told::{Told, told},
    },
};
use crate::{
    analysis::Analysis,
    document::{Document, Hop},
    metrics::tests::run,
    wire::{
        session::{Batch, Fact, ScanResult},
        tests::decoded,
    },
};

pub(super) fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

pub(super) fn played() -> impl Strategy<Value = History> {
    history::script().prop_map(|script| History::play(&script))
}

fn document(history: &History) -> Document {
    run::document(history.records(), history.ended_ns)
}

/// Time of a record, ns.
pub(super) fn time(record: &[u8]) -> u64 {
    u64::from_ne_bytes(record[8..16].try_into().unwrap())
}

/// The hops of the critical path, and its sums, make up the root's life; what
/// is on it was the thread's doing at that time.
pub(super) fn assert_path(document: &Document) {
    let Some(path) = &document.critical_path else {
        assert!(document.threads.iter().all(|t| t.sums.lifetime_ns == 0));
        return;
    };
    let root = &document.threads[path.root];
    assert_eq!(path.from_ns, root.start_ns);
    // With the last thread of its process, whose pid may not be known.
    let mut ends = document.threads.iter().map(|thread| thread.end_ns);
    assert!(ends.any(|end_ns| end_ns == path.to_ns));
    assert!(path.to_ns >= root.end_ns);
    let mut at_ns = path.from_ns;
    for hop in &path.hops {
        assert_eq!(hop.from_ns, at_ns, "{path:?}");
        assert!(hop.to_ns > at_ns, "{hop:?}");
        at_ns = hop.to_ns;
    }
    assert_eq!((at_ns, path.hops_left_out), (path.to_ns, 0));
    let life_ns = path.to_ns - path.from_ns;
    assert_eq!(path.sums.iter().map(|s| s.ns).sum::<u64>(), life_ns);
    for sum in &path.sums {
        let same = |h: &&Hop| (h.cause, &h.detail) == (sum.cause, &sum.detail);
        let hops = path.hops.iter().filter(same);
        assert_eq!(hops.map(|h| h.to_ns - h.from_ns).sum::<u64>(), sum.ns);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn world_the_world_tells_the_truth(history in played()) {
        let document = document(&history);
        assert_closed(&document);
        assert_path(&document);
        let truth = history.truth.told(usize::MAX, history.ended_ns);
        for (told, truth) in told(&document).iter().zip(&truth) {
            prop_assert_eq!(told, truth);
        }
        prop_assert_eq!(document.threads.len(), truth.len());
        prop_assert_eq!(document.coverage.problems, Vec::<String>::new());
    }

    #[test]
    fn world_every_story_is_told_from_end_to_end(
        history in played(),
        kept in proptest::collection::vec(proptest::bool::weighted(0.9), 1..60),
    ) {
        let all = history.records().iter().zip(kept.iter().cycle());
        let records: Vec<Vec<u8>> =
            all.filter(|(_, kept)| **kept).map(|(record, _)| record.clone()).collect();
        let tids: Vec<u32> = document(&history).threads.iter().map(|t| t.tid).collect();
        let document = run::explained(&records, history.ended_ns, 100, &tids);
        assert_path(&document);
        super::stories::assert_told(&document);
        super::traces::assert_as_explained(&document);
    }

    #[test]
    fn world_any_prefix_is_a_valid_world(history in played(), cut in any::<Index>()) {
        let records = &history.records()[..cut.index(history.records().len() + 1)];
        let document = run::cut(records);
        assert_closed(&document);
        assert_path(&document);
        let now_ns = records.iter().map(|r| time(r)).max().unwrap_or(0);
        let truth = history.truth.told(records.len(), now_ns);
        for (told, truth) in told(&document).iter().zip(&truth) {
            prop_assert_eq!(told, truth);
        }
        prop_assert_eq!(document.threads.len(), truth.len());
    }

    #[test]
    fn world_a_shuffle_in_one_drain_gives_the_same_document(
        (history, shuffled) in played().prop_flat_map(|history| {
            let records = history.records().to_vec();
            (Just(history), Just(records).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(run::document(&shuffled, history.ended_ns), document(&history));
    }

    #[test]
    fn world_a_shuffle_within_the_window_gives_the_same_document(
        history in played(),
        delays in proptest::collection::vec(0..WINDOW_NS, 1..50),
        pauses in proptest::collection::vec(1..3 * WINDOW_NS, 1..50),
    ) {
        let mut analysis = run::begun();
        drain(&mut analysis, history.records(), &delays, &pauses, |_| {});
        analysis.end(run::end(history.ended_ns));
        let (drained, at_once) = (analysis.document(), document(&history));
        prop_assert_eq!(without_late_blame(drained), without_late_blame(at_once));
    }

    #[test]
    fn world_lost_records_cost_only_what_they_covered(
        history in played(),
        losses in proptest::collection::vec(any::<Index>(), 1..12),
    ) {
        let total = history.records().len();
        let lost: Vec<usize> = losses.iter().map(|index| index.index(total)).collect();
        check_losses(&history, &lost, at_most)?;
    }

    #[test]
    fn world_lost_records_lengthen_no_open_wait_and_no_stay_on_the_run_queue(
        history in played(),
        losses in proptest::collection::vec(any::<Index>(), 1..12),
    ) {
        let total = history.records().len();
        let lost: Vec<usize> = losses.iter().map(|index| index.index(total)).collect();
        check_losses(&history, &lost, open_at_most)?;
    }

    /// Nearly every sleep is for an interpreter lock: timeouts are blamed late.
    #[test]
    fn world_blame_that_is_settled_late_adds_up_to_the_waits(
        history in played(),
        kept in proptest::collection::vec(any::<bool>(), 0..60),
    ) {
        let is_kept = |index: usize| kept.is_empty() || kept[index % kept.len()];
        let records = history.records().iter().enumerate();
        let records = records.filter(|&(i, _)| is_kept(i));
        let kept: Vec<_> = records.map(|(_, record)| on_a_futex(record.clone())).collect();
        let mut batch = run::batch(&kept);
        batch.facts = history.truth.all_tids().into_iter().flatten().map(locked).collect();
        let mut analysis = run::begun();
        analysis.batch(&batch);
        analysis.end(run::end(history.ended_ns));
        assert_closed(&analysis.document());
    }

    #[test]
    fn world_many_lost_records_leave_every_budget_closed(
        history in played(),
        kept in proptest::collection::vec(any::<bool>(), 1..60),
    ) {
        let lost: Vec<usize> =
            (0..history.records().len()).filter(|i| !kept[i % kept.len()]).collect();
        check_losses(&history, &lost, at_most)?;
    }
}

/// A thread that switches out is in `futex`.
pub(super) fn on_a_futex(mut record: Vec<u8>) -> Vec<u8> {
    const NR: usize = std::mem::offset_of!(Switch, prev_nr);
    if record[..2] == kind::SWITCH.to_ne_bytes() {
        record[NR..NR + 2].copy_from_slice(&202_i16.to_ne_bytes());
    }
    record
}

/// All of a process's memory is its interpreter's.
pub(super) fn locked(pid: u32) -> Fact {
    let found = ScanResult::Runtime {
        start: 0,
        end: u64::MAX,
    };
    Fact::Python {
        pid,
        from_ns: 0,
        found,
    }
}

/// A hidden switch-in is told at the switch-out behind it. A wait that its
/// thread ended may have been blamed by then, on what was known.
fn without_late_blame(mut document: Document) -> Document {
    if document.coverage.recovered_switches > 0 {
        let threads = document.threads.iter_mut().map(|t| &mut t.sums);
        let groups = document.groups.iter_mut().map(|g| &mut g.sums);
        threads.chain(groups).for_each(|sums| sums.blame.clear());
    }
    document
}

const WINDOW_NS: u64 = 100_000;

/// Records arrive late by up to a window, in drains at any distance, each of which
/// `each` is called after.
pub(super) fn drain(
    analysis: &mut Analysis,
    records: &[Vec<u8>],
    delays: &[u64],
    pauses: &[u64],
    mut each: impl FnMut(&Analysis),
) {
    let mut arriving: Vec<(u64, &Vec<u8>)> = Vec::new();
    let mut written_ns = 0;
    for (index, record) in records.iter().enumerate() {
        // A recovered switch-in is written later than its time says.
        written_ns = written_ns.max(time(record));
        arriving.push((written_ns + delays[index % delays.len()], record));
    }
    arriving.sort_by_key(|&(at, _)| at);
    let mut arriving = arriving.into_iter().peekable();
    let mut now_ns = 1_000_000;
    let mut pauses = pauses.iter().cycle();
    while arriving.peek().is_some() {
        now_ns += pauses.next().unwrap();
        let mut batch = Batch {
            watermark_ns: now_ns - WINDOW_NS,
            ..Batch::default()
        };
        while let Some((_, record)) = arriving.next_if(|&(at, _)| at <= now_ns) {
            batch.records.extend_from_slice(record);
        }
        analysis.batch(&batch);
        each(analysis);
    }
}

/// Threads that share a tid, at any time, share what is lost under it.
struct Classes(Vec<Vec<u32>>);

impl Classes {
    fn of(history: &History) -> Classes {
        let mut classes: Vec<Vec<u32>> = Vec::new();
        for tids in history.truth.all_tids() {
            let (joined, apart): (Vec<_>, Vec<_>) = classes
                .into_iter()
                .partition(|class| class.iter().any(|tid| tids.contains(tid)));
            let mut class: Vec<u32> = joined.into_iter().flatten().chain(tids).collect();
            class.sort_unstable();
            class.dedup();
            classes = apart;
            classes.push(class);
        }
        Classes(classes)
    }
}

/// Tids whose threads' own records are among the lost.
fn concerned(history: &History, lost: &[usize]) -> Vec<u32> {
    let events = lost
        .iter()
        .flat_map(|&index| decoded(&history.records()[index]).0);
    events.map(|event| event.tid).collect()
}

/// Nothing can be known of losses behind the last snapshot; nor without the
/// first switch-in of a held root: then nothing tells its first switch-out from
/// one before its release.
fn check_losses(
    history: &History,
    lost: &[usize],
    claim: fn(&[Told], &[Told]) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let is_lost = |index: &usize| {
        let is_told = *index < history.snapshot_ends && Some(*index) != history.release;
        lost.contains(index) && is_told
    };
    let (lost, kept): (Vec<usize>, Vec<usize>) = (0..history.records().len()).partition(is_lost);
    let records: Vec<Vec<u8>> = kept
        .iter()
        .map(|&index| history.records()[index].clone())
        .collect();
    let document = run::document(&records, history.ended_ns);
    assert_closed(&document);
    assert_path(&document);
    let concerned = concerned(history, &lost);
    let (told, truth) = (
        told(&document),
        history.truth.told(usize::MAX, history.ended_ns),
    );
    for class in Classes::of(history).0 {
        let of = |all: &[Told]| -> Vec<Told> {
            let own = all.iter().filter(|t| class.contains(&t.tid));
            own.cloned().map(Told::without_wakers).collect()
        };
        let (told, truth) = (of(&told), of(&truth));
        if !class.iter().any(|tid| concerned.contains(tid)) {
            prop_assert_eq!(told, truth);
        } else if class.len() == 1 && truth.len() == 1 {
            // Threads that share a tid may be taken for each other when the
            // records that tell them apart are lost: nothing is claimed of them.
            claim(&told, &truth).map_err(|error| {
                TestCaseError::fail(format!("{error}: lost {lost:?}, threads {class:?}"))
            })?;
        }
    }
    Ok(())
}

/// Nothing is invented: what is said to be known was there.
fn at_most(told: &[Told], truth: &[Told]) -> Result<(), TestCaseError> {
    no_more("ns on cpu", told, truth, |t| t.cpu_ns)?;
    no_more("ns in waits", told, truth, Told::waited_ns)?;
    no_more("calls", told, truth, |t| t.called(|calls| calls.count))?;
    let wasted = |t: &Told| t.called(|calls| calls.empty_after_wake.unwrap_or(0));
    no_more("wasted wakes", told, truth, wasted)?;
    no_more("ns known", told, truth, |t| t.life_ns - t.unknown_ns)
}

fn open_at_most(told: &[Told], truth: &[Told]) -> Result<(), TestCaseError> {
    no_more("ns on the run queue", told, truth, |t| t.queue_ns)?;
    no_more("ns in open waits", told, truth, Told::open_ns)
}

fn no_more(
    name: &str,
    told: &[Told],
    truth: &[Told],
    part: impl Fn(&Told) -> u64,
) -> Result<(), TestCaseError> {
    let sum = |all: &[Told]| all.iter().map(&part).sum::<u64>();
    let (told, truth) = (sum(told), sum(truth));
    prop_assert!(told <= truth, "{told} {name}, truly {truth}");
    Ok(())
}
