//! The tree of processes: names, parents and command lines, each written where the first of
//! a thread or process is seen, and when a tid or pid is given back.

use rustc_hash::FxHashMap;

use super::{
    cpus::gap_tid,
    ids::{Ids, NO_PROCESS, PID_MAX, RESERVED},
    plain,
    proto::{Process, ProcessTree, Thread},
};
use crate::document::{self, Document, trace::Switches};

/// The process of tasks that stand for gaps.
const GAPS: i32 = RESERVED + 3 * PID_MAX;

/// Which threads of which process are there.
pub struct Tree {
    /// By pid in the trace, threads that have not ended.
    living: FxHashMap<i32, usize>,
}

impl Tree {
    /// Before any was seen. Threads that have not run are left out.
    pub fn new(document: &Document, switches: &Switches, ids: &Ids) -> Tree {
        let mut living: FxHashMap<i32, usize> = FxHashMap::default();
        let lanes = document.trace.iter().flat_map(|trace| &trace.lanes);
        let rows = ids.pids.iter().zip(lanes).zip(&switches.threads);
        for ((&pid, lane), _) in rows {
            *living.entry(pid).or_default() += usize::from(lane.count > 0);
        }
        Tree { living }
    }

    /// What there is to say of a thread and its process.
    pub fn begin(&self, document: &Document, row: usize, ids: &Ids) -> ProcessTree {
        let thread = &document.threads[row];
        let (pid, tid) = (ids.pids[row], ids.tids[row]);
        let process = Process {
            pid: Some(pid),
            ppid: parent(document, thread, ids),
            cmdline: command_line(thread),
        };
        ProcessTree {
            processes: match pid {
                NO_PROCESS => Vec::new(),
                _ if tid == pid => vec![process],
                _ => Vec::new(),
            },
            threads: vec![Thread {
                tid: Some(tid),
                name: Some(plain(&thread.comm)),
                tgid: Some(pid),
            }],
        }
    }

    /// A thread has ended: its tid, unless it is its process's, too.
    pub fn gone(&mut self, row: usize, ids: &Ids) -> Option<i32> {
        let (pid, tid) = (ids.pids[row], ids.tids[row]);
        let living = self.living.entry(pid).or_default();
        *living = living.saturating_sub(1);
        (tid != pid).then_some(tid)
    }

    /// Its pid, if it was the last thread of its process.
    pub fn process_gone(&self, row: usize, ids: &Ids) -> Option<i32> {
        let pid = ids.pids[row];
        let is_gone = self.living.get(&pid) == Some(&0);
        (is_gone && pid != NO_PROCESS).then_some(pid)
    }

    /// Tasks outside the tree, and those that stand for what is not known of CPUs.
    pub fn others(&self, switches: &Switches, ids: &Ids, cpus: usize) -> ProcessTree {
        let outside = switches.tasks.iter().zip(&ids.outside);
        let outside = outside.map(|(task, &tid)| Thread {
            tid: Some(tid),
            name: Some(plain(&task.comm)).filter(|name| !name.is_empty()),
            tgid: task.pid.and_then(|pid| match pid == task.tid {
                true => Some(tid),
                false => i32::try_from(pid).ok(),
            }),
        });
        let gaps = (0..cpus).flat_map(|cpu| {
            let gap = |is_outside, name: &str| Thread {
                tid: Some(gap_tid(cpu, is_outside)),
                name: Some(format!("{name} (CPU {cpu})")),
                tgid: Some(GAPS),
            };
            [
                gap(true, "outside the tree"),
                gap(false, "idle or outside the tree"),
            ]
        });
        ProcessTree {
            processes: vec![Process {
                pid: Some(GAPS),
                ppid: None,
                cmdline: vec!["not-the-tree".to_owned()],
            }],
            threads: outside.chain(gaps).collect(),
        }
    }
}

/// The parent's pid in the trace.
fn parent(document: &Document, thread: &document::Thread, ids: &Ids) -> Option<i32> {
    let ppid = thread.ppid?;
    let creator = thread.creator.filter(|&row| row < ids.pids.len());
    let of_creator = creator.filter(|&row| document.threads[row].pid == Some(ppid));
    let of_tree = of_creator.map(|row| ids.pids[row]);
    of_tree.or_else(|| i32::try_from(ppid).ok())
}

fn command_line(thread: &document::Thread) -> Vec<String> {
    if let Some(title) = &thread.title {
        return vec![plain(title)];
    }
    let words: Vec<String> = thread.argv.iter().map(|word| plain(word)).collect();
    match words.is_empty() {
        true => vec![plain(&thread.comm)],
        false => words,
    }
}
