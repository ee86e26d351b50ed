//! The interpreter locks of CPython: which futex words are part of one.
//!
//! A thread that waits for the GIL sleeps on a mutex or a condition variable
//! inside the object `_PyRuntime`, and nothing else in there is waited for by
//! futex: CPython's other locks are on the heap or, from 3.13 on, wait in
//! semaphores on the stack. (A lock of a subinterpreter of its own, 3.12 and
//! later, is on the heap too, and its waits stay `futex`.)

use std::{collections::BTreeSet, ops::Range};

use rustc_hash::FxHashMap;

use crate::wire::session::ScanResult;

/// What is known of the interpreter locks of all processes.
#[derive(Clone, Debug, Default)]
pub struct Gils {
    /// Oldest first; more than one only until the exec between them is told.
    by_pid: FxHashMap<u32, Vec<Program>>,
    /// Files because of which it cannot be told where a Python's lock is.
    pub untold: BTreeSet<(Untold, String)>,
    /// Processes that could not be looked at and why: their ids, and since when
    /// they ran that program, ns.
    pub unseen: FxHashMap<(u32, u64), Unseen>,
}

/// What is the matter with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untold {
    /// A Python without the symbol.
    Symbolless,
    /// A Python that could not be opened.
    Unreadable,
    /// A C library that has threads wait elsewhere.
    OtherLibc,
}

/// Why a process could not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// Its threads had ended.
    Gone,
    /// It is not permitted.
    Refused,
}

/// What a process runs from an instant on, until its next exec.
#[derive(Clone, Debug)]
struct Program {
    from_ns: u64,
    /// Addresses of its `_PyRuntime`, if it has one.
    runtime: Option<Range<u64>>,
    /// It was made by Go.
    is_go: bool,
}

impl Gils {
    /// Takes in what a look at a process found. It may come before the birth
    /// or exec of which it tells, because facts come before their records.
    pub fn learn(&mut self, pid: u32, from_ns: u64, look: &ScanResult) {
        let runtime = match look {
            ScanResult::Gone => return self.miss(pid, from_ns, Unseen::Gone),
            ScanResult::Refused => return self.miss(pid, from_ns, Unseen::Refused),
            ScanResult::Runtime { start, end } => Some(*start..*end),
            ScanResult::NoPython | ScanResult::Go => None,
            ScanResult::Symbolless { file } => self.cannot_tell(Untold::Symbolless, file),
            ScanResult::Unreadable { file } => self.cannot_tell(Untold::Unreadable, file),
            ScanResult::OtherLibc { file } => self.cannot_tell(Untold::OtherLibc, file),
        };
        self.know(pid, from_ns, runtime, *look == ScanResult::Go);
    }

    /// A process is born; it has its creator's memory.
    pub fn fork(&mut self, ts_ns: u64, pid: u32, creator: Option<u32>) {
        self.exec(ts_ns, pid);
        let creator = creator.and_then(|creator| self.running(creator, ts_ns));
        if let Some(Program { runtime, is_go, .. }) = creator.cloned()
            && self.running(pid, ts_ns).is_none()
        {
            self.know(pid, ts_ns, runtime, is_go);
        }
    }

    /// A process runs another program, in another memory.
    pub fn exec(&mut self, ts_ns: u64, pid: u32) {
        if let Some(programs) = self.by_pid.get_mut(&pid) {
            programs.retain(|program| program.from_ns >= ts_ns);
        }
    }

    /// Whether a futex word that a process waited on since `since_ns` is part
    /// of its interpreter lock.
    pub fn holds(&self, pid: Option<u32>, since_ns: u64, word: u64) -> bool {
        let program = pid.and_then(|pid| self.running(pid, since_ns));
        let runtime = program.and_then(|program| program.runtime.as_ref());
        runtime.is_some_and(|range| range.contains(&word))
    }

    /// Whether a futex word that a process waited on may be part of a lock.
    pub fn may_hold(&self, pid: Option<u32>) -> bool {
        let programs = pid.and_then(|pid| self.by_pid.get(&pid));
        programs.is_some_and(|list| list.iter().any(|program| program.runtime.is_some()))
    }

    /// Whether the program that a process runs at an instant, ns, was made by Go.
    pub fn is_go(&self, pid: Option<u32>, ns: u64) -> bool {
        let program = pid.and_then(|pid| self.running(pid, ns));
        program.is_some_and(|program| program.is_go)
    }

    /// Forgets processes that are not there any more, but for what was seen of them
    /// since an instant, ns.
    pub fn forget(&mut self, before_ns: u64, is_there: impl Fn(u32) -> bool) {
        self.by_pid.retain(|&pid, programs| {
            is_there(pid) || programs.iter().any(|program| program.from_ns >= before_ns)
        });
        self.unseen
            .retain(|&(pid, from_ns), _| is_there(pid) || from_ns >= before_ns);
    }

    fn running(&self, pid: u32, ns: u64) -> Option<&Program> {
        let programs = self.by_pid.get(&pid)?;
        programs.iter().rfind(|program| program.from_ns <= ns)
    }

    fn know(&mut self, pid: u32, from_ns: u64, runtime: Option<Range<u64>>, is_go: bool) {
        self.unseen.remove(&(pid, from_ns));
        let programs = self.by_pid.entry(pid).or_default();
        programs.push(Program {
            from_ns,
            runtime,
            is_go,
        });
    }

    fn cannot_tell(&mut self, why: Untold, file: &str) -> Option<Range<u64>> {
        self.untold.insert((why, file.to_owned()));
        None
    }

    fn miss(&mut self, pid: u32, from_ns: u64, why: Unseen) {
        let program = self.running(pid, from_ns);
        if program.is_none_or(|program| program.from_ns < from_ns) {
            self.unseen.insert((pid, from_ns), why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gil_a_program_runs_from_the_instant_of_its_exec_on() {
        let mut gils = Gils::default();
        let found = |start| ScanResult::Runtime {
            start,
            end: start + 8,
        };
        gils.learn(5, 100, &found(0x1000));
        gils.learn(5, 200, &found(0x2000));
        let holds = |since_ns, word| gils.holds(Some(5), since_ns, word);
        assert!(!holds(99, 0x1000));
        assert!(holds(100, 0x1000) && holds(199, 0x1000) && !holds(200, 0x1000));
        assert!(!holds(199, 0x2000) && holds(200, 0x2000));
    }
}
