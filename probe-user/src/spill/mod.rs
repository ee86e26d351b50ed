//! Long lists that only grow: the past of a run. They are kept in memory up to a
//! limit that all of them share, and behind it in a file.

mod store;

use std::{
    alloc::{Layout, handle_alloc_error},
    io,
    path::{Path, PathBuf},
};

use self::store::{Chunk, Store};

/// Bytes of a chunk: a page.
const CHUNK_BYTES: usize = 4096;

/// A list that grows at its end and may be cut at its beginning; an item's place stays
/// the same. Memory: the items, in chunks of 4 KiB, the last of which grows from
/// nothing.
#[derive(Debug)]
pub struct SpillVec<T> {
    /// Items that were cut off: whole chunks.
    cut: usize,
    /// Each has as many items as fit.
    full: Vec<Chunk<T>>,
    /// The place of the first item behind them.
    behind: usize,
    last: Vec<T>,
}

/// Where full chunks go.
#[derive(Debug)]
pub struct SpillBudget {
    /// What may still be kept in memory, bytes; `None` without a limit.
    left: Option<usize>,
    memory: Store,
    /// Where the file is made when it is needed.
    folder: PathBuf,
    file: Option<Store>,
    problem: Option<String>,
}

impl Default for SpillBudget {
    fn default() -> SpillBudget {
        SpillBudget {
            left: None,
            memory: Store::of_memory(),
            folder: PathBuf::new(),
            file: None,
            problem: None,
        }
    }
}

impl SpillBudget {
    /// Keeps so many bytes in memory, and what is more in a file without a name
    /// in the folder, which is made when it is needed.
    pub fn limited(bytes: usize, folder: &Path) -> SpillBudget {
        SpillBudget {
            left: Some(bytes),
            folder: folder.to_owned(),
            ..SpillBudget::default()
        }
    }

    /// Bytes in memory.
    pub fn kept_bytes(&self) -> u64 {
        self.memory.bytes()
    }

    /// Bytes in the file.
    pub fn spilled_bytes(&self) -> u64 {
        self.file.as_ref().map_or(0, Store::bytes)
    }

    /// Why there is more in memory than was allowed.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn keep<T: Copy>(&mut self, items: &[T]) -> Chunk<T> {
        if self.is_full() {
            match self.spill(items) {
                Ok(stored) => return stored,
                Err(error) => self.grow(&error),
            }
        }
        match self.memory.store(items) {
            Ok(stored) => stored,
            // As when any other memory cannot be had.
            Err(_) => handle_alloc_error(Layout::for_value(items)),
        }
    }

    /// Takes a chunk back, for another list.
    fn release<T>(&mut self, chunk: Chunk<T>) {
        if chunk.in_file() {
            if let Some(file) = &mut self.file {
                file.release(chunk);
            }
        } else {
            self.left = self.left.map(|left| left + CHUNK_BYTES);
            self.memory.release(chunk);
        }
    }

    /// Whether nothing more may be kept in memory; if it may, that is counted.
    fn is_full(&mut self) -> bool {
        let Some(left) = &mut self.left else {
            return false;
        };
        match left.checked_sub(CHUNK_BYTES) {
            Some(less) => {
                *left = less;
                false
            }
            None => true,
        }
    }

    fn spill<T: Copy>(&mut self, items: &[T]) -> io::Result<Chunk<T>> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(Store::of_file(&self.folder)?),
        };
        file.store(items)
    }

    /// On failure, keep in memory.
    fn grow(&mut self, error: &io::Error) {
        self.left = None;
        let folder = self.folder.display();
        self.problem = Some(format!(
            "what was seen no longer fits into the memory allowed, and not into {folder} \
             either ({error}): it is kept in memory all the same"
        ));
    }
}

impl<T> Default for SpillVec<T> {
    fn default() -> SpillVec<T> {
        SpillVec {
            cut: 0,
            full: Vec::new(),
            behind: 0,
            last: Vec::new(),
        }
    }
}

impl<T> SpillVec<T> {
    /// Items in a chunk; a power of two.
    const PER_CHUNK: usize = {
        let per_chunk = CHUNK_BYTES / size_of::<T>();
        assert!(per_chunk.is_power_of_two());
        per_chunk
    };

    /// Gives back what it took to grow.
    pub fn shrink(&mut self) {
        self.full.shrink_to_fit();
        self.last.shrink_to_fit();
    }

