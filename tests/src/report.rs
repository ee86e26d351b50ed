//! The JSON report by its schema: a field that is missing or of another type
//! is an error. Times are ns.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// A whole report.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Report {
    pub schema: String,
    pub command: Vec<String>,
    pub attached: Vec<i32>,
    pub started_before: Option<u64>,
    pub delay_ns: Option<u64>,
    pub exit: Option<Exit>,
    #[serde(default)]
    pub interim: bool,
    pub host: Host,
    pub tier: String,
    pub wall_ns: u64,
    pub processes: u64,
    pub still_running: Option<u64>,
    pub concurrency: Option<Concurrency>,
    pub machine: Option<Machine>,
    pub coverage: Coverage,
    pub overhead: Overhead,
    pub threads: Vec<Thread>,
    pub groups: Vec<Group>,
    pub fd_tables: Option<Vec<FdTable>>,
    pub fd_open: Option<FdOpen>,
    pub listeners: Option<Vec<Listener>>,
    pub connections: Option<Vec<Connection>>,
    pub fates: Option<Vec<Fate>>,
    pub herds: Option<Vec<Herd>>,
    pub memory: Option<Vec<Memory>>,
    pub critical_path: Option<CriticalPath>,
    pub critical_paths: Option<Vec<CriticalPath>>,
}

/// What a process had in memory.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Memory {
    pub pid: u32,
    pub rss_peak: Option<u64>,
}

/// How a process ended that did not end cleanly.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Fate {
    pub pid: u32,
    pub tid: u32,
    pub comm: String,
    pub exit: Exit,
    pub cause: String,
    pub core: bool,
    pub sender: Option<Sender>,
    pub address: Option<u64>,
    pub siblings: u64,
    pub at_ns: u64,
}

/// Who sent a signal.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Sender {
    pub pid: u32,
    pub comm: String,
}

/// What wakes many, most of them for nothing.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Herd {
    pub object: String,
    pub kind: String,
    pub wakes: u64,
    pub useful: u64,
    pub wasted: u64,
    pub events: u64,
    pub fan_out_mean: Option<f64>,
    pub fan_out_max: u64,
    pub wasted_cpu_ns: u64,
    pub waker_ns: u64,
    pub waker: String,
    pub exclusive: Option<bool>,
    pub advice: Option<String>,
}

/// What the run's length was made of.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct CriticalPath {
    pub root: usize,
    pub from_ns: u64,
    pub to_ns: u64,
    pub hops: Vec<Hop>,
}

/// A part of it.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Hop {
    pub from_ns: u64,
    pub to_ns: u64,
    pub tid: u32,
    pub wait: Option<String>,
    pub cause: String,
    pub detail: Option<String>,
}

/// How something ended.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Exit {
    /// With a status.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// The machine.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Host {
    pub kernel: String,
    pub arch: String,
    pub cpus: u32,
}

/// How far the numbers can be trusted.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Coverage {
    pub lost_total: u64,
    pub lost: BTreeMap<String, u64>,
    pub open_waits: u64,
    pub unverified_wakes: u64,
    #[serde(default)]
    pub recovered_switches: u64,
    pub folded_waits: u64,
    pub folded_ns: u64,
    pub residual_ns: i64,
    pub problems: Vec<String>,
}

/// How much went on at once.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Concurrency {
    pub running: Level,
    pub runnable: Level,
    pub blocked: Level,
    pub unknown: Level,
    pub processes: Level,
    pub wakes: Wakes,
}

/// A number over time.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Level {
    pub over_ns: u64,
    pub total_ns: u64,
    pub mean: Option<f64>,
    pub p99: u64,
    pub max: u64,
}

/// What the machine's CPUs did together.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Machine {
    pub over_ns: u64,
    pub task_ns: u64,
    pub outside_cpu_ns: u64,
    pub irq_ns: u64,
    pub steal_ns: u64,
    pub idle_ns: u64,
}

/// What threads stood behind on run queues.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct RunQueuePart {
    pub behind: String,
    pub detail: Option<String>,
    pub ns: u64,
}

