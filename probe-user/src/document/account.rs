//! Sums over one thread or one group: times, waits, wakers, and what was behind.

use serde::{Deserialize, Serialize};

use super::Function;
use crate::vocabulary::{Behind, CauseKind, SignalSender, WaitKind, WakeSource};

/// Sums over one thread or one group. For a thread,
/// `lifetime = on_cpu + runqueue + Σ waits.total + left_out + open + unknown`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    /// First to last observed instant, ns.
    pub lifetime_ns: u64,
    /// Running, ns.
    pub on_cpu_ns: u64,
    /// Runnable but not running, ns.
    pub runqueue_ns: u64,
    /// Times it entered the run queue (wake-ups and preemptions).
    pub runqueue_count: u64,
    /// The part of the finished waits that is known to be idle, ns.
    pub idle_ns: u64,
    /// In waits not finished at the end, ns: a lower bound.
    pub open_ns: u64,
    /// Covered by lost records, ns.
    pub unknown_ns: u64,
    /// Switch-outs.
    pub switches: Switches,
    /// CPU migrations.
    pub migrations: u64,
    /// In what states it was in the finished waits; `None` in reports of versions that did
    /// not ask.
    pub wait_states: Option<WaitStates>,
    /// Finished waits, largest total first; with a filter those that it counts.
    pub waits: Vec<Wait>,
    /// Waits not finished at the end, longest first.
    pub open: Vec<OpenWait>,
    /// Waits that a filter does not count, finished or not: `lifetime` has them, too. Written
    /// only where there is a filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// Who ended the finished waits, largest `wait_ns` first.
    pub wakes: Vec<Wake>,
    /// What the finished waits were really for, largest first.
    pub blame: Vec<Blame>,
    /// Finished calls of watched kernel functions, by function; `None` where
    /// the tier does not observe them.
    pub calls: Option<Vec<Calls>>,
    /// CPython's interpreter lock; `None` where no hand-over of it was seen.
    pub gil: Option<GilHeld>,
    /// Behind what it stood on run queues, largest first: the parts add up to
    /// `runqueue_ns`. `None` in reports of versions that did not ask.
    pub runqueue_behind: Option<Vec<RunQueuePart>>,
}

/// Waits that are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOut {
    /// How many.
    pub count: u64,
    /// Their time, ns.
    pub total_ns: u64,
}

/// The part of the time on run queues that their CPUs spent on one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunQueuePart {
    /// On what.
    pub behind: Behind,
    /// Of the tree: the group of the threads that ran; `None` where there were too
    /// many to keep apart, and of everything else.
    pub detail: Option<String>,
    /// Time, ns.
    pub ns: u64,
}

/// Switch-outs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// To sleep.
    pub voluntary: u64,
    /// While runnable.
    pub involuntary: u64,
}

/// Time in finished waits by the task's state. The rest of it was stopped, traced, frozen or
/// without CPU quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaitStates {
    /// `TASK_INTERRUPTIBLE` (S): a signal would have ended them, ns.
    pub interruptible_ns: u64,
    /// `TASK_UNINTERRUPTIBLE` (D), the killable ones included, ns.
    pub uninterruptible_ns: u64,
}

/// How long CPython's interpreter lock was held while other threads waited for
/// it. Defined in `metrics::gil`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GilHeld {
    /// A lower bound, ns.
    pub held_ns: u64,
    /// How often it was then handed to one of them.
    pub hand_overs: u64,
}

/// Finished calls of one kernel function. They are counted apart from the
/// waits: a call may sleep never, once or often. A result that the function does
/// not have is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Which function.
    pub function: Function,
    /// Calls that returned; the sum of all results.
    pub count: u64,
    /// Time of those whose entry was seen, ns.
    pub total_ns: u64,
    /// The longest of them, ns.
    pub max_ns: u64,
    /// Those whose entry was not seen: in none of the times.
    pub begun_before: u64,
    /// Returned an error (`do_wait`: mostly `ECHILD`), or was interrupted.
    pub failed: u64,
    /// `do_wait` returned a child: one that ended, or, if asked for, stopped or
    /// went on.
    pub reaped: Option<u64>,
    /// `do_wait` returned 0: no child yet (`WNOHANG`).
    pub none_ready: Option<u64>,
    /// `do_epoll_wait` returned events.
    pub with_events: Option<u64>,
    /// `do_epoll_wait` returned 0: no event.
    pub empty: Option<u64>,
    /// Of the empty ones, those in which the thread slept for events and the
    /// last such sleep was certainly ended by something other than a timer.
    pub empty_after_wake: Option<u64>,
}

