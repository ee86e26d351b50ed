//! What is known of the whole run: coverage, concurrency, overhead, listeners.

use std::{collections::BTreeMap, net::IpAddr};

use probe_common::loss::{LOSS_NAMES, Loss};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::wire::session;

/// How far the numbers can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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

/// Coverage with the sum of what is lost.
pub(super) fn with_lost_total<S: Serializer>(
    coverage: &Coverage,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct WithTotal<'a> {
        lost_total: u64,
        #[serde(flatten)]
        coverage: &'a Coverage,
    }
    let lost_total = coverage.lost_total();
    WithTotal {
        lost_total,
        coverage,
    }
    .serialize(serializer)
}

/// How much went on at once, over the run. The terms are defined in
/// `metrics::concurrency`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
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

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Level {
            over_ns,
            total_ns,
            p99,
            max,
        } = self;
        let mut object = serializer.serialize_struct("Level", 5)?;
        object.serialize_field("over_ns", over_ns)?;
        object.serialize_field("total_ns", total_ns)?;
        object.serialize_field("mean", &mean(*total_ns, *over_ns))?;
        object.serialize_field("p99", p99)?;
        object.serialize_field("max", max)?;
        object.end()
    }
}

/// To three decimals, rounded in integers, so that the same report has the same
/// digits everywhere.
fn mean(total: u64, over: u64) -> Option<f64> {
    let wide = u128::from(over);
    let thousandths = (u128::from(total) * 1000 + wide / 2).checked_div(wide)?;
    Some(thousandths as f64 / 1000.0)
}

/// Wake-ups in bins of 1 ms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
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

impl Serialize for Wakes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Wakes {
            count,
            bins,
            p99_per_ms,
            max_per_ms,
            burst_from,
            bursts,
            latency_inside,
            latency_outside,
        } = self;
        let mut object = serializer.serialize_struct("Wakes", 9)?;
        object.serialize_field("count", count)?;
        object.serialize_field("bins", bins)?;
        object.serialize_field("mean_per_ms", &mean(*count, *bins))?;
        object.serialize_field("p99_per_ms", p99_per_ms)?;
        object.serialize_field("max_per_ms", max_per_ms)?;
        object.serialize_field("burst_from", burst_from)?;
        object.serialize_field("bursts", bursts)?;
        object.serialize_field("latency_inside", latency_inside)?;
        object.serialize_field("latency_outside", latency_outside)?;
        object.end()
    }
}

/// Times from waking to running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overhead {
    /// Runs of all probes, on every task of the machine.
    pub probe_runs: Option<u64>,
    /// Time inside them, ns; only with `--cost`.
    pub probe_ns: Option<u64>,
    /// The same by program, the dearest first; empty without `--cost`.
    pub probes: Vec<ProbeCost>,
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

/// What a program of the probes has cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeCost {
    /// Its name.
    pub program: String,
    /// Runs, on every task of the machine.
    pub runs: u64,
    /// Time inside them, ns, by the kernel's own clock reads.
    pub ns: u64,
}

impl From<&session::ProgramCost> for ProbeCost {
    fn from(cost: &session::ProgramCost) -> ProbeCost {
        let session::ProgramCost { program, runs, ns } = cost.clone();
        ProbeCost { program, runs, ns }
    }
}

/// A listening socket, as the connection requests found it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
