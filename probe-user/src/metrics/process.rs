//! The rows for processes: those of the world, numbered, and what each is called.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::label;
use crate::world::{
    World, by_thread::ByThread, identity::ThreadId, process::ProcessId, program::Program,
    thread::Thread,
};

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id, or the tid of its thread where that is all that is known.
    pub pid: u32,
    /// The thread that names it: its leader, or the first where none was seen.
    pub main: ThreadId,
    /// When it was first seen, ns.
    pub start_ns: u64,
    /// The thread that made it.
    pub creator: Option<ThreadId>,
    /// The process that created it: index into [`Processes::list`].
    pub parent: Option<usize>,
    /// What it runs: `git index-pack`.
    pub label: String,
    /// Last name of the thread that it runs.
    pub comm: Box<str>,
    /// What it runs.
    pub program: Arc<Program>,
    /// It runs its parent's program, without an exec of its own.
    pub is_forked: bool,
    /// The names that it has given itself since its birth.
    pub own_names: usize,
    /// Its program was made by Go.
    pub is_go: bool,
}

/// Processes in order of their first threads.
pub struct Processes {
    /// All of them.
    pub list: Vec<Process>,
    /// For each thread, its process.
    pub of_thread: ByThread<usize>,
    /// For each thread, its row, in the world's order.
    pub rows: ByThread<usize>,
}

/// Numbers the processes of a world.
pub fn rows(world: &World) -> Processes {
    let mut rows = Processes {
        list: Vec::new(),
        of_thread: ByThread::default(),
        rows: ByThread::default(),
    };
    let mut places: FxHashMap<ProcessId, usize> = FxHashMap::default();
    for (index, thread) in world.threads.iter().enumerate() {
        let next = rows.list.len();
        let place = *places.entry(thread.process).or_insert(next);
        if place == next {
            let row = row(world, thread.id, &rows);
            rows.list.push(row);
        }
        *rows.of_thread.entry(thread.id) = place;
        *rows.rows.entry(thread.id) = index;
    }
    rows
}

/// The row of the process whose first thread is `first`. Its parent has one already.
fn row(world: &World, first: ThreadId, rows: &Processes) -> Process {
    let thread = world.get(first);
    let process = thread.and_then(|thread| world.processes.get(thread.process));
    let main = process.map_or(first, |process| process.main);
    let creator = process.and_then(|process| process.creator);
    let runs = process.map_or(first, |process| process.runs);
    let runs = world.get(runs);
    let main_tid = world.get(main).map_or(0, |thread| thread.tid);
    Process {
        pid: process.and_then(|process| process.pid).unwrap_or(main_tid),
        main,
        start_ns: process.map_or(0, |process| process.start_ns),
        creator,
        parent: creator.and_then(|id| rows.of_thread.get(id).copied()),
        label: runs.map_or_else(String::new, label_of),
        comm: runs.map(|thread| thread.comm.clone()).unwrap_or_default(),
        program: runs
            .map(|thread| thread.program.clone())
            .unwrap_or_default(),
        is_forked: creator.is_some() && runs.is_some_and(|thread| !thread.has_execed),
        own_names: runs.map_or(0, |thread| thread.former_comms.len()),
        is_go: process.is_some_and(|process| process.is_go),
    }
}

/// What a thread's program is called; by the thread's name where no more is known.
pub fn label_of(thread: &Thread) -> String {
    match thread.program.is_unknown() {
        true => thread.comm.to_string(),
        false => label::program(&thread.program),
    }
}