    /// How many there are, those that were cut off included.
    #[inline]
    pub fn len(&self) -> usize {
        self.behind + self.last.len()
    }

    /// The first place that still has an item, if any has.
    pub fn first(&self) -> usize {
        self.cut
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at a place.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&T> {
        // Mostly the recent ones are asked for.
        if let Some(n) = at.checked_sub(self.behind) {
            return self.last.get(n);
        }
        let n = at.checked_sub(self.cut)?;
        let chunk = self.full.get(n / Self::PER_CHUNK)?;
        chunk.items().get(n % Self::PER_CHUNK)
    }

    /// The latest item.
    #[inline]
    pub fn last(&self) -> Option<&T> {
        let of_chunk = || self.full.last().and_then(|chunk| chunk.items().last());
        self.last.last().or_else(of_chunk)
    }

    /// The items from a place on.
    pub fn from(&self, at: usize) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        // There is one at each place from the first to the length.
        let item = |at| match self.get(at) {
            Some(item) => item,
            None => unreachable!("{at} of {}", self.len()),
        };
        (at.max(self.cut).min(self.len())..self.len()).map(item)
    }

    /// Changes every item from a place on.
    pub fn change(&mut self, from: usize, mut change: impl FnMut(&mut T)) {
        let from = from.saturating_sub(self.cut);
        let first = (from / Self::PER_CHUNK).min(self.full.len());
        let mut skip = from - first * Self::PER_CHUNK;
        let full = self.full[first..].iter_mut().map(Chunk::items_mut);
        for items in full.chain([self.last.as_mut_slice()]) {
            let skipped = std::mem::take(&mut skip).min(items.len());
            items[skipped..].iter_mut().for_each(&mut change);
        }
    }

    /// The item at a place, to be changed.
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        if let Some(n) = at.checked_sub(self.behind) {
            return self.last.get_mut(n);
        }
        let n = at.checked_sub(self.cut)?;
        let chunk = self.full.get_mut(n / Self::PER_CHUNK)?;
        chunk.items_mut().get_mut(n % Self::PER_CHUNK)
    }

    /// How many of the first `of` items are so, if those that were cut off are; all of
    /// those, and none behind them.
    /// Mostly the recent ones are asked for: the search goes from the end.
    #[inline]
    pub fn partition_point_back(&self, of: usize, is_so: impl Fn(&T) -> bool) -> usize {
        let is_so = |at: usize| self.get(at).is_some_and(&is_so);
        let (mut end, mut step) = (of.min(self.len()), 1_usize);
        while end > self.cut {
            let begin = end.saturating_sub(step).max(self.cut);
            if is_so(begin) {
                return partition_point(begin + 1, end, is_so);
            }
            (end, step) = (begin, step * 2);
        }
        self.cut.min(of)
    }
}

impl<T: Copy> SpillVec<T> {
    /// Appends an item.
    #[inline]
    pub fn push(&mut self, item: T, budget: &mut SpillBudget) {
        self.last.push(item);
        if self.last.len() == Self::PER_CHUNK {
            self.full.push(budget.keep(&self.last));
            self.behind += Self::PER_CHUNK;
            self.last.clear();
        }
    }

    /// Cuts off what lies before a place, as far as whole chunks do.
    pub fn cut(&mut self, before: usize, budget: &mut SpillBudget) {
        let chunks = before.saturating_sub(self.cut) / Self::PER_CHUNK;
        let chunks = chunks.min(self.full.len());
        for chunk in self.full.drain(..chunks) {
            budget.release(chunk);
        }
        self.cut += chunks * Self::PER_CHUNK;
    }

    /// Gives its chunks back.
    pub fn release(self, budget: &mut SpillBudget) {
        for chunk in self.full {
            budget.release(chunk);
        }
    }

    /// Drops all items but the first so many.
    pub fn truncate(&mut self, len: usize) {
        while self.len() > len
            && self.last.len() < self.len() - len
            && let Some(chunk) = self.full.pop()
        {
            self.last = chunk.items().to_vec();
            self.behind -= Self::PER_CHUNK;
        }
        self.last.truncate(len.saturating_sub(self.behind));
    }
}

/// The first place in a range that is not so; before it all are.
fn partition_point(begin: usize, end: usize, is_so: impl Fn(usize) -> bool) -> usize {
    let (mut begin, mut end) = (begin, end);
    while begin < end {
        let middle = begin + (end - begin) / 2;
        if is_so(middle) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    begin
}

#[cfg(test)]
mod tests;
