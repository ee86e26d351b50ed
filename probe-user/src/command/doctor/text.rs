//! The findings for people.

use std::fmt::Write as _;

use super::findings::{Findings, Probe, Symbols};
use crate::{
    document::Tier,
    probe::{
        programs::{Hook, Rung, Spec},
        refusal::Refusal,
    },
};

/// Renders them; `verbose` adds the verifier's logs.
pub(super) fn render(found: &Findings, verbose: bool) -> String {
    let mut text = String::new();
    let host = &found.host;
    let machine = format!("{} {}, {} CPUs", host.kernel, host.arch, host.cpus);
    line(&mut text, "kernel", &machine);
    line(&mut text, "lockdown", &found.lockdown);
    if found.missing_capabilities.is_empty() {
        line(&mut text, "rights", "CAP_BPF and CAP_PERFMON are held");
        if let Some(found) = &found.symbols {
            line(&mut text, "symbols", &symbols(found));
        }
        btf(&mut text, found);
    } else {
        let missing = found.missing_capabilities.join(", ");
        line(&mut text, "rights", &format!("missing: {missing}"));
    }
    if let Some(obstacle) = &found.obstacle {
        let _infallible = writeln!(text, "{:<10} hint: {obstacle}", "");
    }
    for probe in &found.probes {
        probe_lines(&mut text, probe, found, verbose);
    }
    let result = if found.works() {
        "waitscope run works here"
    } else {
        "waitscope run cannot work here"
    };
    line(&mut text, "result", result);
    text
}

fn btf(text: &mut String, found: &Findings) {
    match found.has_btf {
        Some(true) => line(text, "BTF", "/sys/kernel/btf/vmlinux"),
        Some(false) => line(text, "BTF", "none that can be used"),
        None => {}
    }
    if let Some(tier) = found.tier() {
        line(text, "tier", tier.as_str());
    }
    for feature in &found.features {
        if let Some(reason) = &feature.reason {
            let missing = feature.missing.join(", ");
            let sentence = format!("{}: cannot be told: {reason}", feature.name);
            // The reason names the first; the others are worth a word.
            let rest = if feature.missing.len() > 1 {
                format!(" (all that is missing: {missing})")
            } else {
                String::new()
            };
            line(text, "missing", &(sentence + &rest));
        }
    }
    if !found.probes.is_empty() {
        let _infallible = writeln!(text, "probes");
    }
}

fn probe_lines(text: &mut String, probe: &Probe, found: &Findings, verbose: bool) {
    let name = probe.spec.name;
    if let Some((rung, _)) = probe.tried.held {
        let hook = rung.hook.name();
        let gives = probe.spec.gives;
        let _infallible = writeln!(text, "  {name:<22} {hook:<14} ok        {gives}");
    } else {
        let _infallible = writeln!(text, "  {name:<22} {:<14} refused   {}", "-", lack(probe));
    }
    // A better rung that failed is worth its reason even when another holds.
    let refused = &probe.tried.refused;
    let all_absent = refused.iter().all(|(_, refusal)| refusal.is_absence());
    for (rung, refusal) in refused {
        if refusal.is_absence() && !all_absent {
            continue;
        }
        let _infallible = writeln!(
            text,
            "  {:<22} {}",
            "",
            rung_refused(rung, refusal, &found.lockdown)
        );
        if verbose {
            refusal.log.lines().for_each(|l| line(text, "", l));
        }
    }
}

fn lack(probe: &Probe) -> String {
    let Spec {
        tier,
        required,
        gives,
        ..
    } = probe.spec;
    // Without the full tier there is the one below; without the others nothing.
    let what = if required && tier != Tier::Full {
        "needed for"
    } else {
        "not seen"
    };
    format!("{what}: {gives}")
}

/// `fentry/do_wait: Operation not permitted …; kernel lockdown is "integrity" …`
pub(super) fn rung_refused(rung: &Rung, refusal: &Refusal, lockdown: &str) -> String {
    let place = format!("{}/{}", rung.hook.name(), rung.target);
    let is_tracepoint = matches!(
        rung.hook,
        Hook::Tracepoint | Hook::TaskIterator | Hook::ClassicTracepoint | Hook::RawTracepoint
    );
    if refusal.errno == Some(nix::libc::EPERM) && !is_tracepoint {
        let hook = rung.hook.name();
        return format!("{place}: EPERM; kernel lockdown is {lockdown} or {hook} is disabled");
    }
    format!("{place}: {}", refusal.text)
}

fn symbols(symbols: &Symbols) -> String {
    match symbols {
        Symbols::Readable => "kernel function names can be read".to_owned(),
        Symbols::Hidden => {
            "kernel function names are hidden (kernel.kptr_restrict): add CAP_SYSLOG or run as root"
                .to_owned()
        }
        Symbols::Failed(error) => format!("/proc/kallsyms cannot be read: {error}"),
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    let _infallible = writeln!(text, "{name:<10} {value}");
}
