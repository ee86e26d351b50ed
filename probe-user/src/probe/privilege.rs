//! Rights and kernel settings that decide what can be observed, with the
//! remedy for each that is missing.

use std::{fs, os::unix::fs::MetadataExt as _};

/// Capability numbers (`include/uapi/linux/capability.h`).
const CAP_SYSLOG: u32 = 34;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// Inode number of the PID namespace that the machine starts with
/// (`PROC_PID_INIT_INO` in `include/linux/proc_ns.h`).
const INITIAL_PID_NAMESPACE: u64 = 0xefff_fffc;

/// Effective capabilities of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// From `/proc/self/status`.
    pub fn of_this_process() -> Capabilities {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Capabilities::parse(&status)
    }

    fn parse(status: &str) -> Capabilities {
        let line = status.lines().find_map(|l| l.strip_prefix("CapEff:"));
        Capabilities(
            line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
                .unwrap_or(0),
        )
    }

    fn has(self, cap: u32) -> bool {
        self.0 & (1 << cap) != 0
    }

    /// Names of those that `run` needs and that are not held. CAP_SYS_ADMIN
    /// includes the others, as it did before 5.8 split them off.
    pub fn missing(self) -> Vec<&'static str> {
        if self.has(CAP_SYS_ADMIN) {
            return Vec::new();
        }
        [(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")]
            .into_iter()
            .filter(|&(cap, _)| !self.has(cap))
            .map(|(_, name)| name)
            .collect()
    }

    /// Kernel symbols are shown to this process whatever `kptr_restrict` says below 2.
    pub fn may_see_symbols(self) -> bool {
        self.has(CAP_SYSLOG)
    }
}

/// Why `run` cannot observe anything, and what to do about it.
pub fn obstacle() -> Option<String> {
    let missing = Capabilities::of_this_process().missing();
    if !missing.is_empty() {
        return Some(remedy(&missing));
    }
    let namespace = fs::metadata("/proc/self/ns/pid").ok()?;
    (namespace.ino() != INITIAL_PID_NAMESPACE).then(|| {
        "waitscope runs in a PID namespace of its own, where a process has other numbers than the \
         probes see: run it outside of the container, or give the container the machine's \
         processes (docker run --pid=host)"
            .to_owned()
    })
}

/// What to do about missing capabilities, in one sentence.
fn remedy(missing: &[&str]) -> String {
    format!(
        "waitscope needs {} to load its probes: run it with sudo, or once \
         `setcap cap_bpf,cap_perfmon,cap_syslog+ep` on the binary (CAP_BPF and CAP_PERFMON \
         suffice; CAP_SYSLOG adds kernel function names)",
        missing.join(" and ")
    )
}

/// The kernel's lockdown mode, `none` when it has none.
pub fn lockdown() -> String {
    let Ok(text) = fs::read_to_string("/sys/kernel/security/lockdown") else {
        return "unknown".to_owned();
    };
    let chosen = text
        .split_whitespace()
        .find_map(|w| w.strip_prefix('[')?.strip_suffix(']'));
    chosen.unwrap_or("none").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_read_from_status() {
        let none = Capabilities::parse("Name:\tx\nCapEff:\t0000000000000000\n");
        assert_eq!(none.missing(), ["CAP_BPF", "CAP_PERFMON"]);
        let two = Capabilities::parse("CapEff:\t000000c000000000\n");
        assert!(two.missing().is_empty());
        assert!(!two.may_see_symbols());
        assert!(
            Capabilities::parse("CapEff:\t000001ffffffffff\n")
                .missing()
                .is_empty()
        );
        assert_eq!(Capabilities::parse("nonsense").missing().len(), 2);
    }
}
