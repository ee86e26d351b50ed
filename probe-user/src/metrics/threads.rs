//! The rows for threads, and which group each belongs to.

use rustc_hash::FxHashMap;

use super::{
    blame::NameCause,
    idle::Idle,
    label,
    process::Processes,
    sums::{self, NameWaker},
};
use crate::{
    document::{GilHeld, Group, Sums, Thread, Wake},
    vocabulary::CauseKind,
    world::{
        World,
        account::WakeKey,
        blame::{CauseId, cause::Cause},
        by_thread::ByThread,
        identity::{ExternalId, ThreadId, Waker},
        thread,
    },
};

/// Threads of one role: same program, same role in it, same parentage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct GroupKey {
    parent: Option<usize>,
    label: String,
    /// `None` for the first thread of each process.
    role: Option<String>,
}

/// Every thread's row, in the world's order. `idle` and `held` are what was found of
/// their waits and of the interpreter locks that they held.
pub fn build(namer: &Namer, idle: &Idle, held: &FxHashMap<ThreadId, GilHeld>) -> Vec<Thread> {
    let world = namer.world;
    let origin_ns = origin_ns(world);
    world
        .threads
        .iter()
        .map(|thread| Thread {
            pid: thread.pid,
            tid: thread.tid,
            ppid: thread.ppid,
            creator_tid: thread.creator.and_then(|id| world.get(id)).map(|t| t.tid),
            comm: thread.comm.to_string(),
            former_comms: thread
                .former_comms
                .iter()
                .map(ToString::to_string)
                .collect(),
            argv: label::words(&thread.argv),
            argv_cut: label::is_cut(&thread.argv),
            role: label::role(&thread.comm),
            group: namer.grouping.of_thread[thread.id],
            start_ns: thread
                .start_ns
                .unwrap_or(origin_ns)
                .saturating_sub(origin_ns),
            end_ns: sums::end_ns(world, thread).saturating_sub(origin_ns),
            exit: thread.exit,
            sums: Sums {
                gil: held.get(&thread.id).cloned(),
                ..sums::of_thread(
                    world,
                    thread,
                    |key, sum| idle.of(thread.id, key, sum),
                    namer,
                )
            },
        })
        .collect()
}

/// The start of the run: the first instant of any thread, ns.
pub fn origin_ns(world: &World) -> u64 {
    let starts = world.threads.iter().filter_map(|t| t.start_ns);
    starts.min().unwrap_or(0)
}

struct Grouping {
    groups: Vec<Group>,
    of_thread: ByThread<usize>,
}

impl Grouping {
    fn new(world: &World, processes: &Processes) -> Grouping {
        let mut grouping = Grouping {
            groups: Vec::new(),
            of_thread: ByThread::default(),
        };
        let mut ids: FxHashMap<GroupKey, usize> = FxHashMap::default();
        let mut keys: Vec<GroupKey> = Vec::new();
        let mut number = |key: GroupKey| {
            let next = keys.len();
            let id = *ids.entry(key.clone()).or_insert(next);
            if id == next {
                keys.push(key);
            }
            id
        };
        // Group of each process's main thread. A parent is older than its children.
        let mut of_process: Vec<GroupKey> = Vec::new();
        for process in &processes.list {
            let parent = process.parent.and_then(|parent| of_process.get(parent));
            let key = GroupKey {
                parent: parent.map(|key| number(key.clone())),
                label: process.label.clone(),
                role: None,
            };
            of_process.push(key);
        }
        for thread in world.threads.iter() {
            let process_id = processes.of_thread[thread.id];
            let process = &processes.list[process_id];
            let is_main = process.main == thread.id;
            let group = number(GroupKey {
                role: (!is_main).then(|| role_of(thread, &process.comm)),
                ..of_process[process_id].clone()
            });
            *grouping.of_thread.entry(thread.id) = group;
        }
        grouping.groups = names(&keys)
            .into_iter()
            .map(|name| Group {
                name,
                ..Group::default()
            })
            .collect();
        grouping
    }
}

/// A thread that has no name of its own is just one of the threads.
fn role_of(thread: &thread::Thread, process_comm: &str) -> String {
    if *thread.comm == *process_comm {
        "threads".to_owned()
    } else {
        label::role(&thread.comm)
    }
}

