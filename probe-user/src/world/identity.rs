//! Who is who: threads by number, tids over time, wakers outside the tree.
//!
//! Pids are reused, and sooner than one thinks: a thread that nobody waits for
//! gives its tid back *before* its last switch-out. So a tid leads to its
//! latest thread and from there to the one before.

use rustc_hash::FxHashMap;

/// A thread's place in [`super::World::threads`]: its identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u32);

/// An external task's place in [`Directory::externals`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(pub u32);

/// Who woke a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waker {
    /// A thread of the tree.
    Thread(ThreadId),
    /// A task outside of it.
    External(ExternalId),
    /// A task outside of it whose name record was lost, by tid.
    UnnamedExternal(u32),
    /// No task: an interrupt, or not verified.
    Nobody,
}

/// A waker outside the tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExternalTask {
    /// Thread id.
    pub tid: u32,
    /// Process id.
    pub pid: u32,
    /// Name.
    pub comm: Box<str>,
}

/// Tids and external tasks.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    latest: FxHashMap<u32, ThreadId>,
    /// Every external task that was named.
    pub externals: Vec<ExternalTask>,
    external_ids: FxHashMap<ExternalTask, ExternalId>,
    external_by_tid: FxHashMap<u32, ExternalId>,
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

    /// Takes in the name of an external task.
    pub fn intern(&mut self, task: ExternalTask) {
        let next = ExternalId(u32::try_from(self.externals.len()).unwrap_or(u32::MAX));
        let tid = task.tid;
        let id = *self.external_ids.entry(task.clone()).or_insert(next);
        if id == next {
            self.externals.push(task);
        }
        self.external_by_tid.insert(tid, id);
    }

    /// The external task with this tid.
    pub fn external(&self, tid: u32) -> Waker {
        self.external_by_tid
            .get(&tid)
            .map_or(Waker::UnnamedExternal(tid), |&id| Waker::External(id))
    }
}
