//! Loading and attaching, one program at a time and one rung after the other:
//! what the kernel refuses is reported in words, and only what nothing works
//! without is an error.

use std::io::{ErrorKind, Read as _};

use anyhow::{Context as _, Error, Result, anyhow, bail};
use aya::{
    Ebpf, EbpfError, EbpfLoader,
    maps::{Array, HashMap, MapData, MapError, PerCpuArray},
    programs::{
        BtfTracePoint, FEntry, FExit, Iter, KProbe, Program, ProgramError, ProgramInfo,
        RawTracePoint, TracePoint,
    },
};
use probe_common::config::iter_mode;

use super::{
    bind::bind,
    counters::Counters,
    drain::Drain,
    kernel::Kernel,
    programs::{Hook, PROBES, Rung, Spec},
    refusal::Refusal,
    statistics,
    tables::{Settings, Tables, take},
};
use crate::{
    syscall::{self, Table},
    wire::session::{ProgramCost, Tier},
};

/// The compiled probes.
pub(super) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/waitscope-probes"));

/// The object in the kernel, nothing attached yet.
pub struct Probes {
    ebpf: Ebpf,
    control: Array<MapData, u32>,
    pub(super) targets: HashMap<MapData, u32, u32>,
    pub(super) tables: Tables,
}

/// What came of trying a [`Spec`]'s rungs.
#[derive(Debug, Default)]
pub struct Tried {
    /// The rung that holds, with its size.
    pub held: Option<(Rung, Size)>,
    /// The rungs before it, or all, and why they did not hold.
    pub refused: Vec<(Rung, Refusal)>,
}

/// Instructions of a loaded program; `None` where the kernel does not count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Walked by the verifier (5.16).
    pub verified: Option<u32>,
    /// In the program as the verifier rewrote it.
    pub translated: Option<u32>,
}

/// What a run observes with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// The highest tier whose every required program is attached.
    pub tier: Tier,
    /// Sentences about what is optional and was refused.
    pub problems: Vec<String>,
}

impl Tried {
    /// Tries one rung after the other until one holds.
    pub(super) fn climb(
        rungs: &[Rung],
        mut step_on: impl FnMut(&Rung) -> Result<Size, Refusal>,
    ) -> Tried {
        let mut tried = Tried::default();
        for rung in rungs {
            match step_on(rung) {
                Ok(size) => {
                    tried.held = Some((*rung, size));
                    break;
                }
                Err(refusal) => tried.refused.push((*rung, refusal)),
            }
        }
        tried
    }
}

impl Probes {
    /// Creates the maps and hands over layout and settings.
    pub fn create(kernel: &Kernel, settings: &Settings) -> Result<Probes> {
        let syscalls = syscall::probe_table(Table::native());
        let tables = Tables::new(settings)?;
        let mut loader = EbpfLoader::new();
        tables.set(&mut loader);
        loader
            .btf(Some(&kernel.btf))
            .override_global("STACK_THRESHOLD_NS", &settings.stack_threshold_ns, true)
            .override_global("SYSCALL_BITS", &syscalls, true);
        let mut values = kernel.layout.values();
        values.extend(tables.constants());
        let object = bind(OBJECT, &values, kernel.layout.rdonly_cast);
        let mut ebpf = loader.load(&object).map_err(no_maps)?;
        #[cfg(feature = "probe-log")]
        super::log::start(&mut ebpf)?;
        let control = Array::try_from(take(&mut ebpf, "CONTROL")?)?;
        let targets = HashMap::try_from(take(&mut ebpf, "TARGETS")?)?;
        Ok(Probes {
            ebpf,
            control,
            targets,
            tables,
        })
    }

    /// Loads and attaches one program, by the first rung that holds.
    pub fn attach(&mut self, kernel: &Kernel, spec: &Spec) -> Tried {
        Tried::climb(spec.rungs, |rung| {
            step_on(&mut self.ebpf, rung, &kernel.btf)
        })
    }

    /// Attaches everything that `run` uses, of `highest` and the tiers below.
    pub fn attach_all(&mut self, kernel: &Kernel, highest: Tier) -> Result<Attached> {
        let mut problems = Vec::new();
        let mut full = highest == Tier::Full;
        for spec in PROBES.iter().filter(|spec| spec.is_for(&kernel.layout)) {
            if spec.tier == Tier::Full && !full {
                continue;
            }
            let tried = self.attach(kernel, spec);
            let (None, Some((_, refusal))) = (tried.held, tried.refused.first()) else {
                continue;
            };
            if spec.tier == Tier::Full {
                // The tier's name says it; doctor says why.
                full = false;
                continue;
            }
            let sentence = format!(
                "the kernel refused the probe {}: {}",
                spec.name, refusal.text
            );
            if spec.required {
                bail!("{sentence}; `waitscope doctor` tells more");
            }
            problems.push(format!("{sentence}; not seen: {}", spec.gives));
        }
        let tier = if full { Tier::Full } else { Tier::Tracepoint };
        Ok(Attached { tier, problems })
    }

