//! What is told of the whole run: coverage, concurrency, overhead, listeners.

use std::{collections::BTreeMap, net::IpAddr};

use probe_common::loss::{LOSS_NAMES, Loss};

use super::ProgramCost;

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
    /// Waits that are known only as part of sums, because records were lost.
    pub folded_waits: u64,
    /// All time that is known in this way, ns.
    pub folded_ns: u64,
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
    /// The same by program, the dearest first; empty without `--cost`.
    pub probes: Vec<ProgramCost>,
    /// CPU time of waitscope itself, ns.
    pub tool_cpu_ns: Option<u64>,
    /// Peak resident memory of waitscope, bytes, the rings included.
    pub tool_peak_bytes: Option<u64>,
    /// What the analysis kept in a file, bytes, because it was more than may be in
    /// memory (`--memory`).
    pub tool_file_bytes: u64,
    /// Context switches of traced threads seen.
    pub switches: u64,
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
