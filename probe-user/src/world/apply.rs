//! Events → world: finds the thread an event is about and hands it on.

use std::iter::successors;

use probe_common::{
    sched::{state, waker},
    uapi::{CLONE_THREAD, CLONE_VM},
};

use super::{
    blame::IntervalLogs,
    by_thread::ByThread,
    cgroup::Cgroups,
    connection::Connections,
    disk::Disks,
    fd_table::FdTables,
    forget::Forgotten,
    gil::Gils,
    identity::{Directory, ExternalTask, ThreadId, Waker},
    interval::Interval,
    listen::Listeners,
    loss_sums,
    names::Names,
    process::{Memory, Processes},
    program::Program,
    run_queue::RunQueues,
    stack::{Symbol, Symbols},
    switches::Switches,
    thread::{State, Thread},
    wait_site::{Dictionaries, FileObject},
    window::Closed,
};
use crate::{
    syscall::Table,
    wire::{
        event::{Event, Exec, FdLook, Fork, Off, On, Snapshot, Waking, What},
        session::{Fact, LossSum},
    },
};

/// Everything that is known at a moment.
pub struct World {
    /// Every thread ever seen and not forgotten.
    pub threads: ByThread<Thread>,
    /// Tids and external tasks.
    pub directory: Directory,
    /// Listening sockets.
    pub listeners: Listeners,
    /// Descriptor tables.
    pub fd_tables: FdTables,
    /// Connections that threads make.
    pub connections: Connections,
    /// Symbols, interned text, system calls.
    pub dictionaries: Dictionaries,
    /// Which threads belong together.
    pub processes: Processes,
    /// What every CPU has done of late; `None` if nobody asks what threads stood behind.
    pub run_queues: Option<RunQueues>,
    /// On which CPUs threads ran, and what woke them; `None` if nobody asks for it.
    pub switches_kept: Option<Switches>,
    /// What every thread has done.
    pub logs: IntervalLogs,
    /// What the latest event has ended.
    pub(super) ended: Vec<Interval>,
    /// The root of the tree, where that need not be the first thread.
    pub root: Option<ThreadId>,
    /// When the account began, ns; 0 where that was with the first event.
    pub begun_ns: u64,
    /// The start of the run, ns, where the account is of a later part of it.
    pub origin_ns: Option<u64>,
    /// That part is over: what is known of its end.
    pub(super) closed: Option<Closed>,
    /// Latest instant seen, ns.
    pub now_ns: u64,
    /// Until here all is seen, ns, while more is to come.
    pub watermark_ns: u64,
    /// Context switches of traced threads (switch-outs).
    pub switches: u64,
    /// Switch-ins and wakings that the kernel hid.
    pub recovered: u64,
    /// What is forgotten.
    pub forgotten: Forgotten,
    /// What is known of lost records as sums.
    pub folded: loss_sums::Total,
    /// When the first thread of the final snapshot was seen.
    pub last_snapshot_ns: Option<u64>,
}

/// A tid comes again when all others were given out; no waking is told so late.
const INCARNATIONS: usize = 16;

impl World {
    /// An empty world.
    pub fn new(table: Table) -> World {
        World {
            threads: ByThread::default(),
            directory: Directory::default(),
            listeners: Listeners::default(),
            fd_tables: FdTables::default(),
            connections: Connections::default(),
            dictionaries: Dictionaries {
                symbols: Symbols::default(),
                names: Names::default(),
                table,
                gils: Gils::default(),
                disks: Disks::default(),
                cgroups: Cgroups::default(),
                known: 0,
                keeps_stacks: false,
            },
            processes: Processes::default(),
            run_queues: Some(RunQueues::default()),
            switches_kept: None,
            logs: IntervalLogs::default(),
            ended: Vec::new(),
            root: None,
            begun_ns: 0,
            origin_ns: None,
            closed: None,
            now_ns: 0,
            watermark_ns: 0,
            switches: 0,
            recovered: 0,
            forgotten: Forgotten::default(),
            folded: loss_sums::Total::default(),
            last_snapshot_ns: None,
        }
    }

    /// Up to when all is seen, ns.
    pub fn seen_until_ns(&self) -> u64 {
        self.now_ns.max(self.watermark_ns)
    }

