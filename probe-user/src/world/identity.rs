//! Who is who: threads by number, tids over time, wakers outside the tree.
//!
//! Pids are reused, and sooner than one thinks: a thread that nobody waits for
//! gives its tid back *before* its last switch-out. So a tid leads to its
//! latest thread and from there to the one before.

use rustc_hash::{FxHashMap, FxHashSet};

/// A thread's identity: its place in the order of births, never given twice. It leads
/// to the thread ([`super::World::get`]), or, once that is forgotten, to nothing.
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
    /// And when it was last seen, ns.
    external_by_tid: FxHashMap<u32, (ExternalId, u64)>,
    /// Those that were forgotten.
    free: Vec<ExternalId>,
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

    /// A thread is forgotten: its tid leads to nothing. Returns whether it led there.
    pub fn forget(&mut self, tid: u32, id: ThreadId) -> bool {
        let is_latest = self.latest(tid) == Some(id);
        if is_latest {
            self.latest.remove(&tid);
        }
        is_latest
    }

    /// Takes in the name of an external task.
    pub fn intern(&mut self, ts_ns: u64, task: ExternalTask) {
        let tid = task.tid;
        let id = match self.external_ids.get(&task) {
            Some(&id) => id,
            None => self.add_external(task),
        };
        self.external_by_tid.insert(tid, (id, ts_ns));
    }

    fn add_external(&mut self, task: ExternalTask) -> ExternalId {
        let id = match self.free.pop() {
            Some(id) => {
                self.externals[id.0 as usize] = task.clone();
                id
            }
            None => {
                self.externals.push(task.clone());
                ExternalId(u32::try_from(self.externals.len() - 1).unwrap_or(u32::MAX))
            }
        };
        self.external_ids.insert(task, id);
        id
    }

    /// The external task with this tid, which has woken somebody.
    pub fn external(&mut self, ts_ns: u64, tid: u32) -> Waker {
        match self.external_by_tid.get_mut(&tid) {
            Some((id, seen_ns)) => {
                *seen_ns = ts_ns.max(*seen_ns);
                Waker::External(*id)
            }
            None => Waker::UnnamedExternal(tid),
        }
    }

    /// Forgets the external tasks that are not in use and have woken nobody since an
    /// instant, ns; returns those that stay.
    pub fn retain_externals(
        &mut self,
        before_ns: u64,
        mut used: FxHashSet<ExternalId>,
    ) -> FxHashSet<ExternalId> {
        self.external_by_tid
            .retain(|_, (_, seen_ns)| *seen_ns >= before_ns);
        used.extend(self.external_by_tid.values().map(|(id, _)| *id));
        let free = &mut self.free;
        self.external_ids.retain(|_, id| {
            let is_used = used.contains(id);
            if !is_used {
                free.push(*id);
            }
            is_used
        });
        used
    }
}
