//! Values that come again and again, under small numbers: an interval of a log
//! says what it was, and on what it is blamed, in four bytes each.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use crate::world::{account::WaitKey, interval::Stacks};

/// Number of a [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyId(pub(super) u32);

/// What a wait was for, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// Under what it is counted.
    pub(super) key: WaitKey,
    /// As [`crate::world::interval::End::stacks`].
    pub(super) stacks: Stacks,
}

/// Number of a [`super::cause::Cause`]: see [`super::IntervalLogs::cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CauseId(pub(super) u32);

impl CauseId {
    /// Of [`super::cause::Cause::Unknown`], which has one from the beginning.
    pub const UNKNOWN: CauseId = CauseId(0);
    /// Of [`super::cause::Cause::RunQueue`], likewise.
    pub const RUN_QUEUE: CauseId = CauseId(1);
    /// Of [`super::cause::Cause::Older`], likewise.
    pub const OLDER: CauseId = CauseId(2);
}

/// Values by number and back.
#[derive(Clone, Debug)]
pub(super) struct Numbered<T> {
    list: Vec<T>,
    numbers: FxHashMap<T, u32>,
    /// Numbers of values that were forgotten.
    free: Vec<u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Numbered<T> {
        Numbered {
            list: Vec::new(),
            numbers: FxHashMap::default(),
            free: Vec::new(),
        }
    }
}

impl<T: Copy + Eq + Hash> Numbered<T> {
    pub(super) fn number(&mut self, value: T) -> u32 {
        if let Some(&number) = self.numbers.get(&value) {
            return number;
        }
        let number = match self.free.pop() {
            Some(number) => {
                self.list[number as usize] = value;
                number
            }
            None => {
                self.list.push(value);
                // More distinct values than that do not fit in memory.
                u32::try_from(self.list.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.numbers.insert(value, number);
        number
    }

    /// The values whose number has a mark.
    pub(super) fn marked(&self, marks: &[bool]) -> impl Iterator<Item = &T> {
        let marked = self.list.iter().zip(marks).filter(|(_, mark)| **mark);
        marked.map(|(value, _)| value)
    }

    /// Room for a mark on each number.
    pub(super) fn unmarked(&self) -> Vec<bool> {
        vec![false; self.list.len()]
    }

    /// Forgets the values whose number has no mark, and gives their numbers back.
    pub(super) fn retain(&mut self, marks: &[bool]) {
        let free = &mut self.free;
        self.numbers.retain(|_, number| {
            let is_marked = marks.get(*number as usize).is_none_or(|mark| *mark);
            if !is_marked {
                free.push(*number);
            }
            is_marked
        });
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.list.get(number as usize)
    }
}