    /// Takes in a fact from user space.
    pub fn learn(&mut self, fact: &Fact) {
        let describes = matches!(
            fact,
            Fact::Symbol { .. } | Fact::Python { .. } | Fact::Disk { .. }
        );
        self.dictionaries.known += u64::from(describes);
        match fact {
            Fact::Symbol { addr, name, sched } => {
                let symbol = Symbol::new(name.as_str().into(), *sched);
                self.dictionaries.symbols.insert(*addr, symbol);
            }
            Fact::Argv { pid, argv, file } => {
                let words = argv.iter().map(|word| format!("{word}\0"));
                let program = Program {
                    comm: Box::default(),
                    argv: words.collect::<String>().into_bytes().into(),
                    found: Some(file.as_deref().unwrap_or_default().into()),
                };
                self.processes.learn_found(*pid, program);
            }
            Fact::Python {
                pid,
                from_ns,
                found,
            } => self.dictionaries.gils.learn(*pid, *from_ns, found),
            Fact::Disk { dev, name } => {
                let Dictionaries { disks, names, .. } = &mut self.dictionaries;
                disks.learn(*dev, name, names);
            }
            &Fact::Memory {
                pid,
                rss_peak_bytes,
                private_bytes,
            } => {
                let memory = Memory {
                    rss_peak: rss_peak_bytes,
                    private: private_bytes,
                };
                self.processes.learn_memory(pid, memory);
            }
            // Of the run, not of threads; and when it is due: see `Analysis`.
            Fact::Netstat(counters) => self.listeners.counters(counters),
            Fact::Watching { at_ns } => {
                self.listeners.watched_ns.get_or_insert(*at_ns);
            }
            Fact::Lost { .. } | Fact::CpuTimes(_) | Fact::Begin { .. } => {}
        }
    }

    /// Takes in an event. Events come in order of time; one that is late is
    /// applied all the same and shifts nothing that has been accounted.
    pub fn apply(&mut self, event: &Event) {
        self.now_ns = self.now_ns.max(event.ts_ns);
        self.ended.clear();
        match &event.what {
            What::Fork(fork) => self.fork(event, fork),
            What::Exec(exec) => self.exec(event, exec),
            What::Snapshot(seen) => self.snapshot(event, seen),
            What::Object(object) => {
                self.thread(event).object = Some(FileObject::from(&**object));
            }
            What::SecondObject(object) => {
                self.thread(event).second_object = Some(FileObject::from(&**object));
            }
            What::FdTable(look) => self.look_at_table(event, look),
            What::FdKinds(kinds) => self.fd_tables.learn_kinds(event, kinds),
            What::Open(open) => self.fd_tables.describe(event, open),
            What::Peak(peak) => {
                let process = self.thread(event).process;
                self.processes.learn_peak(process, peak);
            }
            What::Rename(comm) => self.thread(event).rename(comm),
            &What::Exit { status, migrations } => self.exit(event, status, migrations),
            What::Migration(migration) => {
                let ts_ns = event.ts_ns;
                self.thread(event).track.note(ts_ns, *migration);
            }
            What::Off(off) => self.switch_out(event, off),
            What::On(on) => self.switch_in(event, on),
            What::KernelReturn(called) => self.thread(event).returned(event.ts_ns, called),
            What::Request(_)
            | What::Connect(_)
            | What::Step(_)
            | What::Listening(_)
            | What::Accept(_) => self.apply_to_socket(event),
            What::Sent(sent) => self.thread(event).is_sent(event.ts_ns, sent),
            What::Victim(frames) => self.choose(event.tid, frames),
            What::Waker(_)
            | What::Cgroup(_)
            | What::SleeperStack(_)
            | What::WakerStack(_)
            | What::Disk(_)
            | What::Signals(_) => self.describe(event),
        }
    }

    /// Takes in an event that only describes another.
    pub(super) fn describe(&mut self, event: &Event) {
        let ts_ns = event.ts_ns;
        match &event.what {
            What::Waker(task) => {
                let task = ExternalTask {
                    tid: task.tid,
                    pid: task.pid,
                    comm: String::from_utf8_lossy(&task.comm).into(),
                };
                self.directory.intern(ts_ns, task);
            }
            What::Cgroup(cgroup) => self.dictionaries.learn_cgroup(cgroup),
            What::SleeperStack(frames) => {
                self.thread(event).sleeper_stack = Some((ts_ns, frames.clone()));
            }
            What::WakerStack(frames) => {
                self.thread(event).waker_stack = Some((ts_ns, frames.clone()));
            }
            What::Disk(dev) => self.thread(event).disk = Some((ts_ns, *dev)),
            What::Signals(pending) => self.thread(event).signals = Some((ts_ns, *pending)),
            _ => {}
        }
    }

