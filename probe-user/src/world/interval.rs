//! The stage behind the state machine: what a thread did, from when to when.
//!
//! `events → World → Interval → sinks`. Each event about a thread ends intervals of
//! it; they leave the world once ([`super::World::ended`]), in the order in which
//! they end, and are never changed. Sinks in here are the accounts
//! ([`super::account`]) and the logs that blame looks into ([`super::blame`]); what
//! streams them elsewhere reads them behind each event, while all their names can
//! be looked up.
//!
//! A thread's intervals lie end to end. One without length is no interval, but for
//! a wait whose waking overtook it: that is counted, and has no blame.

use super::{
    account::{WaitKey, WakeKey},
    blame::cause::Cause,
    identity::ThreadId,
    names::NameId,
    user_stacks::UserStackId,
};

/// Time that passed in one state of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Whose.
    pub thread: ThreadId,
    /// Its beginning, ns.
    pub from_ns: u64,
    /// Its end, ns.
    pub to_ns: u64,
    /// The state.
    pub activity: Activity,
}

/// What a thread did with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// On a CPU, in the program of its nth exec.
    Cpu(u16),
    /// Runnable, not running.
    RunQueue,
    /// Covered by lost records.
    Unknown,
    /// A finished wait.
    Wait {
        /// What for, and where.
        key: WaitKey,
        /// What its end says.
        ended: Ended,
        /// How that came about; `None` for one read back from a log, which does not
        /// keep it.
        end: Option<End>,
    },
}

/// Who or what ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// A thread of the tree: whatever it did meanwhile.
    By(ThreadId),
    /// Something that nothing more is known of, while the task with this tid ran where
    /// it came (0: the idle task, or not known): wakings of one interrupt have one.
    For(Cause, u32),
}

/// The end of a wait as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The waking.
    pub wake: WakeKey,
    /// The wait had begun before the observation.
    pub begun_before: bool,
    /// The task's state during it ([`probe_common::sched::state`]).
    pub state: u16,
    /// Its stacks.
    pub stacks: Stacks,
}

/// The stacks of a wait, as far as they were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stacks {
    /// That in the kernel, `;`-separated, innermost first, where stacks are kept
    /// ([`super::wait_site::Dictionaries::keeps_stacks`]).
    pub kernel: NameId,
    /// That of the program.
    pub user: UserStackId,
}

impl Ended {
    /// Without what ran where an interrupt came.
    pub fn alone(self) -> Ended {
        match self {
            Ended::For(cause, _) => Ended::For(cause, 0),
            Ended::By(thread) => Ended::By(thread),
        }
    }
}

impl Interval {
    /// Its length, ns.
    pub fn ns(&self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }

    /// What a thread that waited for this one was waiting for, where that needs no
    /// look at others: `None` of a wait.
    pub fn cause(&self) -> Option<Cause> {
        match self.activity {
            Activity::Cpu(program) => Some(Cause::Computing(self.thread, program)),
            Activity::RunQueue => Some(Cause::RunQueue),
            Activity::Unknown => Some(Cause::Unknown),
            Activity::Wait { .. } => None,
        }
    }
}
