//! Loading and attaching, one program at a time: what the kernel refuses is
//! reported in words, and only what nothing works without is an error.

use std::{fs, io::Read as _};

use anyhow::{Context as _, Result, anyhow, bail};
use aya::{
    BtfError, Ebpf, EbpfLoader,
    maps::{Array, HashMap, MapData, PerCpuArray, RingBuf},
    programs::{BtfTracePoint, FEntry, Iter, ProgramError},
};
use probe_common::config::{SYSCALL_SLOTS, iter_mode};

use super::{btf::Btf, counters::Counters, drain::Drain, layout::Layout};
use crate::{
    symbol::kernel::addresses,
    syscall::{self, Table},
};

/// The compiled probes.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/waitscope-probes"));

const BTF_PATH: &str = "/sys/kernel/btf/vmlinux";

/// What the user may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Sleeps at least this long carry both stacks, ns.
    pub stack_threshold_ns: u64,
    /// Bytes of the hot ring; a power of two.
    pub ring_bytes: u32,
    /// Tasks that can be followed at once.
    pub tasks: u32,
}

/// How a program is hooked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// BTF-typed raw tracepoint of the same name.
    Tracepoint,
    /// BPF task iterator.
    TaskIterator,
    /// Function entry; only tried, to name the tier.
    FunctionEntry,
}

/// One program of the object.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its name, and the tracepoint's.
    pub name: &'static str,
    /// How it is hooked in.
    pub hook: Hook,
    /// Nothing works without it.
    pub required: bool,
    /// What is lost without it.
    pub gives: &'static str,
}

const fn tracepoint(name: &'static str, required: bool, gives: &'static str) -> Spec {
    Spec {
        name,
        hook: Hook::Tracepoint,
        required,
        gives,
    }
}

/// Every program, in the order of attaching: births before switches, so that
/// no newborn switches before it is known.
pub const PROBES: &[Spec] = &[
    tracepoint("task_newtask", true, "new threads and processes"),
    tracepoint("sched_wakeup_new", true, "the first moment of a thread"),
    tracepoint("sched_process_exec", true, "program names and arguments"),
    tracepoint("task_rename", false, "thread names set later"),
    tracepoint("sched_process_exit", true, "exit codes"),
    tracepoint(
        "sched_process_free",
        true,
        "the end of tasks that never ran",
    ),
    tracepoint("sched_migrate_task", false, "CPU migrations"),
    tracepoint(
        "contention_begin",
        false,
        "which uninterruptible sleeps wait for a kernel lock",
    ),
    tracepoint("contention_end", false, "where they end"),
    tracepoint("sched_waking", true, "who wakes"),
    tracepoint("sched_switch", true, "every wait"),
    Spec {
        name: "task_iter",
        hook: Hook::TaskIterator,
        required: true,
        gives: "tasks that were there before, wake-ups pending at the end",
    },
];

/// The probe that the full tier would add; loaded by `doctor` alone.
pub const FULL_TIER_PROBE: Spec = Spec {
    name: "do_wait",
    hook: Hook::FunctionEntry,
    required: false,
    gives: "exact call counts and results (full tier)",
};

/// The kernel's type information, read once.
pub struct Kernel {
    btf: aya::Btf,
    /// Where the members lie.
    pub layout: Layout,
}

impl Kernel {
    /// Reads BTF; without it nothing can be loaded.
    pub fn read() -> Result<Kernel> {
        let raw = fs::read(BTF_PATH).with_context(|| {
            format!(
                "this kernel offers no type information ({BTF_PATH}): waitscope needs a kernel \
                 built with CONFIG_DEBUG_INFO_BTF=y"
            )
        })?;
        let btf = Btf::parse(raw)
            .ok_or_else(|| anyhow!("the kernel's type information in {BTF_PATH} cannot be read"))?;
        let layout = Layout::resolve(&btf, std::env::consts::ARCH, addresses);
        if let Some(missing) = layout.fatal() {
            bail!(
                "this kernel's type information has no {}: waitscope cannot work",
                missing.member
            );
        }
        let btf = aya::Btf::from_sys_fs().context("reading the kernel's type information")?;
        Ok(Kernel { btf, layout })
    }
}