/// Wake-ups in bins of 1 ms.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Wakes {
    pub count: u64,
    pub bins: u64,
    pub mean_per_ms: Option<f64>,
    pub p99_per_ms: u64,
    pub max_per_ms: u64,
    pub burst_from: u64,
    pub bursts: u64,
    pub latency_inside: Option<Latency>,
    pub latency_outside: Option<Latency>,
}

/// From waking to running.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Latency {
    pub count: u64,
    pub total_ns: u64,
    pub p99_ns: u64,
    pub max_ns: u64,
}

/// What observing cost.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Overhead {
    pub probe_runs: Option<u64>,
    pub probe_ns: Option<u64>,
    pub tool_cpu_ns: Option<u64>,
    pub tool_peak_bytes: Option<u64>,
    pub switches: u64,
}

/// One thread.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Thread {
    pub pid: u32,
    pub tid: u32,
    pub ppid: Option<u32>,
    pub creator_tid: Option<u32>,
    pub comm: String,
    pub argv: Vec<String>,
    #[serde(default)]
    pub argv_cut: bool,
    pub title: Option<String>,
    pub former_comms: Vec<String>,
    pub role: String,
    pub start_ns: u64,
    pub end_ns: u64,
    pub exit: Option<Exit>,
    pub switches: Switches,
    #[serde(flatten)]
    pub account: Account,
}

/// A descriptor table.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct FdTable {
    pub processes: Vec<u32>,
    pub threads_max: usize,
    pub origin: String,
    pub limit: Option<u64>,
    pub open: FdsOpen,
    pub by_kind: Option<BTreeMap<String, u32>>,
    pub inherited: Option<u32>,
    pub targets: Option<Vec<FdTarget>>,
    pub targets_left: Option<usize>,
    pub inherited_targets: Option<Vec<FdTarget>>,
    pub inherited_targets_left: Option<usize>,
    pub growth_per_s: Option<f64>,
}

/// An open descriptor.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct FdTarget {
    pub fd: i32,
    pub kind: String,
    pub target: String,
    pub cloexec: bool,
}

/// How many descriptors were open in it.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct FdsOpen {
    pub first: usize,
    pub last: usize,
    pub peak: usize,
    pub peak_exact: bool,
}

/// Open descriptors of all tables at once.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct FdOpen {
    pub peak_sum: usize,
    pub tables_max: usize,
}

/// Threads of one role.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Group {
    pub name: String,
    pub threads: u64,
    pub children: Option<Level>,
    #[serde(flatten)]
    pub account: Account,
}

/// The same sums of a thread and of a group.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Account {
    pub lifetime_ns: u64,
    pub on_cpu_ns: u64,
    pub runqueue_ns: u64,
    pub idle_ns: u64,
    pub open_ns: u64,
    pub unknown_ns: u64,
    pub waits: Vec<Wait>,
    pub open: Vec<OpenWait>,
    pub wakes: Vec<Wake>,
    pub blame: Vec<Blame>,
    pub calls: Option<Vec<Calls>>,
    pub gil: Option<GilHeld>,
    pub runqueue_behind: Option<Vec<RunQueuePart>>,
}

/// How long the interpreter lock was held while others waited.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct GilHeld {
    pub held_ns: u64,
    pub hand_overs: u64,
}

/// What a part of the waits of one kind was really for.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Blame {
    pub kind: String,
    pub cause: String,
    pub detail: Option<String>,
    pub ns: u64,
}

/// Switch-outs.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Switches {
    pub voluntary: u64,
    pub involuntary: u64,
}

/// Finished waits at one place.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Wait {
    pub kind: String,
    pub syscall: Option<String>,
    pub function: Option<String>,
    pub object: Option<String>,
    pub idle: Option<bool>,
    pub count: u64,
    pub total_ns: u64,
    pub max_ns: u64,
    pub begun_before: u64,
    pub wakes: Vec<Wake>,
}

/// Waits that had not ended.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct OpenWait {
    pub kind: String,
    pub function: Option<String>,
    pub count: u64,
    pub so_far_ns: u64,
    pub begun_before: bool,
}

