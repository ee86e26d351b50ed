//! What is known of the whole run: coverage, concurrency, overhead.

use std::collections::BTreeMap;

use probe_common::loss::{LOSS_NAMES, Loss};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{vocabulary::WaitKind, wire::session};

/// A part of a run. Instants in the report are since the start of the run all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// Its beginning, ns since the start of the run.
    pub from_ns: u64,
    /// Its end, ns since the start of the run.
    pub to_ns: u64,
    /// How long the run was, ns.
    pub of_ns: u64,
}

/// Which waits are counted; the others are left out, as sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WaitFilter {
    /// Those of these kinds; empty: of any.
    pub kinds: Vec<WaitKind>,
    /// Those at least so long, ns.
    pub min_ns: Option<u64>,
    /// Those at most so long, ns.
    pub max_ns: Option<u64>,
}

/// Threads that a report does not list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOutThreads {
    /// How many.
    pub threads: u64,
    /// Their lifetimes, ns.
    pub lifetime_ns: u64,
}

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
    /// What is to be known of programs that were run, one sentence each. Written only
    /// where there is any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The observation went on behind what this is a report of: the recording was cut, or
    /// not read to its end. Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Runs that the kernel skipped, by program. Written only where there are any.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, u64>,
    /// Records that came too late, are malformed, or of a kind that is not known. Written
    /// only where there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub broken_records: u64,
    /// Waits for some interpreter locks are counted as futex, because it is not known where
    /// these are. Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub gil_as_futex: bool,
    /// Connections, and connection requests, to more places than are distinguished: counted
    /// nowhere. Written only where there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub uncounted: u64,
    /// From the last look at all threads to the end of the observation, ns: what was lost
    /// in it no later record shows. Written only where records of switches were lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tail_ns: Option<u64>,
}

/// For what is written only where there is any.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(n: &u64) -> bool {
    *n == 0
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

/// Times from waking to running of one thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunqueueLatency {
    /// Wake-ups.
    pub wakes: u64,
    /// Those of which it is known.
    pub known: u64,
    /// Together, ns.
    pub total_ns: u64,
    /// Not exceeded by 99 % of these, ns; too great by 1/64 at most.
    pub p99_ns: u64,
    /// The longest, ns.
    pub max_ns: u64,
}

/// What the CPUs of the whole machine did between the beginning and the end, by
/// proc_stat(5): mostly sampled, in steps of 10 ms. Together, ns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// From the first look to the last, ns.
    pub over_ns: u64,
    /// Ran tasks.
    pub task_ns: u64,
    /// Those outside the tree: that less the threads' own time on a CPU, which has the
    /// interrupts in it that came meanwhile.
    pub outside_cpu_ns: u64,
    /// Served interrupts.
    pub irq_ns: u64,
    /// Stood still while the machine's host ran something else.
    pub steal_ns: u64,
    /// Were idle.
    pub idle_ns: u64,
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
/// An object whose events wake many, most of them for nothing. The terms are defined in
/// `metrics::herds`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Herd {
    /// What they wait for, or who they are where that is not known.
    pub object: String,
    /// What they wait for it in.
    pub kind: WaitKind,
    /// Wakes by events that woke many.
    pub wakes: u64,
    /// Those that something came of.
    pub useful: u64,
    /// Those for nothing.
    pub wasted: u64,
    /// How often many were woken at once.
    pub events: u64,
    /// Most that one event woke.
    pub fan_out_max: u64,
    /// What the wasted runs took, ns.
    pub wasted_cpu_ns: u64,
    /// From the first waking of each event to its last, ns.
    pub waker_ns: u64,
    /// Who woke them.
    pub waker: String,
    /// The kernel wakes one such sleeper for one event; `None` if that is not known.
    pub exclusive: Option<bool>,
    /// What would wake fewer.
    pub advice: Option<String>,
}

impl Serialize for Herd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Herd {
            object,
            kind,
            wakes,
            useful,
            wasted,
            events,
            fan_out_max,
            wasted_cpu_ns,
            waker_ns,
            waker,
            exclusive,
            advice,
        } = self;
        let mut row = serializer.serialize_struct("Herd", 13)?;
        row.serialize_field("object", object)?;
        row.serialize_field("kind", kind)?;
        row.serialize_field("wakes", wakes)?;
        row.serialize_field("useful", useful)?;
        row.serialize_field("wasted", wasted)?;
        row.serialize_field("events", events)?;
        row.serialize_field("fan_out_mean", &mean(*wakes, *events))?;
        row.serialize_field("fan_out_max", fan_out_max)?;
        row.serialize_field("wasted_cpu_ns", wasted_cpu_ns)?;
        row.serialize_field("waker_ns", waker_ns)?;
        row.serialize_field("waker", waker)?;
        row.serialize_field("exclusive", exclusive)?;
        row.serialize_field("advice", advice)?;
        row.end()
    }
}
