//! Descriptor tables: who uses which, and how many descriptors are open in it.
//!
//! A table is the kernel's `files_struct` for as long as a thread of the tree uses it. Its
//! address may be another one's later: it is a new table when nobody uses the old one any
//! more. Threads share one (`CLONE_FILES`), a fork makes a copy, and unshare(2) makes one. An
//! exec replaces it: the kernel keeps the structure where nobody else uses it, but closes what
//! shall not come through, and so the account begins anew. What a fork has copied and the exec
//! behind it has closed is counted in the sum over all tables only.
//!
//! The number of descriptors is known at each look; between two of them a greater one may
//! have been missed. Also counted are numbers that a call has reserved and not yet filled.

use std::collections::BTreeMap;

use probe_common::fd_table::of_kind;
use rustc_hash::FxHashMap;

use super::{
    identity::ThreadId,
    object::{self, descriptor_kind},
    thread::Thread,
};
use crate::{
    vocabulary::{DescriptorKind, TableOrigin},
    wire::event::{Event, FdKinds, FdLook, Occasion, Open},
};

/// Points of a table's course that are kept. When there are more, every second one goes.
pub const MOST_POINTS: usize = 200;

/// A descriptor table.
#[derive(Clone, Debug, Default)]
pub struct FdTable {
    /// How it came to be.
    pub origin: TableOrigin,
    /// The first look, ns.
    pub from_ns: u64,
    /// When the last thread left it, ns; `None` while one uses it.
    pub to_ns: Option<u64>,
    /// Every thread that has used it, in the order in which they came.
    pub threads: Vec<ThreadId>,
    /// Those that use it.
    pub users: usize,
    /// Most at once.
    pub users_max: usize,
    /// The soft limit at the last look.
    pub limit: Option<u64>,
    /// Open descriptors at the first look.
    pub first: u32,
    /// At the last one.
    pub last: u32,
    /// Most at a look.
    pub peak: u32,
    /// When, ns.
    pub peak_ns: u64,
    /// Open descriptors and the soft limit at the look that came nearest to it. One that is
    /// lower than what is open was set later, and has kept nobody from anything.
    pub nearest: Option<(u32, u64)>,
    /// An exec has closed what shall not come through since the last look.
    has_execed: bool,
    /// A look may not have seen all.
    pub cut: bool,
    /// What they were at the last look of that sort, by [`of_kind`].
    pub kinds: Option<[u32; of_kind::COUNT]>,
    /// The same behind the latest exec.
    pub through_exec: Option<[u32; of_kind::COUNT]>,
    /// What each was at the last look of that sort.
    pub targets: Option<Targets>,
    /// The same behind the latest exec.
    pub targets_through_exec: Option<Targets>,
    /// Its course: instants, ns, and open descriptors from then on.
    pub points: Vec<(u64, u32)>,
}

/// Descriptors of a table as one look found them.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Those that are known.
    pub list: Vec<Target>,
    /// How many were open.
    pub open: u32,
    /// It was behind an exec.
    is_at_exec: bool,
}

/// A descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its number.
    pub fd: i32,
    /// What it is.
    pub kind: DescriptorKind,
    /// A name for people. Raw text of another process: views escape it.
    pub name: Box<str>,
    /// An exec closes it.
    pub cloexec: bool,
}

/// Every table of the tree.
#[derive(Clone, Debug, Default)]
pub struct FdTables {
    /// In the order in which they appeared.
    pub list: BTreeMap<u32, FdTable>,
    /// Those in use, by address.
    by_address: FxHashMap<u64, u32>,
    /// Which one a thread uses.
    of_thread: FxHashMap<ThreadId, (u32, u64)>,
    next: u32,
    /// Open descriptors in all that are in use.
    open_sum: u64,
    /// Most at once, and when, ns.
    pub peak_sum: (u64, u64),
    /// Most tables in use at once.
    pub most_in_use: usize,
    /// Looks of the latest instant whose descriptors follow.
    described: Vec<Described>,
}

/// A look of which each descriptor is described.
#[derive(Clone, Copy, Debug)]
struct Described {
    ts_ns: u64,
    tid: u32,
    table: u32,
    occasion: Occasion,
}

