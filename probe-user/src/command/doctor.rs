//! `waitscope doctor`: what this kernel lets waitscope see, and why not more.

use std::{fmt::Write as _, io::Write as _};

use anyhow::{Context as _, Result};

use super::{FAILURE, Outcome, run::host};
use crate::{
    cli,
    probe::{
        load::{FULL_TIER_PROBE, Hook, Kernel, PROBES, Probes, Refusal, Settings, Spec},
        privilege::{self, Capabilities},
    },
    symbol::kernel::KernelSymbols,
};

/// The kernel's own "not supported", which libc does not have
/// (`include/linux/errno.h`).
const ENOTSUPP: i32 = 524;

/// Small maps: nothing is followed.
const SETTINGS: Settings = Settings {
    stack_threshold_ns: 1_000_000,
    ring_bytes: 1 << 16,
    tasks: 64,
};

/// Runs the command: 1 when `run` cannot work here.
pub fn doctor(arguments: &cli::Doctor) -> (Outcome, Result<()>) {
    let mut text = String::new();
    let able = examine(&mut text, arguments.verbose);
    let written = std::io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write to stdout");
    let code = if able && written.is_ok() { 0 } else { FAILURE };
    (Outcome::Code(code), written)
}

/// Writes the findings; says whether `run` works.
fn examine(text: &mut String, verbose: bool) -> bool {
    let machine = host::describe();
    line(
        text,
        "kernel",
        &format!("{} {}, {} CPUs", machine.kernel, machine.arch, machine.cpus),
    );
    line(text, "lockdown", &privilege::lockdown());
    let capabilities = Capabilities::of_this_process();
    let missing = capabilities.missing();
    if !missing.is_empty() {
        line(text, "rights", &format!("missing: {}", missing.join(", ")));
        hint(text, &privilege::remedy(&missing));
        return unable(text);
    }
    line(text, "rights", "CAP_BPF and CAP_PERFMON are held");
    line(text, "symbols", &symbols());
    let kernel = match Kernel::read() {
        Ok(kernel) => kernel,
        Err(error) => {
            line(text, "BTF", &format!("{error:#}"));
            return unable(text);
        }
    };
    line(text, "BTF", "/sys/kernel/btf/vmlinux");
    match Probes::create(&kernel, &SETTINGS) {
        Ok(probes) => probes_of(text, &kernel, probes, verbose),
        Err(error) => {
            line(text, "maps", &format!("{error:#}"));
            unable(text)
        }
    }
}

fn probes_of(text: &mut String, kernel: &Kernel, mut probes: Probes, verbose: bool) -> bool {
    let mut able = true;
    let full = probes.attach(kernel, &FULL_TIER_PROBE);
    line(text, "tier", &tier(&full));
    for missing in &kernel.layout.missing {
        line(
            text,
            "missing",
            &format!("{}: {} cannot be told", missing.member, missing.feature),
        );
    }
    let _infallible = writeln!(text, "probes");
    for spec in PROBES {
        let result = probes.attach(kernel, spec);
        able &= result.is_ok() || !spec.required;
        probe_line(text, spec, &result, "");
        if let Err(refusal) = result
            && verbose
        {
            refusal.log.lines().for_each(|l| line(text, "", l));
        }
    }
    probe_line(
        text,
        &FULL_TIER_PROBE,
        &full,
        "; using system-call registers instead",
    );
    if able {
        line(text, "result", "waitscope run works here");
        return true;
    }
    unable(text)
}

fn tier(full: &Result<(), Refusal>) -> String {
    match full {
        Ok(()) => "tracepoint (this kernel would allow full: exact call results are not used yet)",
        Err(_) => "tracepoint",
    }
    .to_owned()
}

fn probe_line(text: &mut String, spec: &Spec, result: &Result<(), Refusal>, instead: &str) {
    let rung = match spec.hook {
        Hook::Tracepoint => "tp_btf",
        Hook::TaskIterator => "iter",
        Hook::FunctionEntry => "fentry",
    };
    let verdict = match result {
        Ok(()) => format!("ok         {}", spec.gives),
        Err(refusal) => format!(
            "refused    {}{}{instead}",
            refusal.text,
            reason(refusal, spec)
        ),
    };
    let _infallible = writeln!(text, "  {:<20} {rung:<8} {verdict}", spec.name);
}

/// What an error number means for a probe here.
fn reason(refusal: &Refusal, spec: &Spec) -> String {
    match (refusal.errno, spec.hook) {
        (Some(nix::libc::EPERM), Hook::FunctionEntry) => {
            format!(
                "; kernel lockdown is {:?} or fentry is disabled",
                privilege::lockdown()
            )
        }
        (Some(ENOTSUPP), Hook::FunctionEntry) => {
            "; this kernel is built without function tracing".to_owned()
        }
        _ => String::new(),
    }
}

fn symbols() -> String {
    match KernelSymbols::load() {
        Ok(symbols) if !symbols.is_empty() => "kernel function names can be read".to_owned(),
        Ok(_) => {
            "kernel function names are hidden (kernel.kptr_restrict): add CAP_SYSLOG or run as root"
                .to_owned()
        }
        Err(error) => format!("/proc/kallsyms cannot be read: {error}"),
    }
}

fn unable(text: &mut String) -> bool {
    line(text, "result", "waitscope run cannot work here");
    false
}

fn line(text: &mut String, name: &str, value: &str) {
    let _infallible = writeln!(text, "{name:<10} {value}");
}

fn hint(text: &mut String, sentence: &str) {
    let _infallible = writeln!(text, "{:<10} hint: {sentence}", "");
}