    fn switch_out(&mut self, event: &Event, off: &Off) {
        self.switches += 1;
        let id = self.target(event);
        let table = self.dictionaries.table;
        let thread = &mut self.threads[id];
        let is_whole = thread.has_run_until(off);
        thread.switch_out(event.ts_ns, off, table, &mut self.ended);
        if let Some(switches) = &mut self.switches_kept {
            switches.switch_out(thread, event.cpu, off);
        }
        if let Some(place) = thread.accepts_at(off, table) {
            self.listeners.sleeps(event.ts_ns, id, place);
        }
        let is_runnable = thread.state == State::Runnable;
        thread.track.leave(event.cpu, is_runnable);
        self.settle(id);
        let Self {
            run_queues,
            threads,
            ..
        } = self;
        if let Some(run_queues) = run_queues {
            run_queues.switch_out(event.cpu, event.ts_ns, id, is_whole, threads);
        }
    }

    fn switch_in(&mut self, event: &Event, on: &On) {
        let waking_hidden = on.wake.is_some_and(|w| w.flags & waker::RECOVERED != 0);
        self.recovered += u64::from(on.recovered) + u64::from(waking_hidden);
        let waker = self.waker(on.wake.as_ref());
        let id = self.target(event);
        let (known, ended) = (&mut self.dictionaries, &mut self.ended);
        let thread = &mut self.threads[id];
        thread.switch_in(event.ts_ns, on, waker, known, ended);
        if let Some(switches) = &mut self.switches_kept {
            switches.switch_in(thread, event.cpu, on, ended);
        }
        self.settle(id);
        self.stand_in_line(event, on, id);
    }

    /// The OOM killer has chosen a task, of the tree or not.
    fn choose(&mut self, tid: u32, frames: &[u64]) {
        let Some(id) = self.directory.latest(tid) else {
            return;
        };
        let stack = self.dictionaries.symbols.resolve(frames);
        if !self.threads[id].is_dead() {
            self.threads[id].is_chosen(&stack);
        }
    }

    /// A thread switches in: behind what it stood on the run queue.
    fn stand_in_line(&mut self, event: &Event, on: &On, id: ThreadId) {
        let Self {
            run_queues,
            threads,
            ended,
            ..
        } = self;
        if let Some(run_queues) = run_queues {
            run_queues.switch_in(event.cpu, event.ts_ns, id, on.before, threads);
            run_queues.divide(event.cpu, on, ended, id, threads);
        }
    }

    /// The trace ended at `ended_ns`, after a snapshot of every living thread:
    /// whoever is not in it died, and the record of that was lost, unless the
    /// snapshot may be what has lost records. `folded` is what the probes added up
    /// of lost records, and with it when a thread switched out for the last time.
    pub fn end(&mut self, ended_ns: u64, folded: &[LossSum], snapshot_is_whole: bool) {
        self.now_ns = self.now_ns.max(ended_ns);
        self.watermark_ns = 0;
        // Of a part of the run nobody knows how much of them is its own.
        let folded = if self.origin_ns.is_some() {
            &[]
        } else {
            folded
        };
        let sums = loss_sums::by_thread(self, folded);
        self.ended.clear();
        for thread in self.threads.iter_mut() {
            let first = self.ended.len();
            thread.settle_unconfirmed(&mut self.ended);
            // Born, or seen, while the snapshot was being taken: it lives.
            let since = self
                .last_snapshot_ns
                .is_some_and(|taken| thread.since_ns >= taken);
            let end_ns = sums.get(&thread.id).and_then(|sums| sums.end_ns);
            let overlooked = !snapshot_is_whole && end_ns.is_none();
            let is_there = thread.in_last_snapshot || since || overlooked;
            if !(is_there || thread.is_dead()) {
                let end_ns = end_ns.map_or(ended_ns, |ns| ns.min(ended_ns));
                thread.be_gone(end_ns, &mut self.ended);
            }
            // What was lost last is part of its history, too.
            self.logs.settle(thread, &self.ended[first..]);
            if let Some(sums) = sums.get(&thread.id) {
                if let Some(filter) = self.logs.filter {
                    thread.account.counted_by(filter);
                }
                self.folded.add(&sums.unfold(thread, &self.dictionaries));
            }
        }
    }

    /// What the latest event has ended, in order, or the end of the trace. Each
    /// interval is in here once, between two calls of [`World::apply`].
    pub fn ended(&self) -> &[Interval] {
        &self.ended
    }

