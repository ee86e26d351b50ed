//! What can happen on the machine: switches here, the rest in `wakings` and
//! `lives`. Each action either is possible and happens, or does nothing.

use super::{
    Step,
    simulation::{History, Now, Task},
    sleeps::{FOR_EVENTS, SLEEPS},
    truth::Doing,
};
use crate::wire::tests::probes::Out;

impl History {
    pub(super) fn step(&mut self, &(ns, [action, a, b, c, d]): &Step) {
        self.now_ns += ns;
        match action % 24 {
            0..=6 => self.schedule(a, b, c),
            7..=10 => self.wake(a, b, c & 1 == 0),
            11 => self.wake_in_vain(a, b),
            12 => self.race(a, b, c),
            13..=14 => self.fork(a, b, c),
            15 => self.exec_or_rename(a, b),
            16 => self.exit(a, b, c),
            17 => self.migrate(a),
            18 => self.hidden_waking(a, b),
            20..=23 => self.call(a, b),
            _ => self.hidden_switch_in(a, d),
        }
    }

    /// Threads in a state, one of which `which` chooses.
    pub(super) fn pick(&self, which: u8, wanted: impl Fn(&Now) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.tasks.len())
            .filter(|&i| wanted(&self.tasks[i].now))
            .collect();
        let index = usize::from(which).checked_rem(fitting.len())?;
        Some(fitting[index])
    }

    pub(super) fn runnable(&self, which: u8) -> Option<usize> {
        let wanted = |now: &Now| {
            matches!(
                now,
                Now::Preempted | Now::Ready | Now::Woken(_) | Now::Newborn(..)
            )
        };
        self.pick(which, wanted)
    }

    /// A CPU switches from whoever runs to whoever is ready.
    fn schedule(&mut self, cpu: u8, how: u8, next: u8) {
        let cpu = usize::from(cpu) % self.cpus.len();
        let next = self.runnable(next).filter(|_| how % 8 != 7);
        let sleep = (how % 4 > 1).then(|| self.which_sleep(cpu, how / 4));
        let out = match (how % 4, sleep) {
            (_, Some(sleep)) => SLEEPS[sleep].out(),
            (0, None) => Out::preempted(),
            (_, None) => Out::default(),
        };
        self.switch(cpu, out, sleep, next);
    }

    /// In a watched call half of the sleeps are for events.
    fn which_sleep(&self, cpu: usize, which: u8) -> usize {
        let in_call = self.cpus[cpu].is_some_and(|index| self.tasks[index].call.is_some());
        if in_call && which.is_multiple_of(2) {
            FOR_EVENTS
        } else {
            usize::from(which) % SLEEPS.len()
        }
    }

    /// Whether its tid still belongs to an older thread as well, one that has
    /// switched out as often: nothing tells their next switch-outs apart.
    pub(super) fn is_mistakable(&self, index: usize) -> bool {
        let seq = self.probes.seq(self.tasks[index].id);
        let mut older = self.owners(self.tid(index)).filter(|&i| i < index);
        older.any(|i| self.probes.seq(self.tasks[i].id) == seq)
    }

    /// Living threads with this tid.
    pub(super) fn owners(&self, tid: u32) -> impl Iterator<Item = usize> {
        let living = (0..self.tasks.len()).filter(|&i| !matches!(self.tasks[i].now, Now::Dead));
        living.filter(move |&i| self.tid(i) == tid)
    }

    pub(super) fn switch(
        &mut self,
        cpu: usize,
        out: Out,
        sleep: Option<usize>,
        next: Option<usize>,
    ) {
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
        self.all_is_told(index);
        let (doing, now) = match sleep {
            Some(sleep) if SLEEPS[sleep].is_throttled() => {
                (Doing::Throttled(None), Now::Asleep(sleep))
            }
            Some(sleep) => (Doing::Asleep(false, None), Now::Asleep(sleep)),
            None if out.state == Out::DEAD.state => (Doing::Dead, Now::Dead),
            None => (Doing::Preempted, Now::Preempted),
        };
        self.segment(index, doing, self.now_ns);
        self.tasks[index].now = now;
    }

    fn after_switch_in(&mut self, index: usize, ran_ns: u64) {
        let now = std::mem::replace(&mut self.tasks[index].now, Now::OnCpu);
        if let Now::Woken(_) | Now::WokenUnseen = now {
            self.sleep_is_told(index);
        }
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
        self.tasks[index].slept = None;
        self.tasks[index].now = Now::OnCpu;
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
