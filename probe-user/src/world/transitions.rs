//! The thread's state machine. Every order of events has an arm: those that
//! look odd but happen say when, and those that only lost records can explain
//! put the time in between under `unknown`.

use probe_common::sched::state;

use super::{
    account::WakeKey,
    blame::cause::{Cause, terminal},
    identity::Waker,
    interval::{Activity, End, Ended, Interval, Stacks},
    names::NameId,
    signal::{self, Signal},
    source::{is_behind_request, is_by_sender, request_finished, source},
    thread::{State, Thread, Wait},
    user_stacks::UserStackId,
    wait_site::Dictionaries,
};
use crate::{
    syscall::{Class, Table},
    vocabulary::WakeSource,
    wire::event::{Off, On, Waking},
};

/// `restart_syscall` in the 32-bit table (`syscall_32.tbl`).
const COMPAT_RESTART: i16 = 0;

/// A waking of which nothing is known.
const UNSEEN: Waking = Waking {
    ts_ns: 0,
    tid: 0,
    nr: -1,
    flags: 0,
};

impl Thread {
    /// It starts running. `waker` is who `on.wake` names.
    pub fn switch_in(
        &mut self,
        ts_ns: u64,
        on: &On,
        waker: Waker,
        dictionaries: &mut Dictionaries,
        ended: &mut Vec<Interval>,
    ) {
        self.ensure_started(ts_ns);
        self.unconfirmed = None;
        let missed = self.seq.is_some_and(|seq| seq != on.seq);
        self.seq = Some(on.seq);
        match std::mem::take(&mut self.state) {
            // Its first run was lost: it began at some time since it was made.
            State::NotStarted if missed => {
                self.start_at(self.since_ns);
                self.lose_until(ts_ns, ended);
            }
            State::NotStarted => self.be_born(ts_ns, on.wake, waker, ended),
            _ if missed => self.lose_until(ts_ns, ended),
            State::Runnable => self.queue_until(ts_ns, ended),
            State::Waiting(wait) => {
                // The kernel showed no waking (some hide what a protected task
                // does): the wait includes its time on the run queue.
                let (wake, waker) = on
                    .wake
                    .map_or((UNSEEN, Waker::Nobody), |wake| (wake, waker));
                self.wake_up(&wait, &wake, waker, ts_ns, dictionaries, ended);
            }
            // Two switch-ins without a switch-out: it was lost.
            State::Running | State::Unknown => self.lose_until(ts_ns, ended),
            State::Dead => {
                self.state = State::Dead;
                return;
            }
        }
        if on.recovered {
            // Told at the next switch-out: calls may have returned meanwhile.
            self.polled = None;
        }
        self.state = State::Running;
        self.sleeper_stack = None;
        self.user_stack = None;
        self.waker_stack = None;
        self.disk = None;
        self.signals = None;
    }

    /// Whether it is known to have run up to this switch-out, and to have begun to
    /// where its latest switch-in says.
    pub fn has_run_until(&self, off: &Off) -> bool {
        self.state == State::Running && self.seq.map(|seq| seq.wrapping_add(1)) == Some(off.seq)
    }

    /// It stops running.
    pub fn switch_out(&mut self, ts_ns: u64, off: &Off, table: Table, ended: &mut Vec<Interval>) {
        self.ensure_started(ts_ns);
        self.unconfirmed = None;
        let missed = self.seq.is_some_and(|seq| seq.wrapping_add(1) != off.seq);
        self.seq = Some(off.seq);
        match std::mem::take(&mut self.state) {
            State::Dead => {
                self.state = State::Dead;
                return;
            }
            // Held, but not asleep yet when the seed was taken.
            State::NotStarted if self.is_held() => {
                self.state = State::NotStarted;
                return;
            }
            // Its first run was lost.
            State::NotStarted => {
                self.start_at(self.since_ns);
                self.lose_until(ts_ns, ended);
            }
            // The seed's clock was read a moment before its look at the thread,
            // which went to sleep in that moment: until now it ran.
            State::Waiting(wait) if wait.begun_before && wait.off.seq == off.seq => {
                self.compute_until(ts_ns, ended);
            }
            _ if missed => self.lose_until(ts_ns, ended),
            State::Running => {
                if self.polled.is_some() {
                    let sleeps = !off.preempted && off.state != state::RUNNING;
                    if sleeps && off.call.class(table) == Class::Epoll {
                        self.sleeps_for_events(ts_ns);
                    }
                    self.confirm_return();
                }
                self.compute_until(ts_ns, ended);
            }
            // Its switch-in was lost.
            State::Waiting(_) | State::Runnable | State::Unknown => self.lose_until(ts_ns, ended),
        }
        self.state = self.after(&self.resumed(off, table));
    }

