//! The rows for threads, and which group each belongs to.

use super::{
    blame::{Causes, NameCause},
    grouping::Grouping,
    label,
    observers::Found,
    peers::Peers,
    process::Processes,
    sums::{self, NameWaker},
};
use crate::{
    document::{self, Group, Sums, Thread, Wake},
    vocabulary::{CauseKind, SignalSender, signal_name},
    world::{
        World,
        account::{ObjectKey, WaitKey, WaitSum, WakeKey},
        blame::cause::Cause,
        by_thread::ByThread,
        identity::{ExternalId, ThreadId, Waker},
        signal::Signal,
    },
};

fn named(signal: Signal) -> document::Signal {
    document::Signal {
        name: signal_name(i32::from(signal.number)),
        sender: signal.sender,
    }
}

/// Every thread's row, in the world's order.
pub fn build(namer: &Namer, found: &Found) -> Vec<Thread> {
    let world = namer.world;
    let origin_ns = origin_ns(world);
    let mut causes = Causes::new(&world.logs, namer);
    world
        .threads
        .iter()
        .map(|thread| Thread {
            pid: thread.pid,
            tid: thread.tid,
            ppid: thread.ppid,
            creator_tid: thread.creator.and_then(|id| world.get(id)).map(|t| t.tid),
            process: Some(namer.processes.of_thread[thread.id]),
            creator: thread
                .creator
                .and_then(|id| namer.processes.rows.get(id).copied()),
            comm: thread.comm.to_string(),
            former_comms: thread
                .former_comms
                .iter()
                .map(ToString::to_string)
                .collect(),
            argv: label::arguments(&thread.program),
            argv_cut: label::is_cut_off(&thread.program),
            title: label::title(&thread.program),
            role: label::role(&thread.comm),
            group: namer.grouping.of_thread[thread.id],
            // One that has not run yet has lived for no time.
            start_ns: thread
                .start_ns
                .unwrap_or_else(|| sums::end_ns(world, thread))
                .saturating_sub(origin_ns),
            end_ns: sums::end_ns(world, thread).saturating_sub(origin_ns),
            exit: thread.exit,
            runqueue_latency: Some(found.course.latency_of(thread.id)),
            sums: Sums {
                gil: found.held.get(&thread.id).cloned(),
                ..sums::of_thread(
                    world,
                    thread,
                    |key, sum| found.idle.of(thread.id, key, sum),
                    namer,
                    &mut causes,
                )
            },
        })
        .collect()
}

/// Of every row only the waits that a filter counts. `rows` are in the world's order.
pub fn count_only(namer: &Namer, found: &Found, rows: &mut [Thread]) {
    let world = namer.world;
    let Some(filter) = world.logs.filter else {
        return;
    };
    let mut causes = Causes::new(&world.logs, namer);
    for (thread, row) in world.threads.iter().zip(rows) {
        let is_idle = |key: &WaitKey, sum: &WaitSum| found.idle.of(thread.id, key, sum);
        let names = (namer, &mut causes);
        sums::count_only(thread, world, filter, is_idle, names, &mut row.sums);
    }
}

/// The start of the run, which instants are counted from: the first one of any thread, ns;
/// where none has run, when one was seen first.
pub fn origin_ns(world: &World) -> u64 {
    world.origin_ns.unwrap_or_else(|| {
        let starts = world.threads.iter().filter_map(|t| t.start_ns);
        // Of one that is only named nothing is known but that it is there now.
        let seen = world.threads.iter().map(|t| t.since_ns);
        let seen = seen.filter(|&since_ns| since_ns > 0).min();
        starts.min().or(seen).unwrap_or(world.now_ns)
    })
}

/// The start of what is reported, ns: another one only of a later part of a run.
pub fn first_ns(world: &World) -> u64 {
    match world.origin_ns {
        Some(_) => world.begun_ns,
        None => origin_ns(world),
    }
}

/// Names of wakers and causes.
pub struct Namer<'a> {
    world: &'a World,
    processes: &'a Processes,
    grouping: Grouping,
    peers: Peers,
}

impl<'a> Namer<'a> {
    /// Groups the threads of a world, by which they are named.
    pub fn new(world: &'a World, processes: &'a Processes) -> Namer<'a> {
        Namer {
            world,
            processes,
            grouping: Grouping::new(world, processes),
            peers: Peers::of(world, processes),
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

    /// What a group is called.
    pub fn name_of_group(&self, group: usize) -> &str {
        &self.grouping.groups[group].name
    }

    /// What a thread's group is called.
    pub fn group_name(&self, id: ThreadId) -> String {
        let group = self.grouping.of_thread[id];
        self.name_of_group(group).to_owned()
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
            signal: key.signal.map(named),
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

    fn name_peer(&self, object: ObjectKey) -> Option<String> {
        self.peers.at(object).map(str::to_owned)
    }
}

impl NameCause for Namer<'_> {
    fn name_cause(&self, cause: Cause) -> (CauseKind, Option<String>) {
        let text = |name| self.world.dictionaries.names.text(name).map(str::to_owned);
        match cause {
            Cause::Computing(thread, program) => self.name_computing(thread, program),
            Cause::RunQueue => (CauseKind::RunQueue, None),
            Cause::Network(peer) => {
                let named = text(peer).map(|peer| self.peers.named(&peer));
                (CauseKind::Network, named)
            }
            Cause::Disk(device) => (CauseKind::Disk, text(device)),
            Cause::Timer => (CauseKind::Timer, None),
            Cause::CpuQuota(cgroup) => (CauseKind::CpuQuota, text(cgroup)),
            Cause::Interrupt => (CauseKind::Interrupt, None),
            Cause::Outside(Waker::External(ExternalId(id))) => {
                let task = self.world.directory.externals.get(id as usize);
                (CauseKind::Outside, task.map(|task| task.comm.to_string()))
            }
            Cause::Outside(_) => (CauseKind::Outside, None),
            Cause::Signal(signal, waker) => (CauseKind::Signal, Some(self.sent(signal, waker))),
            // What is behind a wait has names of its own.
            Cause::Unknown | Cause::Behind(..) => (CauseKind::Unknown, None),
            Cause::Older => (
                CauseKind::Unknown,
                Some("older than the horizon".to_owned()),
            ),
        }
    }
}

impl Namer<'_> {
    /// A signal and who outside the tree sent it.
    fn sent(&self, signal: Signal, waker: Waker) -> String {
        let name = named(signal).name;
        match (signal.sender, waker) {
            (SignalSender::Terminal, _) => format!("{name} from the terminal"),
            (_, Waker::External(ExternalId(id))) => {
                match self.world.directory.externals.get(id as usize) {
                    Some(task) => format!("{name} by {} (pid {})", task.comm, task.pid),
                    None => name,
                }
            }
            (_, Waker::UnnamedExternal(tid)) => format!("{name} by tid {tid}"),
            (_, Waker::Thread(_) | Waker::Nobody) => format!("{name} by the kernel"),
        }
    }

    /// What the group of a thread that is there is called.
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
        let label = former.map(|program| label::program(program));
        (CauseKind::Computing, label)
    }
}
