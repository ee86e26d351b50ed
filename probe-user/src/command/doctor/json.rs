//! The findings for programs: `waitscope.doctor/1`, on one line. Fields are
//! only ever added; unknown is null.

use serde::Serialize;

use super::{
    findings::{Feature, Findings, Probe, Symbols},
    text::rung_refused,
};

#[derive(Serialize)]
struct Doctor<'a> {
    schema: &'static str,
    kernel: Kernel<'a>,
    lockdown: &'a str,
    missing_capabilities: &'a [&'static str],
    kernel_symbols: Option<bool>,
    btf: Option<bool>,
    tier: Option<&'static str>,
    works: bool,
    /// Why nothing works, if so.
    obstacle: Option<&'a str>,
    features: Vec<FeatureJson<'a>>,
    probes: Vec<ProbeJson>,
}

#[derive(Serialize)]
struct Kernel<'a> {
    release: &'a str,
    arch: &'a str,
    cpus: u32,
}

#[derive(Serialize)]
struct FeatureJson<'a> {
    name: &'static str,
    available: bool,
    missing: &'a [String],
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct ProbeJson {
    name: &'static str,
    /// Of the rung that holds, or of the best when none does.
    hook: Option<&'static str>,
    tier: &'static str,
    required: bool,
    gives: &'static str,
    attached: bool,
    /// Why the rungs before it, or all, did not hold.
    refusal: Option<String>,
    verified_instructions: Option<u32>,
    translated_instructions: Option<u32>,
}

/// Renders them.
pub(super) fn render(found: &Findings) -> String {
    let doctor = Doctor {
        schema: "waitscope.doctor/1",
        kernel: Kernel {
            release: &found.host.kernel,
            arch: &found.host.arch,
            cpus: found.host.cpus,
        },
        lockdown: &found.lockdown,
        missing_capabilities: &found.missing_capabilities,
        kernel_symbols: found
            .symbols
            .as_ref()
            .map(|found| *found == Symbols::Readable),
        btf: found.has_btf,
        tier: found.tier().map(|tier| tier.as_str()),
        works: found.works(),
        obstacle: found.obstacle.as_deref(),
        features: found.features.iter().map(feature).collect(),
        probes: found
            .probes
            .iter()
            .map(|p| probe(p, &found.lockdown))
            .collect(),
    };
    // Serialising strings and numbers into memory does not fail.
    let mut text = serde_json::to_string(&doctor).unwrap_or_default();
    text.push('\n');
    text
}

fn feature(feature: &Feature) -> FeatureJson<'_> {
    FeatureJson {
        name: feature.name,
        available: feature.reason.is_none(),
        missing: &feature.missing,
        reason: feature.reason.as_deref(),
    }
}

fn probe(probe: &Probe, lockdown: &str) -> ProbeJson {
    let held = probe.tried.held;
    let best = probe.spec.rungs.first();
    let size = held.map(|(_, size)| size).unwrap_or_default();
    let refusals: Vec<String> = probe
        .tried
        .refused
        .iter()
        .map(|(rung, refusal)| rung_refused(rung, refusal, lockdown))
        .collect();
    ProbeJson {
        name: probe.spec.name,
        hook: held
            .map(|(rung, _)| rung.hook.name())
            .or(best.map(|r| r.hook.name())),
        tier: probe.spec.tier.as_str(),
        required: probe.spec.required,
        gives: probe.spec.gives,
        attached: held.is_some(),
        refusal: (!refusals.is_empty()).then(|| refusals.join("; ")),
        verified_instructions: size.verified,
        translated_instructions: size.translated,
    }
}