/// The object in the kernel, nothing attached yet.
pub struct Probes {
    ebpf: Ebpf,
    control: Array<MapData, u32>,
    targets: HashMap<MapData, u32, u32>,
}

impl Probes {
    /// Creates the maps and hands over layout and settings.
    pub fn create(kernel: &Kernel, settings: &Settings) -> Result<Probes> {
        let layout = &kernel.layout;
        let prev_state = u8::from(layout.has_prev_state_arg);
        let preempt_count = u8::from(layout.has_preempt_count);
        let current_task_btf = u8::from(layout.has_current_task_btf);
        let task_pt_regs = u8::from(layout.has_task_pt_regs);
        let mut loader = EbpfLoader::new();
        loader
            .btf(Some(&kernel.btf))
            .map_max_entries("HOT", settings.ring_bytes)
            .map_max_entries("TASKS", settings.tasks)
            .override_global("IOWAIT_MASK", &layout.iowait_mask, true)
            .override_global("HAS_PREV_STATE_ARG", &prev_state, true)
            .override_global("HAS_PREEMPT_COUNT", &preempt_count, true)
            .override_global("HAS_CURRENT_TASK_BTF", &current_task_btf, true)
            .override_global("HAS_TASK_PT_REGS", &task_pt_regs, true)
            .override_global("STACK_THRESHOLD_NS", &settings.stack_threshold_ns, true);
        for (global, offset) in &layout.offsets {
            loader.override_global(global, offset, true);
        }
        let mut ebpf = loader.load(OBJECT).context("creating the probes' maps")?;
        #[cfg(feature = "probe-log")]
        super::log::start(&mut ebpf)?;
        let control = Array::try_from(take(&mut ebpf, "CONTROL")?)?;
        let targets = HashMap::try_from(take(&mut ebpf, "TARGETS")?)?;
        fill_syscalls(&mut ebpf)?;
        Ok(Probes {
            ebpf,
            control,
            targets,
        })
    }

    /// Loads and attaches one program.
    pub fn attach(&mut self, kernel: &Kernel, spec: &Spec) -> Result<(), Refusal> {
        let refused = |error: ProgramError| Refusal::new(&error);
        let program = self.ebpf.program_mut(spec.name).ok_or_else(|| Refusal {
            errno: None,
            text: "not in this build".to_owned(),
            log: String::new(),
        })?;
        match spec.hook {
            Hook::Tracepoint => {
                let program: &mut BtfTracePoint = program.try_into().map_err(refused)?;
                program.load(spec.name, &kernel.btf).map_err(refused)?;
                program.attach().map_err(refused)?;
            }
            Hook::TaskIterator => {
                let program: &mut Iter = program.try_into().map_err(refused)?;
                program.load("task", &kernel.btf).map_err(refused)?;
            }
            Hook::FunctionEntry => {
                let program: &mut FEntry = program.try_into().map_err(refused)?;
                program.load(spec.name, &kernel.btf).map_err(refused)?;
                program.attach().map_err(refused)?;
            }
        }
        Ok(())
    }

