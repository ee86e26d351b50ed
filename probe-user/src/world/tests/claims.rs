//! Claims: what is lost of a run widens what is measured of it, and moves nothing.

mod recorded;

use std::collections::BTreeMap;

use probe_common::{
    families::Record,
    loss::{LOSS_NAMES, Loss},
};
use proptest::{prelude::*, sample::Index};

use super::{
    history::History,
    properties::{config, played},
};
use crate::{
    claim::{
        measured::Measured,
        metric::{Argument, METRICS, Metric, Prepared, Subject},
        selection::{Process, Selection, Threads, select},
    },
    document::Document,
    metrics::tests::run,
    wire::session::End,
};

/// The class in which a lost record is counted.
fn class(record: &[u8]) -> Loss {
    let kind = u16::from_ne_bytes([record[0], record[1]]);
    macro_rules! of_kind {
        ($($name:ident = $number:literal: $module:ident::$record:ident,
           $size:literal bytes, lost as $loss:ident;)+) => {
            match kind {
                $($number => <probe_common::$module::$record as Record>::LOSS,)+
                _ => panic!("no record of kind {kind}"),
            }
        };
    }
    probe_common::families!(of_kind)
}

/// The report of what is left of a run, which says what was lost. The release of a held root
/// is there: without it nothing distinguishes its first switch-out from one before
/// (`check_losses` of the world's properties); it is the first record of a run.
pub(super) fn without(history: &History, is_lost: impl Fn(usize, Loss) -> bool) -> Document {
    let mut lost: BTreeMap<&str, u64> = BTreeMap::new();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for (index, record) in history.records().iter().enumerate() {
        let class = class(record);
        if Some(index) != history.release && is_lost(index, class) {
            let name = LOSS_NAMES.iter().find(|(known, _)| *known == class);
            *lost.entry(name.unwrap().1).or_default() += 1;
        } else {
            kept.push(record.clone());
        }
    }
    let mut analysis = run::begun();
    analysis.batch(&run::batch(&kept));
    analysis.end(End {
        lost: lost
            .into_iter()
            .map(|(name, n)| (name.to_owned(), n))
            .collect(),
        ..run::end(history.ended_ns)
    });
    analysis.document()
}

fn selections() -> Vec<Selection> {
    let of = |process, threads, name: Option<&str>| Selection {
        process,
        threads,
        name: name.map(str::to_owned),
    };
    vec![
        Selection::default(),
        of(Process::Root, Threads::All, None),
        of(Process::Children, Threads::All, None),
        of(Process::Any, Threads::Leader, None),
        of(Process::Any, Threads::Others, None),
        of(Process::Any, Threads::All, Some("t*")),
        of(Process::Glob("*a*".to_owned()), Threads::All, None),
    ]
}

/// Every way in which a metric can be asked for.
fn questions(metric: &Metric) -> Vec<Vec<Argument>> {
    let word = |word: &str| Argument::Word(word.to_owned());
    let Some(words) = metric.arguments.words() else {
        return match metric.arguments.check(metric.name, &[]) {
            Ok(()) => vec![Vec::new()],
            Err(_) => vec![vec![word("futex")], vec![word("kqueue")]],
        };
    };
    let mut all: Vec<Vec<Argument>> = words.into_iter().map(|it| vec![word(it)]).collect();
    if metric.arguments.check(metric.name, &[]).is_ok() {
        all.push(Vec::new());
    }
    let glob = vec![all[0][0].clone(), Argument::Glob("t*".to_owned())];
    if metric.arguments.check(metric.name, &glob).is_ok() {
        all.push(glob);
    }
    all
}

/// All that can be measured of a run, with what was asked.
fn measured(document: &Document) -> Vec<(String, Measured)> {
    let prepared = Prepared::new(document);
    let mut all = Vec::new();
    for selection in selections() {
        let threads = select(document, &prepared, &selection);
        let subject = Subject {
            document,
            threads: &threads,
            selection: &selection,
            prepared: &prepared,
        };
        // What is lost is what it says.
        for metric in METRICS.iter().filter(|metric| metric.name != "lost") {
            for arguments in questions(metric) {
                let asked = format!("{selection:?} {} {arguments:?}", metric.name);
                all.push((asked, (metric.measure)(&subject, &arguments)));
            }
        }
    }
    all
}

/// What is known of the whole run is inside what is known of a part.
fn assert_wider(whole: &Document, part: &Document) -> Result<(), TestCaseError> {
    let mut moved = Vec::new();
    for ((asked, whole), (_, part)) in measured(whole).into_iter().zip(measured(part)) {
        let slack = 1e-9 * whole.hi.abs().min(1e18);
        let inside = part.lo <= whole.lo + slack && whole.hi <= part.hi + slack;
        let is_wider = part.hi - part.lo > whole.hi - whole.lo + slack;
        if !inside || is_wider && part.doubts.is_empty() {
            moved.push(format!("{asked}: {whole:?} and of a part {part:?}"));
        }
    }
    prop_assert!(
        moved.is_empty(),
        "{} moved:\n{}",
        moved.len(),
        moved.join("\n")
    );
    Ok(())
}

/// Each case measures every metric of seven selections twice: fewer of them, unless
/// PROPTEST_CASES says how many.
pub(super) fn few() -> ProptestConfig {
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config().cases,
        None => 48,
    };
    ProptestConfig { cases, ..config() }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn claims_what_is_measured_of_a_whole_run_is_an_interval(history in played()) {
        for (asked, value) in measured(&without(&history, |_, _| false)) {
            prop_assert!(value.lo <= value.hi, "{asked}: {value:?}");
        }
    }

    #[test]
    fn claims_some_lost_records_move_nothing(
        history in played(),
        losses in proptest::collection::vec(any::<Index>(), 1..12),
    ) {
        let total = history.records().len();
        let lost: Vec<usize> = losses.iter().map(|index| index.index(total)).collect();
        let part = without(&history, |index, _| lost.contains(&index));
        assert_wider(&without(&history, |_, _| false), &part)?;
    }

    #[test]
    fn claims_losses_of_one_class_move_nothing(
        history in played(),
        losses in proptest::collection::vec(proptest::bool::weighted(0.2), 1..60),
        which in 0..LOSS_NAMES.len(),
    ) {
        let one = LOSS_NAMES[which].0;
        let part = without(&history, |index, class| class == one && losses[index % losses.len()]);
        assert_wider(&without(&history, |_, _| false), &part)?;
    }

    #[test]
    fn claims_a_recording_that_is_cut_moves_nothing(history in played(), cut in any::<Index>()) {
        let records = &history.records()[..cut.index(history.records().len() + 1)];
        assert_wider(&without(&history, |_, _| false), &run::cut(records))?;
    }
}
