//! A model of the kernel probes: one entry per task, kept by the same rules
//! (`probe-ebpf`), and the records that they would have written.

mod inputs;

use probe_common::{
    cgroup::Cgroup,
    connection::{self, Accept, Connect, Listening, Step},
    disk::Disk,
    fd::Object,
    fd_table::{Kinds, Look, of_kind},
    kernel_return::KernelReturn,
    listen::Request,
    memory::Peak,
    oom,
    sched::{Migration, Switch, Waker, flag, waker},
    signal::{Pending, Sent},
    stack::{FRAMES, Stack, role},
    task::{ARGV_BYTES, Exec, Exit, Fork, Rename, Snapshot, snapshot},
};

pub(crate) use inputs::{By, Out, Who};

use super::bytes::{at, padded, seal};
use crate::wire::decode::in_interrupt;

/// A task of the model: unique where a tid is not.
pub(crate) type TaskId = usize;

#[derive(Clone, Debug)]
struct Entry {
    who: Who,
    seq: u16,
    off_ns: u64,
    wake_ns: u64,
    by: By,
    migrations: u32,
}

/// See [`Switch`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Before {
    pub(crate) prev_tid: u32,
    pub(crate) idle_until_ns: u64,
    pub(crate) lost: u16,
}

/// The probes' memory and output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probes {
    /// What they have written, in order.
    pub(crate) records: Vec<Vec<u8>>,
    /// The CPU that writes.
    pub(crate) cpu: u16,
    /// What a switch from an untraced task says of what the CPU did before; 0: nothing.
    pub(crate) before: Before,
    /// Whether all moves of the next task are known.
    pub(crate) moves_known: bool,
    tasks: Vec<Entry>,
}

impl Probes {
    fn follow(&mut self, who: Who) -> TaskId {
        self.tasks.push(Entry {
            who,
            seq: 0,
            off_ns: 0,
            wake_ns: 0,
            by: By::default(),
            migrations: 0,
        });
        self.tasks.len() - 1
    }

    /// The task's present tid.
    pub(crate) fn tid(&self, task: TaskId) -> u32 {
        self.tasks[task].who.tid
    }

    /// Switch-outs so far.
    pub(crate) fn seq(&self, task: TaskId) -> u16 {
        self.tasks[task].seq
    }

    /// A waking was seen that no switch-in has carried away.
    pub(crate) fn has_waking(&self, task: TaskId) -> bool {
        self.tasks[task].wake_ns != 0
    }

    /// `sched_wakeup_new`, of a task not yet followed
    pub(crate) fn fork(&mut self, ts_ns: u64, creator: u32, clone_flags: u64, who: Who) -> TaskId {
        self.records.push(seal(Fork {
            header: at(ts_ns, self.cpu, 0),
            creator_tid: creator,
            tid: who.tid,
            tgid: who.pid,
            ppid: who.ppid,
            clone_flags,
            start_ns: ts_ns,
            comm: padded(who.comm.as_bytes()),
        }));
        self.follow(who)
    }

    /// `sched_wakeup_new`
    pub(crate) fn wake_new(&mut self, ts_ns: u64, task: TaskId, by: &By) {
        let entry = &mut self.tasks[task];
        entry.wake_ns = ts_ns;
        entry.by = by.clone();
        entry.by.flags |= waker::NEW;
    }

    /// `sched_waking`
    pub(crate) fn waking(&mut self, ts_ns: u64, task: TaskId, by: &By) {
        let entry = &mut self.tasks[task];
        if entry.off_ns != 0 && entry.wake_ns > entry.off_ns {
            return;
        }
        entry.wake_ns = ts_ns;
        entry.by = by.clone();
        let asleep = entry.off_ns != 0;
        let tid = entry.who.tid;
        if let Some((pid, comm)) = by.stranger {
            self.records.push(seal(Waker {
                header: at(ts_ns, self.cpu, 0),
                tid,
                waker_tid: by.tid,
                waker_tgid: pid,
                pad: 0,
                comm: padded(comm.as_bytes()),
            }));
        }
        if let Some((own, shared, exit_code)) = by.signals {
            let header = at(ts_ns, self.cpu, 0);
            self.records.push(seal(Pending {
                header,
                tid,
                exit_code,
                own,
                shared,
            }));
        }
        if asleep {
            self.stack(ts_ns, tid, role::SLEEPER, &by.sleeper_stack);
        }
        if !asleep && !in_interrupt(by.flags) && by.signals.is_none() {
            return;
        }
        self.stack(ts_ns, tid, role::WAKER, &by.waker_stack);
        if let Some(dev) = by.disk {
            let header = at(ts_ns, self.cpu, 0);
            self.records.push(seal(Disk { header, tid, dev }));
        }
    }

