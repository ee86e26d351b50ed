//! A sink of switches: on which CPU a thread ran, in which state it stopped, and what ran
//! where it was woken. Kept only where it was asked for ([`super::World::switches_kept`]):
//! intervals have none of it.
//!
//! What a waker is, intervals say ([`End`]); a waking that they count to an interrupt, or to
//! nobody, is one here too, whichever task ran there.

use probe_common::sched::waker;

use super::{
    account::WakeKey,
    by_thread::ByThread,
    identity::{ExternalId, ThreadId, Waker},
    interval::{Activity, End, Ended, Interval},
    thread::{State, Thread, Wait},
};
use crate::{
    switch_log::{By, Entry, SwitchLog, What},
    vocabulary::WakeSource,
    wire::event::{Before, Off, On, Prev},
};

/// The switches of all threads.
#[derive(Debug, Default)]
pub struct Switches {
    threads: ByThread<ThreadSwitches>,
    /// Of each CPU, its lost switch records as it last said.
    lost: Vec<u16>,
    /// Tasks outside the tree that have no name: their tids.
    pub unnamed: Vec<u32>,
}

/// A thread's.
#[derive(Debug, Default)]
pub struct ThreadSwitches {
    /// Switches and wakings. Instants are as the world's; a waker in the tree is its
    /// identity, one outside its [`ExternalId`], or behind all of these its place in
    /// [`Switches::unnamed`].
    pub log: SwitchLog,
    /// Its id before an exec gave it its leader's.
    pub first_tid: Option<u32>,
    /// Where it runs.
    cpu: Option<u16>,
}

/// Where numbers of tasks without a name begin.
pub const UNNAMED: u32 = 1 << 31;

impl Switches {
    /// A thread's; `None` if it has none.
    pub fn of(&self, id: ThreadId) -> Option<&ThreadSwitches> {
        self.threads.get(id)
    }

    /// A thread has stopped running.
    pub(super) fn switch_out(&mut self, thread: &Thread, cpu: u16, off: &Off) {
        let switches = self.threads.entry(thread.id);
        switches.cpu = None;
        switches.log.push(Entry {
            at_ns: thread.since_ns,
            what: What::Out {
                cpu,
                state: off.state,
                runnable: off.preempted || off.throttled,
            },
        });
    }

    /// A thread has started running; what it did until then is in `ended`.
    pub(super) fn switch_in(&mut self, thread: &Thread, cpu: u16, on: &On, ended: &[Interval]) {
        self.woken(ended, on.wake.map_or(0, |wake| wake.flags));
        let outside_ns = self.outside_ns(cpu, on.before);
        if thread.state != State::Running {
            return;
        }
        let switches = self.threads.entry(thread.id);
        switches.cpu = Some(cpu);
        switches.log.push(Entry {
            at_ns: thread.since_ns,
            what: What::In { cpu, outside_ns },
        });
    }

    /// For how long a CPU has run tasks outside the tree, ns: none of its switches since it
    /// ran one of the tree, or its idle task, may be missing.
    fn outside_ns(&mut self, cpu: u16, before: Before) -> u64 {
        let at = usize::from(cpu);
        if matches!(before.prev, Prev::Unknown | Prev::Traced) {
            return 0;
        }
        if self.lost.len() <= at {
            self.lost.resize(at + 1, 0);
        }
        let has_lost = std::mem::replace(&mut self.lost[at], before.lost) != before.lost;
        match before.prev {
            Prev::Outside if !has_lost => before.steady_ns.into(),
            _ => 0,
        }
    }

    /// Waits have ended; `flags` are those of the waking.
    pub(super) fn woken(&mut self, ended: &[Interval], flags: u16) {
        for interval in ended {
            let Activity::Wait { end, ended, .. } = interval.activity else {
                continue;
            };
            let Some(End { wake, .. }) = end else {
                continue;
            };
            let by = self.by(&wake, ended, flags);
            self.threads.entry(interval.thread).log.push(Entry {
                at_ns: interval.to_ns,
                what: What::Woken(by),
            });
        }
    }

    fn by(&mut self, wake: &WakeKey, ended: Ended, flags: u16) -> By {
        match wake.waker {
            Waker::Thread(id) => By::Thread(id.0),
            Waker::External(ExternalId(id)) => By::Outside(id),
            Waker::UnnamedExternal(tid) => By::Outside(self.unnamed(tid)),
            Waker::Nobody => {
                let tid = match ended {
                    Ended::For(_, tid) => tid,
                    Ended::By(_) => 0,
                };
                let soft = flags & waker::SOFTIRQ != 0;
                match wake.source {
                    WakeSource::Timer | WakeSource::BlockIo | WakeSource::Irq => {
                        By::Interrupt { soft, tid }
                    }
                    WakeSource::NetRx => By::Interrupt { soft: true, tid },
                    _ => By::Unknown,
                }
            }
        }
    }

    fn unnamed(&mut self, tid: u32) -> u32 {
        let known = self.unnamed.iter().position(|&known| known == tid);
        let at = known.unwrap_or_else(|| {
            self.unnamed.push(tid);
            self.unnamed.len() - 1
        });
        UNNAMED | u32::try_from(at).unwrap_or_default()
    }

    /// An exec gives a thread another id.
    pub(super) fn take_tid(&mut self, id: ThreadId, old_tid: u32) {
        self.threads.entry(id).first_tid.get_or_insert(old_tid);
    }

    /// A thread was found asleep: in which state.
    pub(super) fn found(&mut self, thread: &Thread) {
        if let State::Waiting(Wait { off, .. }) = &thread.state {
            self.switch_out(thread, 0, off);
        }
    }

    /// The account begins anew: of what went before it stays where threads run, and in
    /// which state they sleep.
    pub(super) fn begin(&mut self, at_ns: u64, threads: &ByThread<Thread>) {
        for thread in threads.iter() {
            let switches = self.threads.entry(thread.id);
            switches.log.clear();
            if let Some(cpu) = switches.cpu {
                let what = What::In { cpu, outside_ns: 0 };
                switches.log.push(Entry { at_ns, what });
            }
            self.found(thread);
        }
    }
}
