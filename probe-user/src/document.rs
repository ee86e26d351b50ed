//! All that a view may see: the finished account of a run, in ns and bytes.
//!
//! Built by `metrics` from the world, read by every file in `view`. Unknown is
//! `None`, never 0. Text in here comes from other processes and is *not*
//! sanitised: each view escapes for its own medium.

use std::{collections::BTreeMap, net::IpAddr};

use probe_common::loss::{LOSS_NAMES, Loss};

pub use crate::wire::{
    event::Function,
    session::{Exit, Host, Tier},
};

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The traced command; empty when processes were attached to.
    pub command: Vec<String>,
    /// Processes attached to with `--pid`; empty for a command.
    pub attached: Vec<u32>,
    /// How the command ended; `None` when it was still running or not ours.
    pub exit: Option<Exit>,
    /// Where it ran.
    pub host: Host,
    /// What the probes could see.
    pub tier: Tier,
    /// From the first observed instant to the last, ns.
    pub wall_ns: u64,
    /// How far the numbers can be trusted.
    pub coverage: Coverage,
    /// What observing cost.
    pub overhead: Overhead,
    /// Distinct processes among the threads.
    pub processes: usize,
    /// How much went on at once; `None` when no time passed.
    pub concurrency: Option<Concurrency>,
    /// Every thread of the tree, by start time.
    pub threads: Vec<Thread>,
    /// Threads of one role together, largest lifetime first.
    pub groups: Vec<Group>,
    /// Listening sockets that were asked for connections, the busiest first;
    /// `None` where the tier does not observe them.
    pub listeners: Option<Vec<Listener>>,
    /// What the length of the run was made of; `None` when nothing was observed.
    pub critical_path: Option<CriticalPath>,
    /// The stories of the threads asked for, by start time; `None` when none was.
    pub explained: Option<Vec<Story>>,
}

/// A thread's life, step by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// The thread: index into [`Document::threads`].
    pub thread: usize,
    /// Who made it runnable for the first time; `None` when that was not seen.
    pub born: Option<Wake>,
    /// In order of time, end to end; they add up to its life.
    pub steps: Vec<Step>,
    /// Later steps that are left out for their number.
    pub left_out: u64,
}

/// A part of a thread's life.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its beginning, ns since the start of the run.
    pub from_ns: u64,
    /// Its end, ns since the start of the run.
    pub to_ns: u64,
    /// What the thread did.
    pub did: Did,
}

/// What a thread did with a part of its life.
#[derive(Clone, Debug, PartialEq)]
pub enum Did {
    /// No wait: `computing`, `starting`, `run-queue`, `unknown`.
    Passed {
        /// As [`Blame::cause`].
        cause: &'static str,
        /// As [`Blame::detail`].
        detail: Option<String>,
    },
    /// A finished wait.
    Waited {
        /// What for, and where.
        place: Place,
        /// Who ended it; its count and time are 0.
        ended: Wake,
        /// What it was really for, largest first: adds up to the step.
        blame: Vec<PathSum>,
    },
    /// A wait that was not finished at the end.
    Open(Place),
}

/// What a wait was for, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// As [`Wait::kind`].
    pub kind: &'static str,
    /// As [`Wait::syscall`].
    pub syscall: Option<String>,
    /// As [`Wait::function`].
    pub function: Option<String>,
    /// As [`Wait::object`].
    pub object: Option<String>,
}

impl Document {
    /// The group of a thread, by the thread's index.
    pub fn group_of(&self, thread: usize) -> Option<&Group> {
        self.groups.get(self.threads.get(thread)?.group)
    }
}

/// The chain of causes that ends with the end of the run: every instant of the
/// root's life is in exactly one hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// The thread whose life it explains: index into [`Document::threads`].
    pub root: usize,
    /// Its start, ns since the start of the run.
    pub from_ns: u64,
    /// Its end, ns since the start of the run.
    pub to_ns: u64,
    /// By cause, over all hops, largest first: they add up to the life.
    pub sums: Vec<PathSum>,
    /// In order of time, end to end unless some are left out.
    pub hops: Vec<Hop>,
    /// Shorter hops that are left out for their number.
    pub left_out: u64,
}

