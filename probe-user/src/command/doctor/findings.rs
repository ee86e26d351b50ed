//! What was found, before anybody shows it.

use crate::{
    command::run::host,
    document::{Host, Tier},
    probe::{
        kernel::Kernel,
        load::{Probes, Settings, Tried},
        privilege::{self, Capabilities},
        programs::{PROBES, Spec},
    },
    symbol::kernel::KernelSymbols,
};

/// Small maps: nothing is followed.
const SETTINGS: Settings = Settings {
    stack_threshold_ns: 1_000_000,
    ring_bytes: 1 << 16,
    tasks: 64,
};

/// All that doctor knows.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) host: Host,
    pub(super) lockdown: String,
    /// Capabilities that `run` needs; nothing else is tried without them.
    pub(super) missing_capabilities: Vec<&'static str>,
    pub(super) symbols: Symbols,
    /// What keeps everything from working, in one sentence.
    pub(super) obstacle: Option<String>,
    /// The kernel has type information that can be used.
    pub(super) has_btf: bool,
    pub(super) features: Vec<Feature>,
    pub(super) probes: Vec<Probe>,
}

/// Whether kernel functions can be named.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Symbols {
    #[default]
    Readable,
    Hidden,
    Failed(String),
}

/// Something that can be told, or not.
#[derive(Debug)]
pub(super) struct Feature {
    pub(super) name: &'static str,
    /// Members or helpers that it needs and does not get.
    pub(super) missing: Vec<String>,
    /// Why that is so; `None` when the feature is there.
    pub(super) reason: Option<String>,
}

/// A program and what came of it.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) spec: Spec,
    pub(super) tried: Tried,
}

impl Findings {
    /// Whether `run` works here.
    pub(super) fn works(&self) -> bool {
        self.tier().is_some()
    }

    /// The highest tier all of whose required programs are attached, and those
    /// of the tiers below it; `None` when not even the lowest is.
    pub(super) fn tier(&self) -> Option<Tier> {
        let complete = |tier| {
            let mut required = self
                .probes
                .iter()
                .filter(|p| p.spec.tier == tier && p.spec.required);
            required.all(|p| p.tried.held.is_some())
        };
        if self.probes.is_empty() || !complete(Tier::Tracepoint) {
            return None;
        }
        Some(if complete(Tier::Full) {
            Tier::Full
        } else {
            Tier::Tracepoint
        })
    }
}

/// Tries everything that `run` would use.
pub(super) fn examine() -> Findings {
    let mut found = Findings {
        host: host::describe(),
        lockdown: privilege::lockdown(),
        missing_capabilities: Capabilities::of_this_process().missing(),
        ..Findings::default()
    };
    if !found.missing_capabilities.is_empty() {
        found.obstacle = Some(privilege::remedy(&found.missing_capabilities));
        return found;
    }
    found.symbols = symbols();
    match Kernel::read() {
        Ok(kernel) => found.examine_kernel(&kernel),
        Err(error) => found.obstacle = Some(format!("{error:#}")),
    }
    found
}

impl Findings {
    fn examine_kernel(&mut self, kernel: &Kernel) {
        self.has_btf = true;
        self.features = features(kernel);
        match Probes::create(kernel, &SETTINGS) {
            Ok(mut probes) => {
                let probe = |spec: &Spec| Probe {
                    spec: *spec,
                    tried: probes.attach(kernel, spec),
                };
                let specs = PROBES.iter().filter(|spec| spec.is_for(&kernel.layout));
                self.probes = specs.map(probe).collect();
            }
            Err(error) => self.obstacle = Some(format!("{error:#}")),
        }
    }
}

fn features(kernel: &Kernel) -> Vec<Feature> {
    let features = kernel.layout.features(std::env::consts::ARCH);
    let finding = |(name, missing): (&'static str, Vec<_>)| {
        let first: Option<&&crate::probe::layout::Missing> = missing.first();
        Feature {
            name,
            reason: first.map(|m| m.reason()),
            missing: missing.iter().map(|m| m.member.clone()).collect(),
        }
    };
    features.into_iter().map(finding).collect()
}

fn symbols() -> Symbols {
    match KernelSymbols::load() {
        Ok(symbols) if !symbols.is_empty() => Symbols::Readable,
        Ok(_) => Symbols::Hidden,
        Err(error) => Symbols::Failed(error.to_string()),
    }
}
