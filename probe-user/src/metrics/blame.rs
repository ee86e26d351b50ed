//! Blame by name: causes that read the same are one, per kind of wait. The sum
//! over the causes of a kind is the time of its finished waits, to the
//! nanosecond; waits not finished at the end are blamed on nothing yet.

use std::collections::BTreeMap;

use crate::{
    document::Blame,
    vocabulary::{CauseKind, WaitKind},
    world::{
        account::Account,
        blame::{CauseId, cause::Cause},
    },
};

/// Turns causes into the texts of the document.
pub trait NameCause {
    /// The kind of the cause and, where there is more to say, its detail.
    fn name_cause(&self, cause: Cause) -> (CauseKind, Option<String>);

    /// The cause with a number.
    fn cause(&self, id: CauseId) -> Cause;
}

/// The blame of one thread's waits, largest first.
pub fn of(account: &Account, namer: &impl NameCause) -> Vec<Blame> {
    let mut found = BTreeMap::new();
    for (&(kind, cause), &ns) in &account.blame {
        let (cause, detail) = namer.name_cause(namer.cause(cause));
        let sum: &mut u64 = found.entry((kind, cause, detail)).or_default();
        *sum = sum.saturating_add(ns);
    }
    sorted(found)
}

/// Adds a thread's to its group's.
pub fn add(into: &mut Vec<Blame>, from: &[Blame]) {
    let mut found = BTreeMap::new();
    for blame in into.drain(..).chain(from.iter().cloned()) {
        let key = (blame.kind, blame.cause, blame.detail);
        let sum: &mut u64 = found.entry(key).or_default();
        *sum = sum.saturating_add(blame.ns);
    }
    *into = sorted(found);
}

type Key = (WaitKind, CauseKind, Option<String>);

fn sorted(found: BTreeMap<Key, u64>) -> Vec<Blame> {
    let row = |((kind, cause, detail), ns)| Blame {
        kind,
        cause,
        detail,
        ns,
    };
    let mut rows: Vec<Blame> = found.into_iter().map(row).collect();
    // Equal times in the order of their names.
    rows.sort_by(|a, b| {
        let name = |blame: &Blame| (blame.kind.as_str(), blame.cause.as_str());
        let by_name = name(a).cmp(&name(b)).then(a.detail.cmp(&b.detail));
        b.ns.cmp(&a.ns).then(by_name)
    });
    rows
}