    /// Gives what an event has ended to the sinks.
    fn settle(&mut self, id: ThreadId) {
        self.logs.settle(&mut self.threads[id], &self.ended);
    }

    /// A thread.
    pub fn get(&self, id: ThreadId) -> Option<&Thread> {
        self.threads.get(id)
    }

    fn exit(&mut self, event: &Event, status: Option<i32>, migrations: u32) {
        let id = self.target(event);
        self.fd_tables.leave(event.ts_ns, id);
        let thread = &mut self.threads[id];
        thread.exit_with(status);
        thread.has_migrated(migrations);
    }

    fn look_at_table(&mut self, event: &Event, look: &FdLook) {
        let id = self.target(event);
        let thread = &self.threads[id];
        self.fd_tables.look(event.ts_ns, thread, look);
    }

    fn fork(&mut self, event: &Event, fork: &Fork) {
        let creator = self.directory.latest(fork.creator_tid);
        let inherited = creator.and_then(|id| self.get(id));
        let creator_pid = inherited.and_then(|t| t.pid);
        let comm = String::from_utf8_lossy(&fork.comm);
        let known = inherited.filter(|creator| !creator.program.is_unknown());
        let thread = Thread {
            tid: event.tid,
            pid: Some(fork.pid),
            ppid: Some(fork.ppid),
            creator,
            program: known.map_or_else(|| Program::named(&comm), |t| t.program.clone()),
            comm: comm.into(),
            has_execed: fork.clone_flags & CLONE_THREAD != 0
                && inherited.is_some_and(|t| t.has_execed),
            state: State::NotStarted,
            since_ns: event.ts_ns,
            seq: Some(0),
            ..Thread::default()
        };
        let id = self.add(thread);
        if fork.clone_flags & CLONE_THREAD == 0 {
            let borrows = fork.clone_flags & CLONE_VM != 0;
            self.processes.is_born(self.threads[id].process, borrows);
            self.dictionaries
                .gils
                .fork(event.ts_ns, fork.pid, creator_pid);
        }
    }

    fn exec(&mut self, event: &Event, exec: &Exec) {
        if exec.old_tid != event.tid {
            self.take_leaders_tid(exec.old_tid, event.tid);
        }
        self.dictionaries.gils.exec(event.ts_ns, event.tid);
        let id = self.target(event);
        let thread = &mut self.threads[id];
        thread.run_program(event.ts_ns, &exec.comm, exec.argv.clone());
        self.processes.exec(id, thread);
        self.fd_tables.exec(id);
        self.settle(id);
    }

    /// A thread that is not the leader ran exec: it has the leader's tid now
    /// (`de_thread`). The leader's last switch-out may still come.
    fn take_leaders_tid(&mut self, old_tid: u32, leader_tid: u32) {
        if let Some(id) = self.directory.latest(old_tid) {
            let leader = self.directory.assign(leader_tid, id);
            let thread = &mut self.threads[id];
            thread.tid = leader_tid;
            if let Some(switches) = &mut self.switches_kept {
                switches.take_tid(id, old_tid);
            }
            thread.previous = leader.filter(|&leader| leader != id);
        }
    }

    fn snapshot(&mut self, event: &Event, seen: &Snapshot) {
        // A thread that has ended while others of its process live on.
        if seen.last && seen.off.state & state::DEAD != 0 {
            return;
        }
        if seen.last && self.last_snapshot_ns.is_none() {
            self.last_snapshot_ns = Some(event.ts_ns);
        }
        // The root of a run, and all that there is of the tree.
        if seen.held {
            self.run_queues.iter_mut().for_each(RunQueues::begin);
        }
        let waker = self.waker(seen.wake.as_ref());
        let id = self.target(event);
        let thread = &mut self.threads[id];
        thread.apply_snapshot(
            event.ts_ns,
            seen,
            waker,
            &mut self.dictionaries,
            &mut self.ended,
        );
        if let Some(switches) = &mut self.switches_kept {
            switches.woken(&self.ended, seen.wake.map_or(0, |wake| wake.flags));
            if !seen.last {
                switches.found(thread);
            }
        }
        self.identify(id);
        self.settle(id);
    }

