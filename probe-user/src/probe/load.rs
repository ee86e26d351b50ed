//! Loading and attaching, one program at a time and one rung after the other:
//! what the kernel refuses is reported in words, and only what nothing works
//! without is an error.

use std::{
    collections::HashSet,
    io::{ErrorKind, Read as _},
};

use anyhow::{Context as _, Error, Result, anyhow, bail};
use aya::programs::cgroup_skb::CgroupSkbLinkId;
use aya::{
    Ebpf, EbpfError, EbpfLoader,
    maps::{Array, HashMap, MapData, MapError, PerCpuArray},
    programs::{
        CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, Iter, Program, ProgramError, ProgramInfo,
    },
};
use probe_common::config::iter_mode;

use super::{
    bind::bind,
    cgroup,
    counters::Counters,
    drain::Drain,
    kernel::Kernel,
    programs::{CONNECTIONS, LISTENERS, PROBES, Rung, Spec},
    refusal::Refusal,
    statistics,
    tables::{Settings, Tables, take},
    verify, woken,
};
use crate::{
    syscall::{self, Table},
    wire::session::{ProgramCost, Tier, Wakings},
};

/// The compiled probes.
pub(super) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/waitscope-probes"));

/// The object in the kernel, nothing attached yet.
pub struct Probes {
    ebpf: Ebpf,
    control: Array<MapData, u32>,
    wanted: Array<MapData, u32>,
    /// Whether [`LISTENERS`] waits to be attached.
    may_watch: bool,
    /// From when they are first asked for.
    wakings: Option<Wakings>,
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
    /// Connections are observed.
    pub sees_connections: bool,
    /// So are listeners.
    pub sees_listeners: bool,
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
        let wanted = Array::try_from(take(&mut ebpf, "WANTED")?)?;
        let targets = HashMap::try_from(take(&mut ebpf, "TARGETS")?)?;
        Ok(Probes {
            ebpf,
            control,
            wanted,
            may_watch: false,
            wakings: None,
            targets,
            tables,
        })
    }

    /// Has the kernel verify what these try first, on all CPUs at once.
    pub fn verify_ahead<'a>(&mut self, kernel: &Kernel, specs: impl Iterator<Item = &'a Spec>) {
        verify::ahead(&mut self.ebpf, specs, &kernel.btf);
    }

    /// Loads and attaches one program, by the first rung that holds.
    pub fn attach(&mut self, kernel: &Kernel, spec: &Spec) -> Tried {
        Tried::climb(spec.rungs, |rung| {
            step_on(&mut self.ebpf, rung, &kernel.btf)
        })
    }

    /// Attaches everything that `run` uses, of `highest` and the tiers below.
    pub fn attach_all(
        &mut self,
        kernel: &Kernel,
        highest: Tier,
        settings: &Settings,
    ) -> Result<Attached> {
        let mut problems = Vec::new();
        let mut held = HashSet::new();
        let mut full = highest == Tier::Full;
        let is_wanted = |spec: &&Spec, full| {
            let replaced = full && spec.name == LISTENERS;
            spec.is_for(&kernel.layout, settings) && !replaced && (full || spec.tier != Tier::Full)
        };
        self.verify_ahead(kernel, PROBES.iter().filter(|spec| is_wanted(spec, full)));
        for spec in PROBES {
            if !is_wanted(&spec, full) {
                continue;
            }
            let tried = self.attach(kernel, spec);
            let (None, Some((_, refusal))) = (tried.held, tried.refused.first()) else {
                held.insert(spec.name);
                continue;
            };
            if spec.tier == Tier::Full && spec.required {
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
        let knows = |gate| kernel.layout.knows(gate);
        self.may_watch = held.contains(LISTENERS) && knows("SOCK_ACK_BACKLOG");
        Ok(Attached {
            tier: if full { Tier::Full } else { Tier::Tracepoint },
            problems,
            sees_connections: knows("SOCK_ERR")
                && CONNECTIONS.iter().all(|name| held.contains(name)),
            sees_listeners: full || self.may_watch,
        })
    }

    /// Has packets that come to listeners looked at once there is such a listener: of the
    /// tree, or one on this machine that the tree connects to. The probes see those that
    /// are new. Returns whether that has just begun.
    pub fn watch_listeners(&mut self, are_there: bool) -> Result<bool> {
        if !self.may_watch || !are_there && self.wanted.get(&0, 0)? == 0 {
            return Ok(false);
        }
        self.may_watch = false;
        let program = self.ebpf.program_mut("ingress");
        let program = program.ok_or_else(|| anyhow!("the probes have no program ingress"))?;
        attach_ingress(program.try_into()?).context("looking at packets to listeners")?;
        Ok(true)
    }

    /// Takes the rings and counters out.
    pub fn outputs(&mut self) -> Result<(Drain, Counters)> {
        outputs(&mut self.ebpf, &self.tables)
    }

    /// Starts following every thread of these processes. Repeat until the
    /// threads are all known: a thread may be born while the iterator walks. `pump` empties
    /// the rings on the way.
    pub fn seed(&mut self, pids: &[u32], held: bool, pump: Pump<'_>) -> Result<()> {
        for pid in pids {
            self.targets
                .insert(pid, 1, 0)
                .context("naming a process to the probes")?;
        }
        let mode = match held {
            true => iter_mode::SEED_HELD,
            false => iter_mode::SEED,
        };
        self.iterate(mode, pump)
    }

    /// Who has been woken and not run since.
    pub fn wakings(&mut self) -> Result<Wakings> {
        let wakings = match self.wakings.take() {
            Some(wakings) => wakings,
            None => woken::wakings(&mut self.ebpf, self.tables.entries_mask)?,
        };
        Ok(self.wakings.insert(wakings).clone())
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
    pub fn snapshot(&mut self, pump: Pump<'_>) -> Result<()> {
        self.iterate(iter_mode::FINAL, pump)
    }

    /// The same as [`Probes::seed`] does it.
    pub fn seed_again(&mut self, pump: Pump<'_>) -> Result<()> {
        self.iterate(iter_mode::AGAIN, pump)
    }

    fn iterate(&mut self, mode: u32, pump: Pump<'_>) -> Result<()> {
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
        // The program runs while the file is read, and prints a byte for each task that it
        // reports: so a read ends before the rings are full.
        while file
            .read(&mut [0; SEEDS])
            .context("running the task iterator")?
            > 0
        {
            pump()?;
        }
        Ok(())
    }
}

/// Empties the rings.
pub type Pump<'a> = &'a mut dyn FnMut() -> Result<()>;

/// Tasks that the iterator reports before the rings are emptied: each of them takes some
/// 1,500 bytes there at most, its stack and its descriptors included.
const SEEDS: usize = 256;

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
    verify::load(program, rung, btf)
        .and_then(|()| attach(program, rung))
        .map_err(|error| Refusal::new(&error))?;
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

/// Attaches a program that is loaded where its rung says.
fn attach(program: &mut Program, rung: &Rung) -> Result<(), ProgramError> {
    match program {
        Program::BtfTracePoint(program) => program.attach().map(drop),
        // Runs when it is read (`iterate`).
        Program::Iter(_) => Ok(()),
        Program::FEntry(program) => program.attach().map(drop),
        Program::FExit(program) => program.attach().map(drop),
        Program::KProbe(program) => program.attach(rung.target, 0).map(drop),
        Program::TracePoint(program) => {
            let (category, name) = rung.target.split_once(':').unwrap_or_default();
            program.attach(category, name).map(drop)
        }
        Program::RawTracePoint(program) => program.attach(rung.target).map(drop),
        Program::CgroupSkb(program) => {
            let link = attach_ingress(program)?;
            program.detach(link)
        }
        _ => Err(ProgramError::UnexpectedProgramType),
    }
}

/// Attaches a program beside those that others may have there: a link always is, and must
/// not say so.
fn attach_ingress(program: &mut CgroupSkb) -> Result<CgroupSkbLinkId, ProgramError> {
    program.attach(
        cgroup::root()?,
        CgroupSkbAttachType::Ingress,
        CgroupAttachMode::Single,
    )
}

fn size(info: ProgramInfo) -> Size {
    /// Bytes of an instruction.
    const INSTRUCTION: u32 = 8;
    Size {
        verified: info.verified_instruction_count(),
        translated: info.size_translated().map(|bytes| bytes / INSTRUCTION),
    }
}
