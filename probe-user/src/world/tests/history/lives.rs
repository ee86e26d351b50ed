//! Births, names and deaths of a history.

use probe_common::uapi::CLONE_THREAD;

use super::simulation::{History, Now};
use crate::{document::Exit, wire::tests::probes::Out};

const MOST_THREADS: usize = 12;

impl History {
    pub(super) fn fork(&mut self, which: u8, as_thread: u8, reuse: u8) {
        let running = self.running_wakers();
        let place = usize::from(which).checked_rem(running.len());
        let (Some(place), false) = (place, self.closing) else {
            return;
        };
        let creator = running[place];
        if self.tasks.len() >= MOST_THREADS || self.is_exiting(creator) {
            return;
        }
        // Order of birth is order of time.
        self.now_ns += 1;
        self.tick(&[creator]);
        let is_thread = as_thread & 1 == 0;
        let mut who = self.somebody(is_thread.then_some(self.tasks[creator].pid));
        if let Some(place) = usize::from(reuse).checked_rem(self.free_tids.len())
            && self.may_reuse(self.free_tids[place])
        {
            who.tid = self.free_tids.swap_remove(place);
            who.pid = if is_thread { who.pid } else { who.tid };
        }
        let flags = if is_thread { CLONE_THREAD } else { 0 };
        let creator_tid = self.tid(creator);
        let id = self.probes.fork(self.now_ns, creator_tid, flags, who);
        self.enter(id, who, Now::Embryo);
    }

    /// A tid may have a second owner while the first one dies, but not a third.
    fn may_reuse(&self, tid: u32) -> bool {
        let latest = (0..self.tasks.len()).rfind(|&i| self.tid(i) == tid);
        self.owners(tid).all(|owner| Some(owner) == latest)
    }

    pub(super) fn exec_or_rename(&mut self, which: u8, how: u8) {
        let running = self.running_wakers();
        let Some(place) = usize::from(which).checked_rem(running.len()) else {
            return;
        };
        let index = running[place];
        if self.is_exiting(index) {
            return;
        }
        if how & 1 == 1 {
            self.end_others(index);
        }
        self.tick(&[index]);
        let id = self.tasks[index].id;
        let comm = if how & 1 == 0 {
            self.probes.rename(self.now_ns, id, "renamed");
            "renamed"
        } else if self.may_exec(index) {
            let (old_tid, tid) = (self.tid(index), self.tasks[index].pid);
            self.probes.exec(self.now_ns, id, tid, &["program", "word"]);
            if old_tid != tid {
                self.free_tids.retain(|&free| free != tid);
                self.free_tids.push(old_tid);
            }
            "program"
        } else {
            return;
        };
        let shown = self.probes.records.len();
        let tid = self.tid(index);
        let thread = &mut self.truth.threads[index];
        thread.comms.push((shown, comm));
        thread.tids.push((shown, tid));
    }

    /// An exec ends the other threads of the process: those that run.
    fn end_others(&mut self, index: usize) {
        for cpu in 0..self.cpus.len() {
            let is_other = |&i: &usize| i != index && self.tasks[i].pid == self.tasks[index].pid;
            if self.cpus[cpu].as_ref().is_some_and(is_other) {
                // Once to begin, once to end.
                self.exit(cpu as u8, 9, 0);
                self.exit(cpu as u8, 9, 0);
            }
        }
    }

    /// The only living thread of its process, whose leader is dead and has not
    /// been replaced; and of whose wakings none is under way under its old tid.
    fn may_exec(&self, index: usize) -> bool {
        let pid = self.tasks[index].pid;
        let others = (0..self.tasks.len()).filter(|&i| i != index);
        let mut alive = others.filter(|&i| !matches!(self.tasks[i].now, Now::Dead));
        let is_leader = self.tid(index) == pid;
        let wakes = |i: usize| {
            let (now, by) = (&self.tasks[i].now, self.tasks[i].woken_by);
            let under_way = matches!(now, Now::Woken(_) | Now::Newborn(..) | Now::OnCpuUnseen(_));
            // Or by its leader, whose tid it gets.
            under_way && by.is_some_and(|by| by == index || self.tid(by) == pid)
        };
        // A switch-in that was hidden would be told under the new tid.
        let is_seen = matches!(self.tasks[index].now, Now::OnCpu);
        // A waking by an earlier owner of its old tid would be taken for its own.
        let is_first_owner =
            (0..self.tasks.len()).all(|i| i == index || self.tid(i) != self.tid(index));
        is_seen
            && (is_leader || is_first_owner)
            && alive
                .all(|i| self.tasks[i].pid != pid && self.tid(i) != pid && (is_leader || !wakes(i)))
    }

    /// Begins to exit, or dies.
    pub(super) fn exit(&mut self, cpu: u8, how: u8, next: u8) {
        let cpu = usize::from(cpu) % self.cpus.len();
        let Some(index) = self.cpus[cpu] else { return };
        if self.is_exiting(index) {
            let tid = self.tid(index);
            self.switch(cpu, Out::DEAD, None, self.runnable(next));
            if !matches!(self.tasks[index].now, Now::Dead) {
                return;
            }
            if !self.tasks[index].released && !self.free_tids.contains(&tid) {
                self.free_tids.push(tid);
            }
            return;
        }
        // A first thread's tid is its process's: that is not given away while
        // it can be seen.
        let is_seen = matches!(self.tasks[index].now, Now::OnCpu);
        let is_first = self.tasks[index].pid == self.tid(index);
        let released = how & 1 == 0 && !is_first && is_seen;
        self.tick(&[index]);
        let code = i32::from(how);
        self.probes
            .exit(self.now_ns, self.tasks[index].id, code << 8);
        let shown = self.probes.records.len();
        let migrations = self.tasks[index].migrations;
        let thread = &mut self.truth.threads[index];
        thread.exits.push((shown, Exit::Code(code)));
        thread.migrations.push((shown, migrations));
        self.tasks[index].exiting = true;
        self.tasks[index].released = released;
        if released {
            let tid = self.tid(index);
            self.free_tids.push(tid);
        }
    }

    pub(super) fn migrate(&mut self, which: u8) {
        let Some(index) = self.pick(which, |now| !matches!(now, Now::Dead)) else {
            return;
        };
        // Counted when it is next told.
        self.probes.migrate(self.tasks[index].id);
        self.tasks[index].migrations += 1;
    }
}
