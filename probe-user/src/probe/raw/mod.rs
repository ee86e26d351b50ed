//! The raw tier: what can be observed on a kernel without type information.
//! Offsets come from tracefs instead of BTF, the threads at both ends of the
//! trace from /proc instead of the task iterator; records, rings and all behind
//! them are those of the other tiers.

mod format;
mod procfs;
mod programs;
mod seed;
mod tasks;
mod tracefs;

#[cfg(test)]
mod tests;

use anyhow::{Context as _, Result, bail};
use aya::{
    Ebpf, EbpfLoader,
    maps::{HashMap, MapData},
};

use self::{programs::ENDS, tasks::Tasks};
pub use self::{
    programs::{ABSENT, PROBES},
    tracefs::Formats,
};

use super::{
    bind::bind,
    counters::Counters,
    drain::Drain,
    load::{self, Attached, OBJECT, Tried},
    programs::Spec,
    refusal::Refusal,
    statistics,
    tables::{self, Settings, Tables},
    verify,
};
use crate::wire::session::{ProgramCost, Tier};

/// The object in the kernel, nothing attached yet.
pub struct RawProbes {
    ebpf: Ebpf,
    tasks: Tasks,
    pub(super) targets: HashMap<MapData, u32, u32>,
    pub(super) tables: Tables,
    /// Names of the programs that are attached.
    held: Vec<&'static str>,
}

impl RawProbes {
    /// Creates the maps and hands over offsets and settings.
    pub fn create(formats: &Formats, settings: &Settings) -> Result<RawProbes> {
        let tables = Tables::new(settings)?;
        let mut loader = EbpfLoader::new();
        tables.set(&mut loader);
        loader
            .btf(None)
            .override_global("STACK_THRESHOLD_NS", &settings.stack_threshold_ns, true);
        let mut values = formats.offsets.clone();
        values.extend(tables.constants());
        let object = bind(OBJECT, &values, None);
        let mut ebpf = loader.load(&object).map_err(load::no_maps)?;
        let tasks = Tasks::take(&mut ebpf)?;
        let targets = HashMap::try_from(tables::take(&mut ebpf, "TARGETS")?)?;
        Ok(RawProbes {
            ebpf,
            tasks,
            targets,
            tables,
            held: Vec::new(),
        })
    }

    /// Loads and attaches one program.
    pub fn attach(&mut self, formats: &Formats, spec: &Spec) -> Tried {
        let lack = lack(formats, &self.held, spec);
        let tried = Tried::climb(spec.rungs, |rung| match &lack {
            Some(text) => Err(Refusal {
                text: text.clone(),
                ..Refusal::default()
            }),
            None => load::step_on(&mut self.ebpf, rung, &aya::Btf::new()),
        });
        if tried.held.is_some() {
            self.held.push(spec.name);
        }
        tried
    }

    /// Attaches everything; says what is not seen.
    pub fn attach_all(&mut self, formats: &Formats) -> Result<Attached> {
        let mut problems: Vec<String> = ABSENT
            .iter()
            .map(|feature| format!("not seen: {feature} (no type information in the raw tier)"))
            .collect();
        if self.tables.takes_user_stacks() {
            problems.push("not seen: user stacks (the raw tier takes none)".to_owned());
        }
        verify::ahead(&mut self.ebpf, PROBES.iter(), &aya::Btf::new());
        for spec in PROBES {
            let tried = self.attach(formats, spec);
            let Some((rung, refusal)) = tried.refused.first() else {
                continue;
            };
            if spec.required {
                bail!(
                    "the kernel refused the probe {}: {}",
                    rung.target,
                    refusal.text
                );
            }
            problems.push(format!("not seen: {} ({})", spec.gives, refusal.text));
        }
        Ok(Attached {
            tier: Tier::Raw,
            problems,
            ..Attached::default()
        })
    }

    /// Takes the rings and counters out.
    pub fn outputs(&mut self) -> Result<(Drain, Counters)> {
        load::outputs(&mut self.ebpf, &self.tables)
    }

    /// Starts following every thread of these processes; returns records of
    /// what was found. Repeat until the threads are all known.
    pub fn seed(&mut self, pids: &[u32], held: bool) -> Result<Vec<u8>> {
        let mut records = Vec::new();
        for &pid in pids {
            let ppid = procfs::stat(pid, pid).map_or(0, |stat| stat.ppid);
            self.targets
                .insert(pid, ppid, 0)
                .context("naming a process to the probes")?;
            for tid in procfs::threads(pid) {
                seed::seed(&mut self.tasks, pid, tid, held, &mut records)?;
            }
        }
        Ok(records)
    }

    /// Runs that the kernel skipped, by program.
    pub fn skipped(&self) -> Vec<(String, u64)> {
        statistics::skipped(&self.ebpf)
    }

    /// Runs and time of every program, if that was asked for.
    pub fn costs(&self) -> Vec<ProgramCost> {
        statistics::costs(&self.ebpf)
    }

    /// Records of every traced task as it is now.
    pub fn snapshot(&self) -> Vec<u8> {
        seed::last_look(&self.tasks)
    }

    /// The same as [`RawProbes::seed`] does it.
    pub fn seed_again(&self) -> Vec<u8> {
        seed::look_again(&self.tasks)
    }
}

/// Why a program cannot be tried, when those of `held` are attached.
fn lack(formats: &Formats, held: &[&str], spec: &Spec) -> Option<String> {
    if let Some(missing) = formats.missing_of(spec) {
        return Some(missing.reason());
    }
    let mut ends = ENDS.iter().filter(|(begin, _)| *begin == spec.name);
    if let Some((_, end)) = ends.find(|(_, end)| !held.contains(end)) {
        return Some(format!("of no use without {end}"));
    }
    let of_calls = spec.name == "raw_sys_enter";
    (of_calls && !cfg!(target_arch = "x86_64"))
        .then(|| "registers at system calls are known for x86_64 only".to_owned())
}
