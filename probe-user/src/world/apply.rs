//! Events → world: finds the thread an event is about and hands it on.

use std::iter::successors;

use probe_common::{
    sched::{state, waker},
    uapi::CLONE_THREAD,
};

use super::{
    blame::IntervalLogs,
    by_thread::ByThread,
    disk::Disks,
    forget::Forgotten,
    gil::Gils,
    identity::{Directory, ExternalTask, ThreadId, Waker},
    interval::Interval,
    listen::Listeners,
    loss_sums,
    names::Names,
    process::Processes,
    stack::{Symbol, Symbols},
    thread::{State, Thread, exit_of},
    wait_site::{Dictionaries, FileObject},
};
use crate::{
    syscall::Table,
    wire::{
        event::{Event, Exec, Fork, Snapshot, Waking, What},
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
    /// Symbols, interned text, system calls.
    pub dictionaries: Dictionaries,
    /// Which threads belong together.
    pub processes: Processes,
    /// What every thread has done.
    pub logs: IntervalLogs,
    /// What the latest event has ended.
    pub(super) ended: Vec<Interval>,
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
    last_snapshot_ns: Option<u64>,
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
            dictionaries: Dictionaries {
                symbols: Symbols::default(),
                names: Names::default(),
                table,
                gils: Gils::default(),
                disks: Disks::default(),
            },
            processes: Processes::default(),
            logs: IntervalLogs::default(),
            ended: Vec::new(),
            now_ns: 0,
            watermark_ns: 0,
            switches: 0,
            recovered: 0,
            forgotten: Forgotten::default(),
            folded: loss_sums::Total::default(),
            last_snapshot_ns: None,
        }
    }

    /// Takes in a fact from user space.
    pub fn learn(&mut self, fact: &Fact) {
        match fact {
            Fact::Symbol { addr, name, sched } => {
                let symbol = Symbol {
                    name: name.as_str().into(),
                    sched: *sched,
                };
                self.dictionaries.symbols.insert(*addr, symbol);
            }
            Fact::Argv { pid, argv } => {
                let words = argv.iter().map(|word| format!("{word}\0"));
                let argv = words.collect::<String>().into_bytes();
                self.processes.learn_arguments(*pid, argv.into());
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
            // Coverage, not world.
            Fact::Lost { .. } => {}
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
            What::Waker(task) => self.directory.intern(
                event.ts_ns,
                ExternalTask {
                    tid: task.tid,
                    pid: task.pid,
                    comm: String::from_utf8_lossy(&task.comm).into(),
                },
            ),
            What::Object(object) => {
                self.thread(event).object = Some(FileObject::from(&**object));
            }
            What::SecondObject(object) => {
                self.thread(event).second_object = Some(FileObject::from(&**object));
            }
            What::SleeperStack(frames) => {
                self.thread(event).sleeper_stack = Some((event.ts_ns, frames.clone()));
            }
            What::WakerStack(frames) => {
                self.thread(event).waker_stack = Some((event.ts_ns, frames.clone()));
            }
            What::Disk(dev) => self.thread(event).disk = Some((event.ts_ns, *dev)),
            What::Rename(comm) => self.thread(event).rename(comm),
            What::Exit { status, migrations } => {
                let thread = self.thread(event);
                thread.exit = status.map(exit_of);
                thread.migrations = u64::from(*migrations);
            }
            What::Off(off) => {
                self.switches += 1;
                let id = self.target(event);
                let table = self.dictionaries.table;
                self.threads[id].switch_out(event.ts_ns, off, table, &mut self.ended);
                self.settle(id);
            }
            What::On(on) => {
                let waking_hidden = on.wake.is_some_and(|w| w.flags & waker::RECOVERED != 0);
                self.recovered += u64::from(on.recovered) + u64::from(waking_hidden);
                let waker = self.waker(on.wake.as_ref());
                let id = self.target(event);
                let thread = &mut self.threads[id];
                thread.switch_in(
                    event.ts_ns,
                    on,
                    waker,
                    &mut self.dictionaries,
                    &mut self.ended,
                );
                self.settle(id);
            }
            What::KernelReturn(called) => self.thread(event).returned(event.ts_ns, called),
            What::Request(request) => self.listeners.add(event.ts_ns, request),
        }
    }

    /// The trace ended at `ended_ns`, after a snapshot of every living thread:
    /// whoever is not in it died, and the record of that was lost, unless the
    /// snapshot may be what has lost records. `folded` is what the probes added up
    /// of lost records, and with it when a thread switched out for the last time.
    pub fn end(&mut self, ended_ns: u64, folded: &[LossSum], snapshot_is_whole: bool) {
        self.now_ns = self.now_ns.max(ended_ns);
        self.watermark_ns = 0;
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
                if thread.start_ns.is_some() {
                    let end_ns = end_ns.map_or(ended_ns, |ns| ns.min(ended_ns));
                    thread.lose_until(end_ns, &mut self.ended);
                }
                thread.state = State::Dead;
            }
            // What was lost last is part of its history, too.
            self.logs.settle(thread, &self.ended[first..]);
            if let Some(sums) = sums.get(&thread.id) {
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

    fn fork(&mut self, event: &Event, fork: &Fork) {
        let creator = self.directory.latest(fork.creator_tid);
        let inherited = creator.and_then(|id| self.get(id));
        let creator_pid = inherited.and_then(|t| t.pid);
        let thread = Thread {
            tid: event.tid,
            pid: Some(fork.pid),
            ppid: Some(fork.ppid),
            creator,
            comm: String::from_utf8_lossy(&fork.comm).into(),
            argv: inherited.map(|t| t.argv.clone()).unwrap_or_default(),
            has_execed: fork.clone_flags & CLONE_THREAD != 0
                && inherited.is_some_and(|t| t.has_execed),
            state: State::NotStarted,
            since_ns: event.ts_ns,
            seq: Some(0),
            ..Thread::default()
        };
        self.add(thread);
        if fork.clone_flags & CLONE_THREAD == 0 {
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
        self.settle(id);
    }

    /// A thread that is not the leader ran exec: it has the leader's tid now
    /// (`de_thread`). The leader's last switch-out may still come.
    fn take_leaders_tid(&mut self, old_tid: u32, leader_tid: u32) {
        if let Some(id) = self.directory.latest(old_tid) {
            let leader = self.directory.assign(leader_tid, id);
            let thread = &mut self.threads[id];
            thread.tid = leader_tid;
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
        if let Some(argv) = process.and_then(|process| process.found_argv.clone()) {
            thread.argv = argv;
            thread.has_execed = true;
        }
    }

    fn waker(&mut self, wake: Option<&Waking>) -> Waker {
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
    fn target(&mut self, event: &Event) -> ThreadId {
        let Some(latest) = self.directory.latest(event.tid) else {
            return self.add(Thread::unidentified(event.tid));
        };
        let thread = &self.threads[latest];
        if let Some(previous) = thread.previous
            && self.is_still_for(previous, thread, event)
        {
            return previous;
        }
        if thread.is_dead() && event.ts_ns > thread.since_ns {
            return self.add(Thread::unidentified(event.tid));
        }
        latest
    }

    /// Whether an event is the previous owner's of a reused tid, which has
    /// given the tid back but has not switched out for the last time.
    fn is_still_for(&self, previous: ThreadId, latest: &Thread, event: &Event) -> bool {
        let old = &self.threads[previous];
        // It may also live on under the tid that an exec gave it.
        if old.is_dead() || old.tid != event.tid {
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
        id
    }
}