/// What one cause contributed to the critical path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathSum {
    /// As [`Blame::cause`]; `open` is a wait that had not ended.
    pub cause: &'static str,
    /// As [`Blame::detail`]; of `open`, the wait kind.
    pub detail: Option<String>,
    /// Time, ns.
    pub ns: u64,
}

/// A part of the critical path in one thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Its beginning, ns since the start of the run.
    pub from_ns: u64,
    /// Its end, ns since the start of the run.
    pub to_ns: u64,
    /// The thread: index into [`Document::threads`].
    pub thread: usize,
    /// Kind of the wait that the cause kept the thread in; `None` when it did
    /// not wait.
    pub wait: Option<&'static str>,
    /// As [`PathSum::cause`].
    pub cause: &'static str,
    /// As [`PathSum::detail`].
    pub detail: Option<String>,
}

/// How far the numbers can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Lost records by class; a class without a loss is present with 0.
    pub lost: BTreeMap<String, u64>,
    /// Waits not finished at the end of the recording.
    pub open_waits: u64,
    /// Wake-ups whose source could not be verified.
    pub unverified_wakes: u64,
    /// Switch-ins and wakings that the kernel hid and whose time is the
    /// scheduler's own.
    pub recovered_switches: u64,
    /// Σ over threads of lifetime − (on-CPU + run queue + waits + open + unknown), ns.
    pub residual_ns: i64,
    /// What else the reader must know, one sentence each: a truncated
    /// recording, missing symbols, …
    pub problems: Vec<String>,
}

impl Coverage {
    /// All lost records.
    pub fn lost_total(&self) -> u64 {
        self.lost.values().fold(0, |sum, &n| sum.saturating_add(n))
    }

    /// Records of a class were lost: what is counted of it is a lower bound.
    pub fn has_lost(&self, class: Loss) -> bool {
        let name = LOSS_NAMES.iter().find(|(known, _)| *known == class);
        name.and_then(|(_, name)| self.lost.get(*name))
            .is_some_and(|&n| n > 0)
    }
}

/// How much went on at once, over the run. The terms are defined in
/// `metrics::concurrency`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concurrency {
    /// Threads on a CPU.
    pub running: Level,
    /// Threads on a CPU or on a run queue.
    pub runnable: Level,
    /// Threads in a wait.
    pub blocked: Level,
    /// Threads of which lost records hide what they did.
    pub unknown: Level,
    /// Processes alive.
    pub processes: Level,
    /// Wake-ups, and how soon the woken ran.
    pub wakes: Wakes,
}

/// A number over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// How long it was followed, ns.
    pub over_ns: u64,
    /// Its integral over that time, ns: the mean times `over_ns`.
    pub total_ns: u64,
    /// Not exceeded for 99 % of the time.
    pub p99: u64,
    /// The greatest.
    pub max: u64,
}

/// Wake-ups in bins of 1 ms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wakes {
    /// All of them.
    pub count: u64,
    /// Bins of the run.
    pub bins: u64,
    /// Not exceeded in 99 % of the bins; too great by 1/64 at most.
    pub p99_per_ms: u64,
    /// Most in a bin.
    pub max_per_ms: u64,
    /// So many in a bin are a burst.
    pub burst_from: u64,
    /// Bins that are bursts.
    pub bursts: u64,
    /// From waking to running, in bursts; `None` where there is no such
    /// wake-up.
    pub latency_inside: Option<Latency>,
    /// The same outside of bursts.
    pub latency_outside: Option<Latency>,
}

/// Times from waking to running.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Wake-ups of which it is known.
    pub count: u64,
    /// Together, ns.
    pub total_ns: u64,
    /// Not exceeded by 99 % of them, ns; too great by 1/64 at most.
    pub p99_ns: u64,
    /// The longest, ns.
    pub max_ns: u64,
}

