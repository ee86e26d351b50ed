//! Wakings of a history: in time, in vain, too early, and hidden.

use probe_common::sched::waker;

use super::{
    simulation::{History, Now},
    sleeps::SLEEPS,
    truth::Ending,
};
use crate::wire::tests::probes::{By, Out};

const CLONE: i16 = 56;

impl History {
    pub(super) fn wake(&mut self, which: u8, context: u8, with_stack: bool) {
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
        if SLEEPS[sleep].is_throttled() {
            return self.unthrottle(index, sleep);
        }
        let (mut by, ending) = self.context(context);
        let with_stack = with_stack || !by.waker_stack.is_empty();
        if with_stack {
            by.sleeper_stack = SLEEPS[sleep].frames();
        }
        self.probes.waking(self.now_ns, self.tasks[index].id, &by);
        self.tasks[index].woken_by = ending.thread;
        self.settle(index, sleep, with_stack, ending);
        self.tasks[index].now = Now::Woken(self.now_ns);
    }

    /// Its cgroup has quota again.
    fn unthrottle(&mut self, index: usize, sleep: usize) {
        let by = By {
            nr: -1,
            flags: waker::UNTHROTTLED,
            ..By::default()
        };
        self.probes.waking(self.now_ns, self.tasks[index].id, &by);
        self.tasks[index].woken_by = None;
        self.settle(index, sleep, false, Ending::by("timer"));
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
        self.tasks[index].woken_by = ending.thread;
        self.tasks[index].now = Now::Newborn(self.now_ns, ending);
    }

    /// It was about to sleep, or is preempted: the waking means nothing.
    pub(super) fn wake_in_vain(&mut self, which: u8, context: u8) {
        let awake = |now: &Now| matches!(now, Now::OnCpu | Now::Preempted);
        if let Some(index) = self.pick(which, awake) {
            self.tick(&[index]);
            let (by, _) = self.context(context);
            let id = self.tasks[index].id;
            self.probes.waking(self.now_ns, id, &History::bare(by));
        }
    }

    /// A waking comes while its sleeper is still on its way out.
    pub(super) fn race(&mut self, cpu: u8, context: u8, sleep: u8) {
        let cpu = usize::from(cpu) % self.cpus.len();
        let Some(index) = self.cpus[cpu] else { return };
        let sleep = usize::from(sleep) % SLEEPS.len();
        let is_seen = matches!(self.tasks[index].now, Now::OnCpu);
        if !is_seen
            || SLEEPS[sleep].is_throttled()
            || self.tasks[index].released
            || self.is_mistakable(index)
        {
            return;
        }
        // A context that needs neither a stack nor a name: both are told only
        // of threads that have switched out.
        let (by, ending) = self.context(context & !7);
        if by.waker_stack.is_empty() && by.stranger.is_none() {
            self.tick(&[index]);
            self.probes.waking(self.now_ns, self.tasks[index].id, &by);
            self.switch(cpu, SLEEPS[sleep].out(), Some(sleep), None);
            self.tasks[index].woken_by = ending.thread;
            self.settle(index, sleep, false, ending);
            self.tasks[index].now = Now::Woken(self.now_ns);
        }
    }

    /// A sleeper runs without having been seen to be woken.
    pub(super) fn hidden_waking(&mut self, which: u8, cpu: u8) {
        let Some(cpu) = self.idle(cpu) else { return };
        let Some(index) = self.unwoken(which) else {
            return;
        };
        let Now::Asleep(sleep) = self.tasks[index].now else {
            return;
        };
        let source = match SLEEPS[sleep].is_throttled() {
            true => "timer",
            false => "unverified",
        };
        self.settle(index, sleep, false, Ending::by(source));
        self.tasks[index].now = Now::WokenUnseen;
        self.switch(cpu, Out::default(), None, Some(index));
    }

    /// A woken thread, or one whose waking is hidden too, runs unseen.
    pub(super) fn hidden_switch_in(&mut self, which: u8, cpu: u8) {
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
}
