//! Processes: which threads belong together, who made them, what they run.
//!
//! A pid is no identity, because pids are reused: a process is its pid *and* its
//! beginning. It begins with the fork of its leader; where that was not recorded,
//! with the first of its threads that is seen. A thread whose birth was lost
//! stands for a process of its own until something says what its pid is: a
//! snapshot, or that it makes a thread (which is then of the same process). A
//! child of vfork is a process like any other, also while it borrows its
//! creator's memory.
//!
//! What the threads of a process share has its place here: its program, its memory. Descriptor
//! tables are apart: a thread may leave that of its process, and processes may share one.

mod memory;

pub use memory::Memory;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{identity::ThreadId, program::Program, thread::Thread};
use crate::wire::event::Peak;
use memory::Peaks;

/// A process's identity: a running number, never given out again. Zero is nobody's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(u32);

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id; `None` while a thread's tid is all that is known of it.
    pub pid: Option<u32>,
    /// The process that its leader was last seen to be a child of.
    pub ppid: Option<u32>,
    /// When it was first seen, ns: with the pid its identity.
    pub start_ns: u64,
    /// The thread that made it.
    pub creator: Option<ThreadId>,
    /// The thread that names it: its leader, or the first where none was seen. An exec makes
    /// the thread that calls it the leader.
    pub main: ThreadId,
    /// The thread that says what it runs: as `main`, or who ran exec last.
    pub runs: ThreadId,
    /// Its threads, in the order in which they were seen.
    pub threads: Vec<ThreadId>,
    /// The program that it was found to run.
    pub found: Option<Arc<Program>>,
    /// Its program was made by Go.
    pub is_go: bool,
    /// What it had in memory.
    peak: Peaks,
    /// It was there before it was seen, and has not run exec since.
    is_found: bool,
    /// Its leader is among its threads.
    has_leader: bool,
    /// What leads to it in [`Processes::latest`].
    known_as: u32,
}

/// All processes.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    all: FxHashMap<ProcessId, Process>,
    /// The latest process with a pid; for one whose pid is not known, by the tid of
    /// its thread.
    latest: FxHashMap<u32, ProcessId>,
    /// Programs of processes that were there before the observation, and of which
    /// none was seen yet, by pid.
    found: FxHashMap<u32, Program>,
    /// What those that outlive the observation have in memory, by pid.
    memory_at_end: FxHashMap<u32, Memory>,
    /// Bytes of a thread's stack in the kernel, once a process has ended.
    pub kernel_stack: Option<u32>,
    last: u32,
}

impl Processes {
    /// A process.
    pub fn get(&self, id: ProcessId) -> Option<&Process> {
        self.all.get(&id)
    }

    /// Learns what a process runs that was there before the observation.
    pub fn learn_found(&mut self, pid: u32, program: Program) {
        self.found.insert(pid, program);
    }

    /// The program of a process is one made by Go.
    pub(super) fn learn_go(&mut self, process: ProcessId) {
        if let Some(process) = self.all.get_mut(&process) {
            process.is_go = true;
        }
    }

    /// What the process with this pid has in memory as the observation ends; it may not
    /// have been seen yet.
    pub(super) fn learn_memory(&mut self, pid: u32, memory: Memory) {
        self.memory_at_end.insert(pid, memory);
    }

    /// What a process had in memory, whose last thread exits, or before its program.
    pub(super) fn learn_peak(&mut self, process: ProcessId, peak: &Peak) {
        self.kernel_stack = self.kernel_stack.max(peak.kernel_stack);
        let Some(process) = self.all.get_mut(&process) else {
            return;
        };
        process.peak.learn(peak);
    }

    /// A process was made: with a memory of its own, or its creator's.
    pub(super) fn is_born(&mut self, process: ProcessId, borrows: bool) {
        if let Some(process) = self.all.get_mut(&process) {
            process.peak.is_born(borrows);
        }
    }

