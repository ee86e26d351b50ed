//! What there is for each thread, by its identity.
//!
//! A [`ThreadId`] is the thread's place in the order of births and is never given
//! twice: it is slot and generation in one. What is forgotten leaves a gap, so that
//! an identity that somebody still has leads to nothing, and never to another thread;
//! and a creator always has a lower one than what it made. Rows lie in pages, and a
//! page whose rows are all forgotten takes 8 bytes.

use std::ops::{Index, IndexMut};

use super::identity::ThreadId;

/// Rows of a page: few, so that one that lives on does not keep much with it.
const PAGE: usize = 16;

type Page<T> = Box<[Option<T>; PAGE]>;

/// Made in its place: a page is large.
fn empty<T>() -> Page<T> {
    let rows: Box<[Option<T>]> = (0..PAGE).map(|_| None).collect();
    match rows.try_into() {
        Ok(page) => page,
        Err(_) => unreachable!("there are {PAGE} rows"),
    }
}

/// Rows by thread.
#[derive(Debug)]
pub struct ByThread<T> {
    pages: Vec<Option<Page<T>>>,
    /// Identities given so far, or seen.
    len: usize,
}

impl<T> Default for ByThread<T> {
    fn default() -> ByThread<T> {
        ByThread {
            pages: Vec::new(),
            len: 0,
        }
    }
}

impl<T> ByThread<T> {
    /// The identity of what is pushed next.
    pub fn next_id(&self) -> ThreadId {
        // 2^32 threads in one run: at 10,000 births a second, five days.
        ThreadId(u32::try_from(self.len).unwrap_or(u32::MAX))
    }

    /// Appends the next thread's.
    pub fn push(&mut self, row: T) {
        let id = self.next_id();
        *self.place(id) = Some(row);
    }

    /// The place of a thread's row.
    #[inline]
    fn place(&mut self, id: ThreadId) -> &mut Option<T> {
        let at = id.0 as usize;
        self.len = self.len.max(at + 1);
        if self.pages.len() <= at / PAGE {
            self.pages.resize_with(at / PAGE + 1, || None);
        }
        &mut self.pages[at / PAGE].get_or_insert_with(empty)[at % PAGE]
    }

    /// How many there were, forgotten ones included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A thread's.
    #[inline]
    pub fn get(&self, id: ThreadId) -> Option<&T> {
        let at = id.0 as usize;
        self.pages.get(at / PAGE)?.as_ref()?[at % PAGE].as_ref()
    }

    /// A thread's, to be changed.
    #[inline]
    pub fn get_mut(&mut self, id: ThreadId) -> Option<&mut T> {
        let at = id.0 as usize;
        self.pages.get_mut(at / PAGE)?.as_mut()?[at % PAGE].as_mut()
    }

    /// All that are there, in order of birth.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let pages = self.pages.iter().flatten();
        pages.flat_map(|page| page.iter().flatten())
    }

    /// All that are there, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let pages = self.pages.iter_mut().flatten();
        pages.flat_map(|page| page.iter_mut().flatten())
    }

    /// Forgets those that are so: hands each over.
    pub fn forget(&mut self, is_so: impl Fn(&T) -> bool, mut each: impl FnMut(ThreadId, T)) {
        for (page_at, place) in self.pages.iter_mut().enumerate() {
            let Some(page) = place else { continue };
            for (at, row) in page.iter_mut().enumerate() {
                if let Some(row) = row.take_if(|row| is_so(row)) {
                    each(ThreadId((page_at * PAGE + at) as u32), row);
                }
            }
            // The page of what comes next stays.
            let is_open = (page_at + 1) * PAGE > self.len;
            if !is_open && page.iter().all(Option::is_none) {
                *place = None;
            }
        }
    }

    /// Takes one thread's away.
    pub fn take(&mut self, id: ThreadId) -> Option<T> {
        let at = id.0 as usize;
        let place = self.pages.get_mut(at / PAGE)?;
        let page = place.as_mut()?;
        let row = page[at % PAGE].take();
        if page.iter().all(Option::is_none) {
            *place = None;
        }
        row
    }
}

impl<T: Default> ByThread<T> {
    /// A thread's, made if there is none.
    #[inline]
    pub fn entry(&mut self, id: ThreadId) -> &mut T {
        self.place(id).get_or_insert_default()
    }
}

/// For identities of threads that are there: of the thread an event is about.
impl<T> Index<ThreadId> for ByThread<T> {
    type Output = T;

    #[inline]
    fn index(&self, id: ThreadId) -> &T {
        match self.get(id) {
            Some(row) => row,
            None => unreachable!("{id:?} was forgotten"),
        }
    }
}

impl<T> IndexMut<ThreadId> for ByThread<T> {
    #[inline]
    fn index_mut(&mut self, id: ThreadId) -> &mut T {
        match self.get_mut(id) {
            Some(row) => row,
            None => unreachable!("{id:?} was forgotten"),
        }
    }
}

impl<T> FromIterator<T> for ByThread<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> ByThread<T> {
        let mut table = ByThread::default();
        rows.into_iter().for_each(|row| table.push(row));
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_thread_identities_are_never_given_twice() {
        let mut table: ByThread<u32> = (0..50).collect();
        let mut forgotten = Vec::new();
        table.forget(|row| row % 3 > 0 || *row < 32, |id, _| forgotten.push(id.0));
        assert_eq!(forgotten.len(), 44);
        let left: Vec<u32> = table.iter().copied().collect();
        assert_eq!(left, [33, 36, 39, 42, 45, 48]);
        assert_eq!(table.get(ThreadId(7)), None);
        assert_eq!((table.len(), table.next_id()), (50, ThreadId(50)));
        table.push(50);
        assert_eq!(table[ThreadId(50)], 50);
        assert_eq!(table.take(ThreadId(33)), Some(33));
        assert_eq!(table.get(ThreadId(33)), None);
        assert_eq!(*table.entry(ThreadId(70)), 0);
    }
}