    /// A sleep in `restart_syscall` is one of the call that was interrupted.
    fn resumed(&self, off: &Off, table: Table) -> Off {
        let call = off.call;
        let is_compat = call.compat && !call.kernel && call.nr == COMPAT_RESTART;
        if !is_compat && call.class(table) != Class::Restart {
            return *off;
        }
        match self.last_sleep {
            Some(last) if last.call.compat || last.call.class(table).is_restarted() => Off {
                call: last.call,
                has_object: last.has_object,
                has_second: last.has_second,
                ..*off
            },
            _ => *off,
        }
    }

    /// It has run until now.
    pub(super) fn compute_until(&mut self, ts_ns: u64, ended: &mut Vec<Interval>) {
        if !self.execed_ns.is_empty() {
            let former: Vec<(u64, u16)> = self.former_programs_of_burst().collect();
            for (until_ns, program) in former {
                self.spend(until_ns.min(ts_ns), Activity::Cpu(program), ended);
            }
        }
        self.spend(ts_ns, Activity::Cpu(self.execs), ended);
    }

    /// The programs that it ran since the latest switch before the present one,
    /// by the number of its execs, each with its end, ns.
    pub(super) fn former_programs_of_burst(&self) -> impl Iterator<Item = (u64, u16)> {
        let ends = &self.execed_ns;
        let first = self.execs.saturating_sub(count(ends));
        ends.iter().copied().zip(first..)
    }

    /// It has been runnable until now.
    fn queue_until(&mut self, ts_ns: u64, ended: &mut Vec<Interval>) {
        self.spend(ts_ns, Activity::RunQueue, ended);
    }

    /// Time passes in the present state.
    #[inline]
    fn spend(&mut self, ts_ns: u64, activity: Activity, ended: &mut Vec<Interval>) {
        self.execed_ns.clear();
        let from_ns = self.since_ns;
        self.since_ns = from_ns.max(ts_ns);
        if self.since_ns > from_ns || is_counted(&activity) {
            ended.push(Interval {
                thread: self.id,
                from_ns,
                to_ns: self.since_ns,
                activity,
            });
        }
    }

    /// A thread whose birth was lost is first seen in mid-life.
    pub(super) fn ensure_started(&mut self, ts_ns: u64) {
        if self.start_ns.is_none() && self.state == State::Unknown {
            self.start_at(ts_ns);
        }
    }

    /// Its life begins, but not before it was made or the account began.
    pub(super) fn start_at(&mut self, ts_ns: u64) {
        let ts_ns = ts_ns.max(self.since_ns);
        self.start_ns = Some(ts_ns);
        self.since_ns = ts_ns;
    }

    /// It is not there any more, and no record says when it ended.
    pub(super) fn be_gone(&mut self, end_ns: u64, ended: &mut Vec<Interval>) {
        if self.state == State::NotStarted && !self.is_held() {
            // It has run, if it is gone, although no record of that is left.
            self.start_at(self.since_ns);
        }
        if self.start_ns.is_some() {
            self.lose_until(end_ns, ended);
        }
        self.state = State::Dead;
    }

    pub(super) fn lose_until(&mut self, ts_ns: u64, ended: &mut Vec<Interval>) {
        self.polled = None;
        self.last_sleep = None;
        self.spend(ts_ns, Activity::Unknown, ended);
    }

    pub(super) fn be_born(
        &mut self,
        ts_ns: u64,
        wake: Option<Waking>,
        waker: Waker,
        ended: &mut Vec<Interval>,
    ) {
        let from = wake.map_or(ts_ns, |wake| wake.ts_ns.min(ts_ns));
        // It was runnable before the account began, which nobody knew then.
        let wake = wake.filter(|_| from >= self.since_ns);
        self.start_at(from);
        // The root of a run was not made just now.
        if wake.is_some() && !self.held {
            self.started_within_ns = self.start_ns.map(|start_ns| ts_ns - start_ns);
        }
        self.account.runqueue_count += 1;
        self.queue_until(ts_ns, ended);
        if let Some(wake) = wake {
            self.account.add_first_wakeup(WakeKey {
                source: WakeSource::New,
                waker,
                nr: wake.nr,
                signal: None,
            });
        }
    }

    /// The state behind a switch-out.
    fn after(&mut self, off: &Off) -> State {
        if off.state & state::DEAD != 0 {
            return State::Dead;
        }
        if !off.throttled && (off.preempted || off.state == state::RUNNING) {
            self.account.involuntary += 1;
            self.account.runqueue_count += 1;
            return State::Runnable;
        }
        match off.throttled {
            true => self.account.involuntary += 1,
            false => self.account.voluntary += 1,
        }
        State::Waiting(Wait {
            off: *off,
            begun_before: false,
        })
    }

