//! Processes, thread by thread.

use super::*;

/// Threads as they become known; nobody dies.
#[derive(Default)]
struct Tree {
    processes: Processes,
    threads: Vec<Thread>,
}

impl Tree {
    /// A thread is met, or born where its process is known. Returns its number.
    fn meets(&mut self, tid: u32, pid: Option<u32>) -> usize {
        let id = ThreadId(self.threads.len() as u32);
        let mut thread = Thread {
            id,
            tid,
            pid,
            ..Thread::default()
        };
        thread.process = self.processes.add(id, &thread, 100, None, |_| false);
        self.threads.push(thread);
        id.0 as usize
    }

    /// A snapshot has shown a thread's process.
    fn identifies(&mut self, thread: usize, tid: u32, pid: u32) {
        let thread = &mut self.threads[thread];
        (thread.tid, thread.pid) = (tid, Some(pid));
        let id = thread.id;
        thread.process = self.processes.identify(id, thread, 200, |_| false);
    }

    fn execs(&mut self, thread: usize) {
        let thread = &self.threads[thread];
        self.processes.exec(thread.id, thread);
    }

    fn process(&self, thread: usize) -> &Process {
        let process = self.processes.get(self.threads[thread].process);
        process.expect("it has one")
    }
}

const FORMER: &[u8] = b"former";

fn former() -> Program {
    Program {
        argv: FORMER.into(),
        ..Program::default()
    }
}

#[test]
fn process_whose_birth_was_seen_runs_nothing_that_it_was_found_to_run() {
    for (tid, pid, found) in [
        (5, Some(5), None),
        (5, None, Some(FORMER)),
        (6, Some(5), Some(FORMER)),
    ] {
        let mut tree = Tree::default();
        tree.processes.learn_found(5, former());
        let thread = tree.meets(tid, pid);
        tree.identifies(thread, tid, 5);
        let program = tree.process(thread).found.as_ref();
        assert_eq!(
            program.map(|program| &*program.argv),
            found,
            "{tid} of {pid:?}"
        );
    }
}

#[test]
fn process_runs_another_program_than_it_was_found_to_run_behind_an_exec() {
    let mut tree = Tree::default();
    tree.processes.learn_found(5, former());
    let thread = tree.meets(5, None);
    tree.identifies(thread, 5, 5);
    tree.execs(thread);
    assert_eq!(tree.process(thread).found, None);
    tree.processes.learn_found(5, former());
    tree.identifies(thread, 5, 5);
    assert_eq!(tree.process(thread).found, None);
}

#[test]
fn process_is_named_by_the_thread_that_ran_exec_also_while_the_former_leader_is_seen() {
    let mut tree = Tree::default();
    let former = tree.meets(5, Some(5));
    let caller = tree.meets(6, Some(5));
    tree.threads[caller].tid = 5;
    tree.execs(caller);
    tree.identifies(former, 5, 5);
    let process = tree.process(former);
    let caller = tree.threads[caller].id;
    assert_eq!((process.main, process.runs), (caller, caller));
}

#[test]
fn process_that_has_a_leader_takes_in_no_other() {
    let mut tree = Tree::default();
    let leader = tree.meets(5, Some(5));
    // Its tid alone.
    let unborn = tree.meets(5, None);
    assert_ne!(tree.threads[unborn].process, tree.threads[leader].process);
    // Its pid, where it was taken for another's.
    let mut tree = Tree::default();
    let leader = tree.meets(5, Some(5));
    let other = tree.meets(7, Some(7));
    tree.identifies(other, 5, 5);
    assert_ne!(tree.threads[other].process, tree.threads[leader].process);
}

#[test]
fn process_without_a_leader_takes_in_the_one_that_has_its_pid() {
    let mut tree = Tree::default();
    let thread = tree.meets(6, Some(5));
    let leader = tree.meets(5, None);
    assert_eq!(tree.threads[thread].process, tree.threads[leader].process);
}

#[test]
fn process_whose_pid_has_become_known_is_found_by_that_alone() {
    let mut tree = Tree::default();
    let thread = tree.meets(6, None);
    tree.identifies(thread, 6, 5);
    assert_eq!(tree.process(thread).pid, Some(5));
    let another = tree.meets(7, Some(5));
    assert_eq!(tree.threads[another].process, tree.threads[thread].process);
    let reused = tree.meets(6, None);
    assert_ne!(tree.threads[reused].process, tree.threads[thread].process);
}