/// What observing cost. `None` where it was not measured (a cut recording).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overhead {
    /// Runs of all probes, on every task of the machine.
    pub probe_runs: Option<u64>,
    /// Time inside them, ns; only with `--cost`.
    pub probe_ns: Option<u64>,
    /// CPU time of waitscope itself, ns.
    pub tool_cpu_ns: Option<u64>,
    /// Peak resident memory of waitscope, bytes, the rings included.
    pub tool_peak_bytes: Option<u64>,
    /// Context switches of traced threads seen.
    pub switches: u64,
}

/// Sums over one thread or one group. For a thread,
/// `lifetime = on_cpu + runqueue + Σ waits.total + open + unknown`.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// Switch-outs to sleep.
    pub voluntary: u64,
    /// Switch-outs while runnable.
    pub involuntary: u64,
    /// CPU migrations.
    pub migrations: u64,
    /// Finished waits, largest total first.
    pub waits: Vec<Wait>,
    /// Waits not finished at the end, longest first.
    pub open: Vec<OpenWait>,
    /// Who ended the finished waits, largest `wait_ns` first.
    pub wakes: Vec<Wake>,
    /// What the finished waits were really for, largest first.
    pub blame: Vec<Blame>,
    /// Finished calls of watched kernel functions, by function; `None` where
    /// the tier does not observe them.
    pub calls: Option<Vec<Calls>>,
    /// CPython's interpreter lock; `None` where no hand-over of it was seen.
    pub gil: Option<GilHeld>,
}

/// How long CPython's interpreter lock was held while other threads waited for
/// it. Defined in `metrics::gil`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GilHeld {
    /// A lower bound, ns.
    pub held_ns: u64,
    /// How often it was then handed to one of them.
    pub hand_overs: u64,
}

/// Finished calls of one kernel function. They are counted apart from the
/// waits: a call may sleep never, once or often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Which function.
    pub function: Function,
    /// Calls that returned; the sum of `fruitful`, `empty` and `failed`.
    pub count: u64,
    /// Time of those whose entry was seen, ns.
    pub total_ns: u64,
    /// The longest of them, ns.
    pub max_ns: u64,
    /// Those whose entry was not seen: in none of the times.
    pub begun_before: u64,
    /// Returned more than 0: `do_wait` a child (one that ended, or, if asked
    /// for, stopped or went on), `do_epoll_wait` events.
    pub fruitful: u64,
    /// Returned 0: `do_wait` no child yet (`WNOHANG`), `do_epoll_wait` no event.
    pub empty: u64,
    /// Returned an error (`do_wait`: mostly `ECHILD`), or was interrupted.
    pub failed: u64,
    /// Of the empty ones, those in which the thread slept for events and the
    /// last such sleep was certainly ended by something other than a timer;
    /// `None` for a function that does not wait for events.
    pub empty_after_wake: Option<u64>,
}

/// A listening socket, as the connection requests found it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listener {
    /// Local address; `None` for a family other than IPv4 and IPv6.
    pub address: Option<IpAddr>,
    /// Port.
    pub port: u16,
    /// Address family (`AF_INET` is 2, `AF_INET6` 10).
    pub family: u16,
    /// Connection requests.
    pub requests: u64,
    /// Most connections that waited to be accepted.
    pub accept_queue_max: u32,
    /// The backlog at the last request: the limit of both queues.
    pub accept_limit: u32,
    /// Requests that found the accept queue longer than its limit: dropped.
    pub overflows: u64,
    /// Most handshakes under way.
    pub syn_queue_max: u32,
    /// Requests that found the SYN queue longer than its limit: dropped or
    /// answered with a cookie.
    pub syn_full: u64,
    /// Requests that found it as long as its limit, which kernels before
    /// 6.13 treat like a longer one.
    pub syn_at_limit: u64,
    /// The first request, ns since the start of the run.
    pub first_ns: u64,
    /// The last one, ns since the start of the run.
    pub last_ns: u64,
}

