//! What waitscope can do on one kernel, as `waitscope doctor --format json` says.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "waitscope.doctor/1";

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

/// Rounded, by the guest's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seconds {
    /// From the kernel's start until the guest is ready.
    pub(crate) boot: u64,
    /// Of the test programs.
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

/// Numbers of instructions are none where the kernel does not say.
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
    pub(crate) fn tier(&self) -> &str {
        self.tier.as_deref().unwrap_or("none")
    }

    pub(crate) fn attached(&self) -> impl Iterator<Item = &Loaded> {
        self.programs.values().filter_map(Program::loaded)
    }

    /// From doctor's output; one that says nothing of the kernel is an error.
    pub(crate) fn parse(output: &[u8]) -> Result<Self> {
        let doctor: Doctor = serde_json::from_slice(output).context("doctor's JSON")?;
        let schema = &doctor.schema;
        ensure!(
            schema == SCHEMA,
            "doctor's schema is {schema}, not {SCHEMA}"
        );
        let missing = doctor.missing_capabilities.join(", ");
        ensure!(missing.is_empty(), "doctor ran without {missing}");
        let mut programs = BTreeMap::new();
        for probe in doctor.probes {
            let name = probe.name.clone();
            let other = programs.insert(name.clone(), probe.into());
            ensure!(other.is_none(), "doctor names {name} twice");
        }
        let features = doctor.features.into_iter();
        // Without what doctor adds in parentheses.
        let lockdown = doctor.lockdown.split(' ').next().unwrap_or_default();
        Ok(Self {
            release: doctor.kernel.release,
            lockdown: lockdown.to_owned(),
            tier: doctor.tier,
            seconds: None,
            features: features
                .map(|feature| (feature.name.clone(), feature.into()))
                .collect(),
            programs,
        })
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

/// Doctor's document, as far as it is tracked.
#[derive(Deserialize)]
struct Doctor {
    schema: String,
    kernel: Machine,
    lockdown: String,
    missing_capabilities: Vec<String>,
    tier: Option<String>,
    features: Vec<Feature>,
    probes: Vec<Probe>,
}

#[derive(Deserialize)]
struct Machine {
    release: String,
}

#[derive(Deserialize)]
struct Feature {
    name: String,
    available: bool,
    reason: Option<String>,
    /// Members of the kernel's structures.
    missing: Vec<String>,
}

#[derive(Deserialize)]
struct Probe {
    name: String,
    /// Of the rung that holds, or of the best when none does.
    hook: Option<String>,
    attached: bool,
    refusal: Option<String>,
    verified_instructions: Option<u64>,
    translated_instructions: Option<u64>,
}

impl From<Feature> for Availability {
    fn from(feature: Feature) -> Self {
        let missing = || format!("no {}", feature.missing.join(", "));
        match feature.available {
            true => Self::On,
            false => Self::Off(feature.reason.unwrap_or_else(missing)),
        }
    }
}

impl From<Probe> for Program {
    fn from(probe: Probe) -> Self {
        match probe.attached {
            true => Self::Attached(Loaded {
                hook: probe.hook.unwrap_or_default(),
                verified: probe.verified_instructions,
                translated: probe.translated_instructions,
            }),
            false => Self::Refused(probe.refusal.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// One feature off for a missing member; one probe with both counts, one
    /// with the translated alone, one refused.
    pub(crate) const OUTPUT: &str = r#"{"schema":"waitscope.doctor/1","kernel":{"release":"6.12.9","arch":"x86_64","cpus":2},"lockdown":"integrity","missing_capabilities":[],"kernel_symbols":true,"btf":true,"tier":"tracepoint","works":true,"features":[{"name":"stacks","available":true,"missing":[],"reason":null},{"name":"descriptors","available":false,"missing":["task_struct.files"],"reason":null}],"probes":[{"name":"sched_switch","hook":"tp_btf","tier":"tracepoint","required":true,"gives":"every wait","attached":true,"refusal":null,"verified_instructions":1200,"translated_instructions":400},{"name":"task","hook":"iter","tier":"tracepoint","required":true,"gives":"what is there","attached":true,"refusal":null,"verified_instructions":null,"translated_instructions":90},{"name":"do_wait","hook":"fexit","tier":"full","required":false,"gives":"results","attached":false,"refusal":"EPERM","verified_instructions":null,"translated_instructions":null}]}"#;

    /// Of a 6.12 with one feature and one probe off.
    pub(crate) fn abilities() -> Abilities {
        Abilities::parse(OUTPUT.as_bytes()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{OUTPUT, abilities};
    use super::*;

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
    fn what_says_nothing_of_the_kernel_is_refused() {
        let check = |from: &str, to: &str, expect: &str| {
            let output = OUTPUT.replace(from, to);
            let error = Abilities::parse(output.as_bytes()).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.starts_with(expect), "{error}");
        };
        let schema = "doctor's schema is waitscope.doctor/2, not waitscope.doctor/1";
        check("doctor/1", "doctor/2", schema);
        let rights = "capabilities\":[\"CAP_BPF\"]";
        check("capabilities\":[]", rights, "doctor ran without CAP_BPF");
        check(OUTPUT, "", "doctor's JSON: EOF");
        check(r#""task""#, r#""do_wait""#, "doctor names do_wait twice");
    }

    #[test]
    fn explanations_of_the_lockdown_are_left_out() {
        let output = OUTPUT.replace("\"integrity\"", "\"unknown (no securityfs)\"");
        let abilities = Abilities::parse(output.as_bytes()).unwrap();
        assert_eq!(abilities.lockdown, "unknown");
    }
}
