//! What can happen on the machine. Each action either is possible and happens,
//! or does nothing.

use super::{
    Step,
    simulation::{History, Now, Task},
    sleeps::SLEEPS,
    truth::{Doing, Ending},
};
use crate::{
    document::Exit,
    wire::tests::probes::{By, Out},
};

const CLONE_THREAD: u64 = 0x0001_0000;
const CLONE: i16 = 56;
const MOST_THREADS: usize = 12;

impl History {
    pub(super) fn step(&mut self, &(ns, [action, a, b, c, d]): &Step) {
        self.now_ns += ns;
        match action % 20 {
            0..=6 => self.schedule(a, b, c),
            7..=10 => self.wake(a, b, c & 1 == 0),
            11 => self.wake_in_vain(a, b),
            12 => self.race(a, b, c),
            13..=14 => self.fork(a, b, c),
            15 => self.exec_or_rename(a, b),
            16 => self.exit(a, b, c),
            17 => self.migrate(a),
            18 => self.hidden_waking(a, b),
            _ => self.hidden_switch_in(a, d),
        }
    }

    /// Threads in a state, one of which `which` chooses.
    fn pick(&self, which: u8, wanted: impl Fn(&Now) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.tasks.len())
            .filter(|&i| wanted(&self.tasks[i].now))
            .collect();
        let index = usize::from(which).checked_rem(fitting.len())?;
        Some(fitting[index])
    }

    fn runnable(&self, which: u8) -> Option<usize> {
        let wanted = |now: &Now| matches!(now, Now::Ready | Now::Woken(_) | Now::Newborn(..));
        self.pick(which, wanted)
    }

    /// A CPU switches from whoever runs to whoever is ready.
    fn schedule(&mut self, cpu: u8, how: u8, next: u8) {
        let cpu = usize::from(cpu) % self.cpus.len();
        let next = self.runnable(next).filter(|_| how % 8 != 7);
        let out = match how % 4 {
            0 => Out::preempted(),
            1 => Out::default(),
            _ => SLEEPS[usize::from(how / 4) % SLEEPS.len()].out(),
        };
        let sleep = (how % 4 > 1).then(|| usize::from(how / 4) % SLEEPS.len());
        self.switch(cpu, out, sleep, next);
    }

    /// Whether its tid still belongs to an older thread as well, one that has
    /// switched out as often: nothing tells their next switch-outs apart.
    fn is_mistakable(&self, index: usize) -> bool {
        let seq = self.probes.seq(self.tasks[index].id);
        let mut older = self.owners(self.tid(index)).filter(|&i| i < index);
        older.any(|i| self.probes.seq(self.tasks[i].id) == seq)
    }

    /// Living threads with this tid.
    fn owners(&self, tid: u32) -> impl Iterator<Item = usize> {
        let living = (0..self.tasks.len()).filter(|&i| !matches!(self.tasks[i].now, Now::Dead));
        living.filter(move |&i| self.tid(i) == tid)
    }

    /// A tid may have a second owner while the first one dies, but not a third.
    fn may_reuse(&self, tid: u32) -> bool {
        let latest = (0..self.tasks.len()).rfind(|&i| self.tid(i) == tid);
        self.owners(tid).all(|owner| Some(owner) == latest)
    }

    fn switch(&mut self, cpu: usize, out: Out, sleep: Option<usize>, next: Option<usize>) {
        let prev = self.cpus[cpu];
        let dies = out.state == Out::DEAD.state;
        if let Some(prev) = prev
            && (self.is_mistakable(prev) || self.tasks[prev].released && !dies)
        {
            return;
        }
        let touched: Vec<usize> = prev.into_iter().chain(next).collect();
        if touched.is_empty() {
            return;
        }
        self.tick(&touched);
        self.probes.cpu = cpu as u16;
        if let Some(prev) = prev {
            self.before_switch_out(prev, sleep);
        }
        let ids = |index: usize| self.tasks[index].id;
        let (prev_id, next_id) = (prev.map(ids), next.map(ids));
        let prev_half = prev_id.map(|id| (id, out));
        self.probes.switch(self.now_ns, prev_half, next_id);
        if let Some(prev) = prev {
            self.after_switch_out(prev, &out, sleep);
        }
        if let Some(next) = next {
            self.after_switch_in(next, self.now_ns);
        }
        self.cpus[cpu] = next;
    }

    fn before_switch_out(&mut self, index: usize, sleep: Option<usize>) {
        let task = self.tasks[index].clone();
        if let Now::OnCpuUnseen(ran_ns) = task.now {
            self.probes.recovered_switch_in(ran_ns, task.id);
            self.tasks[index].now = Now::Woken(ran_ns);
            self.after_hidden_switch_in(index, ran_ns);
        }
        let Some(sleep) = sleep else { return };
        if let Some(object) = SLEEPS[sleep].object()
            && task.described != Some(sleep)
        {
            self.probes.object(self.now_ns, task.id, object);
            self.tasks[index].described = Some(sleep);
        }
    }

    fn after_switch_out(&mut self, index: usize, out: &Out, sleep: Option<usize>) {
        let (doing, now) = match sleep {
            Some(sleep) => (Doing::Asleep(false, None), Now::Asleep(sleep)),
            None if out.state == Out::DEAD.state => (Doing::Dead, Now::Dead),
            None => (Doing::Preempted, Now::Ready),
        };
        self.segment(index, doing, self.now_ns);
        self.tasks[index].now = now;
    }

    fn after_switch_in(&mut self, index: usize, ran_ns: u64) {
        let now = std::mem::replace(&mut self.tasks[index].now, Now::OnCpu);
        match now {
            Now::Woken(woken_ns) => self.segment(index, Doing::Ready, woken_ns),
            // All that is known is that it no longer slept when it ran.
            Now::WokenUnseen => self.segment(index, Doing::Ready, ran_ns),
            Now::Newborn(woken_ns, ending) => {
                self.segment(index, Doing::Newborn(ending), woken_ns);
            }
            _ => {}
        }
        self.segment(index, Doing::Cpu, ran_ns);
    }

    /// Its stay on the run queue began when it was truly woken, or, if that
    /// was hidden as well, has no length.
    fn after_hidden_switch_in(&mut self, index: usize, ran_ns: u64) {
        let woken_ns = self.tasks[index].woken_unseen_ns.take();
        if let Some(woken_ns) = woken_ns {
            self.segment(index, Doing::Ready, woken_ns);
        }
        self.segment(index, Doing::Cpu, ran_ns);
        self.tasks[index].now = Now::OnCpu;
    }

    fn wake(&mut self, which: u8, context: u8, with_stack: bool) {
        if let Some(index) = self.pick(which, |now| matches!(now, Now::Embryo)) {
            return self.wake_new(index, context);
        }
        let Some(index) = self.pick(which, |now| matches!(now, Now::Asleep(_))) else {
            return;
        };
        let Now::Asleep(sleep) = self.tasks[index].now else {
            return;
        };
        self.tick(&[index]);
        let (mut by, ending) = self.context(context);
        let with_stack = with_stack || !by.waker_stack.is_empty();
        if with_stack {
            by.sleeper_stack = SLEEPS[sleep].frames();
        }
        self.probes.waking(self.now_ns, self.tasks[index].id, &by);
        self.settle(index, sleep, with_stack, ending);
        self.tasks[index].now = Now::Woken(self.now_ns);
    }

    /// A new thread is made runnable; by its creator, if that still runs.
    fn wake_new(&mut self, index: usize, which: u8) {
        let wakers = self.running_wakers();
        let Some(place) = usize::from(which).checked_rem(wakers.len()) else {
            return;
        };
        self.tick(&[index]);
        let by = By::task(self.tid(wakers[place]), CLONE);
        self.probes.wake_new(self.now_ns, self.tasks[index].id, &by);
        let ending = Ending {
            thread: Some(wakers[place]),
            syscall: Some("clone"),
            ..Ending::by("new")
        };
        self.tasks[index].now = Now::Newborn(self.now_ns, ending);
    }

    /// It was about to sleep, or is preempted: the waking means nothing.
    fn wake_in_vain(&mut self, which: u8, context: u8) {
        let awake = |now: &Now| matches!(now, Now::OnCpu | Now::Ready);
        if let Some(index) = self.pick(which, awake) {
            self.tick(&[index]);
            let (by, _) = self.context(context);
            let id = self.tasks[index].id;
            self.probes.waking(self.now_ns, id, &History::bare(by));
        }
    }

    /// A waking comes while its sleeper is still on its way out.
    fn race(&mut self, cpu: u8, context: u8, sleep: u8) {
        let cpu = usize::from(cpu) % self.cpus.len();
        let Some(index) = self.cpus[cpu] else { return };
        let sleep = usize::from(sleep) % SLEEPS.len();
        let is_seen = matches!(self.tasks[index].now, Now::OnCpu);
        if !is_seen || self.tasks[index].released || self.is_mistakable(index) {
            return;
        }
        // A context that needs neither a stack nor a name: both are told only
        // of threads that have switched out.
        let (by, ending) = self.context(context & !7);
        if by.waker_stack.is_empty() && by.stranger.is_none() {
            self.tick(&[index]);
            self.probes.waking(self.now_ns, self.tasks[index].id, &by);
            self.switch(cpu, SLEEPS[sleep].out(), Some(sleep), None);
            self.settle(index, sleep, false, ending);
            self.tasks[index].now = Now::Woken(self.now_ns);
        }
    }

    fn fork(&mut self, which: u8, as_thread: u8, reuse: u8) {
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

    fn exec_or_rename(&mut self, which: u8, how: u8) {
        let running = self.running_wakers();
        let Some(place) = usize::from(which).checked_rem(running.len()) else {
            return;
        };
        let index = running[place];
        if self.is_exiting(index) {
            return;
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

    /// The only living thread of its process, whose leader is dead and has not
    /// been replaced; and of whose wakings none is under way under its old tid.
    fn may_exec(&self, index: usize) -> bool {
        let pid = self.tasks[index].pid;
        let others = (0..self.tasks.len()).filter(|&i| i != index);
        let mut alive = others.filter(|&i| !matches!(self.tasks[i].now, Now::Dead));
        let on_the_way = |i: usize| {
            matches!(
                self.tasks[i].now,
                Now::Woken(_) | Now::Newborn(..) | Now::OnCpuUnseen(_)
            )
        };
        let is_leader = self.tid(index) == pid;
        alive.all(|i| {
            self.tasks[i].pid != pid && self.tid(i) != pid && (is_leader || !on_the_way(i))
        })
    }

    /// Begins to exit, or dies.
    fn exit(&mut self, cpu: u8, how: u8, next: u8) {
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

    fn migrate(&mut self, which: u8) {
        let Some(index) = self.pick(which, |now| !matches!(now, Now::Dead)) else {
            return;
        };
        // Counted when it is next told.
        self.probes.migrate(self.tasks[index].id);
        self.tasks[index].migrations += 1;
    }

    /// A sleeper runs without having been seen to be woken.
    fn hidden_waking(&mut self, which: u8, cpu: u8) {
        let Some(cpu) = self.idle(cpu) else { return };
        let Some(index) = self.unwoken(which) else {
            return;
        };
        let Now::Asleep(sleep) = self.tasks[index].now else {
            return;
        };
        self.settle(index, sleep, false, Ending::by("unverified"));
        self.tasks[index].now = Now::WokenUnseen;
        self.switch(cpu, Out::default(), None, Some(index));
    }

    /// A woken thread, or one whose waking is hidden too, runs unseen.
    fn hidden_switch_in(&mut self, which: u8, cpu: u8) {
        let Some(cpu) = self.idle(cpu) else { return };
        let is_woken = |now: &Now| matches!(now, Now::Woken(_));
        let Some(index) = self.pick(which, is_woken) else {
            return;
        };
        self.tick(&[index]);
        let Now::Woken(woken_ns) = self.tasks[index].now else {
            return;
        };
        self.tasks[index].woken_unseen_ns = Some(woken_ns);
        self.tasks[index].now = Now::OnCpuUnseen(self.now_ns);
        self.cpus[cpu] = Some(index);
    }

    fn idle(&self, which: u8) -> Option<usize> {
        let idle: Vec<usize> = (0..self.cpus.len())
            .filter(|&cpu| self.cpus[cpu].is_none())
            .collect();
        let place = usize::from(which).checked_rem(idle.len())?;
        Some(idle[place])
    }

    /// A sleeper of which not even a meaningless waking was seen.
    fn unwoken(&self, which: u8) -> Option<usize> {
        let index = self.pick(which, |now| matches!(now, Now::Asleep(_)))?;
        (!self.probes.has_waking(self.tasks[index].id)).then_some(index)
    }

    /// Whoever runs unseen switches out, so that all is told; and whoever has
    /// given its tid back dies, for the iterator does not find it.
    pub(super) fn reveal(&mut self) {
        for cpu in 0..self.cpus.len() {
            if self.cpus[cpu].is_some_and(|index| self.tasks[index].released) {
                self.switch(cpu, Out::DEAD, None, None);
            }
        }
        let is_unseen = |task: &Task| matches!(task.now, Now::OnCpuUnseen(_));
        for cpu in 0..self.cpus.len() {
            if self.cpus[cpu].is_some_and(|index| is_unseen(&self.tasks[index])) {
                self.switch(cpu, Out::preempted(), None, None);
            }
        }
    }
}