    /// When a wait ended, ns. A waking that raced with the switch-out may be older than that:
    /// the wait was over before it began.
    fn woken_at(&self, wake: &Waking, ts_ns: u64) -> u64 {
        let woken_ns = if wake.ts_ns == UNSEEN.ts_ns {
            ts_ns
        } else {
            wake.ts_ns
        };
        woken_ns.clamp(self.since_ns, ts_ns.max(self.since_ns))
    }

    /// The stack of the present sleep, innermost first; empty where none was taken.
    pub fn stack_of_sleep(&self) -> &[u64] {
        taken(self.sleeper_stack.as_ref(), |ns| ns >= self.since_ns)
    }

    /// The program's stack of the present sleep.
    pub fn user_stack_of_sleep(&self) -> UserStackId {
        let taken = self.user_stack.filter(|(ns, _)| *ns >= self.since_ns);
        taken.map_or(UserStackId::NONE, |(_, stack)| stack)
    }

    fn stacks(&self, sleeper: &[u64], dictionaries: &mut Dictionaries) -> Stacks {
        Stacks {
            kernel: dictionaries.stack(sleeper),
            user: self.user_stack_of_sleep(),
        }
    }

    /// A wait ends at the waking; the rest until `ts_ns` is run queue.
    pub(super) fn wake_up(
        &mut self,
        wait: &Wait,
        wake: &Waking,
        waker: Waker,
        ts_ns: u64,
        dictionaries: &mut Dictionaries,
        ended: &mut Vec<Interval>,
    ) {
        let at = self.woken_at(wake, ts_ns);
        // Taken during this sleep: at its waking, or, when the kernel hid that,
        // at the switch-in.
        let stack = self.sleeper_stack.take();
        let sleeper = taken(stack.as_ref(), |taken_ns| taken_ns >= self.since_ns);
        let frames = taken(self.waker_stack.as_ref(), |ns| ns == wake.ts_ns);
        let waker_stack = dictionaries.symbols.resolve(frames);
        let source = match wait.off.throttled {
            // That of the period.
            true => WakeSource::Timer,
            false => source(wake, &waker_stack, frames.len()),
        };
        let waking = signal::Waking::new(wake, source, &waker_stack, dictionaries.table);
        let (source, signal) = self.ended_by(&wait.off, &waking);
        let by_task = source.is_task() || signal.is_some_and(Signal::is_by_task);
        let by_sender = is_by_sender(source, wake.flags);
        let by_request = source == WakeSource::BlockIo && is_behind_request(&waker_stack);
        let is_aio = wait.off.call.class(dictionaries.table) == Class::Aio;
        let finished = is_aio.then(|| request_finished(&waker_stack)).flatten();
        let key = self.wait_key(&wait.off, sleeper, finished, dictionaries);
        self.remember(&wait.off, &key);
        // Whoever only happened to run when an interrupt came has done nothing.
        let is_waker = by_task || by_sender;
        let waker = if is_waker { waker } else { Waker::Nobody };
        let wake_key = WakeKey {
            source,
            waker,
            nr: if by_task { wake.nr } else { -1 },
            signal,
        };
        self.has_slept(key.kind, self.since_ns, source);
        let by = match waker {
            Waker::Thread(thread) => Ended::By(thread),
            _ if wait.off.throttled => {
                let cgroup = dictionaries.cgroups.name(wait.off.call.arg0);
                Ended::For(Cause::CpuQuota(cgroup), wake.tid)
            }
            _ => {
                let which = match source {
                    _ if by_request => self.finisher(wake.ts_ns, dictionaries),
                    WakeSource::NetRx => self.peer(&wait.off, key.kind, dictionaries),
                    _ => NameId::NONE,
                };
                let unanswered = self.unanswered(&wait.off, key.kind, source, dictionaries);
                let cause = unanswered.unwrap_or_else(|| terminal(&wake_key, key.kind, which));
                Ended::For(cause, wake.tid)
            }
        };
        let end = End {
            wake: wake_key,
            begun_before: wait.begun_before,
            state: wait.state(),
            stacks: self.stacks(sleeper, dictionaries),
        };
        let activity = Activity::Wait {
            key,
            ended: by,
            end: Some(end),
        };
        self.spend(at, activity, ended);
        self.account.runqueue_count += 1;
        self.queue_until(ts_ns, ended);
    }
}

/// Whether it is an interval also without length: a wait is, but for one that was over before
/// the account began, which nobody knew then.
fn is_counted(activity: &Activity) -> bool {
    match activity {
        Activity::Wait { end, .. } => end.is_none_or(|end| !end.begun_before),
        _ => false,
    }
}

fn count(list: &[u64]) -> u16 {
    u16::try_from(list.len()).unwrap_or(u16::MAX)
}

/// A stack, if it was taken when it had to be.
fn taken(stack: Option<&(u64, Box<[u64]>)>, when: impl Fn(u64) -> bool) -> &[u64] {
    match stack {
        Some((taken_ns, frames)) if when(*taken_ns) => frames,
        _ => &[],
    }
}