    fn stack(&mut self, ts_ns: u64, tid: u32, whose: u16, taken: &[u64]) {
        if taken.is_empty() {
            return;
        }
        let mut frames = [0; FRAMES];
        frames[..taken.len()].copy_from_slice(taken);
        self.records.push(seal(Stack {
            header: at(ts_ns, self.cpu, whose),
            tid,
            len: taken.len() as u32,
            frames,
        }));
    }

    /// `sched_switch`
    pub(crate) fn switch(&mut self, ts_ns: u64, prev: Option<(TaskId, Out)>, next: Option<TaskId>) {
        let mut record = Switch {
            prev_nr: -1,
            waker_nr: -1,
            ..Switch::default()
        };
        let mut flags = 0;
        if let Some((task, out)) = prev {
            flags |= flag::HAS_PREV | out.flags;
            self.switch_out(ts_ns, task, &out, &mut record);
        } else {
            record.prev_tid = self.before.prev_tid;
            record.prev_arg0 = self.before.idle_until_ns;
            record.prev_seq = self.before.lost;
        }
        if let Some(task) = next {
            flags |= flag::HAS_NEXT;
            if self.moves_known {
                flags |= flag::MOVES_KNOWN;
            }
            self.switch_in(task, &mut record);
        }
        record.header = at(ts_ns, self.cpu, flags);
        self.records.push(seal(record));
    }

    fn switch_out(&mut self, ts_ns: u64, task: TaskId, out: &Out, record: &mut Switch) {
        let entry = &mut self.tasks[task];
        entry.seq = entry.seq.wrapping_add(1);
        if out.sleeps() {
            entry.off_ns = ts_ns;
        }
        record.prev_tid = entry.who.tid;
        record.prev_state = out.state;
        record.prev_nr = out.nr;
        record.prev_seq = entry.seq;
        record.prev_arg0 = out.arg0;
        record.prev_arg1 = out.arg1;
    }

    fn switch_in(&mut self, task: TaskId, record: &mut Switch) {
        let entry = &mut self.tasks[task];
        record.next_tid = entry.who.tid;
        record.next_seq = entry.seq;
        record.wake_ns = entry.wake_ns;
        if entry.wake_ns != 0 {
            record.waker_tid = entry.by.tid;
            record.waker_nr = entry.by.nr;
            record.waker_flags = entry.by.flags;
        }
        entry.wake_ns = 0;
        entry.off_ns = 0;
    }

    /// A switch-in that the kernel hid, emitted when the task switches out.
    pub(crate) fn recovered_switch_in(&mut self, ran_ns: u64, task: TaskId) {
        let mut record = Switch {
            prev_nr: -1,
            waker_nr: -1,
            header: at(ran_ns, self.cpu, flag::HAS_NEXT | flag::RECOVERED),
            ..Switch::default()
        };
        self.switch_in(task, &mut record);
        self.records.push(seal(record));
    }

    /// The file behind a descriptor.
    pub(crate) fn object(&mut self, ts_ns: u64, task: TaskId, mut object: Object) {
        object.header = at(ts_ns, self.cpu, 0);
        object.tid = self.tid(task);
        self.records.push(seal(object));
    }

