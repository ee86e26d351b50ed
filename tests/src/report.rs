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
    pub exit: Option<Exit>,
    #[serde(default)]
    pub interim: bool,
    pub host: Host,
    pub tier: String,
    pub wall_ns: u64,
    pub processes: u64,
    pub still_running: Option<u64>,
    pub concurrency: Option<Concurrency>,
    pub coverage: Coverage,
    pub overhead: Overhead,
    pub threads: Vec<Thread>,
    pub groups: Vec<Group>,
    pub listeners: Option<Vec<Listener>>,
    pub critical_path: Option<CriticalPath>,
}

/// What the run's length was made of.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are the schema's")]
pub struct CriticalPath {
    pub root: usize,
    pub from_ns: u64,
    pub to_ns: u64,
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
    pub former_comms: Vec<String>,
    pub role: String,
    pub start_ns: u64,
    pub end_ns: u64,
    pub exit: Option<Exit>,
    pub switches: Switches,
    #[serde(flatten)]
    pub account: Account,
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
    pub count: u64,
    pub wait_ns: u64,
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

/// A listening socket that was asked for connections; only on the full tier.
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
}

impl Report {
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
