//! What a run consists of, live or recorded: one [`Start`], [`Batch`]es, and an
//! [`End`] unless the recording was cut. Times are `CLOCK_MONOTONIC`, ns.

use std::{fmt, sync::Arc};

use probe_common::loss_sums;

pub use crate::vocabulary::{Exit, Tier};

use super::event::{BuildId, UserFrames};

/// Known before the first record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// The traced command; empty when attaching.
    pub command: Vec<String>,
    /// Processes attached to.
    pub attached: Vec<u32>,
    /// The machine.
    pub host: Host,
    /// What the probes can see.
    pub tier: Tier,
    /// When the probes were attached, monotonic ns.
    pub started_ns: u64,
    /// The same instant on `CLOCK_REALTIME`, ns.
    pub started_realtime_ns: u64,
    /// Sleeps at least this long carry both stacks, ns.
    pub stack_threshold_ns: u64,
    /// Descriptor tables are looked at behind every system call (`--fds`).
    pub exact_descriptors: bool,
    /// What each open descriptor is is written down (`--per-fd`).
    pub describes_descriptors: bool,
    /// The user stack of each sleep is taken (`--user-stacks`).
    pub user_stacks: bool,
    /// The table of system calls the numbers belong to (`x86_64`, `aarch64`).
    pub syscall_table: String,
    /// Connections are observed.
    pub sees_connections: bool,
    /// So are listeners, whichever the tier; on the full tier they are in any case.
    pub sees_listeners: bool,
    /// Sentences for the report's coverage: what could not be observed and why.
    pub problems: Vec<String>,
}

/// One drain of the rings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// No record older than this comes in a later batch, monotonic ns (a late
    /// one is still applied, and counted).
    pub watermark_ns: u64,
    /// What user space learned meanwhile; valid before this batch's records.
    pub facts: Vec<Fact>,
    /// Wire records (`probe-common`), back to back.
    pub records: Vec<u8>,
}

/// Something that no kernel record carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// The kernel function that an address in a stack lies in.
    Symbol {
        /// The address as it stands in the stack.
        addr: u64,
        /// Function name without offset; empty when it is not known.
        name: String,
        /// It lies in the scheduler's own text (`.sched.text`), which
        /// `/proc/PID/wchan` skips as well.
        sched: bool,
    },
    /// The name of a disk.
    Disk {
        /// Its number in the kernel: major << 20 | minor.
        dev: u32,
        /// As under `/sys/block`.
        name: String,
    },
    /// What is in a user stack. It stands in a record as well, but a later part of a recording
    /// does not have that.
    UserFrames(UserFrames),
    /// The name of a file that user stacks lie in.
    Module {
        /// Its build id.
        build_id: BuildId,
        /// Its path, as the processes saw it that have it mapped.
        path: String,
    },
    /// Arguments of a process that was attached to.
    Argv {
        /// The process.
        pid: u32,
        /// Its arguments, or what it has written over them.
        argv: Vec<String>,
        /// The name of the file that it runs, without folders; `None` where that may
        /// not be looked at.
        file: Option<String>,
    },
    /// The account begins at an instant, behind a delay: what was seen before only says
    /// in which state threads are then.
    Begin {
        /// The instant, monotonic ns. Nothing older than the records before this fact is
        /// needed.
        at_ns: u64,
        /// The command's process; `None` when attaching.
        root: Option<u32>,
    },
    /// Lost records so far, by class; replaces the previous count.
    Lost {
        /// Class name.
        class: String,
        /// Records.
        count: u64,
    },
    /// Memory of a process that lives on at the end of the trace.
    Memory {
        /// The process.
        pid: u32,
        /// Most that was resident so far, bytes (`VmHWM` of proc_pid_status(5)).
        rss_peak_bytes: Option<u64>,
        /// What of it nobody else has, bytes (`Private_*` of its smaps_rollup).
        private_bytes: Option<u64>,
    },
    /// What all CPUs of the machine have done since it started.
    CpuTimes(CpuTimes),
    /// Packets to listeners are looked at from an instant on, monotonic ns.
    Watching {
        /// The instant.
        at_ns: u64,
    },
    /// What a network namespace has counted since it was made.
    Netstat(NetCounters),
    /// A scan of the memory of a process that has more than one thread, for
    /// the interpreter lock of a Python.
    Python {
        /// The process.
        pid: u32,
        /// When it was born or ran exec, ns; 0 when before the observation.
        /// What was found holds from then until its next exec.
        from_ns: u64,
        /// What was found.
        found: ScanResult,
    },
}

/// What all CPUs together have done since the machine started, as proc_stat(5) counts
/// it, ns: mostly in samples, and in steps of 10 ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTimes {
    /// When it was read.
    pub at_ns: u64,
    /// Ran tasks: `user`, `nice` and `system`.
    pub task_ns: u64,
    /// Served interrupts: `irq` and `softirq`.
    pub irq_ns: u64,
    /// The machine's host ran something else: `steal`.
    pub steal_ns: u64,
    /// `idle` and `iowait`.
    pub idle_ns: u64,
}

