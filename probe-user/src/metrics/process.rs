//! Processes: which threads belong together, who started whom, what each runs.
//!
//! A process begins with a thread whose creator belongs to another process (or
//! is not known). Its pid is no identity: pids are reused.

use rustc_hash::FxHashMap;

use super::label;
use crate::world::{World, identity::ThreadId, thread::Thread};

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The thread that names it: its leader, or the first where none was seen.
    pub main: ThreadId,
    /// The process that created it: index into [`Processes::list`].
    pub parent: Option<usize>,
    /// What it runs: `git index-pack`.
    pub label: String,
    /// Last name of its main thread.
    pub comm: Box<str>,
}

/// Processes in order of birth.
pub struct Processes {
    /// All of them.
    pub list: Vec<Process>,
    /// For each thread, its process.
    pub of_thread: Vec<usize>,
}

/// Finds the processes of a world.
pub fn find(world: &World) -> Processes {
    let mut found = Processes {
        list: Vec::new(),
        of_thread: Vec::new(),
    };
    let mut by_pid: FxHashMap<u32, usize> = FxHashMap::default();
    for (id, thread) in (0..).map(ThreadId).zip(&world.threads) {
        // A thread whose birth was lost stands for a process of its own.
        let pid = thread.pid.unwrap_or(thread.tid);
        let creator = thread
            .creator
            .and_then(|ThreadId(id)| found.of_thread.get(id as usize))
            .copied();
        let same = creator.filter(|&index| found.list[index].pid == pid);
        // Of a process that was there before us the leader is not always the first.
        let has_leader = |process: &Process| world.get(process.main).is_some_and(Thread::is_leader);
        let belongs = |&index: &usize| {
            !thread.is_leader() || thread.creator.is_none() && !has_leader(&found.list[index])
        };
        let same = same.or_else(|| by_pid.get(&pid).copied().filter(belongs));
        let index = match same {
            Some(index) => index,
            None => {
                found.list.push(Process {
                    pid,
                    main: id,
                    parent: creator,
                    label: String::new(),
                    comm: Box::default(),
                });
                found.list.len() - 1
            }
        };
        by_pid.insert(pid, index);
        found.of_thread.push(index);
        let process = &mut found.list[index];
        if thread.is_leader() && !has_leader(process) {
            process.main = id;
        }
        if process.main == id || thread.has_execed && thread.is_leader() {
            process.label = label::program(&thread.comm, &thread.argv);
            process.comm = thread.comm.clone();
        }
    }
    found
}