impl Calls {
    /// No call, with the results that the function has.
    pub fn none_of(function: Function) -> Calls {
        let (child, events) = match function {
            Function::DoWait => (Some(0), None),
            Function::Epoll => (None, Some(0)),
        };
        Calls {
            function,
            count: 0,
            total_ns: 0,
            max_ns: 0,
            begun_before: 0,
            failed: 0,
            reaped: child,
            none_ready: child,
            with_events: events,
            empty: events,
            empty_after_wake: events,
        }
    }
}

/// What waits of one kind were really for: the part of their time that one
/// cause took. The parts of a kind add up to its finished waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Blame {
    /// What the waits were for.
    pub kind: WaitKind,
    /// Never [`CauseKind::Open`].
    pub cause: CauseKind,
    /// Whose computing, which peer, who outside; `None` where the cause says
    /// it all or more is not known.
    pub detail: Option<String>,
    /// Time, ns.
    pub ns: u64,
}

/// Finished waits of one kind at one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wait {
    /// What they were for.
    pub kind: WaitKind,
    /// System call's name; `None` outside one.
    pub syscall: Option<String>,
    /// Kernel function slept in; `None` when no stack was taken (short sleeps).
    pub function: Option<String>,
    /// Descriptor, futex address, …: `pipe:[4711]`, `tcp 127.0.0.1:40222 → 127.0.0.1:9418`.
    pub object: Option<String>,
    /// The program at the other end of that socket, where the records show only one.
    /// Written only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// For kind `unknown`: the stack, innermost first. Otherwise empty.
    pub stack: Vec<String>,
    /// Whether they waited for work, by the rule of `metrics::idle`; `None`
    /// where it does not decide.
    pub idle: Option<bool>,
    /// Finished waits.
    pub count: u64,
    /// Their time, ns.
    pub total_ns: u64,
    /// The longest, ns.
    pub max_ns: u64,
    /// How many of them had begun before the observation: their time is a
    /// lower bound (`≥`).
    pub begun_before: u64,
    /// Who ended them, largest `wait_ns` first.
    pub wakes: Vec<Wake>,
}

/// A wait not finished at the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenWait {
    /// What the waits were for.
    pub kind: WaitKind,
    /// As [`super::Wait::syscall`].
    pub syscall: Option<String>,
    /// As [`super::Wait::function`].
    pub function: Option<String>,
    /// As [`super::Wait::object`].
    pub object: Option<String>,
    /// As [`super::Wait::stack`].
    pub stack: Vec<String>,
    /// Threads in such a wait (1 for a single thread).
    pub count: u64,
    /// Time so far, ns, from the first observed instant on.
    pub so_far_ns: u64,
    /// It had begun before the observation.
    pub begun_before: bool,
}

/// A signal that ended waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Signal {
    /// `SIGTERM`.
    pub name: String,
    /// What sent it; the task is the waker.
    pub sender: SignalSender,
}

/// Wake-ups from one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Wake {
    /// Who woke.
    pub source: WakeSource,
    /// Label of the waking task (`git index-pack`), also of one that delivered the
    /// packet it sent (`netrx`); `None` for an interrupt.
    pub comm: Option<String>,
    /// Its process; `None` for an interrupt, and in groups when several.
    pub pid: Option<u32>,
    /// Its thread; `None` for an interrupt, and in groups when several.
    pub tid: Option<u32>,
    /// System call the waker was in, when that is known and it was a task.
    pub syscall: Option<String>,
    /// The waker is outside the traced tree.
    pub outside: bool,
    /// The signal, where the source is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<Signal>,
    /// Wake-ups.
    pub count: u64,
    /// Time of the waits they ended, ns.
    pub wait_ns: u64,
}
