//! A little process tree, made record by record.

use probe_common::{signal::Sent, task::snapshot::ON_CPU, uapi::CLONE_THREAD};

use super::run;
use crate::{
    document::{Document, Group},
    wire::tests::{
        frames,
        probes::{By, Out, Probes, TaskId, Who},
    },
};

/// `wait4`
pub(crate) const WAIT: i16 = 61;
/// `read`
pub(super) const READ: i16 = 0;

/// The tree; its clock moves 10 ns with each event.
pub(crate) struct Tree {
    pub(super) probes: Probes,
    now_ns: u64,
    next_tid: u32,
    ids: Vec<(u32, u32)>,
}

impl Tree {
    /// A root that runs this program.
    pub(crate) fn root(argv: &[&'static str]) -> (Tree, TaskId) {
        let mut tree = Tree {
            probes: Probes::default(),
            now_ns: 1000,
            next_tid: 100,
            ids: vec![(100, 100)],
        };
        let who = Who {
            tid: 100,
            pid: 100,
            ppid: 1,
            comm: "sudo",
        };
        let root = tree.probes.seed(1000, who, Out::default(), ON_CPU);
        tree.exec(root, argv);
        (tree, root)
    }

    pub(super) fn tick(&mut self) -> u64 {
        self.now_ns += 10;
        self.now_ns
    }

    pub(super) fn pass(&mut self, ns: u64) {
        self.now_ns += ns;
    }

    pub(super) fn tid(&self, task: TaskId) -> u32 {
        self.ids[task].0
    }

    pub(super) fn exec(&mut self, task: TaskId, argv: &[&'static str]) {
        let (now, tid) = (self.tick(), self.tid(task));
        self.probes.exec(now, task, tid, argv);
    }

    /// A thread gives itself a name.
    pub(super) fn rename(&mut self, task: TaskId, comm: &'static str) {
        let now = self.tick();
        self.probes.rename(now, task, comm);
    }

    /// A new process that runs on.
    pub(crate) fn fork(&mut self, parent: TaskId, comm: &'static str) -> TaskId {
        self.next_tid += 1;
        let tid = self.next_tid;
        self.born(parent, tid, tid, 0, comm)
    }

    /// As [`Tree::fork`], with a certain pid.
    pub(super) fn fork_as(&mut self, parent: TaskId, pid: u32, comm: &'static str) -> TaskId {
        self.born(parent, pid, pid, 0, comm)
    }

    /// A new thread that runs on.
    pub(super) fn thread(&mut self, creator: TaskId, comm: &'static str) -> TaskId {
        self.next_tid += 1;
        let (tid, pid) = (self.next_tid, self.ids[creator].1);
        self.born(creator, tid, pid, CLONE_THREAD, comm)
    }

    fn born(
        &mut self,
        creator: TaskId,
        tid: u32,
        pid: u32,
        flags: u64,
        comm: &'static str,
    ) -> TaskId {
        let ppid = self.ids[creator].1;
        let who = Who {
            tid,
            pid,
            ppid,
            comm,
        };
        let (now, by) = (self.tick(), By::task(self.tid(creator), 56));
        let task = self.probes.fork(now, self.tid(creator), flags, who);
        self.ids.push((tid, pid));
        self.probes.wake_new(now, task, &by);
        self.run(task);
        task
    }

    pub(super) fn run(&mut self, task: TaskId) {
        let now = self.tick();
        self.probes.switch(now, None, Some(task));
    }

    pub(crate) fn sleep(&mut self, task: TaskId, out: Out) {
        let now = self.tick();
        self.probes.switch(now, Some((task, out)), None);
    }

    /// A sleeper is woken by a thread of the tree, and runs at once.
    pub(crate) fn wake(&mut self, task: TaskId, waker: TaskId) {
        let (now, by) = (self.tick(), By::task(self.tid(waker), 202));
        self.probes.waking(now, task, &by);
        self.run(task);
    }

    /// Sleeps for `ns`, is woken by a thread of the tree, and runs at once.
    pub(super) fn nap(&mut self, task: TaskId, nr: i16, ns: u64, waker: TaskId) {
        self.wait(task, Out::sleep(nr), ns, waker);
    }

    /// The same for any sleep.
    pub(super) fn wait(&mut self, task: TaskId, out: Out, ns: u64, waker: TaskId) {
        self.sleep(task, out);
        self.pass(ns - 10);
        self.wake(task, waker);
    }

    pub(crate) fn exit(&mut self, task: TaskId, status: i32) {
        let now = self.tick();
        self.probes.exit(now, task, status);
        let now = self.tick();
        self.probes.switch(now, Some((task, Out::DEAD)), None);
    }

    /// A signal is sent to it.
    pub(super) fn send(&mut self, task: TaskId, sent: Sent) {
        let now = self.tick();
        self.probes.send(now, task, sent);
    }

    /// The OOM killer chooses a task.
    pub(super) fn choose(&mut self, tid: u32, stack: &str) {
        let now = self.tick();
        self.probes.choose(now, tid, &frames::stack(stack));
    }

    /// What has been recorded so far.
    pub(crate) fn records(self) -> Vec<Vec<u8>> {
        self.probes.records
    }

    /// A process that was there before, found on a CPU.
    pub(super) fn found(&mut self, ppid: u32, comm: &'static str) -> TaskId {
        self.next_tid += 1;
        let tid = self.next_tid;
        let who = Who {
            tid,
            pid: tid,
            ppid,
            comm,
        };
        let now = self.tick();
        self.ids.push((tid, tid));
        self.probes.seed(now, who, Out::default(), ON_CPU)
    }

    /// The report of these processes, attached to, of which some threads wait and the
    /// others run.
    pub(super) fn attached(&mut self, pids: &[u32], waiting: &[TaskId]) -> Document {
        let now = self.tick();
        for task in 0..self.ids.len() {
            match waiting.contains(&task) {
                true => self.probes.last(now, task, Out::sleep(WAIT), 0),
                false => self.probes.last(now, task, Out::default(), ON_CPU),
            }
        }
        let document = run::attached(&self.probes.records, now, pids);
        assert_eq!(document.coverage.residual_ns, 0);
        document
    }

    /// The report of what has been recorded so far.
    pub(super) fn document(&self) -> Document {
        let document = run::cut(&self.probes.records);
        assert_eq!(document.coverage.residual_ns, 0);
        document
    }
}

/// Names and sizes of all groups, by name.
pub(super) fn sizes(document: &Document) -> Vec<(&str, usize, usize)> {
    let size = |g: &'_ Group| (g.threads, g.pids.len());
    let mut sizes: Vec<(&str, usize, usize)> = document
        .groups
        .iter()
        .map(|g| (g.name.as_str(), size(g).0, size(g).1))
        .collect();
    sizes.sort_unstable();
    sizes
}

/// The group of this name.
pub(super) fn group<'a>(document: &'a Document, name: &str) -> &'a Group {
    let found = document.groups.iter().find(|group| group.name == name);
    found.unwrap_or_else(|| panic!("no group {name:?} in {:?}", sizes(document)))
}
