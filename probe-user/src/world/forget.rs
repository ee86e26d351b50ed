//! The world forgets: what lies before a horizon, and what nothing refers to then.
//!
//! - A *dead thread* goes when it ended before the horizon. Its times are added to
//!   [`Forgotten`]; its waits, its blame and its name are gone.
//!   A *process* goes with the last of its threads.
//! - A *living thread* keeps its account. Its log is cut: intervals that ended before
//!   the horizon go.
//! - *Causes, keys, names and external tasks* go when no log that is left and no
//!   account refers to them; an external task also has to have woken nobody since the
//!   horizon. What an account has of forgotten wakers and causes becomes a waking by
//!   nobody in particular, and blame on [`Cause::Older`].
//!
//! So no sum of time changes by it. A wait that ends later is blamed as ever for what
//! its waker, and that one's waker, did since the horizon; the rest is
//! [`Cause::Older`]: nothing that was forgotten is taken for something else, since an
//! identity is never given twice. Timeouts at an interpreter lock that were forgotten
//! before the lock was had stay with the timer.
//!
//! It takes time in proportion to what is kept. A run and its report never forget.

use rustc_hash::FxHashSet;

use super::{
    World,
    account::{Account, ObjectKey, WaitKey},
    blame::cause::Cause,
    by_thread::ByThread,
    identity::{Directory, ExternalId, ThreadId, Waker},
    names::NameId,
    thread::Thread,
};

/// Threads that were forgotten, and their times in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many.
    pub threads: u64,
    /// Running.
    pub on_cpu_ns: u64,
    /// Runnable, not running.
    pub runqueue_ns: u64,
    /// In finished waits.
    pub waits_ns: u64,
    /// Covered by lost records.
    pub unknown_ns: u64,
}

impl Forgotten {
    fn add(&mut self, account: &Account) {
        self.threads += 1;
        self.on_cpu_ns += account.on_cpu_ns;
        self.runqueue_ns += account.runqueue_ns;
        self.waits_ns += account.waits_ns();
        self.unknown_ns += account.unknown_ns;
    }
}

/// Forgets the threads that are so. A tid leads to its former owner again where that has
/// given it back and has yet to switch out for the last time.
pub(super) fn forget_threads(
    threads: &mut ByThread<Thread>,
    directory: &mut Directory,
    is_so: impl Fn(&Thread) -> bool,
    mut each: impl FnMut(ThreadId, &Thread),
) {
    let mut former = Vec::new();
    threads.forget(is_so, |id, thread| {
        if directory.forget(thread.tid, id) {
            former.extend(thread.previous.map(|previous| (thread.tid, previous)));
        }
        each(id, &thread);
    });
    for (tid, owner) in former {
        let owner = threads.get(owner).filter(|thread| !thread.is_dead());
        if let Some(owner) = owner.filter(|thread| thread.tid == tid) {
            directory.assign(tid, owner.id);
        }
    }
}

impl World {
    /// Forgets what lies before an instant, ns.
    pub fn forget(&mut self, before_ns: u64) {
        self.ended.clear();
        self.forget_threads(before_ns);
        self.logs.cut(before_ns);
        for thread in self.threads.iter_mut() {
            let slept_on = &mut thread.slept_on_ns;
            slept_on.drain(..slept_on.partition_point(|&ns| ns < before_ns));
        }
        self.forget_references(before_ns);
        let threads = &self.threads;
        let is_there = |id| threads.get(id).is_some();
        self.processes.retain(is_there);
        self.fd_tables.forget(before_ns, is_there);
        let pids: FxHashSet<u32> = self.threads.iter().filter_map(|t| t.pid).collect();
        let gils = &mut self.dictionaries.gils;
        gils.forget(before_ns, |pid| pids.contains(&pid));
    }

    fn forget_threads(&mut self, before_ns: u64) {
        let World {
            threads,
            logs,
            directory,
            forgotten,
            ..
        } = self;
        forget_threads(
            threads,
            directory,
            |thread| thread.is_dead() && thread.since_ns < before_ns,
            |id, thread| {
                forgotten.add(&thread.account);
                logs.forget(id);
            },
        );
    }

    fn forget_references(&mut self, before_ns: u64) {
        let mut references = self.logs.references();
        let externals = self.logs.causes_of(&references).filter_map(external);
        let externals = externals.collect();
        let externals = self.directory.retain_externals(before_ns, externals);
        let World { threads, logs, .. } = self;
        // Two at once cannot be had of one table.
        let there: FxHashSet<_> = threads.iter().map(|thread| thread.id).collect();
        let is_known = |waker| match waker {
            Waker::Thread(id) => there.contains(&id),
            Waker::External(id) => externals.contains(&id),
            Waker::UnnamedExternal(_) | Waker::Nobody => true,
        };
        for thread in threads.iter_mut() {
            let is_known_cause = |id| match logs.cause(id) {
                Cause::Computing(id, _) => is_known(Waker::Thread(id)),
                Cause::Outside(waker) | Cause::Signal(_, waker) => is_known(waker),
                Cause::Behind(id, at) => logs.is_there(id, at),
                _ => true,
            };
            thread.account.forget(is_known, is_known_cause);
            let blame = thread.account.blame.keys();
            blame.for_each(|&(_, cause)| references.mark(cause));
        }
        let mut names: FxHashSet<NameId> = self.dictionaries.disks.names().collect();
        names.extend(self.dictionaries.cgroups.names());
        for thread in self.threads.iter() {
            names.extend(thread.account.waits.keys().flat_map(names_of));
            names.extend(thread.object.as_ref().and_then(|object| object.name()));
        }
        for (key, stack) in self.logs.keys_of(&references) {
            names.extend(names_of(key).chain([stack]));
        }
        names.extend(self.logs.causes_of(&references).filter_map(name));
        self.logs.retain(&references);
        self.dictionaries.names.retain(&names);
    }
}

fn external(cause: &Cause) -> Option<ExternalId> {
    match cause {
        Cause::Outside(Waker::External(id)) | Cause::Signal(_, Waker::External(id)) => Some(*id),
        _ => None,
    }
}

fn name(cause: &Cause) -> Option<NameId> {
    match cause {
        Cause::Network(name) | Cause::Disk(name) | Cause::CpuQuota(name) => Some(*name),
        _ => None,
    }
}

fn names_of(key: &WaitKey) -> impl Iterator<Item = NameId> + use<> {
    let object = match key.object {
        ObjectKey::File(name) => Some(name),
        ObjectKey::None | ObjectKey::Futex(_) => None,
    };
    [key.function, key.stack].into_iter().chain(object)
}
