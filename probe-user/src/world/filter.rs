//! Which waits are counted (`--kind`, `--min-wait`, `--max-wait`). What is left out is a sum,
//! so that every account closes; what was behind other waits, and everything that follows from
//! the course of the run, is as ever.

use super::account::Account;
use crate::vocabulary::WaitKind;

/// Waits that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitFilter {
    /// A bit for each kind.
    kinds: u32,
    /// At least so long, ns.
    min_ns: u64,
    /// At most so long, ns.
    max_ns: u64,
}

impl WaitFilter {
    /// Of these kinds, or of any where there is none; between these lengths, ns.
    pub fn new(kinds: &[WaitKind], min_ns: Option<u64>, max_ns: Option<u64>) -> WaitFilter {
        let bits = kinds.iter().map(|&kind| bit(kind));
        WaitFilter {
            kinds: match kinds {
                [] => u32::MAX,
                _ => bits.fold(0, |all, bit| all | bit),
            },
            min_ns: min_ns.unwrap_or(0),
            max_ns: max_ns.unwrap_or(u64::MAX),
        }
    }

    /// Whether a finished wait is counted.
    pub fn counts(self, kind: WaitKind, ns: u64) -> bool {
        self.counts_kind(kind) && (self.min_ns..=self.max_ns).contains(&ns)
    }

    /// Whether waits of a kind are, however long.
    pub fn counts_kind(self, kind: WaitKind) -> bool {
        self.kinds & bit(kind) != 0
    }

    /// Whether waits are of which only the sum of their lengths is known.
    pub fn counts_sum(self, kind: WaitKind) -> bool {
        self.counts_kind(kind) && (self.min_ns, self.max_ns) == (0, u64::MAX)
    }
}

fn bit(kind: WaitKind) -> u32 {
    1 << kind as u8
}

const _: () = assert!(WaitKind::ALL.len() <= 32);

/// What is counted of one thread's waits, and what is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Which waits are.
    pub filter: WaitFilter,
    /// Their counts, times and blame; nothing else.
    pub account: Account,
    /// The others.
    pub left_out: LeftOut,
}

/// Waits that are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub count: u64,
    /// Their time, ns.
    pub ns: u64,
}

impl LeftOut {
    /// Adds so many.
    pub fn add(&mut self, count: u64, ns: u64) {
        self.count = self.count.saturating_add(count);
        self.ns = self.ns.saturating_add(ns);
    }
}

impl Counted {
    /// Nothing so far.
    pub fn new(filter: WaitFilter) -> Counted {
        Counted {
            filter,
            account: Account::default(),
            left_out: LeftOut::default(),
        }
    }
}
