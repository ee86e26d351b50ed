//! Scans each process for a Python once, when it has started its first thread: before
//! that nobody can wait for its interpreter lock. What is found goes with the
//! batch that has the thread's birth, so it is known before any wait is counted.
//!
//! Missed is a libpython that a program loads when it has threads already.

use probe_common::uapi::CLONE_THREAD;
use rustc_hash::FxHashMap;

use crate::{
    probe::clock::boottime_ahead_ns,
    symbol::python::Pythons,
    wire::{
        event::{Event, What},
        session::{Fact, ScanResult},
    },
};

/// Which processes have been scanned.
#[derive(Default)]
pub struct PythonScan {
    /// By process id; one whose id is used again begins anew.
    processes: FxHashMap<u32, Process>,
    pythons: Pythons,
}

/// What a process runs since its birth or last exec.
#[derive(Default)]
struct Process {
    from_ns: u64,
    found: Option<ScanResult>,
}

impl PythonScan {
    /// What an event makes it find.
    pub fn event(&mut self, event: &Event) -> Option<Fact> {
        match &event.what {
            What::Exec(_) => self.begin(event.tid, event.ts_ns),
            What::Fork(fork) if fork.clone_flags & CLONE_THREAD == 0 => {
                self.begin(fork.pid, event.ts_ns);
            }
            What::Fork(fork) => return self.look_into(fork.pid, event),
            What::Snapshot(seen) if !seen.last && seen.pid != event.tid => {
                return self.look_into(seen.pid, event);
            }
            _ => {}
        }
        None
    }

    fn begin(&mut self, pid: u32, from_ns: u64) {
        let found = None;
        self.processes.insert(pid, Process { from_ns, found });
    }

    /// Looks through a thread that the event is about. If that is gone already,
    /// the next one is tried.
    fn look_into(&mut self, pid: u32, event: &Event) -> Option<Fact> {
        let process = self.processes.entry(pid).or_default();
        if !matches!(process.found, None | Some(ScanResult::Gone)) {
            return None;
        }
        let found = self.pythons.scan(
            pid,
            event.tid,
            event.ts_ns.saturating_add_signed(boottime_ahead_ns()),
        );
        if process.found.replace(found.clone()).as_ref() == Some(&found) {
            return None;
        }
        let from_ns = process.from_ns;
        Some(Fact::Python {
            pid,
            from_ns,
            found,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc::channel, thread};

    use super::*;
    use crate::probe::clock::monotonic_ns;
    use crate::wire::tests::{
        decoded,
        probes::{Probes, Who},
    };

    fn who(tid: u32) -> Who {
        Who {
            tid,
            pid: std::process::id(),
            ppid: 1,
            comm: "test",
        }
    }

    fn facts(scan: &mut PythonScan, probes: &mut Probes) -> Vec<Fact> {
        let (events, _) = decoded(&std::mem::take(&mut probes.records).concat());
        events
            .iter()
            .filter_map(|event| scan.event(event))
            .collect()
    }

    /// This process, whose thread lives until the end of the test.
    #[test]
    fn a_program_is_looked_at_once_when_a_thread_of_it_is_there() {
        let (said, hear) = channel();
        let (_keep, wait) = channel::<()>();
        thread::spawn(move || {
            said.send(nix::unistd::gettid().as_raw().cast_unsigned())
                .unwrap();
            wait.recv().unwrap_err();
        });
        let (pid, tid) = (std::process::id(), hear.recv().unwrap());
        let (mut scan, mut probes) = (PythonScan::default(), Probes::default());
        let now_ns = monotonic_ns();
        let fact = |from_ns, found| Fact::Python {
            pid,
            from_ns,
            found,
        };
        let leader = probes.fork(1000, 1, 0, who(pid));
        assert_eq!(facts(&mut scan, &mut probes), [], "it has no thread");
        // Two threads that have ended.
        for _ in 0..2 {
            probes.fork(2000, pid, CLONE_THREAD, who(u32::MAX));
        }
        let gone = [fact(1000, ScanResult::Gone)];
        assert_eq!(facts(&mut scan, &mut probes), gone, "reported once");
        for _ in 0..2 {
            probes.fork(now_ns, pid, CLONE_THREAD, who(tid));
        }
        let looked = [fact(1000, ScanResult::NoPython)];
        assert_eq!(facts(&mut scan, &mut probes), looked, "looked once");
        probes.exec(3000, leader, pid, &["again"]);
        probes.fork(now_ns, pid, CLONE_THREAD, who(tid));
        let again = [fact(3000, ScanResult::NoPython)];
        assert_eq!(facts(&mut scan, &mut probes), again);
    }
}