    /// What a process had in memory.
    pub fn memory(&self, id: ProcessId) -> Memory {
        let Some(process) = self.get(id) else {
            return Memory::default();
        };
        // A pid may have been another one's before.
        let lives_on =
            process.peak.is_to_be_looked_up() && self.latest.get(&process.known_as) == Some(&id);
        let at_end = process.pid.filter(|_| lives_on);
        let at_end = at_end.and_then(|pid| self.memory_at_end.get(&pid).copied());
        at_end.unwrap_or(Memory {
            rss_peak: process.peak.own(),
            private: None,
        })
    }

    /// A thread was born, or met without a birth, at `at_ns`. Returns its process;
    /// `creator` is its creator's. `is_dead` says which threads are.
    pub(super) fn add(
        &mut self,
        id: ThreadId,
        thread: &Thread,
        at_ns: u64,
        creator: Option<ProcessId>,
        is_dead: impl Fn(ThreadId) -> bool,
    ) -> ProcessId {
        let process = match thread.pid {
            Some(pid) if !thread.is_leader() => self.of_new_thread(pid, creator, is_dead),
            Some(_) => None,
            // Its tid may be the pid of a process whose leader was not seen.
            None => self.latest_with(thread.tid, |process| !process.has_leader),
        };
        let process = process.unwrap_or_else(|| self.begin(id, thread, at_ns));
        self.join(process, id, thread);
        process
    }

    /// The process of a new thread that is no leader. Who makes a thread is of the
    /// same process, which may be the first that is known of that.
    fn of_new_thread(
        &mut self,
        pid: u32,
        creator: Option<ProcessId>,
        is_dead: impl Fn(ThreadId) -> bool,
    ) -> Option<ProcessId> {
        let of_creator = |wanted| {
            let process = self.get(creator?)?;
            creator.filter(|_| process.pid == wanted)
        };
        if let Some(own) = of_creator(Some(pid)) {
            return Some(own);
        }
        let nameless = of_creator(None);
        let living = self.latest_with(pid, |process| !process.is_over(is_dead));
        match nameless {
            Some(own) if living.is_none_or(|living| living == own) => {
                self.name(own, pid);
                Some(own)
            }
            _ => living,
        }
    }

    fn latest_with(&self, pid: u32, is_wanted: impl FnOnce(&Process) -> bool) -> Option<ProcessId> {
        let latest = self.latest.get(&pid).copied()?;
        self.get(latest).filter(|it| is_wanted(it)).map(|_| latest)
    }

    fn begin(&mut self, id: ThreadId, thread: &Thread, at_ns: u64) -> ProcessId {
        self.last = self.last.saturating_add(1);
        let process = ProcessId(self.last);
        let known_as = thread.pid.unwrap_or(thread.tid);
        let begun = Process {
            pid: thread.pid,
            ppid: thread.ppid,
            start_ns: at_ns,
            creator: thread.creator,
            main: id,
            runs: id,
            threads: Vec::new(),
            found: None,
            is_go: false,
            peak: Peaks::default(),
            is_found: !thread.is_leader(),
            has_leader: false,
            known_as,
        };
        self.all.insert(process, begun);
        self.latest.insert(known_as, process);
        process
    }

    /// The pid of a process has become known.
    fn name(&mut self, id: ProcessId, pid: u32) {
        let Some(process) = self.all.get_mut(&id) else {
            return;
        };
        process.pid = Some(pid);
        let known_as = std::mem::replace(&mut process.known_as, pid);
        if self.latest.get(&known_as) == Some(&id) {
            self.latest.remove(&known_as);
        }
        self.latest.insert(pid, id);
    }

    fn join(&mut self, process: ProcessId, id: ThreadId, thread: &Thread) {
        let Some(process) = self.all.get_mut(&process) else {
            return;
        };
        process.threads.push(id);
        process.be_led_by(id, thread);
    }

