//! How processes ended.

use rustc_hash::FxHashSet;

use super::{
    Argument, Arguments, Metric, Subject,
    evidence::{self, Evidence},
    selection_of,
    tally::{Life, Part, Tally, distinct},
    trust::unseen,
    words,
};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, up},
        unit::Unit,
    },
    document::{Exit, Fate, FateCause, Thread, Tier},
};

/// Processes that ended in a way.
pub const EXITS: Metric = Metric {
    arguments: Arguments::Word(words::ends),
    definition: "Processes of which a selected thread has ended in this way: `clean` (exit 0), \
                 `failed` (another status), by a signal (`SIGKILL`, …), for want of memory (`oom`), \
                 or by a fault or an overflow of its stack (`segv`). What still runs has not ended.",
    tiers: "full and tracepoint tier",
    evidence: |subject, arguments| ended(subject, arguments),
    ..selection_of("exits", Unit::Count, exits)
};

/// Ends, and the signals and victims behind them, are records of the class `task`, without
/// which nothing is certain; but a thread whose last switch was lost may have ended.
fn exits(subject: &Subject<'_>, arguments: &[Argument]) -> Measured {
    let word = words::word(arguments);
    let is_by_cause = matches!(word, "oom" | "segv");
    let mut doubts = subject.spoiled();
    if subject.document.tier == Tier::Raw {
        doubts.push(unseen(Tier::Raw, "how threads end"));
    }
    if is_by_cause && subject.document.fates.is_none() {
        doubts.push(NO_FATES);
    }
    if !doubts.is_empty() {
        return Measured::unknown(Unit::Count, doubts);
    }
    let lo = processes(subject, |thread| has_ended(subject, thread, word));
    let others = Tally::moved(subject, |_, _: &Life| Part::default(), 0).why_unbounded();
    let lost = subject.prepared.trust().of_switches();
    let may_have = match lost {
        Some(_) => processes(subject, |thread| thread.exit.is_none()),
        None => 0,
    };
    let hi = match others.is_empty() {
        true => up(lo + may_have),
        false => f64::INFINITY,
    };
    let doubts = match down(lo) < hi {
        true => distinct(others.into_iter().chain(lost).collect()),
        false => Vec::new(),
    };
    Measured::between(down(lo), hi, doubts)
}

/// Processes with a selected thread that is so.
fn processes(subject: &Subject<'_>, is_so: impl Fn(&Thread) -> bool) -> u128 {
    let threads = subject.threads.iter().copied();
    let such = threads.filter(|&index| is_so(&subject.document.threads[index]));
    let processes: FxHashSet<usize> = such.map(|it| subject.prepared.process_of(it)).collect();
    processes.len() as u128
}

fn has_ended(subject: &Subject<'_>, thread: &Thread, word: &str) -> bool {
    match word {
        "oom" | "segv" => fate(subject, thread).is_some_and(|fate| is_of(fate, word)),
        _ => thread.exit.is_some_and(|exit| ends_so(exit, word)),
    }
}

fn ends_so(exit: Exit, word: &str) -> bool {
    match (exit, word) {
        (Exit::Code(code), "clean") => code == 0,
        (Exit::Code(code), "failed") => code != 0,
        (Exit::Code(_), _) | (Exit::Signal(_), "clean" | "failed") => false,
        (Exit::Signal(number), name) => crate::vocabulary::signal_name(number) == name,
    }
}

/// What is known of a thread's end.
fn fate<'a>(subject: &Subject<'a>, thread: &Thread) -> Option<&'a Fate> {
    let place = subject.prepared.fate(thread.pid, thread.exit?)?;
    subject.document.fates.as_ref()?.get(place)
}

fn is_of(fate: &Fate, word: &str) -> bool {
    match fate.cause {
        FateCause::Oom | FateCause::OomMemcg => word == "oom",
        FateCause::StackOverflow | FateCause::Segv => word == "segv",
        FateCause::Core | FateCause::Signal | FateCause::Exit => false,
    }
}

fn ended(subject: &Subject<'_>, arguments: &[Argument]) -> Vec<Evidence> {
    let word = words::word(arguments);
    evidence::by_count(subject, |thread| {
        u64::from(has_ended(subject, thread, word))
    })
}

const NO_FATES: Doubt = Doubt::new("the report does not say what ended processes", "");
