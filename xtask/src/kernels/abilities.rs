//! What waitscope can do on one kernel: what is tracked, and compared.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::kernels::doctor::{Doctor, Feature, Probe};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Abilities {
    /// As `uname -r` prints it.
    pub(crate) release: String,
    pub(crate) lockdown: String,
    /// None: `run` does not work there.
    pub(crate) tier: Option<String>,
    /// Of the whole round of a guest, if it was run.
    pub(crate) seconds: Option<Seconds>,
    pub(crate) features: BTreeMap<String, Availability>,
    /// By name.
    pub(crate) programs: BTreeMap<String, Program>,
}

/// Rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seconds {
    /// From the emulator's start until the guest is ready.
    pub(crate) boot: u64,
    /// Of the test programs, by the guest's clock.
    pub(crate) tests: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Availability {
    On,
    /// For this reason.
    Off(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Program {
    Attached(Loaded),
    /// For this reason.
    Refused(String),
}

/// Instructions are none where the kernel does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Loaded {
    /// fentry, kprobe, …
    pub(crate) hook: String,
    /// Those that the verifier walked, branches included (5.16 and later).
    pub(crate) verified: Option<u64>,
    /// Those of the loaded program.
    pub(crate) translated: Option<u64>,
}

impl Abilities {
    pub(crate) fn of(doctor: &Doctor) -> Result<Self> {
        let mut programs = BTreeMap::new();
        for probe in &doctor.probes {
            let other = programs.insert(probe.name.clone(), probe.program());
            ensure!(other.is_none(), "doctor names {} twice", probe.name);
        }
        let features = doctor.features.iter();
        Ok(Self {
            release: doctor.kernel.release.clone(),
            lockdown: doctor.lockdown().to_owned(),
            tier: doctor.tier.clone(),
            seconds: None,
            features: features
                .map(|feature| (feature.name.clone(), feature.availability()))
                .collect(),
            programs,
        })
    }

    pub(crate) fn tier(&self) -> &str {
        self.tier.as_deref().unwrap_or("none")
    }

    pub(crate) fn attached(&self) -> impl Iterator<Item = &Loaded> {
        self.programs.values().filter_map(Program::loaded)
    }

    /// Over all attached programs; none if the kernel does not tell one.
    pub(crate) fn sum(&self, count: impl Fn(&Loaded) -> Option<u64>) -> Option<u64> {
        self.attached().map(count).sum()
    }
}

impl Program {
    pub(crate) fn loaded(&self) -> Option<&Loaded> {
        match self {
            Self::Attached(loaded) => Some(loaded),
            Self::Refused(_) => None,
        }
    }
}

impl Feature {
    fn availability(&self) -> Availability {
        if self.available {
            return Availability::On;
        }
        let missing = || format!("no {}", self.missing.join(", "));
        Availability::Off(self.reason.clone().unwrap_or_else(missing))
    }
}

impl Probe {
    fn program(&self) -> Program {
        if self.attached {
            Program::Attached(Loaded {
                hook: self.hook.clone().unwrap_or_default(),
                verified: self.verified_instructions,
                translated: self.translated_instructions,
            })
        } else {
            Program::Refused(self.refusal.clone().unwrap_or_default())
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::kernels::doctor::testing::OUTPUT;

    /// Of a 6.12 with one feature and one probe off.
    pub(crate) fn abilities() -> Abilities {
        Abilities::of(&Doctor::parse(OUTPUT.as_bytes()).unwrap()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::abilities;
    use super::*;
    use crate::kernels::doctor::testing::OUTPUT;

    #[test]
    fn what_is_off_says_why() {
        let abilities = abilities();
        let descriptors = Availability::Off("no task_struct.files".into());
        assert_eq!(abilities.features["descriptors"], descriptors);
        assert_eq!(abilities.features["stacks"], Availability::On);
        let refused = Program::Refused("EPERM".into());
        assert_eq!(abilities.programs["do_wait"], refused);
    }

    #[test]
    fn a_sum_lacks_nothing() {
        let abilities = abilities();
        assert_eq!(abilities.sum(|loaded| loaded.translated), Some(490));
        assert_eq!(abilities.sum(|loaded| loaded.verified), None);
    }

    #[test]
    fn a_name_stands_for_one_program() {
        let output = OUTPUT.replace(r#""task""#, r#""sched_switch""#);
        let doctor = Doctor::parse(output.as_bytes()).unwrap();
        let error = Abilities::of(&doctor).unwrap_err();
        assert_eq!(error.to_string(), "doctor names sched_switch twice");
    }
}
