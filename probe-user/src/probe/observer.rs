//! What a run observes with, whichever tier it is of.

use anyhow::{Context as _, Error, Result};

use super::{
    counters::Counters,
    drain::Drain,
    kernel::{Kernel, Untyped},
    layout::Missing,
    load::{Attached, Probes, Pump},
    raw::{Formats, RawProbes},
    tables::Settings,
};
use crate::wire::session::{ProgramCost, Tier, Wakings};

/// Attached probes.
pub enum Observer {
    /// Of the tiers that know the kernel's types.
    Typed(Box<Probes>),
    /// Of the raw tier.
    Raw(Box<RawProbes>),
}

/// An observer and its outputs.
pub struct Observing {
    /// The probes.
    pub observer: Observer,
    /// The rings.
    pub drain: Drain,
    /// The counters.
    pub counters: Counters,
    /// The tier, and what is not seen.
    pub attached: Attached,
}

/// Attaches the probes of the best tier there is, up to `highest`.
pub fn attach(highest: Tier, settings: &Settings) -> Result<Observing> {
    if highest == Tier::Raw {
        return attach_raw(settings);
    }
    match Kernel::read() {
        Ok(kernel) => attach_typed(&kernel, highest, settings),
        Err(reason) if reason.is::<Untyped>() => instead(&reason, settings),
        Err(error) => Err(error),
    }
}

fn attach_typed(kernel: &Kernel, highest: Tier, settings: &Settings) -> Result<Observing> {
    let mut probes = Probes::create(kernel, settings)?;
    let (drain, counters) = probes.outputs()?;
    let mut attached = probes.attach_all(kernel, highest, settings)?;
    let not_seen = |m: &Missing| format!("not seen: {} ({})", m.feature, m.reason());
    attached
        .problems
        .extend(kernel.layout.missing.iter().map(not_seen));
    Ok(Observing {
        observer: Observer::Typed(Box::new(probes)),
        drain,
        counters,
        attached,
    })
}

fn attach_raw(settings: &Settings) -> Result<Observing> {
    let formats = Formats::read()?;
    let mut probes = RawProbes::create(&formats, settings)?;
    let (drain, counters) = probes.outputs()?;
    let attached = probes.attach_all(&formats)?;
    Ok(Observing {
        observer: Observer::Raw(Box::new(probes)),
        drain,
        counters,
        attached,
    })
}

/// The raw tier, for want of a better one.
fn instead(reason: &Error, settings: &Settings) -> Result<Observing> {
    let mut observing =
        attach_raw(settings).with_context(|| format!("{reason:#}; nor can the raw tier be had"))?;
    let sentence = format!("{reason:#}: what is observed is the raw tier");
    observing.attached.problems.insert(0, sentence);
    Ok(observing)
}

impl Observer {
    /// Starts following every thread of these processes. Repeat until the
    /// threads are all known: a thread may be born meanwhile. Returns records
    /// that do not come through the rings; those are emptied on the way by `pump`.
    pub fn seed(&mut self, pids: &[u32], held: bool, pump: Pump<'_>) -> Result<Vec<u8>> {
        match self {
            Observer::Typed(probes) => probes.seed(pids, held, pump).map(|()| Vec::new()),
            Observer::Raw(probes) => probes.seed(pids, held),
        }
    }

    /// All of them are known. A process that gets the number of one of these later on
    /// is somebody else's.
    pub fn seeded(&mut self, pids: &[u32]) {
        let targets = match self {
            Observer::Typed(probes) => &mut probes.targets,
            Observer::Raw(probes) => &mut probes.targets,
        };
        for pid in pids {
            // It is there, unless it was named twice.
            let _absent = targets.remove(pid);
        }
    }

    /// Has every traced task reported as it is now; returns as `seed` does.
    pub fn snapshot(&mut self, pump: Pump<'_>) -> Result<Vec<u8>> {
        match self {
            Observer::Typed(probes) => probes.snapshot(pump).map(|()| Vec::new()),
            Observer::Raw(probes) => Ok(probes.snapshot()),
        }
    }

    /// Has every traced task reported as if it were followed from now on; returns as
    /// `seed` does.
    pub fn seed_again(&mut self, pump: Pump<'_>) -> Result<Vec<u8>> {
        match self {
            Observer::Typed(probes) => probes.seed_again(pump).map(|()| Vec::new()),
            Observer::Raw(probes) => Ok(probes.seed_again()),
        }
    }

    /// Looks at listeners from now on, if there are any to look at, as the probes know or
    /// the caller. Returns whether that has just begun.
    pub fn watch_listeners(&mut self, are_there: bool) -> Result<bool> {
        match self {
            Observer::Typed(probes) => probes.watch_listeners(are_there),
            Observer::Raw(_) => Ok(false),
        }
    }

    /// Who has been woken and not run since; nobody in the raw tier.
    pub fn wakings(&mut self) -> Result<Wakings> {
        match self {
            Observer::Typed(probes) => probes.wakings(),
            Observer::Raw(_) => Ok(Wakings::default()),
        }
    }

    /// Runs that the kernel skipped, by program.
    pub fn skipped(&self) -> Vec<(String, u64)> {
        match self {
            Observer::Typed(probes) => probes.skipped(),
            Observer::Raw(probes) => probes.skipped(),
        }
    }

    /// Runs and time of every program, if that `is_asked` for: somebody else may have asked the
    /// kernel, too (kernel.bpf_stats_enabled).
    pub fn costs_if(&self, is_asked: bool) -> Vec<ProgramCost> {
        match self {
            _ if !is_asked => Vec::new(),
            Observer::Typed(probes) => probes.costs(),
            Observer::Raw(probes) => probes.costs(),
        }
    }

    /// Memory that the kernel holds for us.
    pub fn kernel_bytes(&self) -> u64 {
        match self {
            Observer::Typed(probes) => probes.tables.bytes(),
            Observer::Raw(probes) => probes.tables.bytes(),
        }
    }

    /// Detaches all programs: from here on nothing is recorded.
    pub fn detach(self) {}
}