    /// `sched_process_exec`; the task goes by `tid` from now on.
    pub(crate) fn exec(&mut self, ts_ns: u64, task: TaskId, tid: u32, argv: &[&'static str]) {
        let area = argv.join("\0") + "\0";
        let old_tid = self.tid(task);
        let comm = argv[0];
        self.records.push(seal(Exec {
            header: at(ts_ns, self.cpu, 0),
            tid,
            old_tid,
            comm: padded(comm.as_bytes()),
            argv_len: area.len() as u32,
            pad: 0,
            argv: padded::<ARGV_BYTES>(area.as_bytes()),
        }));
        let who = &mut self.tasks[task].who;
        who.tid = tid;
        who.comm = comm;
    }

    /// `sched_process_exec`, by any thread of the process: from here on the task
    /// is reported under the leader's tid, whatever `de_thread` did to
    /// `task->pid` before.
    pub(crate) fn exec_told(&mut self, ts_ns: u64, task: TaskId, leader_tid: u32) {
        let old_tid = std::mem::replace(&mut self.tasks[task].who.tid, leader_tid);
        self.records.push(seal(Exec {
            header: at(ts_ns, self.cpu, 0),
            tid: leader_tid,
            old_tid,
            comm: padded(b"after"),
            argv_len: 0,
            pad: 0,
            argv: [0; ARGV_BYTES],
        }));
    }

    /// A watched function returns, which was entered at `entered_ns`.
    pub(crate) fn returned(
        &mut self,
        ts_ns: u64,
        task: TaskId,
        function: u16,
        entered_ns: u64,
        result: i32,
    ) {
        self.records.push(seal(KernelReturn {
            header: at(ts_ns, self.cpu, function),
            tid: self.tid(task),
            result,
            entered_ns,
        }));
    }

    /// `tcp_conn_request`
    pub(crate) fn request(&mut self, ts_ns: u64, request: Request) {
        let header = at(ts_ns, self.cpu, request.header.flags);
        self.records.push(seal(Request { header, ..request }));
    }

    /// A look at the task's descriptor table; `flags` of [`probe_common::fd_table::why`].
    pub(crate) fn fds(&mut self, ts_ns: u64, task: TaskId, flags: u16, files: u64, open: u32) {
        self.fds_of(ts_ns, task, flags, files, (open, 1024));
    }

    /// The same under another limit.
    pub(crate) fn fds_of(
        &mut self,
        ts_ns: u64,
        task: TaskId,
        flags: u16,
        files: u64,
        (open, limit): (u32, u64),
    ) {
        self.records.push(seal(Look {
            header: at(ts_ns, self.cpu, flags),
            tid: self.tid(task),
            open,
            files,
            limit,
        }));
    }

    /// What the descriptors are.
    pub(crate) fn fd_kinds(
        &mut self,
        ts_ns: u64,
        task: TaskId,
        flags: u16,
        files: u64,
        counts: [u32; of_kind::COUNT],
    ) {
        self.records.push(seal(Kinds {
            header: at(ts_ns, self.cpu, flags),
            files,
            tid: self.tid(task),
            open: counts.iter().sum(),
            counts,
        }));
    }

    /// One of them; `flags` of [`probe_common::fd`].
    pub(crate) fn open(&mut self, ts_ns: u64, task: TaskId, flags: u16, object: Object) {
        self.records.push(seal(Object {
            header: at(ts_ns, self.cpu, flags),
            tid: self.tid(task),
            ..object
        }));
    }

    /// Of the last thread of a process, as it exits.
    pub(crate) fn peak(&mut self, ts_ns: u64, task: TaskId, rss_bytes: u64) {
        self.peak_with(ts_ns, task, 0, rss_bytes);
    }

    /// What a process had before its program.
    pub(crate) fn peak_before(&mut self, ts_ns: u64, task: TaskId, rss_bytes: u64) {
        self.peak_with(ts_ns, task, probe_common::memory::BEFORE, rss_bytes);
    }

    fn peak_with(&mut self, ts_ns: u64, task: TaskId, flags: u16, rss_bytes: u64) {
        self.records.push(seal(Peak {
            header: at(ts_ns, self.cpu, flags),
            tid: self.tid(task),
            kernel_stack: 16_384,
            rss_bytes,
        }));
    }

    /// `inet_sock_set_state` to `TCP_SYN_SENT`
    pub(crate) fn connect(&mut self, ts_ns: u64, task: TaskId, connect: Connect) {
        let header = at(ts_ns, self.cpu, 0);
        let tid = self.tid(task);
        self.records.push(seal(Connect {
            header,
            tid,
            ..connect
        }));
    }

    /// `inet_sock_set_state` to another state, or `tcp_retransmit_skb`
    pub(crate) fn step(&mut self, ts_ns: u64, to: u16, step: Step) {
        let header = at(ts_ns, self.cpu, to);
        self.records.push(seal(Step { header, ..step }));
    }

    /// `inet_sock_set_state` to `TCP_LISTEN`
    pub(crate) fn listening(&mut self, ts_ns: u64, task: TaskId, listening: Listening) {
        let header = at(ts_ns, self.cpu, connection::listening::TRACED);
        let who = &self.tasks[task].who;
        self.records.push(seal(Listening {
            header,
            tid: who.tid,
            tgid: who.pid,
            comm: padded(who.comm.as_bytes()),
            ..listening
        }));
    }

    /// A listener of which nothing was known
    pub(crate) fn found_listening(&mut self, ts_ns: u64, listening: Listening) {
        let header = at(ts_ns, self.cpu, 0);
        self.records.push(seal(Listening {
            header,
            ..listening
        }));
    }

    /// `inet_csk_accept`, or the end of a connection that came to a listener
    pub(crate) fn accept(&mut self, ts_ns: u64, task: TaskId, what: u16, accept: Accept) {
        let header = at(ts_ns, self.cpu, what);
        let tid = self.tid(task);
        self.records.push(seal(Accept {
            header,
            tid,
            ..accept
        }));
    }

    /// `sched_process_exit`
    pub(crate) fn exit(&mut self, ts_ns: u64, task: TaskId, status: i32) {
        let entry = &self.tasks[task];
        self.records.push(seal(Exit {
            header: at(ts_ns, self.cpu, 0),
            tid: entry.who.tid,
            exit_code: status,
            migrations: entry.migrations,
            pad: 0,
        }));
    }

    /// `signal_generate`
    pub(crate) fn send(&mut self, ts_ns: u64, task: TaskId, sent: Sent) {
        self.records.push(seal(Sent {
            header: at(ts_ns, self.cpu, 0),
            tid: self.tid(task),
            ..sent
        }));
    }

    /// `mark_victim`
    pub(crate) fn choose(&mut self, ts_ns: u64, tid: u32, stack: &[u64]) {
        let mut frames = [0; oom::FRAMES];
        frames[..stack.len()].copy_from_slice(stack);
        self.records.push(seal(oom::Victim {
            header: at(ts_ns, self.cpu, 0),
            tid,
            len: stack.len() as u32,
            frames,
        }));
    }

    /// A cgroup in which a task is throttled.
    pub(crate) fn cgroup(&mut self, ts_ns: u64, cgroup: Cgroup) {
        let header = at(ts_ns, self.cpu, 0);
        self.records.push(seal(Cgroup { header, ..cgroup }));
    }

    /// `sched_migrate_task`
    pub(crate) fn migrate(&mut self, task: TaskId) {
        self.tasks[task].migrations += 1;
    }

    /// The same, of a task that waits on a run queue: from where to where, and when the
    /// CPU that it leaves last left its idle task.
    pub(crate) fn moved(&mut self, ts_ns: u64, task: TaskId, way: (u16, u16), idle_until_ns: u64) {
        self.migrate(task);
        self.records.push(seal(Migration {
            header: at(ts_ns, self.cpu, 0),
            tid: self.tid(task),
            from_cpu: way.0,
            to_cpu: way.1,
            idle_until_ns,
        }));
    }

    /// `task_rename`
    pub(crate) fn rename(&mut self, ts_ns: u64, task: TaskId, comm: &'static str) {
        self.tasks[task].who.comm = comm;
        self.records.push(seal(Rename {
            header: at(ts_ns, self.cpu, 0),
            tid: self.tid(task),
            pad: 0,
            comm: padded(comm.as_bytes()),
        }));
    }

    /// The iterator finds a task that was there before. `flags` are bits of
    /// [`snapshot`].
    pub(crate) fn seed(&mut self, ts_ns: u64, who: Who, found: Out, flags: u16) -> TaskId {
        let task = self.follow(who);
        if found.sleeps() && flags & snapshot::ON_CPU == 0 {
            self.tasks[task].off_ns = ts_ns;
        }
        self.snapshot(ts_ns, task, found, flags);
        task
    }

    /// The iterator finds it at the end.
    pub(crate) fn last(&mut self, ts_ns: u64, task: TaskId, found: Out, flags: u16) {
        self.snapshot(ts_ns, task, found, flags | snapshot::FINAL);
    }

    fn snapshot(&mut self, ts_ns: u64, task: TaskId, found: Out, flags: u16) {
        let entry = &self.tasks[task];
        let woken = entry.wake_ns != 0;
        self.records.push(seal(Snapshot {
            header: at(ts_ns, self.cpu, flags | found.flags),
            tid: entry.who.tid,
            tgid: entry.who.pid,
            ppid: entry.who.ppid,
            migrations: entry.migrations,
            state: found.state,
            nr: found.nr,
            seq: entry.seq,
            waker_flags: if woken { entry.by.flags } else { 0 },
            arg0: found.arg0,
            arg1: found.arg1,
            start_ns: 1,
            wake_ns: entry.wake_ns,
            waker_tid: entry.by.tid,
            waker_nr: entry.by.nr,
            pad: 0,
            comm: padded(entry.who.comm.as_bytes()),
        }));
    }
}
