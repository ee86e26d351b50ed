//! Who ended the waits.
//!
//! A waking whose source is not verified may have any. One of whose stack or signal the
//! record was lost may be counted under another source: the longest wait, for each such
//! record.

use super::{
    Argument, Arguments, Metric, Subject,
    evidence::{self},
    seconds, selection_of,
    tally::{Life, Part, Tally},
    trust::SWITCHES,
    waits::{NO_WAIT, finished_ns, perhaps_finished_ns},
    words,
};
use crate::{
    claim::{
        measured::{Doubt, Measured},
        unit::Unit,
    },
    document::Thread,
    vocabulary::WakeSource,
};

/// Ended by one source.
pub const WOKEN_BY: Metric = Metric {
    arguments: Arguments::Word(words::sources),
    definition: "Of the time of finished waits, the share that a source has ended: `task-exit`, \
                 `task`, `timer`, `net-rx` (a packet), `block-io`, `irq`, `kthread`, `signal`, or \
                 `unverified`. A waking that is not verified may be by any.",
    evidence: |subject, arguments| evidence::of_wakes(subject, words::word(arguments).parse().ok()),
    ..selection_of("woken_by", Unit::Share, woken_by)
};

fn woken_by(subject: &Subject<'_>, arguments: &[Argument]) -> Measured {
    let Ok(source) = words::word(arguments).parse::<WakeSource>() else {
        return Measured::unknown(Unit::Share, Vec::new());
    };
    let trust = subject.prepared.trust();
    let is_moved = trust.stacks > 0 || trust.wakers > 0;
    let part = |thread: &Thread, _: &Life| {
        let of = |source: WakeSource| {
            let wakes = thread
                .sums
                .wakes
                .iter()
                .filter(|wake| wake.source == source);
            wakes.fold(0_u64, |sum, wake| sum.saturating_add(wake.wait_ns))
        };
        let longest = thread.sums.waits.iter().map(|wait| wait.max_ns).max();
        let unverified = of(WakeSource::Unverified);
        // With every record there might be fewer of these.
        let (sure, maybe) = match source == WakeSource::Unverified {
            true if trust.has_lost_wakings() => (0, unverified),
            true => (unverified, 0),
            false => (of(source), unverified),
        };
        Part {
            shaky: sure,
            maybe,
            piece: if is_moved { longest.unwrap_or(0) } else { 0 },
            whole: finished_ns(thread),
            unsure: perhaps_finished_ns(trust, thread),
            ..Part::default()
        }
    };
    let tally = Tally::moved(subject, part, trust.stacks.saturating_add(trust.wakers));
    let lost = trust.doubts(&[
        (trust.switches, SWITCHES),
        (trust.stacks, "stacks"),
        (trust.wakers, "wakers"),
    ]);
    tally.doubt(unverified(subject)).doubt(lost).share(NO_WAIT)
}

/// How much nobody is known to have ended.
fn unverified(subject: &Subject<'_>) -> Option<Doubt> {
    let wakes = subject
        .threads
        .iter()
        .flat_map(|&index| &subject.document.threads[index].sums.wakes);
    let unverified = wakes.filter(|wake| wake.source == WakeSource::Unverified);
    let ns = unverified.fold(0_u64, |sum, wake| sum.saturating_add(wake.wait_ns));
    (ns > 0).then(|| {
        let what = format!("what ended waits of {} could not be verified", seconds(ns));
        Doubt::said(what, "the report names them (unverified)")
    })
}