    /// Attaches everything that `run` uses; returns sentences about what is
    /// optional and was refused.
    pub fn attach_all(&mut self, kernel: &Kernel) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        for spec in PROBES {
            let Err(refusal) = self.attach(kernel, spec) else {
                continue;
            };
            let sentence = format!(
                "the kernel refused the probe {}: {}",
                spec.name, refusal.text
            );
            if spec.required {
                bail!("{sentence}; `waitscope doctor` tells more");
            }
            problems.push(format!("{sentence}; not seen: {}", spec.gives));
        }
        Ok(problems)
    }

    /// Takes the rings and counters out.
    pub fn outputs(&mut self) -> Result<(Drain, Counters)> {
        let hot = RingBuf::try_from(take(&mut self.ebpf, "HOT")?)?;
        let cold = RingBuf::try_from(take(&mut self.ebpf, "COLD")?)?;
        let counters = PerCpuArray::try_from(take(&mut self.ebpf, "COUNTERS_BY_CPU")?)?;
        Ok((Drain::new(hot, cold), Counters::new(counters)))
    }

    /// Starts following every thread of these processes. Repeat until the
    /// threads are all known: a thread may be born while the iterator walks.
    pub fn seed(&mut self, pids: &[u32], held: bool) -> Result<()> {
        for pid in pids {
            self.targets
                .insert(pid, 1, 0)
                .context("naming a process to the probes")?;
        }
        self.iterate(if held {
            iter_mode::SEED_HELD
        } else {
            iter_mode::SEED
        })
    }

    /// Has every traced task reported as it is now.
    pub fn snapshot(&mut self) -> Result<()> {
        self.iterate(iter_mode::FINAL)
    }

    /// Detaches all programs: from here on nothing is recorded.
    pub fn detach(self) {}

    fn iterate(&mut self, mode: u32) -> Result<()> {
        self.control
            .set(0, mode, 0)
            .context("steering the task iterator")?;
        let program: &mut Iter = self
            .ebpf
            .program_mut("task_iter")
            .ok_or_else(|| anyhow!("the task iterator is not in this build"))?
            .try_into()?;
        let link = program.attach().context("starting the task iterator")?;
        let mut file = program.take_link(link)?.into_file()?;
        // The programs run while the file is read; they print nothing.
        file.read_to_end(&mut Vec::new())
            .context("running the task iterator")?;
        Ok(())
    }
}

/// A map that is taken out and dropped is closed, and no program could be
/// loaded with it: this one stays where it is.
fn fill_syscalls(ebpf: &mut Ebpf) -> Result<()> {
    let map = ebpf
        .map_mut("SYSCALLS")
        .ok_or_else(|| anyhow!("the probes have no map SYSCALLS"))?;
    let mut syscalls: Array<_, u32> = Array::try_from(map)?;
    let table = Table::native();
    for nr in 0..SYSCALL_SLOTS {
        syscalls
            .set(nr, syscall::probe_bits(table, nr), 0)
            .context("filling a map")?;
    }
    Ok(())
}

fn take(ebpf: &mut Ebpf, name: &str) -> Result<aya::maps::Map> {
    ebpf.take_map(name)
        .ok_or_else(|| anyhow!("the probes have no map {name}"))
}

/// Why the kernel refused a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The system call's error, if it was one.
    pub errno: Option<i32>,
    /// In words.
    pub text: String,
    /// The verifier's log; empty when it was not the verifier.
    pub log: String,
}

impl Refusal {
    fn new(error: &ProgramError) -> Refusal {
        let io_error = match error {
            ProgramError::LoadError { io_error, .. } => Some(io_error),
            ProgramError::SyscallError(call) => Some(&call.io_error),
            _ => None,
        };
        let errno = io_error.and_then(std::io::Error::raw_os_error);
        let log = match error {
            ProgramError::LoadError { verifier_log, .. } => verifier_log.to_string(),
            _ => String::new(),
        };
        let verdict = reason(&log);
        let absent = matches!(
            error,
            ProgramError::Btf(BtfError::UnknownBtfTypeName { .. })
        );
        let text = match (io_error, verdict.is_empty()) {
            (Some(io), true) => io.to_string(),
            (Some(io), false) => format!("{io} ({verdict})"),
            (None, _) if absent => "this kernel has nothing of that name".to_owned(),
            (None, _) => error.to_string(),
        };
        Refusal { errno, text, log }
    }
}

/// The verifier's reason stands in front of its statistics.
fn reason(log: &str) -> &str {
    const STATISTICS: &[&str] = &[
        "processed ",
        "verification time",
        "stack depth",
        "insns processed",
    ];
    let is_reason = |l: &&str| !l.is_empty() && !STATISTICS.iter().any(|s| l.starts_with(s));
    log.lines()
        .map(str::trim)
        .rfind(is_reason)
        .unwrap_or_default()
}
