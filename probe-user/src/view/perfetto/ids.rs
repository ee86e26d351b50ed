//! The numbers of threads and processes in the trace. The kernel gives a number again, and a
//! thread may give its tid back before its last switch; Perfetto knows tasks by their tids.
//! So whatever would have a number while another has it gets one beyond all of the kernel's.

use rustc_hash::FxHashMap;

use crate::document::{Document, trace::Switches};

/// No pid is greater than this number (`PID_MAX_LIMIT`).
pub const PID_MAX: i32 = 1 << 22;

/// Numbers from here on are those of tasks that are none: see [`super::cpus`].
pub const RESERVED: i32 = 500 * PID_MAX;

/// The process of threads of which that is not known.
pub const NO_PROCESS: i32 = RESERVED + 2 * PID_MAX;

/// Who has which number.
pub struct Ids {
    /// Of each thread of the document.
    pub tids: Vec<i32>,
    /// Its process's.
    pub pids: Vec<i32>,
    /// Of each task outside the tree.
    pub outside: Vec<i32>,
}

/// When which number is taken, ns.
#[derive(Default)]
struct Taken(FxHashMap<i32, Vec<(u64, u64)>>);

impl Taken {
    /// Takes a number, or the same plus a multiple of [`PID_MAX`].
    fn take(&mut self, number: u32, from_ns: u64, to_ns: u64) -> i32 {
        let mut number = i32::try_from(number).unwrap_or(0) % PID_MAX;
        loop {
            let spans = self.0.entry(number).or_default();
            let overlaps = |&(from, to): &(u64, u64)| from <= to_ns && from_ns <= to;
            if !spans.iter().any(overlaps) || number + PID_MAX >= RESERVED {
                spans.push((from_ns, to_ns));
                return number;
            }
            number += PID_MAX;
        }
    }
}

struct Process {
    pid: Option<u32>,
    from_ns: u64,
    to_ns: u64,
    /// The thread that has its pid.
    leader: Option<usize>,
    number: i32,
}

/// Gives everybody a number.
pub fn of(document: &Document, switches: &Switches) -> Ids {
    let mut taken = Taken::default();
    let first_tid = |row: usize| switches.threads.get(row).and_then(|it| it.first_tid);
    let mut processes: FxHashMap<usize, Process> = FxHashMap::default();
    for (row, thread) in document.threads.iter().enumerate() {
        let process = processes
            .entry(thread.process.unwrap_or(row))
            .or_insert(Process {
                pid: None,
                from_ns: thread.start_ns,
                to_ns: thread.end_ns,
                leader: None,
                number: NO_PROCESS,
            });
        process.pid = process.pid.or(thread.pid);
        process.from_ns = process.from_ns.min(thread.start_ns);
        process.to_ns = process.to_ns.max(thread.end_ns);
        if thread.pid == Some(thread.tid) && first_tid(row).is_none() {
            process.leader = process.leader.or(Some(row));
        }
    }
    let mut in_order: Vec<&mut Process> = processes.values_mut().collect();
    in_order.sort_by_key(|process| (process.from_ns, process.pid));
    for process in in_order {
        if let Some(pid) = process.pid {
            process.number = taken.take(pid, process.from_ns, process.to_ns);
        }
    }
    let mut tids = Vec::new();
    let mut pids = Vec::new();
    for (row, thread) in document.threads.iter().enumerate() {
        let process = processes.get(&thread.process.unwrap_or(row));
        let pid = process.map_or(NO_PROCESS, |process| process.number);
        let is_leader = process.is_some_and(|process| process.leader == Some(row));
        pids.push(pid);
        tids.push(match is_leader {
            true => pid,
            false => {
                let tid = first_tid(row).unwrap_or(thread.tid);
                taken.take(tid, thread.start_ns, thread.end_ns)
            }
        });
    }
    let outside = switches.tasks.iter();
    Ids {
        tids,
        pids,
        outside: outside
            .map(|task| taken.take(task.tid, 0, u64::MAX))
            .collect(),
    }
}