/// Names, with the parent added where two groups would have the same.
fn names(keys: &[GroupKey]) -> Vec<String> {
    let short = |key: &GroupKey| {
        // A process that runs its parent's program without an exec of its own.
        let forked = key
            .parent
            .is_some_and(|parent| keys[parent].label == key.label);
        match &key.role {
            Some(role) => format!("{} ({role})", key.label),
            None if forked => format!("{} (forked)", key.label),
            None => key.label.clone(),
        }
    };
    let shorts: Vec<String> = keys.iter().map(short).collect();
    let mut uses: FxHashMap<&str, usize> = FxHashMap::default();
    for name in &shorts {
        *uses.entry(name).or_default() += 1;
    }
    keys.iter()
        .zip(&shorts)
        .map(
            |(key, name)| match key.parent.map(|parent| &shorts[parent]) {
                Some(parent) if uses[name.as_str()] > 1 => format!("{name} of {parent}"),
                _ => name.clone(),
            },
        )
        .collect()
}

/// Names of wakers and causes.
pub struct Namer<'a> {
    world: &'a World,
    processes: &'a Processes,
    grouping: Grouping,
}

impl<'a> Namer<'a> {
    /// Groups the threads of a world, by which they are named.
    pub fn new(world: &'a World, processes: &'a Processes) -> Namer<'a> {
        Namer {
            world,
            processes,
            grouping: Grouping::new(world, processes),
        }
    }

    /// Each thread's group.
    pub fn group_of(&self) -> &ByThread<usize> {
        &self.grouping.of_thread
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.grouping.groups.len()
    }

    /// The groups, without their sums.
    pub fn into_groups(self) -> Vec<Group> {
        self.grouping.groups
    }
}

impl NameWaker for Namer<'_> {
    fn name_waker(&self, key: &WakeKey) -> Wake {
        let mut wake = Wake {
            source: key.source,
            ..Wake::default()
        };
        wake.syscall = sums::call_name(self.world.dictionaries.table, key.nr, false);
        match key.waker {
            Waker::Nobody => wake.syscall = None,
            Waker::Thread(id) => {
                if let Some(thread) = self.world.get(id) {
                    let process = self.processes.of_thread[id];
                    wake.comm = Some(self.group_name(id));
                    wake.pid = Some(self.processes.list[process].pid);
                    wake.tid = Some(thread.tid);
                }
            }
            Waker::External(ExternalId(id)) => {
                wake.outside = true;
                if let Some(task) = self.world.directory.externals.get(id as usize) {
                    wake.comm = Some(task.comm.to_string());
                    wake.pid = Some(task.pid);
                    wake.tid = Some(task.tid);
                }
            }
            Waker::UnnamedExternal(tid) => {
                wake.outside = true;
                wake.tid = Some(tid);
            }
        }
        wake
    }
}

impl NameCause for Namer<'_> {
    fn name_cause(&self, cause: Cause) -> (CauseKind, Option<String>) {
        let text = |name| self.world.dictionaries.names.text(name).map(str::to_owned);
        match cause {
            Cause::Computing(thread, program) => self.name_computing(thread, program),
            Cause::RunQueue => (CauseKind::RunQueue, None),
            Cause::Network(peer) => (CauseKind::Network, text(peer)),
            Cause::Disk(device) => (CauseKind::Disk, text(device)),
            Cause::Timer => (CauseKind::Timer, None),
            Cause::Interrupt => (CauseKind::Interrupt, None),
            Cause::Outside(Waker::External(ExternalId(id))) => {
                let task = self.world.directory.externals.get(id as usize);
                (CauseKind::Outside, task.map(|task| task.comm.to_string()))
            }
            Cause::Outside(_) => (CauseKind::Outside, None),
            Cause::Unknown => (CauseKind::Unknown, None),
            Cause::Older => (
                CauseKind::Unknown,
                Some("older than the horizon".to_owned()),
            ),
        }
    }

    fn cause(&self, id: CauseId) -> Cause {
        self.world.logs.cause(id)
    }
}

impl Namer<'_> {
    /// What the group of a thread that is there is called.
    fn group_name(&self, id: ThreadId) -> String {
        let group = self.grouping.of_thread[id];
        self.grouping.groups[group].name.clone()
    }

    /// A process that has yet to run its program is being started.
    fn name_computing(&self, id: ThreadId, program: u16) -> (CauseKind, Option<String>) {
        let Some(thread) = self.world.get(id) else {
            return (CauseKind::Unknown, None);
        };
        if program == thread.execs {
            return (CauseKind::Computing, Some(self.group_name(id)));
        }
        let creator = thread.creator.and_then(|creator| self.world.get(creator));
        let is_first = creator.is_none_or(|creator| creator.process != thread.process);
        if program == 0 && is_first && thread.is_leader() {
            return (CauseKind::Starting, None);
        }
        let former = thread.former_programs.get(usize::from(program));
        let label = former.map(|(comm, argv)| label::program(comm, argv));
        (CauseKind::Computing, label)
    }
}
