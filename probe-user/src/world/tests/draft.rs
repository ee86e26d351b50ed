//! Drafts of claims hold of the runs that they are of, whatever of these was lost.

use proptest::{prelude::*, sample::Index};

use super::{
    claims::{few, without},
    history::History,
    properties::played,
};
use crate::{
    claim::draft::{Refusal, tests::drafted},
    document::Document,
};

/// Without some of its records, and seen to its end or not.
fn run(history: &History, losses: &[Index], is_whole: bool) -> Document {
    let total = history.records().len();
    let lost: Vec<usize> = losses.iter().map(|index| index.index(total)).collect();
    let mut document = without(history, |index, _| lost.contains(&index));
    document.overhead.probe_runs = is_whole.then_some(1);
    document
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn draft_of_any_run_holds_of_it(
        history in played(),
        losses in proptest::collection::vec(any::<Index>(), 0..12),
        is_whole: bool,
    ) {
        let whole = run(&history, &[], true);
        let part = run(&history, &losses, is_whole);
        for runs in [&[&whole][..], &[&part], &[&whole, &part]] {
            let is_empty = runs.iter().any(|run| run.threads.is_empty());
            match drafted(runs) {
                Ok(_) => {}
                Err(Refusal::Empty(_)) => prop_assert!(is_empty),
                // Of a whole run something is certain.
                Err(Refusal::Uncertain) => prop_assert!(runs != [&whole]),
                Err(error) => prop_assert!(false, "{}", error),
            }
        }
    }
}