    /// A snapshot has shown the pid and parent of a thread at `at_ns`. Returns its
    /// process, which may be another one than before. `is_dead` says which threads are.
    pub(super) fn identify(
        &mut self,
        id: ThreadId,
        thread: &Thread,
        at_ns: u64,
        is_dead: impl Fn(ThreadId) -> bool,
    ) -> ProcessId {
        let Some(pid) = thread.pid else {
            return thread.process;
        };
        let known = self.get(thread.process);
        let process = match known.map(|process| process.pid) {
            Some(own) if own == Some(pid) => thread.process,
            own => {
                let is_nameless = own == Some(None);
                self.place(pid, is_nameless, id, thread, at_ns, is_dead)
            }
        };
        if let Some(own) = self.all.get_mut(&process) {
            own.be_led_by(id, thread);
            own.ppid = thread.ppid;
            if own.is_found && own.found.is_none() {
                own.found = self.found.remove(&pid).map(|program| {
                    // A thread may have a name of its own.
                    let comm = thread.is_leader().then(|| thread.comm.clone());
                    let comm = comm.unwrap_or_default();
                    Arc::new(Program { comm, ..program })
                });
            }
        }
        process
    }

    /// Where a thread belongs whose pid has become known: to the latest process
    /// of that pid, if that still lives and has no other leader; or else to its own,
    /// which has a pid now; or else to one that begins with it.
    fn place(
        &mut self,
        pid: u32,
        is_nameless: bool,
        id: ThreadId,
        thread: &Thread,
        at_ns: u64,
        is_dead: impl Fn(ThreadId) -> bool,
    ) -> ProcessId {
        let other = self.latest_with(pid, |it| {
            !(it.is_over(is_dead) || thread.is_leader() && it.has_leader)
        });
        let other = other.filter(|&other| other != thread.process);
        if other.is_none() && is_nameless {
            self.name(thread.process, pid);
            return thread.process;
        }
        self.forget(id, thread.process);
        let process = other.unwrap_or_else(|| self.begin(id, thread, at_ns));
        self.join(process, id, thread);
        process
    }

    /// A thread has run exec: it is its process's leader now, whatever it was.
    pub(super) fn exec(&mut self, id: ThreadId, thread: &Thread) {
        if let Some(process) = self.all.get_mut(&thread.process) {
            process.has_leader |= thread.is_leader();
            (process.main, process.runs) = (id, id);
            (process.is_found, process.found, process.is_go) = (false, None, false);
            process.peak.exec();
        }
    }

    /// Gives back the threads that are not there any more, and each process with the
    /// last of its threads.
    pub fn retain(&mut self, is_there: impl Fn(ThreadId) -> bool) {
        let Processes { all, latest, .. } = self;
        all.retain(|id, process| {
            let (main, runs) = (process.main, process.runs);
            process.threads.retain(|&thread| is_there(thread));
            if let Some(&first) = process.threads.first() {
                for gone in [main, runs].into_iter().filter(|&id| !is_there(id)) {
                    process.be_left_by(gone, first);
                }
                return true;
            }
            if latest.get(&process.known_as) == Some(id) {
                latest.remove(&process.known_as);
            }
            false
        });
    }

    /// A thread leaves a process, which ends with the last of its threads.
    fn forget(&mut self, id: ThreadId, process: ProcessId) {
        let Some(own) = self.all.get_mut(&process) else {
            return;
        };
        own.threads.retain(|&other| other != id);
        if let Some(&first) = own.threads.first() {
            own.be_left_by(id, first);
            return;
        }
        if self.latest.get(&own.known_as) == Some(&process) {
            self.latest.remove(&own.known_as);
        }
        self.all.remove(&process);
    }
}

impl Process {
    fn is_over(&self, is_dead: impl Fn(ThreadId) -> bool) -> bool {
        self.threads.iter().all(|&thread| is_dead(thread))
    }

    /// A thread of it may turn out to be its leader.
    fn be_led_by(&mut self, id: ThreadId, thread: &Thread) {
        if thread.is_leader() && !self.has_leader {
            self.has_leader = true;
            (self.main, self.runs) = (id, id);
        }
    }

    /// The oldest that is left stands in for what a thread was.
    fn be_left_by(&mut self, id: ThreadId, first: ThreadId) {
        if self.main == id {
            self.main = first;
        }
        if self.runs == id {
            self.runs = self.main;
        }
    }
}

#[cfg(test)]
mod tests;