impl FdTables {
    /// A thread's table was looked at.
    pub fn look(&mut self, ts_ns: u64, thread: &Thread, look: &FdLook) {
        // Before its exec the command has descriptors of ours, which that closes.
        if thread.is_held() {
            return;
        }
        // It is about to give its table back, and has been counted off already.
        if thread.exit.is_none() {
            self.join(ts_ns, thread, look);
        }
        let Some(id) = self.by_address.get(&look.files) else {
            return;
        };
        let Some(table) = self.list.get_mut(id) else {
            return;
        };
        self.open_sum -= u64::from(table.last);
        self.open_sum += u64::from(look.open);
        // Either may be missing: a record of it, or the look behind it.
        let alone = look.occasion == Occasion::Exec && table.users == 1;
        if std::mem::take(&mut table.has_execed) || alone {
            table.begin(ts_ns, look.open);
            let uses = |id: &ThreadId| Some(self.of_thread.get(id)?.1 == look.files);
            table.threads.retain(|id| uses(id) == Some(true));
            table.origin = TableOrigin::Exec;
        }
        table.see(ts_ns, look);
        if self.open_sum > self.peak_sum.0 {
            self.peak_sum = (self.open_sum, ts_ns);
        }
    }

    fn join(&mut self, ts_ns: u64, thread: &Thread, look: &FdLook) {
        let before = self.of_thread.get(&thread.id).copied();
        if before.is_some_and(|(_, files)| files == look.files) {
            return;
        }
        self.leave(ts_ns, thread.id);
        let id = match self.by_address.get(&look.files) {
            Some(id) => *id,
            None => self.add(ts_ns, look, origin(thread, look.occasion, before.is_some())),
        };
        self.of_thread.insert(thread.id, (id, look.files));
        if let Some(table) = self.list.get_mut(&id) {
            table.threads.push(thread.id);
            table.users += 1;
            table.users_max = table.users_max.max(table.users);
        }
    }

    fn add(&mut self, ts_ns: u64, look: &FdLook, origin: TableOrigin) -> u32 {
        let id = self.next;
        self.next += 1;
        let table = FdTable {
            origin,
            from_ns: ts_ns,
            first: look.open,
            ..FdTable::default()
        };
        self.list.insert(id, table);
        self.by_address.insert(look.files, id);
        self.most_in_use = self.most_in_use.max(self.by_address.len());
        id
    }

    /// The one that a thread uses.
    pub fn of(&self, thread: ThreadId) -> Option<&FdTable> {
        let (id, _) = self.of_thread.get(&thread)?;
        self.list.get(id)
    }

    /// A thread gives its table back.
    pub fn leave(&mut self, ts_ns: u64, thread: ThreadId) {
        let Some((id, files)) = self.of_thread.remove(&thread) else {
            return;
        };
        let Some(table) = self.list.get_mut(&id) else {
            return;
        };
        table.users -= 1;
        if table.users == 0 {
            table.to_ns = Some(ts_ns);
            // The look at the exit is lost, and was the last one.
            table.targets.take_if(|targets| targets.is_at_exec);
            self.open_sum -= u64::from(table.last);
            self.by_address.remove(&files);
        }
    }

    /// A thread runs another program: the next look begins the account of its table anew, if
    /// that is its own.
    pub(super) fn exec(&mut self, thread: ThreadId) {
        let id = self.of_thread.get(&thread).map(|(id, _)| id);
        let table = id.and_then(|id| self.list.get_mut(id));
        if let Some(table) = table.filter(|table| table.users == 1) {
            table.has_execed = true;
        }
    }

    /// What the descriptors of a table are.
    pub fn learn_kinds(&mut self, event: &Event, kinds: &FdKinds) {
        let Some(&id) = self.by_address.get(&kinds.files) else {
            return;
        };
        let Some(table) = self.list.get_mut(&id) else {
            return;
        };
        table.kinds = kinds.counts;
        let targets = kinds.described.then(|| Targets {
            list: Vec::new(),
            open: kinds
                .counts
                .map_or(kinds.open, |counts| counts.iter().sum()),
            is_at_exec: kinds.occasion == Occasion::Exec,
        });
        if kinds.occasion == Occasion::Exec {
            table.through_exec = kinds.counts;
            table.targets_through_exec = targets.clone();
        }
        table.targets = targets;
        self.described.retain(|other| other.ts_ns == event.ts_ns);
        if kinds.described {
            self.described.push(Described {
                ts_ns: event.ts_ns,
                tid: event.tid,
                table: id,
                occasion: kinds.occasion,
            });
        }
    }

