//! The shape of the schema, in the order it is written. Apart from the model on
//! purpose: the model may change, these names may not. Every conversion names
//! all fields of its source, so that a new one is not forgotten here.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    account::Account,
    concurrency::{Concurrency, Level},
    critical_path::CriticalPath,
    listeners::Listener,
    timeline::Timeline,
};
use crate::document::{self, Document};

/// Present in the schema, filled by parts that come later.
pub(super) type Later = [(); 0];

#[derive(Serialize)]
pub(super) struct Report<'a> {
    schema: &'static str,
    command: &'a [String],
    attached: &'a [u32],
    exit: Option<Exit>,
    /// Only there when it is so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    interim: bool,
    host: Host<'a>,
    tier: &'static str,
    wall_ns: u64,
    processes: usize,
    concurrency: Option<Concurrency>,
    coverage: Coverage<'a>,
    overhead: Overhead<'a>,
    threads: Vec<Thread<'a>>,
    groups: Vec<Group<'a>>,
    fd_tables: Later,
    listeners: Option<Vec<Listener>>,
    critical_path: Option<CriticalPath<'a>>,
    explained: Option<Vec<Timeline<'a>>>,
    connections: Later,
    herds: Later,
    claims: Later,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Exit {
    Code(i32),
    Signal(i32),
}

#[derive(Serialize)]
struct Host<'a> {
    kernel: &'a str,
    arch: &'a str,
    cpus: u32,
}

#[derive(Serialize)]
struct Coverage<'a> {
    lost_total: u64,
    lost: &'a BTreeMap<String, u64>,
    open_waits: u64,
    unverified_wakes: u64,
    recovered_switches: u64,
    folded_waits: u64,
    folded_ns: u64,
    residual_ns: i64,
    problems: &'a [String],
}

#[derive(Serialize)]
struct Overhead<'a> {
    probe_runs: Option<u64>,
    probe_ns: Option<u64>,
    probes: Vec<Probe<'a>>,
    tool_cpu_ns: Option<u64>,
    tool_peak_bytes: Option<u64>,
    tool_file_bytes: u64,
    switches: u64,
}

#[derive(Serialize)]
struct Probe<'a> {
    program: &'a str,
    runs: u64,
    ns: u64,
}

#[derive(Serialize)]
struct Thread<'a> {
    pid: Option<u32>,
    tid: u32,
    ppid: Option<u32>,
    creator_tid: Option<u32>,
    comm: &'a str,
    former_comms: &'a [String],
    argv: &'a [String],
    role: &'a str,
    group: usize,
    start_ns: u64,
    end_ns: u64,
    exit: Option<Exit>,
    #[serde(flatten)]
    account: Account<'a>,
}

#[derive(Serialize)]
struct Group<'a> {
    name: &'a str,
    threads: usize,
    pids: &'a [u32],
    exits: Vec<Ending>,
    children: Option<Level>,
    #[serde(flatten)]
    account: Account<'a>,
}

#[derive(Serialize)]
struct Ending {
    exit: Exit,
    count: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(document: &'a Document) -> Report<'a> {
        let Document {
            command,
            attached,
            exit,
            interim,
            host: document::Host { kernel, arch, cpus },
            tier,
            wall_ns,
            coverage,
            overhead,
            processes,
            concurrency,
            threads,
            groups,
            listeners,
            critical_path,
            explained,
        } = document;
        Report {
            schema: "waitscope.report/1",
            command,
            attached,
            exit: exit.map(Exit::from),
            interim: *interim,
            host: Host {
                kernel,
                arch,
                cpus: *cpus,
            },
            tier: tier.as_str(),
            wall_ns: *wall_ns,
            processes: *processes,
            concurrency: concurrency.as_ref().map(Concurrency::from),
            coverage: coverage.into(),
            overhead: overhead.into(),
            threads: threads.iter().map(Thread::from).collect(),
            groups: groups.iter().map(Group::from).collect(),
            fd_tables: [],
            listeners: listeners
                .as_ref()
                .map(|list| list.iter().map(Listener::from).collect()),
            critical_path: critical_path
                .as_ref()
                .map(|path| CriticalPath::new(path, document)),
            explained: explained
                .as_ref()
                .map(|list| list.iter().map(|s| Timeline::new(s, document)).collect()),
            connections: [],
            herds: [],
            claims: [],
        }
    }
}

impl From<document::Exit> for Exit {
    fn from(exit: document::Exit) -> Exit {
        match exit {
            document::Exit::Code(code) => Exit::Code(code),
            document::Exit::Signal(signal) => Exit::Signal(signal),
        }
    }
}

impl<'a> From<&'a document::Coverage> for Coverage<'a> {
    fn from(coverage: &'a document::Coverage) -> Coverage<'a> {
        let lost_total = coverage.lost_total();
        let document::Coverage {
            lost,
            open_waits,
            unverified_wakes,
            recovered_switches,
            folded_waits,
            folded_ns,
            residual_ns,
            problems,
        } = coverage;
        Coverage {
            lost_total,
            lost,
            open_waits: *open_waits,
            unverified_wakes: *unverified_wakes,
            recovered_switches: *recovered_switches,
            folded_waits: *folded_waits,
            folded_ns: *folded_ns,
            residual_ns: *residual_ns,
            problems,
        }
    }
}

impl<'a> From<&'a document::Overhead> for Overhead<'a> {
    fn from(overhead: &'a document::Overhead) -> Overhead<'a> {
        let document::Overhead {
            probe_runs,
            probe_ns,
            probes,
            tool_cpu_ns,
            tool_peak_bytes,
            tool_file_bytes,
            switches,
        } = overhead;
        Overhead {
            probe_runs: *probe_runs,
            probe_ns: *probe_ns,
            probes: probes.iter().map(Probe::from).collect(),
            tool_cpu_ns: *tool_cpu_ns,
            tool_peak_bytes: *tool_peak_bytes,
            tool_file_bytes: *tool_file_bytes,
            switches: *switches,
        }
    }
}

impl<'a> From<&'a document::ProgramCost> for Probe<'a> {
    fn from(cost: &'a document::ProgramCost) -> Probe<'a> {
        let document::ProgramCost { program, runs, ns } = cost;
        Probe {
            program,
            runs: *runs,
            ns: *ns,
        }
    }
}

impl<'a> From<&'a document::Thread> for Thread<'a> {
    fn from(thread: &'a document::Thread) -> Thread<'a> {
        let document::Thread {
            pid,
            tid,
            ppid,
            creator_tid,
            comm,
            former_comms,
            argv,
            role,
            group,
            start_ns,
            end_ns,
            exit,
            sums,
        } = thread;
        Thread {
            pid: *pid,
            tid: *tid,
            ppid: *ppid,
            creator_tid: *creator_tid,
            comm,
            former_comms,
            argv,
            role,
            group: *group,
            start_ns: *start_ns,
            end_ns: *end_ns,
            exit: exit.map(Exit::from),
            account: sums.into(),
        }
    }
}

impl<'a> From<&'a document::Group> for Group<'a> {
    fn from(group: &'a document::Group) -> Group<'a> {
        let document::Group {
            name,
            threads,
            pids,
            exits,
            children,
            sums,
        } = group;
        let exits = exits.iter().map(|(exit, count)| Ending {
            exit: (*exit).into(),
            count: *count,
        });
        Group {
            name,
            threads: *threads,
            pids,
            exits: exits.collect(),
            children: children.as_ref().map(Level::from),
            account: sums.into(),
        }
    }
}