/// What waits of one kind were really for: the part of their time that one
/// cause took. The parts of a kind add up to its finished waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blame {
    /// As [`Wait::kind`].
    pub kind: &'static str,
    /// `computing`, `starting`, `run-queue`, `network`, `disk`, `timer`,
    /// `interrupt`, `outside`, `unknown`.
    pub cause: &'static str,
    /// Whose computing, which peer, who outside; `None` where the cause says
    /// it all or more is not known.
    pub detail: Option<String>,
    /// Time, ns.
    pub ns: u64,
}

/// Finished waits of one kind at one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wait {
    /// Wait kind (design §4): `child-exit`, `futex`, …
    pub kind: &'static str,
    /// System call's name; `None` outside one.
    pub syscall: Option<String>,
    /// Kernel function slept in; `None` when no stack was taken (short sleeps).
    pub function: Option<String>,
    /// Descriptor, futex address, …: `pipe:[4711]`, `tcp 127.0.0.1:40222 → 127.0.0.1:9418`.
    pub object: Option<String>,
    /// For kind `unknown`: the stack, innermost first. Otherwise empty.
    pub stack: Vec<String>,
    /// Whether they waited for work, by the rule of `metrics::idle`; `None`
    /// where it cannot tell.
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenWait {
    /// As [`Wait::kind`].
    pub kind: &'static str,
    /// As [`Wait::syscall`].
    pub syscall: Option<String>,
    /// As [`Wait::function`].
    pub function: Option<String>,
    /// As [`Wait::object`].
    pub object: Option<String>,
    /// As [`Wait::stack`].
    pub stack: Vec<String>,
    /// Threads in such a wait (1 for a single thread).
    pub count: u64,
    /// Time so far, ns, from the first observed instant on.
    pub so_far_ns: u64,
    /// It had begun before the observation.
    pub begun_before: bool,
}

/// Wake-ups from one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wake {
    /// Wake source (design §4): `task-exit`, `timer`, …
    pub source: &'static str,
    /// Label of the waking task (`git index-pack`); `None` for an interrupt.
    pub comm: Option<String>,
    /// Its process; `None` for an interrupt, and in groups when several.
    pub pid: Option<u32>,
    /// Its thread; `None` for an interrupt, and in groups when several.
    pub tid: Option<u32>,
    /// System call the waker was in, when that is known and it was a task.
    pub syscall: Option<String>,
    /// The waker is outside the traced tree.
    pub outside: bool,
    /// Wake-ups.
    pub count: u64,
    /// Time of the waits they ended, ns.
    pub wait_ns: u64,
}

/// One thread of the traced tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thread {
    /// Process id; `None` when its birth was not seen.
    pub pid: Option<u32>,
    /// Thread id.
    pub tid: u32,
    /// Parent process; `None` when its birth was not seen.
    pub ppid: Option<u32>,
    /// Thread that made it; `None` for roots.
    pub creator_tid: Option<u32>,
    /// Last `comm`.
    pub comm: String,
    /// Earlier names, oldest first.
    pub former_comms: Vec<String>,
    /// Arguments of its last exec (or its process's), cut at 256 bytes.
    pub argv: Vec<String>,
    /// `comm` with trailing numbers folded: `worker-*`.
    pub role: String,
    /// Group it belongs to: index into [`Document::groups`].
    pub group: usize,
    /// First observed instant, ns since the start of the run.
    pub start_ns: u64,
    /// Last observed instant, ns since the start of the run.
    pub end_ns: u64,
    /// `None` while it lives.
    pub exit: Option<Exit>,
    /// The account.
    pub sums: Sums,
}

/// Threads of one role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// `python3 gitsync`, `git index-pack`, `python3 gitsync (threads)`, …
    pub name: String,
    /// Threads in it.
    pub threads: usize,
    /// Their processes, ascending.
    pub pids: Vec<u32>,
    /// How they ended, with counts; threads alive at the end are absent.
    pub exits: BTreeMap<Exit, u64>,
    /// Processes that they made, alive at once; `None` if they made none.
    pub children: Option<Level>,
    /// The account.
    pub sums: Sums,
}
