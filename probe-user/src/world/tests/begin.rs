//! An account that begins late, beside one that does not: what went before is missing
//! from the sums, to the nanosecond, and nothing else.

use probe_common::{families::kind, header::Header, task::snapshot};
use proptest::prelude::*;

use super::{
    account::{assert_closed, render},
    history::History,
    properties::{assert_path, config, played, time},
    timeline::{at, block, records},
};
use crate::{
    document::{Document, Sums},
    metrics::tests::run,
    wire::session::{Batch, Fact},
};

/// The reports up to an instant, ns, and of an account that begins there.
fn cut_in_two(records: &[Vec<u8>], ended_ns: u64, at_ns: u64) -> (Document, Document) {
    let mut analysis = run::begun();
    analysis.batch(&Batch {
        watermark_ns: at_ns,
        ..run::batch(records)
    });
    let before = analysis.report();
    analysis.batch(&begin(at_ns, None));
    // The fact waits for what is applied up to there.
    analysis.batch(&Batch {
        watermark_ns: at_ns,
        ..Batch::default()
    });
    analysis.end(run::end(ended_ns));
    (before, analysis.document())
}

fn begin(at_ns: u64, root: Option<u32>) -> Batch {
    Batch {
        facts: vec![Fact::Begin { at_ns, root }],
        ..Batch::default()
    }
}

/// When the last look at all threads begins, ns.
fn last_look_ns(history: &History) -> u64 {
    const FLAGS: usize = std::mem::offset_of!(Header, flags);
    let is_last = |record: &&Vec<u8>| {
        let number = |at: usize| u16::from_ne_bytes([record[at], record[at + 1]]);
        number(0) == kind::SNAPSHOT && number(FLAGS) & snapshot::FINAL != 0
    };
    let looks = history.records().iter().filter(is_last);
    looks
        .map(|record| time(record))
        .min()
        .unwrap_or(history.ended_ns)
}

/// All threads' time on a CPU, waiting or on run queues, and not known, ns. That a wait
/// was over may become known only when its thread runs.
fn spent(document: &Document) -> [u64; 3] {
    let sum = |part: fn(&Sums) -> u64| -> u64 {
        let threads = document.threads.iter();
        threads.map(|thread| part(&thread.sums)).sum()
    };
    let waits = |sums: &Sums| sums.waits.iter().map(|wait| wait.total_ns).sum::<u64>();
    let blocked = sum(waits) + sum(|sums| sums.open_ns);
    [
        sum(|sums| sums.on_cpu_ns),
        sum(|sums| sums.runqueue_ns) + blocked,
        sum(|sums| sums.unknown_ns),
    ]
}

/// Its next owner is over by then, and forgotten.
#[test]
fn begin_a_thread_that_has_given_its_tid_back_is_still_itself() {
    let drawing = "
        1   S######################L
        5/1 fn^##x###############X
        5/1 .......fn^#z~w^#x#X
    ";
    let (_, after) = cut_in_two(&records(drawing), at(23), at(19));
    assert_closed(&after);
    assert_eq!(
        render(&after),
        block(
            "
            1: life 40 cpu 40
            5: life 20 cpu 20 exit 0
            "
        )
    );
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn begin_of_the_account_takes_away_what_went_before(
        history in played(),
        permille in 0..=1000_u64,
    ) {
        let from_ns = history.records().iter().map(|record| time(record)).min().unwrap_or(0);
        let at_ns = from_ns + (last_look_ns(&history) - from_ns) * permille / 1000;
        let (before, after) = cut_in_two(history.records(), history.ended_ns, at_ns);
        let whole = run::document(history.records(), history.ended_ns);
        assert_closed(&after);
        assert_path(&after);
        let [cpu_before, waited_before, unknown_before] = spent(&before);
        let [cpu, waited, unknown] = spent(&after);
        let [whole_cpu, whole_waited, whole_unknown] = spent(&whole);
        prop_assert_eq!((cpu_before + cpu, unknown_before + unknown), (whole_cpu, whole_unknown));
        // A new thread is known to have been runnable only when it runs.
        prop_assert!(waited_before + waited <= whole_waited);
        let migrations = |document: &Document| -> u64 {
            document.threads.iter().map(|thread| thread.sums.migrations).sum()
        };
        prop_assert!(migrations(&after) <= migrations(&whole));
        prop_assert!(after.threads.len() <= whole.threads.len());
        let longest = after.threads.iter().map(|thread| thread.sums.lifetime_ns).max();
        prop_assert!(longest.unwrap_or(0) <= history.ended_ns - at_ns);
    }
}
