//! The JSON inside a recording: own structs, so that the model can change
//! without the file. Keys are append-only; one added after 1.0 needs a default.
//! The model's structs are taken apart field by field: a new field is then
//! not forgotten here.

use serde::{Deserialize, Serialize};

use crate::wire::event::{BuildId, UserFrame, UserFrames};
use crate::wire::session::{CpuTimes, End, Fact, LossSum, NetCounters, ScanResult, Start};
use crate::wire::session::{Exit, Host, ProgramCost, Tier};

#[derive(Serialize, Deserialize)]
pub(super) struct StartJson {
    command: Vec<String>,
    attached: Vec<u32>,
    host: HostJson,
    tier: TierJson,
    clocks: ClocksJson,
    settings: SettingsJson,
    syscall_table: String,
    problems: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sees_connections: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sees_listeners: bool,
}

#[derive(Serialize, Deserialize)]
struct HostJson {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    kernel: String,
    arch: String,
    cpus: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TierJson {
    Full,
    Tracepoint,
    Raw,
}

/// One instant on two clocks, ns.
#[derive(Serialize, Deserialize)]
struct ClocksJson {
    monotonic_ns: u64,
    realtime_ns: u64,
}

#[derive(Serialize, Deserialize)]
struct SettingsJson {
    stack_threshold_ns: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    exact_descriptors: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    describes_descriptors: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    user_stacks: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub(super) enum FactJson {
    Symbol {
        addr: u64,
        name: String,
        sched: bool,
    },
    Argv {
        pid: u32,
        argv: Vec<String>,
        #[serde(default)]
        file: Option<String>,
    },
    Lost {
        class: String,
        count: u64,
    },
    Begin {
        at_ns: u64,
        root: Option<u32>,
    },
    Disk {
        dev: u32,
        name: String,
    },
    /// Frames: build id, and offset in the file; without one the address.
    UserFrames {
        stack: u64,
        frames: Vec<(Option<String>, u64)>,
    },
    Module {
        build_id: String,
        path: String,
    },
    Looked {
        pid: u32,
        from_ns: u64,
        found: ScanJson,
    },
    CpuTimes {
        at_ns: u64,
        task_ns: u64,
        irq_ns: u64,
        steal_ns: u64,
        idle_ns: u64,
    },
    Memory {
        pid: u32,
        rss_peak_bytes: Option<u64>,
        private_bytes: Option<u64>,
    },
    Watching {
        at_ns: u64,
    },
    Netstat {
        netns: u32,
        at_ns: u64,
        counters: Vec<(String, u64)>,
    },
    /// Written by a newer minor version.
    #[serde(other)]
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "kebab-case")]
pub(super) enum ScanJson {
    Runtime {
        start: u64,
        end: u64,
    },
    Symbolless {
        file: String,
    },
    Unreadable {
        file: String,
    },
    OtherLibc {
        file: String,
    },
    NoPython,
    Go,
    Gone,
    Refused,
    /// Written by a newer minor version.
    #[serde(other)]
    Unknown,
}

#[derive(Serialize, Deserialize)]
pub(super) struct EndJson {
    ended_ns: u64,
    exit: Option<ExitJson>,
    lost: Vec<(String, u64)>,
    #[serde(default)]
    skipped: Vec<(String, u64)>,
    #[serde(default)]
    folded: Vec<LossSumJson>,
    probe_runs: u64,
    probe_ns: Option<u64>,
    #[serde(default)]
    costs: Vec<CostJson>,
    tool_cpu_ns: u64,
    tool_peak_bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct CostJson {
    program: String,
    runs: u64,
    ns: u64,
}

#[derive(Serialize, Deserialize)]
struct LossSumJson {
    tid: u32,
    what: u16,
    state: u16,
    nr: i16,
    flags: u16,
    mode: u32,
    count: u64,
    ns: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ExitJson {
    Code(i32),
    Signal(i32),
}

impl From<&Start> for StartJson {
    fn from(start: &Start) -> Self {
        let Start {
            command,
            attached,
            host:
                Host {
                    name,
                    kernel,
                    arch,
                    cpus,
                },
            tier,
            started_ns,
            started_realtime_ns,
            stack_threshold_ns,
            exact_descriptors,
            describes_descriptors,
            user_stacks,
            syscall_table,
            problems,
            sees_connections,
            sees_listeners,
        } = start.clone();
        Self {
            command,
            attached,
            host: HostJson {
                name,
                kernel,
                arch,
                cpus,
            },
            tier: match tier {
                Tier::Full => TierJson::Full,
                Tier::Tracepoint => TierJson::Tracepoint,
                Tier::Raw => TierJson::Raw,
            },
            clocks: ClocksJson {
                monotonic_ns: started_ns,
                realtime_ns: started_realtime_ns,
            },
            settings: SettingsJson {
                stack_threshold_ns,
                exact_descriptors,
                describes_descriptors,
                user_stacks,
            },
            syscall_table,
            problems,
            sees_connections,
            sees_listeners,
        }
    }
}

impl From<StartJson> for Start {
    fn from(json: StartJson) -> Self {
        let HostJson {
            name,
            kernel,
            arch,
            cpus,
        } = json.host;
        Self {
            command: json.command,
            attached: json.attached,
            host: Host {
                name,
                kernel,
                arch,
                cpus,
            },
            tier: match json.tier {
                TierJson::Full => Tier::Full,
                TierJson::Tracepoint => Tier::Tracepoint,
                TierJson::Raw => Tier::Raw,
            },
            started_ns: json.clocks.monotonic_ns,
            started_realtime_ns: json.clocks.realtime_ns,
            stack_threshold_ns: json.settings.stack_threshold_ns,
            exact_descriptors: json.settings.exact_descriptors,
            describes_descriptors: json.settings.describes_descriptors,
            user_stacks: json.settings.user_stacks,
            syscall_table: json.syscall_table,
            problems: json.problems,
            sees_connections: json.sees_connections,
            sees_listeners: json.sees_listeners,
        }
    }
}

impl From<&Fact> for FactJson {
    fn from(fact: &Fact) -> Self {
        match fact.clone() {
            Fact::Symbol { addr, name, sched } => Self::Symbol { addr, name, sched },
            Fact::Argv { pid, argv, file } => Self::Argv { pid, argv, file },
            Fact::Lost { class, count } => Self::Lost { class, count },
            Fact::Begin { at_ns, root } => Self::Begin { at_ns, root },
            Fact::Watching { at_ns } => Self::Watching { at_ns },
            Fact::Disk { dev, name } => Self::Disk { dev, name },
            Fact::UserFrames(UserFrames { stack, frames }) => Self::UserFrames {
                stack,
                frames: frames.iter().map(frame_json).collect(),
            },
            Fact::Module { build_id, path } => Self::Module {
                build_id: build_id.to_string(),
                path,
            },
            Fact::Memory {
                pid,
                rss_peak_bytes,
                private_bytes,
            } => Self::Memory {
                pid,
                rss_peak_bytes,
                private_bytes,
            },
            Fact::Python {
                pid,
                from_ns,
                found,
            } => Self::Looked {
                pid,
                from_ns,
                found: found.into(),
            },
            Fact::CpuTimes(CpuTimes {
                at_ns,
                task_ns,
                irq_ns,
                steal_ns,
                idle_ns,
            }) => Self::CpuTimes {
                at_ns,
                task_ns,
                irq_ns,
                steal_ns,
                idle_ns,
            },
            Fact::Netstat(NetCounters {
                netns,
                at_ns,
                counters,
            }) => Self::Netstat {
                netns,
                at_ns,
                counters,
            },
        }
    }
}

impl FactJson {
    /// `None` for a fact from the future.
    pub(super) fn known(self) -> Option<Fact> {
        match self {
            Self::Symbol { addr, name, sched } => Some(Fact::Symbol { addr, name, sched }),
            Self::Argv { pid, argv, file } => Some(Fact::Argv { pid, argv, file }),
            Self::Lost { class, count } => Some(Fact::Lost { class, count }),
            Self::Begin { at_ns, root } => Some(Fact::Begin { at_ns, root }),
            Self::Watching { at_ns } => Some(Fact::Watching { at_ns }),
            Self::Disk { dev, name } => Some(Fact::Disk { dev, name }),
            Self::UserFrames { stack, frames } => {
                let frames: Option<_> = frames.iter().map(frame_of).collect();
                Some(Fact::UserFrames(UserFrames {
                    stack,
                    frames: frames?,
                }))
            }
            Self::Module { build_id, path } => {
                let build_id = BuildId::of_hex(&build_id)?;
                Some(Fact::Module { build_id, path })
            }
            Self::Looked {
                pid,
                from_ns,
                found,
            } => found.known().map(|found| Fact::Python {
                pid,
                from_ns,
                found,
            }),
            Self::CpuTimes {
                at_ns,
                task_ns,
                irq_ns,
                steal_ns,
                idle_ns,
            } => Some(Fact::CpuTimes(CpuTimes {
                at_ns,
                task_ns,
                irq_ns,
                steal_ns,
                idle_ns,
            })),
            Self::Memory {
                pid,
                rss_peak_bytes,
                private_bytes,
            } => Some(Fact::Memory {
                pid,
                rss_peak_bytes,
                private_bytes,
            }),
            Self::Netstat {
                netns,
                at_ns,
                counters,
            } => Some(Fact::Netstat(NetCounters {
                netns,
                at_ns,
                counters,
            })),
            Self::Unknown => None,
        }
    }
}

impl From<ScanResult> for ScanJson {
    fn from(result: ScanResult) -> Self {
        match result {
            ScanResult::Runtime { start, end } => Self::Runtime { start, end },
            ScanResult::Symbolless { file } => Self::Symbolless { file },
            ScanResult::Unreadable { file } => Self::Unreadable { file },
            ScanResult::OtherLibc { file } => Self::OtherLibc { file },
            ScanResult::NoPython => Self::NoPython,
            ScanResult::Go => Self::Go,
            ScanResult::Gone => Self::Gone,
            ScanResult::Refused => Self::Refused,
        }
    }
}

impl ScanJson {
    fn known(self) -> Option<ScanResult> {
        match self {
            Self::Runtime { start, end } => Some(ScanResult::Runtime { start, end }),
            Self::Symbolless { file } => Some(ScanResult::Symbolless { file }),
            Self::Unreadable { file } => Some(ScanResult::Unreadable { file }),
            Self::OtherLibc { file } => Some(ScanResult::OtherLibc { file }),
            Self::NoPython => Some(ScanResult::NoPython),
            Self::Go => Some(ScanResult::Go),
            Self::Gone => Some(ScanResult::Gone),
            Self::Refused => Some(ScanResult::Refused),
            Self::Unknown => None,
        }
    }
}

impl From<&End> for EndJson {
    fn from(end: &End) -> Self {
        let End {
            ended_ns,
            exit,
            lost,
            skipped,
            loss_sums,
            probe_runs,
            probe_ns,
            costs,
            tool_cpu_ns,
            tool_peak_bytes,
        } = end.clone();
        Self {
            ended_ns,
            exit: exit.map(|exit| match exit {
                Exit::Code(code) => ExitJson::Code(code),
                Exit::Signal(signal) => ExitJson::Signal(signal),
            }),
            lost,
            skipped,
            folded: loss_sums.into_iter().map(LossSumJson::from).collect(),
            probe_runs,
            probe_ns,
            costs: costs.into_iter().map(CostJson::from).collect(),
            tool_cpu_ns,
            tool_peak_bytes,
        }
    }
}

impl From<EndJson> for End {
    fn from(json: EndJson) -> Self {
        Self {
            ended_ns: json.ended_ns,
            exit: json.exit.map(|exit| match exit {
                ExitJson::Code(code) => Exit::Code(code),
                ExitJson::Signal(signal) => Exit::Signal(signal),
            }),
            lost: json.lost,
            skipped: json.skipped,
            loss_sums: json.folded.into_iter().map(LossSum::from).collect(),
            probe_runs: json.probe_runs,
            probe_ns: json.probe_ns,
            costs: json.costs.into_iter().map(ProgramCost::from).collect(),
            tool_cpu_ns: json.tool_cpu_ns,
            tool_peak_bytes: json.tool_peak_bytes,
        }
    }
}

impl From<LossSum> for LossSumJson {
    fn from(folded: LossSum) -> Self {
        let LossSum {
            tid,
            what,
            state,
            nr,
            flags,
            mode,
            count,
            ns,
        } = folded;
        Self {
            tid,
            what,
            state,
            nr,
            flags,
            mode,
            count,
            ns,
        }
    }
}

impl From<LossSumJson> for LossSum {
    fn from(json: LossSumJson) -> Self {
        let LossSumJson {
            tid,
            what,
            state,
            nr,
            flags,
            mode,
            count,
            ns,
        } = json;
        Self {
            tid,
            what,
            state,
            nr,
            flags,
            mode,
            count,
            ns,
        }
    }
}

impl From<ProgramCost> for CostJson {
    fn from(cost: ProgramCost) -> Self {
        let ProgramCost { program, runs, ns } = cost;
        Self { program, runs, ns }
    }
}

impl From<CostJson> for ProgramCost {
    fn from(json: CostJson) -> Self {
        let CostJson { program, runs, ns } = json;
        Self { program, runs, ns }
    }
}

fn frame_json(frame: &UserFrame) -> (Option<String>, u64) {
    match *frame {
        UserFrame::InFile { build_id, offset } => (Some(build_id.to_string()), offset),
        UserFrame::Address(address) => (None, address),
    }
}

fn frame_of((build_id, at): &(Option<String>, u64)) -> Option<UserFrame> {
    Some(match build_id {
        Some(build_id) => UserFrame::InFile {
            build_id: BuildId::of_hex(build_id)?,
            offset: *at,
        },
        None => UserFrame::Address(*at),
    })
}
