//! Who is who: threads by number, tids over time, wakers outside the tree.
//!
//! Pids are reused, and sooner than one thinks: a thread that nobody waits for
//! gives its tid back *before* its last switch-out. So a tid leads to its
//! latest thread and from there to the one before.

use rustc_hash::FxHashMap;

/// A thread's place in [`super::World::threads`]: its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u32);

/// A stranger's place in [`Directory::strangers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StrangerId(pub u32);

/// Who woke a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waker {
    /// A thread of the tree.
    Thread(ThreadId),
    /// A task outside of it.
    Stranger(StrangerId),
    /// A task outside of it whose name record was lost, by tid.
    Nameless(u32),
    /// No task: an interrupt, or not verified.
    Nobody,
}

/// A waker outside the tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stranger {
    /// Thread id.
    pub tid: u32,
    /// Process id.
    pub pid: u32,
    /// Name.
    pub comm: Box<str>,
}

/// Tids and strangers.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    latest: FxHashMap<u32, ThreadId>,
    /// Every stranger met.
    pub strangers: Vec<Stranger>,
    stranger_ids: FxHashMap<Stranger, StrangerId>,
    stranger_by_tid: FxHashMap<u32, StrangerId>,
}

impl Directory {
    /// The latest thread with this tid.
    pub fn latest(&self, tid: u32) -> Option<ThreadId> {
        self.latest.get(&tid).copied()
    }

    /// A tid now belongs to this thread; returns the one it belonged to.
    pub fn assign(&mut self, tid: u32, id: ThreadId) -> Option<ThreadId> {
        self.latest.insert(tid, id)
    }

    /// Meets a stranger.
    pub fn meet(&mut self, stranger: Stranger) {
        let next = StrangerId(u32::try_from(self.strangers.len()).unwrap_or(u32::MAX));
        let tid = stranger.tid;
        let id = *self.stranger_ids.entry(stranger.clone()).or_insert(next);
        if id == next {
            self.strangers.push(stranger);
        }
        self.stranger_by_tid.insert(tid, id);
    }

    /// The stranger with this tid.
    pub fn stranger(&self, tid: u32) -> Waker {
        self.stranger_by_tid
            .get(&tid)
            .map_or(Waker::Nameless(tid), |&id| Waker::Stranger(id))
    }
}
