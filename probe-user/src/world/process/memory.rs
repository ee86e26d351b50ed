//! What a process had in memory.

use crate::wire::event::Peak;

/// What a process had in memory, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Most that was resident; `None` if not known.
    pub rss_peak: Option<u64>,
    /// What of it nobody else had at the end of the observation, where it outlived that.
    pub private: Option<u64>,
}

/// Peaks of a process, bytes. The kernel's own goes through an exec: what was in memory
/// before is one of the program behind it only where that had more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peaks {
    /// When it had ended.
    at_end: Option<u64>,
    /// Before its program.
    before: u64,
    /// Beginnings (an exec, or that it was found), less those of which this is known. They
    /// come in any order.
    lacking: i32,
    /// It uses the memory of who made it, and has not run exec since.
    borrows: bool,
}

impl Peaks {
    /// The kernel says what it had.
    pub(super) fn learn(&mut self, peak: &Peak) {
        if peak.before {
            self.before = self.before.max(peak.rss_bytes);
            self.lacking -= 1;
        } else {
            self.at_end = Some(peak.rss_bytes);
        }
    }

    /// It was made: with a memory of its own, or its creator's.
    pub(super) fn is_born(&mut self, borrows: bool) {
        self.lacking -= 1;
        self.borrows = borrows;
    }

    /// It runs exec.
    pub(super) fn exec(&mut self) {
        self.lacking += 1;
        self.borrows = false;
    }

    /// It has a memory of its own, and lives.
    pub(super) fn is_to_be_looked_up(self) -> bool {
        self.at_end.is_none() && !self.borrows
    }

    /// The most that was its own.
    pub(super) fn own(self) -> Option<u64> {
        let known = self.at_end.filter(|_| self.lacking <= 0 && !self.borrows);
        known.filter(|&bytes| bytes > self.before)
    }
}

impl Default for Peaks {
    /// Of one that is found.
    fn default() -> Peaks {
        Peaks {
            at_end: None,
            before: 0,
            lacking: 1,
            borrows: false,
        }
    }
}
