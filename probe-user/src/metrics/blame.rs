//! Blame by name: causes that read the same are one, per kind of wait. The sum
//! over the causes of a kind is the time of its finished waits, to the
//! nanosecond; waits not finished at the end are blamed on nothing yet.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::{
    document::Blame,
    vocabulary::{CauseKind, WaitKind},
    world::{
        account::Account,
        blame::{CauseId, IntervalLogs, cause::Cause},
    },
};

/// Turns causes into the texts of the document.
pub trait NameCause {
    /// The kind of the cause and, where there is more to say, its detail.
    fn name_cause(&self, cause: Cause) -> (CauseKind, Option<String>);
}

/// What a cause is called.
pub type Name = (CauseKind, Option<String>);

/// The number of a [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameId(usize);

/// Time by kind of wait and name, ns.
#[derive(Default)]
pub struct ByName(FxHashMap<(WaitKind, NameId), u64>);

impl ByName {
    /// Adds a part.
    pub fn add(&mut self, kind: WaitKind, name: NameId, ns: u64) {
        let sum = self.0.entry((kind, name)).or_default();
        *sum = sum.saturating_add(ns);
    }
}

/// Causes by name. Each is named once; so is each wait that is one cause to others: its
/// parts may be such waits, too, one behind the other.
pub struct Causes<'a, N> {
    logs: &'a IntervalLogs,
    namer: &'a N,
    names: Vec<Name>,
    /// Place in `names`.
    places: FxHashMap<Name, NameId>,
    named: FxHashMap<CauseId, NameId>,
    /// Parts of [`Cause::Behind`] by name, ns.
    behind: FxHashMap<CauseId, Vec<(NameId, u64)>>,
}

impl<'a, N: NameCause> Causes<'a, N> {
    /// Knows none yet.
    pub fn new(logs: &'a IntervalLogs, namer: &'a N) -> Causes<'a, N> {
        Causes {
            logs,
            namer,
            names: Vec::new(),
            places: FxHashMap::default(),
            named: FxHashMap::default(),
            behind: FxHashMap::default(),
        }
    }

    /// The blame of one thread's waits, largest first.
    pub fn of(&mut self, account: &Account) -> Vec<Blame> {
        let mut sums = ByName::default();
        for (&(kind, cause), &ns) in &account.blame {
            self.each_name(cause, ns, |name, ns| sums.add(kind, name, ns));
        }
        self.rows(&sums)
    }

    /// Calls `each` with the names that a cause has, and with the part of each.
    pub fn each_name(&mut self, cause: CauseId, ns: u64, each: impl FnMut(NameId, u64)) {
        if matches!(self.logs.cause(cause), Cause::Behind(..)) {
            self.look_behind(cause, ns);
        }
        self.each(cause, ns, each);
    }

    /// Sums by name as rows, largest first.
    pub fn rows(&self, sums: &ByName) -> Vec<Blame> {
        let named = sums.0.iter().map(|(&(kind, name), &ns)| {
            let (cause, detail) = self.names[name.0].clone();
            ((kind, cause, detail), ns)
        });
        sorted(named)
    }

    /// The number of a name.
    pub fn number(&mut self, name: Name) -> NameId {
        *self.places.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            NameId(self.names.len() - 1)
        })
    }

    /// Calls `each` with every name of a cause and its part.
    fn each(&mut self, id: CauseId, ns: u64, mut each: impl FnMut(NameId, u64)) {
        match self.behind.get(&id) {
            Some(parts) => parts.iter().for_each(|&(name, ns)| each(name, ns)),
            None => each(self.name(id), ns),
        }
    }

    fn name(&mut self, id: CauseId) -> NameId {
        if let Some(&known) = self.named.get(&id) {
            return known;
        }
        let name = self.number(self.namer.name_cause(self.logs.cause(id)));
        self.named.insert(id, name);
        name
    }

    /// Finds the names in a wait that is a cause, the innermost first.
    fn look_behind(&mut self, cause: CauseId, ns: u64) {
        let mut todo = vec![(cause, ns)];
        while let Some(&(id, ns)) = todo.last() {
            let Some(parts) = self.unseen(id, ns) else {
                todo.pop();
                continue;
            };
            let outermost = todo.len();
            let unseen = |&(part, ns): &(CauseId, u64)| self.unseen(part, ns).is_some();
            todo.extend(parts.iter().copied().filter(unseen));
            if todo.len() > outermost {
                continue;
            }
            let mut sums: FxHashMap<NameId, u64> = FxHashMap::default();
            for (part, ns) in parts {
                self.each(part, ns, |name, ns| *sums.entry(name).or_default() += ns);
            }
            self.behind.insert(id, sums.into_iter().collect());
            todo.pop();
        }
    }

    /// The parts of a wait whose names are not found yet.
    fn unseen(&self, id: CauseId, ns: u64) -> Option<Vec<(CauseId, u64)>> {
        let Cause::Behind(thread, at) = self.logs.cause(id) else {
            return None;
        };
        if self.behind.contains_key(&id) {
            return None;
        }
        let mut parts = Vec::new();
        let logs = self.logs;
        logs.behind(thread, at, ns, |cause, ns| parts.push((cause, ns)));
        Some(parts)
    }
}

/// Adds a thread's to its group's.
pub fn add(into: &mut Vec<Blame>, from: &[Blame]) {
    let mut found = BTreeMap::new();
    for blame in into.drain(..).chain(from.iter().cloned()) {
        let key = (blame.kind, blame.cause, blame.detail);
        let sum: &mut u64 = found.entry(key).or_default();
        *sum = sum.saturating_add(blame.ns);
    }
    *into = sorted(found.into_iter());
}

type Key = (WaitKind, CauseKind, Option<String>);

fn sorted(found: impl Iterator<Item = (Key, u64)>) -> Vec<Blame> {
    let row = |((kind, cause, detail), ns)| Blame {
        kind,
        cause,
        detail,
        ns,
    };
    let mut rows: Vec<Blame> = found.map(row).collect();
    // Equal times in the order of their names.
    rows.sort_by(|a, b| {
        let name = |blame: &Blame| (blame.kind.as_str(), blame.cause.as_str());
        let by_name = name(a).cmp(&name(b)).then(a.detail.cmp(&b.detail));
        b.ns.cmp(&a.ns).then(by_name)
    });
    rows
}
