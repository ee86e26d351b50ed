//! Values that come again and again, under small numbers: an interval of a log
//! says what it was, and on what it is blamed, in four bytes each.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// Number of an [`crate::world::account::WaitKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyId(pub(super) u32);

/// Number of a [`super::cause::Cause`]: see [`super::IntervalLogs::cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CauseId(pub(super) u32);

impl CauseId {
    /// Of [`super::cause::Cause::Unknown`], which has one from the beginning.
    pub const UNKNOWN: CauseId = CauseId(0);
    /// Of [`super::cause::Cause::RunQueue`], likewise.
    pub(super) const RUN_QUEUE: CauseId = CauseId(1);
}

/// Values by number and back.
#[derive(Clone, Debug)]
pub(super) struct Numbered<T> {
    list: Vec<T>,
    numbers: FxHashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Numbered<T> {
        Numbered {
            list: Vec::new(),
            numbers: FxHashMap::default(),
        }
    }
}

impl<T: Copy + Eq + Hash> Numbered<T> {
    pub(super) fn number(&mut self, value: T) -> u32 {
        // More distinct values than that do not fit in memory.
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.list.push(value);
        }
        number
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.list.get(number as usize)
    }
}