    /// Takes the rings and counters out.
    pub fn outputs(&mut self) -> Result<(Drain, Counters)> {
        outputs(&mut self.ebpf, &self.tables)
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

    /// Runs that the kernel skipped, by program.
    pub fn skipped(&self) -> Vec<(String, u64)> {
        statistics::skipped(&self.ebpf)
    }

    /// Runs and time of every program, if that was asked for.
    pub fn costs(&self) -> Vec<ProgramCost> {
        statistics::costs(&self.ebpf)
    }

    /// Has every traced task reported as it is now.
    pub fn snapshot(&mut self) -> Result<()> {
        self.iterate(iter_mode::FINAL)
    }

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

/// Takes the rings and counters out of an object.
pub(super) fn outputs(ebpf: &mut Ebpf, tables: &Tables) -> Result<(Drain, Counters)> {
    let counters = PerCpuArray::try_from(take(ebpf, "COUNTERS_BY_CPU")?)?;
    let loss_sums = HashMap::try_from(take(ebpf, "LOSS_SUMS")?)?;
    Ok((tables.drain(ebpf)?, Counters::new(counters, loss_sums)))
}

/// Tries one rung.
pub(super) fn step_on(ebpf: &mut Ebpf, rung: &Rung, btf: &aya::Btf) -> Result<Size, Refusal> {
    let program = ebpf.program_mut(rung.program);
    let program = program.ok_or_else(Refusal::not_built)?;
    hook(program, rung, btf).map_err(|error| Refusal::new(&error))?;
    Ok(program.info().map_or_else(|_| Size::default(), size))
}

/// Before 5.11 maps count against the limit on locked memory, which only
/// CAP_SYS_RESOURCE may exceed or raise; aya raises it where it may.
pub(super) fn no_maps(error: EbpfError) -> Error {
    let text = "creating the probes' maps";
    let denied = matches!(
        &error,
        EbpfError::MapError(MapError::CreateError { io_error, .. })
            if io_error.kind() == ErrorKind::PermissionDenied
    );
    if denied {
        let remedy = "on a kernel before 5.11 it needs CAP_SYS_RESOURCE as well, or a higher \
                      limit on locked memory (ulimit -l)";
        return Error::new(error).context(format!("{text}: {remedy}"));
    }
    Error::new(error).context(text)
}

/// Loads a program for a rung's target and attaches it there.
fn hook(program: &mut Program, rung: &Rung, btf: &aya::Btf) -> Result<(), ProgramError> {
    match rung.hook {
        Hook::Tracepoint => {
            let program: &mut BtfTracePoint = program.try_into()?;
            program.load(rung.target, btf)?;
            program.attach()?;
        }
        Hook::TaskIterator => {
            let program: &mut Iter = program.try_into()?;
            program.load(rung.target, btf)?;
        }
        Hook::FunctionEntry => {
            let program: &mut FEntry = program.try_into()?;
            program.load(rung.target, btf)?;
            program.attach()?;
        }
        Hook::FunctionExit => {
            let program: &mut FExit = program.try_into()?;
            program.load(rung.target, btf)?;
            program.attach()?;
        }
        Hook::KernelProbe | Hook::KernelReturnProbe => {
            let program: &mut KProbe = program.try_into()?;
            // An earlier rung may have loaded it and found no such function.
            if program.fd().is_err() {
                program.load()?;
            }
            program.attach(rung.target, 0)?;
        }
        Hook::ClassicTracepoint => {
            let program: &mut TracePoint = program.try_into()?;
            program.load()?;
            let (category, name) = rung.target.split_once(':').unwrap_or_default();
            program.attach(category, name)?;
        }
        Hook::RawTracepoint => {
            let program: &mut RawTracePoint = program.try_into()?;
            program.load()?;
            program.attach(rung.target)?;
        }
    }
    Ok(())
}

fn size(info: ProgramInfo) -> Size {
    /// Bytes of an instruction.
    const INSTRUCTION: u32 = 8;
    Size {
        verified: info.verified_instruction_count(),
        translated: info.size_translated().map(|bytes| bytes / INSTRUCTION),
    }
}