    /// What one of them is.
    pub fn describe(&mut self, event: &Event, open: &Open) {
        let mut looks = self.described.iter();
        let Some(look) = looks.find(|look| (look.ts_ns, look.tid) == (event.ts_ns, event.tid))
        else {
            return;
        };
        let Some(table) = self.list.get_mut(&look.table) else {
            return;
        };
        let through_exec = (look.occasion == Occasion::Exec)
            .then_some(&mut table.targets_through_exec)
            .and_then(Option::as_mut);
        for targets in table.targets.iter_mut().chain(through_exec) {
            targets.list.push(Target {
                fd: open.object.fd,
                kind: descriptor_kind(&open.object),
                name: object::describe(&open.object).into(),
                cloexec: open.cloexec,
            });
        }
    }

    /// Begins anew at an instant, ns: with the tables in use as they are.
    pub(super) fn begin(&mut self, at_ns: u64) {
        self.list.retain(|_, table| table.users > 0);
        for table in self.list.values_mut() {
            table.begin(at_ns, table.last);
        }
        self.peak_sum = (self.open_sum, at_ns);
        self.most_in_use = self.by_address.len();
    }

    /// Forgets those that nobody uses since an instant, ns, and the threads that are not
    /// there any more.
    pub(super) fn forget(&mut self, before_ns: u64, is_there: impl Fn(ThreadId) -> bool) {
        self.list
            .retain(|_, table| table.to_ns.is_none_or(|to_ns| to_ns >= before_ns));
        for table in self.list.values_mut() {
            table.threads.retain(|&thread| is_there(thread));
        }
    }
}

fn origin(thread: &Thread, occasion: Occasion, had_another: bool) -> TableOrigin {
    match occasion {
        Occasion::Birth if thread.is_leader() => TableOrigin::Fork,
        Occasion::Birth => TableOrigin::CloneFiles,
        Occasion::Exec => TableOrigin::Exec,
        Occasion::Now | Occasion::Exit | Occasion::Final if had_another => TableOrigin::Unshare,
        Occasion::Now | Occasion::Exit | Occasion::Final | Occasion::Seed => TableOrigin::Seen,
    }
}

impl FdTable {
    /// Its account begins, with so many open.
    fn begin(&mut self, ts_ns: u64, open: u32) {
        self.from_ns = ts_ns;
        self.users_max = self.users;
        (self.first, self.peak, self.peak_ns) = (open, open, ts_ns);
        self.nearest = None;
        self.approach(open, self.limit);
        self.points = vec![(ts_ns, open)];
        // A lost look at the end must not leave what was open before.
        self.targets = None;
    }

    /// So many were open under such a limit.
    fn approach(&mut self, open: u32, limit: Option<u64>) {
        let Some(limit) = limit.filter(|&limit| limit > 0 && limit >= u64::from(open)) else {
            return;
        };
        let is_nearer = |(most, under): (u32, u64)| {
            u128::from(open) * u128::from(under) > u128::from(most) * u128::from(limit)
        };
        if self.nearest.is_none_or(is_nearer) {
            self.nearest = Some((open, limit));
        }
    }

    fn see(&mut self, ts_ns: u64, look: &FdLook) {
        self.last = look.open;
        self.limit = look.limit;
        self.cut |= look.cut;
        self.approach(look.open, look.limit);
        if look.open > self.peak || self.points.is_empty() {
            (self.peak, self.peak_ns) = (look.open, ts_ns);
        }
        if self
            .points
            .last()
            .is_none_or(|&(_, open)| open != look.open)
        {
            self.points.push((ts_ns, look.open));
        }
        if self.points.len() > MOST_POINTS {
            let mut index = 0;
            // The first and the newest stay.
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
    }
}
