//! What many metrics of one document ask for: which thread is of which process, who made
//! whom, and what is not certain.

use rustc_hash::FxHashMap;

use super::trust::Trust;
use crate::document::{Document, Exit, Thread};

/// Look-up tables that many metrics of one document share.
pub struct Prepared {
    /// For each thread, its process.
    of_thread: Vec<usize>,
    processes: Vec<Process>,
    root: Option<usize>,
    /// Two threads have had one tid.
    has_shared_tids: bool,
    /// Threads of which it is not known to which process they belong.
    unidentified: usize,
    /// Of all threads together, covered by lost records, ns.
    unknown_ns: u64,
    /// The first in the document's list, by pid and end.
    fates: FxHashMap<(Option<u32>, Exit), usize>,
    trust: Trust,
}

/// One process.
struct Process {
    /// Its first thread; where that was not seen, its oldest.
    leader: usize,
    /// Its threads.
    size: usize,
    /// From when to when one of them lived, ns.
    life: (u64, u64),
    maker: Maker,
}

/// Which thread made a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// None of the tree.
    Nobody,
    /// One of the tree, but not which.
    Someone,
    /// This one.
    Thread(usize),
}

impl Prepared {
    /// Looks through a document once.
    pub fn new(document: &Document) -> Prepared {
        let threads = &document.threads;
        let mut by_tid: FxHashMap<u32, Vec<usize>> = FxHashMap::default();
        for (index, thread) in threads.iter().enumerate() {
            by_tid.entry(thread.tid).or_default().push(index);
        }
        let (of_thread, mut processes) = processes(threads);
        for process in &mut processes {
            process.maker = maker(&threads[process.leader], &by_tid);
        }
        Prepared {
            root: root(document, &processes),
            of_thread,
            processes,
            has_shared_tids: by_tid.len() < threads.len(),
            fates: fates(document),
            unidentified: threads.iter().filter(|it| it.pid.is_none()).count(),
            unknown_ns: threads
                .iter()
                .fold(0, |sum, it| sum.saturating_add(it.sums.unknown_ns)),
            trust: Trust::of(document),
        }
    }

    /// How many processes there are.
    pub fn processes(&self) -> usize {
        self.processes.len()
    }

    /// A thread's process.
    pub fn process_of(&self, thread: usize) -> usize {
        self.of_thread[thread]
    }

    /// A process's first thread; where that was not seen, its oldest.
    pub fn leader(&self, process: usize) -> usize {
        self.processes[process].leader
    }

    /// Threads of a process.
    pub fn size(&self, process: usize) -> usize {
        self.processes[process].size
    }

    /// From when to when a thread of a process lived, ns.
    pub fn life(&self, process: usize) -> (u64, u64) {
        self.processes[process].life
    }

    /// The thread that made a process.
    pub fn maker(&self, process: usize) -> Maker {
        self.processes[process].maker
    }

    /// The first process.
    pub fn root(&self) -> Option<usize> {
        self.root
    }

    /// Whether any two threads had one tid.
    pub fn has_shared_tids(&self) -> bool {
        self.has_shared_tids
    }

    /// Threads of which it is not known to which process they belong.
    pub fn unidentified(&self) -> usize {
        self.unidentified
    }

    /// Of all threads together, covered by lost records, ns.
    pub fn unknown_ns(&self) -> u64 {
        self.unknown_ns
    }

    /// What is known of the end of a process: its place in [`Document::fates`].
    pub fn fate(&self, pid: Option<u32>, exit: Exit) -> Option<usize> {
        self.fates.get(&(pid, exit)).copied()
    }

    /// What the report says about itself.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }
}

fn fates(document: &Document) -> FxHashMap<(Option<u32>, Exit), usize> {
    let mut fates = FxHashMap::default();
    for (place, fate) in document.fates.iter().flatten().enumerate() {
        fates.entry((fate.pid, fate.exit)).or_insert(place);
    }
    fates
}

/// Each thread's process, and all of them in order of their oldest threads. Reports of older
/// versions have only pids, which may be reused.
fn processes(threads: &[Thread]) -> (Vec<usize>, Vec<Process>) {
    let mut places: FxHashMap<(Option<usize>, Option<u32>), usize> = FxHashMap::default();
    let mut list: Vec<Process> = Vec::new();
    let mut of_thread = Vec::with_capacity(threads.len());
    for (index, thread) in threads.iter().enumerate() {
        let own = match (thread.process, thread.pid) {
            (Some(process), _) => (Some(process), None),
            (None, Some(pid)) => (None, Some(pid)),
            (None, None) => (Some(index), Some(thread.tid)),
        };
        let place = *places.entry(own).or_insert(list.len());
        if place == list.len() {
            list.push(Process {
                leader: index,
                size: 0,
                life: (thread.start_ns, thread.end_ns),
                maker: Maker::Nobody,
            });
        }
        let process = &mut list[place];
        let is_leader = |index: usize| threads[index].pid == Some(threads[index].tid);
        if !is_leader(process.leader) && is_leader(index) {
            process.leader = index;
        }
        process.size += 1;
        let (from_ns, to_ns) = process.life;
        process.life = (from_ns.min(thread.start_ns), to_ns.max(thread.end_ns));
        of_thread.push(place);
    }
    (of_thread, list)
}

/// Which thread made a process whose first thread this is.
fn maker(leader: &Thread, by_tid: &FxHashMap<u32, Vec<usize>>) -> Maker {
    match (leader.creator, leader.creator_tid) {
        (Some(creator), _) => Maker::Thread(creator),
        (None, None) => Maker::Nobody,
        (None, Some(tid)) => match by_tid.get(&tid).map(Vec::as_slice) {
            Some(&[creator]) => Maker::Thread(creator),
            _ => Maker::Someone,
        },
    }
}

/// The process attached to, the first of several; else the oldest that nobody in the tree
/// made.
fn root(document: &Document, processes: &[Process]) -> Option<usize> {
    let pid = |process: &Process| document.threads[process.leader].pid;
    let is_root = |process: &Process| match document.attached.first() {
        Some(&first) => pid(process) == Some(first),
        None => pid(process).is_some(),
    };
    processes
        .iter()
        .position(|process| process.maker == Maker::Nobody && is_root(process))
}