/// Counters of a network namespace, of those under `TcpExt` in its
/// `/proc/net/netstat` (proc_net(5)) that concern listeners and connection requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetCounters {
    /// Inode number of the namespace.
    pub netns: u32,
    /// When they were read.
    pub at_ns: u64,
    /// Name and value.
    pub counters: Vec<(String, u64)>,
}

/// What a scan of a process's memory finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScanResult {
    /// CPython's state, `_PyRuntime`: the addresses it takes up.
    Runtime {
        /// Its first address.
        start: u64,
        /// The first one behind it.
        end: u64,
    },
    /// A Python whose file has no symbol `_PyRuntime`.
    Symbolless {
        /// The file.
        file: String,
    },
    /// A Python whose file could not be opened.
    Unreadable {
        /// The file.
        file: String,
    },
    /// A Python on a C library that has threads wait elsewhere.
    OtherLibc {
        /// The library's file.
        file: String,
    },
    /// No Python.
    NoPython,
    /// A program made by Go.
    Go,
    /// It was too late: the thread had ended.
    Gone,
    /// Not permitted.
    Refused,
}

/// Known after the last record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct End {
    /// When observation ended, monotonic ns.
    pub ended_ns: u64,
    /// How the command ended, when there was one and it ended.
    pub exit: Option<Exit>,
    /// Final losses by class.
    pub lost: Vec<(String, u64)>,
    /// Runs that the kernel skipped, by program: it runs none twice at once on a
    /// CPU (`recursion_misses` of bpf_prog_info, since 5.12). They need not have
    /// concerned a traced task.
    pub skipped: Vec<(String, u64)>,
    /// What the probes added up of lost switch records.
    pub loss_sums: Vec<LossSum>,
    /// Runs of all probes.
    pub probe_runs: u64,
    /// Time inside them, ns; `None` unless it was asked for.
    pub probe_ns: Option<u64>,
    /// The same by program; empty unless it was asked for.
    pub costs: Vec<ProgramCost>,
    /// CPU time of waitscope, ns.
    pub tool_cpu_ns: u64,
    /// Peak resident memory of waitscope, bytes, rings included.
    pub tool_peak_bytes: u64,
}

/// What a program of the probes has cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProgramCost {
    /// Its name.
    pub program: String,
    /// Runs, on every task of the machine.
    pub runs: u64,
    /// Time inside them, ns, by the kernel's own clock reads.
    pub ns: u64,
}

/// A thread that does not run. Whether it has been woken no record says before it runs: this
/// is what the probes remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffCpu {
    /// When it switched out, ns.
    pub off_ns: u64,
    /// When it was woken first since then, ns, if it has been.
    pub wake_ns: Option<u64>,
}

/// Those, by tid, whenever one asks; nobody where that is not known.
#[derive(Clone, Default)]
pub struct Wakings(Option<Arc<Waking>>);

type Waking = dyn Fn(u32) -> Option<OffCpu> + Send + Sync;

impl Wakings {
    /// As this knows them.
    pub fn new(of: impl Fn(u32) -> Option<OffCpu> + Send + Sync + 'static) -> Wakings {
        Wakings(Some(Arc::new(of)))
    }

    /// The one of a thread; `None` of one that runs.
    pub fn of(&self, tid: u32) -> Option<OffCpu> {
        self.0.as_ref()?(tid)
    }
}

impl fmt::Debug for Wakings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.is_some();
        out.debug_struct("Wakings").field("known", &known).finish()
    }
}

/// A sum of [`probe_common::loss_sums`]: key and value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of probe_common::loss_sums")]
pub struct LossSum {
    pub tid: u32,
    pub what: u16,
    pub state: u16,
    pub nr: i16,
    pub flags: u16,
    pub mode: u32,
    pub count: u64,
    pub ns: u64,
}

impl LossSum {
    /// Whether both are sums of the same.
    pub fn is_of(&self, other: &LossSum) -> bool {
        let key = |sum: &LossSum| (sum.tid, sum.what, sum.state, sum.nr, sum.flags, sum.mode);
        key(self) == key(other)
    }
}

impl LossSum {
    /// From the bytes of key and value.
    pub fn decode(key: [u8; size_of::<loss_sums::Key>()], sum: [u64; 2]) -> LossSum {
        let loss_sums::Key {
            tid,
            what,
            state,
            nr,
            flags,
            mode,
        } = zerocopy::transmute!(key);
        LossSum {
            tid,
            what,
            state,
            nr,
            flags,
            mode,
            count: sum[0],
            ns: sum[1],
        }
    }
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// `uname -n`; `None` in recordings of versions that did not write it down.
    pub name: Option<String>,
    /// `uname -r`.
    pub kernel: String,
    /// `uname -m`.
    pub arch: String,
    /// Online CPUs.
    pub cpus: u32,
}
