//! The machine and this process's own cost.

use std::fs;

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
    utsname::uname,
};

use crate::document::Host;

/// Where we are.
pub fn describe() -> Host {
    let (kernel, arch) = uname()
        .map(|name| {
            (
                name.release().to_string_lossy().into_owned(),
                name.machine().to_string_lossy().into_owned(),
            )
        })
        .unwrap_or_default();
    Host {
        kernel,
        arch,
        cpus: online_cpus(),
    }
}

/// CPUs online; 1 when the system does not say.
pub fn online_cpus() -> u32 {
    // SAFETY: no precondition.
    let count = unsafe { nix::libc::sysconf(nix::libc::_SC_NPROCESSORS_ONLN) };
    u32::try_from(count).unwrap_or(1).max(1)
}

/// CPU time of this process so far, ns.
pub fn own_cpu_ns() -> u64 {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
        return 0;
    };
    let us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    u64::try_from(us).unwrap_or(0) * 1000
}

/// Peak resident memory of this process so far, bytes. Not `ru_maxrss`: that
/// one remembers the parent's size across exec.
pub fn own_peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Lets this thread run before the traced ones, so that the ring does not
/// overflow while they crowd the CPUs. Needs CAP_SYS_NICE; without it the
/// thread runs as it is, and losses are counted as ever.
pub fn hurry() {
    // SAFETY: no precondition; 0 is the calling thread.
    let _refused = unsafe { nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, -20) };
}
