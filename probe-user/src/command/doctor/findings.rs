//! What was found, before anybody shows it.

use crate::{
    document::{Host, Tier},
    observe::host,
    probe::{
        kernel::{Kernel, Untyped},
        layout::Missing,
        load::{Probes, Tried},
        privilege::{self, Capabilities},
        programs::{PROBES, Spec},
        raw::{self, Formats, RawProbes},
        tables::Settings,
    },
    symbol::kernel::KernelSymbols,
};

/// Small maps: nothing is followed.
const SETTINGS: Settings = Settings {
    stack_threshold_ns: 1_000_000,
    exact_descriptors: true,
    describes_descriptors: true,
    user_stacks: true,
    ring_bytes: 1 << 16,
    switch_ring_bytes: 1 << 12,
    tasks: 64,
    targets: 1,
};

/// All that doctor knows.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) host: Host,
    pub(super) lockdown: String,
    /// Capabilities that `run` needs; nothing else is tried without them.
    pub(super) missing_capabilities: Vec<&'static str>,
    /// `None`: not looked for.
    pub(super) symbols: Option<Symbols>,
    /// What keeps everything from working, in one sentence.
    pub(super) obstacle: Option<String>,
    /// The kernel has type information that can be used. `None`: not looked for.
    pub(super) has_btf: Option<bool>,
    pub(super) features: Vec<Feature>,
    pub(super) probes: Vec<Probe>,
}

/// Whether kernel functions can be named.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Symbols {
    Readable,
    Hidden,
    Failed(String),
}

/// Something that can be observed, or not.
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
            let of_tier = |p: &&Probe| p.spec.tier == tier && p.spec.required;
            let mut required = self.probes.iter().filter(of_tier).peekable();
            required.peek().is_some() && required.all(|p| p.tried.held.is_some())
        };
        match (complete(Tier::Tracepoint), complete(Tier::Full)) {
            (true, true) => Some(Tier::Full),
            (true, false) => Some(Tier::Tracepoint),
            (false, _) => complete(Tier::Raw).then_some(Tier::Raw),
        }
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
    found.obstacle = privilege::obstacle();
    if found.obstacle.is_some() {
        return found;
    }
    found.symbols = Some(symbols());
    match Kernel::read() {
        Ok(kernel) => found.examine_kernel(&kernel),
        Err(error) if error.is::<Untyped>() => found.examine_untyped(&error.to_string()),
        Err(error) => found.obstacle = Some(format!("{error:#}")),
    }
    found
}

impl Findings {
    fn examine_kernel(&mut self, kernel: &Kernel) {
        self.has_btf = Some(true);
        self.features = features(kernel);
        match Probes::create(kernel, &SETTINGS) {
            Ok(mut probes) => {
                let specs = PROBES.iter();
                let specs = specs.filter(|spec| spec.is_for(&kernel.layout, &SETTINGS));
                probes.verify_ahead(kernel, specs.clone());
                let probe = |spec: &Spec| Probe {
                    spec: *spec,
                    tried: probes.attach(kernel, spec),
                };
                self.probes = specs.map(probe).collect();
            }
            Err(error) => self.obstacle = Some(format!("{error:#}")),
        }
    }

    /// A kernel without type information; `why` says so.
    fn examine_untyped(&mut self, why: &str) {
        self.has_btf = Some(false);
        self.features = raw::ABSENT.iter().map(|name| absent(name)).collect();
        let tried = Formats::read().and_then(|formats| {
            self.features.extend(formats.missing().map(lacking));
            let mut probes = RawProbes::create(&formats, &SETTINGS)?;
            let probe = |spec: &Spec| Probe {
                spec: *spec,
                tried: probes.attach(&formats, spec),
            };
            Ok(raw::PROBES.iter().map(probe).collect())
        });
        match tried {
            Ok(probes) => self.probes = probes,
            Err(error) => self.obstacle = Some(format!("{why}, and {error:#}")),
        }
    }
}

/// What no kernel shows without type information.
fn absent(name: &'static str) -> Feature {
    Feature {
        name,
        missing: vec!["BTF".to_owned()],
        reason: Some("this kernel offers no type information".to_owned()),
    }
}

fn lacking(missing: &Missing) -> Feature {
    Feature {
        name: missing.feature,
        missing: vec![missing.member.clone()],
        reason: Some(missing.reason()),
    }
}

fn features(kernel: &Kernel) -> Vec<Feature> {
    let features = kernel.layout.features(std::env::consts::ARCH);
    let finding = |(name, missing): (&'static str, Vec<_>)| {
        let first: Option<&&Missing> = missing.first();
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
