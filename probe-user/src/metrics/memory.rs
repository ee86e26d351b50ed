//! What processes cost: memory, and the time from clone(2) until they run.
//!
//! - *peak*: of a process that has ended, what its parent gets as `ru_maxrss`, if that is more
//!   than it was before the program that it ran: an exec does not begin it anew, and takes what
//!   the memory before had (after a vfork, that of the parent). Of one that lives on, `VmHWM`.
//! - *private*: of one that lives on, its pages that no other process maps.
//! - *start*: from the waking that is the last thing clone does to the first switch-in, and of
//!   a process also to the end of its first exec. What clone itself took is not in it.

use super::process::Processes;
use crate::{
    document::{Memory, Start, Starts},
    histogram::Histogram,
    world::World,
};

/// Memory of every process, in the order of their first threads; `None` where none is known.
pub fn of(world: &World, processes: &Processes) -> Option<Vec<Memory>> {
    let row = |process: &super::process::Process| {
        let thread = world.get(process.main)?;
        let known = world.processes.get(thread.process)?;
        let memory = world.processes.memory(thread.process);
        Some(Memory {
            pid: process.pid,
            comm: process.comm.to_string(),
            rss_peak: memory.rss_peak,
            private_peak: memory.private,
            threads: known.threads.len(),
            stack_touched: None,
            kernel_stack: world.processes.kernel_stack.map(u64::from),
        })
    };
    let rows: Vec<Memory> = processes.list.iter().filter_map(row).collect();
    let is_known = rows.iter().any(|row| row.rss_peak.is_some());
    is_known.then_some(rows)
}

/// How long new threads and processes took to run; `None` where none was seen to begin.
pub fn starts(world: &World) -> Option<Starts> {
    let mut ran = [Histogram::default(), Histogram::default()];
    let mut program = Histogram::default();
    for thread in world.threads.iter() {
        let Some(ns) = thread.started_within_ns else {
            continue;
        };
        ran[usize::from(thread.is_leader())].add(ns);
        if let Some(ns) = thread.execed_within_ns.filter(|_| thread.is_leader()) {
            program.add(ns);
        }
    }
    let [thread, process] = ran;
    let starts = Starts {
        thread: start(&thread),
        process: start(&process),
        program: start(&program),
    };
    (starts != Starts::default()).then_some(starts)
}

fn start(of: &Histogram) -> Option<Start> {
    Some(Start {
        count: of.count,
        p50_ns: of.p50()?,
        p99_ns: of.p99()?,
        max_ns: of.max,
    })
}