/// Wake-ups from one source.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Wake {
    pub source: String,
    pub comm: Option<String>,
    pub tid: Option<u32>,
    #[serde(default)]
    pub outside: bool,
    pub signal: Option<Signal>,
    pub count: u64,
    pub wait_ns: u64,
}

/// A signal that ended waits.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Signal {
    pub name: String,
    pub sender: String,
}

/// Finished calls of one kernel function; only on the full tier.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Calls {
    pub function: String,
    pub count: u64,
    pub total_ns: u64,
    pub max_ns: u64,
    pub begun_before: u64,
    pub failed: u64,
    pub reaped: Option<u64>,
    pub none_ready: Option<u64>,
    pub with_events: Option<u64>,
    pub empty: Option<u64>,
    pub empty_after_wake: Option<u64>,
}

/// A listening socket.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Listener {
    pub address: Option<IpAddr>,
    pub port: u16,
    pub family: u16,
    pub requests: u64,
    pub accept_queue_max: u32,
    pub accept_limit: u32,
    pub overflows: u64,
    pub syn_queue_max: u32,
    pub syn_full: u64,
    pub syn_at_limit: u64,
    pub first_ns: u64,
    pub last_ns: u64,
    pub netns: Option<u64>,
    pub ours: bool,
    pub dropped_accept: u64,
    pub full_ns: Option<u64>,
    pub acceptors: Vec<u32>,
    pub netstat: Option<BTreeMap<String, u64>>,
}

/// The connections to one address and port.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct Connection {
    pub port: u16,
    pub family: u16,
    pub netns: Option<u64>,
    pub listener: Option<usize>,
    pub attempts: u64,
    pub fates: BTreeMap<String, u64>,
    pub connect: ConnectTimes,
    pub syn_retransmits: u64,
    pub syn_wait_ns: u64,
}

/// How long it took to be connected.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct ConnectTimes {
    pub count: u64,
    pub max_ns: u64,
}

impl Report {
    /// Runs of probes that the kernel skipped, as the report says (7.0 and later): what they
    /// would have seen is missing.
    pub fn skipped_runs(&self) -> u64 {
        let counts = self.coverage.problems.iter().filter_map(|problem| {
            let rest = problem.strip_prefix("the kernel skipped ")?;
            rest.split(' ').next()?.parse::<u64>().ok()
        });
        counts.sum()
    }

    /// Reads a report file.
    pub fn read(path: &Path) -> Result<Report> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        Report::parse(&bytes)
    }

    /// Reads a report.
    pub fn parse(bytes: &[u8]) -> Result<Report> {
        let report: Report = serde_json::from_slice(bytes)?;
        ensure!(report.schema == "waitscope.report/1", "{}", report.schema);
        Ok(report)
    }

    /// The only thread that matches.
    pub fn only(&self, what: &str, matches: impl Fn(&Thread) -> bool) -> Result<&Thread> {
        let found: Vec<_> = self
            .threads
            .iter()
            .filter(|thread| matches(thread))
            .collect();
        ensure!(found.len() == 1, "{what}: {} threads", found.len());
        Ok(found[0])
    }

    /// The only thread with this name.
    pub fn named(&self, comm: &str) -> Result<&Thread> {
        self.only(comm, |thread| thread.comm == comm)
    }
}

impl Account {
    /// Finished waits of a kind.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Wait> {
        self.waits.iter().filter(move |wait| wait.kind == kind)
    }

    /// Whether all sleeps took as long as the sleeper's own clock says, which
    /// also has what it spent on and waiting for a CPU around them.
    pub fn slept_within(&self, elapsed_ns: u64) -> bool {
        let slept = self.kind_ns("sleep");
        let awake = self.on_cpu_ns + self.runqueue_ns;
        (slept..=slept + awake).contains(&elapsed_ns)
    }

    /// Time of the finished waits of a kind, ns.
    pub fn kind_ns(&self, kind: &str) -> u64 {
        self.of_kind(kind).map(|wait| wait.total_ns).sum()
    }
}
