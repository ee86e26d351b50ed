//! What `waitscope doctor --format json` says, as far as it is tracked.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

const SCHEMA: &str = "waitscope.doctor/1";
/// What doctor is called with.
pub(crate) const ARGUMENTS: [&str; 3] = ["doctor", "--format", "json"];

#[derive(Debug, Deserialize)]
pub(crate) struct Doctor {
    schema: String,
    pub(crate) kernel: Machine,
    pub(crate) lockdown: String,
    missing_capabilities: Vec<String>,
    pub(crate) tier: Option<String>,
    pub(crate) features: Vec<Feature>,
    pub(crate) probes: Vec<Probe>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Machine {
    pub(crate) release: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Feature {
    pub(crate) name: String,
    pub(crate) available: bool,
    pub(crate) reason: Option<String>,
    /// Members of the kernel's structures.
    pub(crate) missing: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Probe {
    pub(crate) name: String,
    /// Of the rung that holds, or of the best when none does.
    pub(crate) hook: Option<String>,
    pub(crate) attached: bool,
    pub(crate) refusal: Option<String>,
    pub(crate) verified_instructions: Option<u64>,
    pub(crate) translated_instructions: Option<u64>,
}

impl Doctor {
    /// An output that says nothing of the kernel is an error.
    pub(crate) fn parse(output: &[u8]) -> Result<Self> {
        let doctor: Self = serde_json::from_slice(output).context("doctor's JSON")?;
        let schema = &doctor.schema;
        ensure!(
            schema == SCHEMA,
            "doctor's schema is {schema}, not {SCHEMA}"
        );
        let missing = doctor.missing_capabilities.join(", ");
        ensure!(missing.is_empty(), "doctor ran without {missing}");
        Ok(doctor)
    }

    /// Without what doctor adds in parentheses.
    pub(crate) fn lockdown(&self) -> &str {
        self.lockdown.split(' ').next().unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    /// One feature off for a missing member; one probe with both counts, one
    /// with the translated alone, one refused.
    pub(crate) const OUTPUT: &str = r#"{"schema":"waitscope.doctor/1","kernel":{"release":"6.12.9","arch":"x86_64","cpus":2},"lockdown":"integrity","missing_capabilities":[],"kernel_symbols":true,"btf":true,"tier":"tracepoint","works":true,"features":[{"name":"stacks","available":true,"missing":[],"reason":null},{"name":"descriptors","available":false,"missing":["task_struct.files"],"reason":null}],"probes":[{"name":"sched_switch","hook":"tp_btf","tier":"tracepoint","required":true,"gives":"every wait","attached":true,"refusal":null,"verified_instructions":1200,"translated_instructions":400},{"name":"task","hook":"iter","tier":"tracepoint","required":true,"gives":"what is there","attached":true,"refusal":null,"verified_instructions":null,"translated_instructions":90},{"name":"do_wait","hook":"fexit","tier":"full","required":false,"gives":"results","attached":false,"refusal":"EPERM","verified_instructions":null,"translated_instructions":null}]}"#;
}

#[cfg(test)]
mod tests {
    use super::testing::OUTPUT;
    use super::*;

    fn refusal(from: &str, to: &str) -> String {
        let output = OUTPUT.replace(from, to);
        let error = Doctor::parse(output.as_bytes()).unwrap_err();
        format!("{error:#}")
    }

    #[test]
    fn what_says_nothing_of_the_kernel_is_refused() {
        assert_eq!(
            refusal("doctor/1", "doctor/2"),
            "doctor's schema is waitscope.doctor/2, not waitscope.doctor/1"
        );
        assert_eq!(
            refusal("capabilities\":[]", "capabilities\":[\"CAP_BPF\"]"),
            "doctor ran without CAP_BPF"
        );
        assert!(refusal(OUTPUT, "").starts_with("doctor's JSON: EOF"));
    }

    #[test]
    fn explanations_of_the_lockdown_are_left_out() {
        let output = OUTPUT.replace("\"integrity\"", "\"unknown (no securityfs)\"");
        let doctor = Doctor::parse(output.as_bytes()).unwrap();
        assert_eq!(doctor.lockdown(), "unknown");
    }
}