    /// A snapshot says which process a thread belongs to, and with it what that ran
    /// before it was seen.
    fn identify(&mut self, id: ThreadId) {
        let Self {
            processes, threads, ..
        } = self;
        let is_dead = |id: ThreadId| threads.get(id).is_none_or(Thread::is_dead);
        let thread = &threads[id];
        let process = processes.identify(id, thread, self.now_ns, is_dead);
        let thread = &mut threads[id];
        thread.process = process;
        let process = processes.get(process).filter(|_| !thread.has_execed);
        if let Some(program) = process.and_then(|process| process.found.clone()) {
            thread.program = program;
            thread.has_execed = true;
        } else if thread.program.is_unknown() {
            thread.program = Program::named(&thread.comm);
        }
        self.look_for_go(id);
    }

    pub(super) fn waker(&mut self, wake: Option<&Waking>) -> Waker {
        let Some(wake) = wake else {
            return Waker::Nobody;
        };
        if wake.flags & waker::IDLE != 0 {
            return Waker::Nobody;
        }
        if wake.flags & waker::TRACED == 0 {
            return self.directory.external(wake.ts_ns, wake.tid);
        }
        match self.directory.latest(wake.tid) {
            Some(id) => Waker::Thread(self.living_at(id, wake.ts_ns)),
            // Of the tree, but its birth was lost.
            None => Waker::Nobody,
        }
    }

    /// The incarnation of a tid that could act at `ts_ns`. Broken input may make
    /// them a circle.
    fn living_at(&self, latest: ThreadId, ts_ns: u64) -> ThreadId {
        let before = |&id: &ThreadId| {
            let thread = self.get(id)?;
            let begun = thread.start_ns.is_some_and(|start| start <= ts_ns);
            thread.previous.filter(|_| !begun)
        };
        let incarnations = successors(Some(latest), before).take(INCARNATIONS);
        incarnations.last().unwrap_or(latest)
    }

    fn thread(&mut self, event: &Event) -> &mut Thread {
        let id = self.target(event);
        &mut self.threads[id]
    }

    /// The thread an event is about; a new, unidentified one when its birth
    /// was lost.
    pub(super) fn target(&mut self, event: &Event) -> ThreadId {
        let owner = self.owner(event);
        owner.unwrap_or_else(|| self.add(Thread::unidentified(event.tid)))
    }

    /// The same, if it is known.
    pub(super) fn owner(&self, event: &Event) -> Option<ThreadId> {
        let latest = self.directory.latest(event.tid)?;
        let thread = &self.threads[latest];
        if let Some(previous) = thread.previous
            && self.is_still_for(previous, thread, event)
        {
            return Some(previous);
        }
        let is_over = thread.is_dead() && event.ts_ns > thread.since_ns;
        (!is_over).then_some(latest)
    }

    /// Whether an event is the previous owner's of a reused tid, which has
    /// given the tid back but has not switched out for the last time.
    pub(super) fn is_still_for(&self, previous: ThreadId, latest: &Thread, event: &Event) -> bool {
        let Some(old) = self.get(previous) else {
            return false;
        };
        // It may also live on under the tid that an exec gave it.
        if old.is_dead() || old.tid != event.tid || self.has_gone(previous) {
            return false;
        }
        let next = |thread: &Thread| thread.seq.map(|seq| seq.wrapping_add(1));
        match &event.what {
            What::Off(off) if off.state & state::DEAD != 0 => next(old) == Some(off.seq),
            What::Off(off) => {
                old.state == State::Running
                    && next(old) == Some(off.seq)
                    && latest.state != State::Running
            }
            What::On(on) => {
                let first_run = on.wake.is_some_and(|wake| wake.flags & waker::NEW != 0);
                !first_run && latest.state == State::NotStarted && old.seq == Some(on.seq)
            }
            _ => false,
        }
    }

    fn add(&mut self, mut thread: Thread) -> ThreadId {
        let id = self.threads.next_id();
        thread.id = id;
        thread.previous = self.directory.assign(thread.tid, id);
        let creator = thread.creator.and_then(|id| self.get(id));
        let creator = creator.map(|thread| thread.process);
        let Self {
            processes, threads, ..
        } = self;
        let is_dead = |id: ThreadId| threads.get(id).is_none_or(Thread::is_dead);
        thread.process = processes.add(id, &thread, self.now_ns, creator, is_dead);
        self.threads.push(thread);
        self.look_for_go(id);
        id
    }

    /// A process is scanned when it has another thread than its leader: what was found
    /// is known by the time that thread is met.
    fn look_for_go(&mut self, id: ThreadId) {
        let thread = &self.threads[id];
        let pid = thread.pid.filter(|_| !thread.is_leader());
        if self.dictionaries.gils.is_go(pid, self.now_ns) {
            self.processes.learn_go(thread.process);
        }
    }
}
