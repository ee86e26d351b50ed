//! The machine and this process's own cost.

use std::{ffi::OsStr, fs};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
    utsname::uname,
};

use crate::{document::Host, probe::clock::monotonic_ns, wire::session::CpuTimes};

/// Where we are.
pub fn describe() -> Host {
    let lossy = |text: &OsStr| text.to_string_lossy().into_owned();
    let (name, kernel, arch) = uname()
        .map(|it| {
            let name = Some(it.nodename()).filter(|name| !name.is_empty());
            (name.map(lossy), lossy(it.release()), lossy(it.machine()))
        })
        .unwrap_or_default();
    Host {
        name,
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

/// Has free memory at the end of the heap go back to the kernel soon: a tick is made of much
/// that is gone with the next one. Of itself the C library keeps ever more of it, up to 64 MiB
/// (mallopt(3)).
pub fn keep_little_memory() {
    #[cfg(target_env = "gnu")]
    {
        const KEPT_BYTES: i32 = 256 << 10;
        // SAFETY: it only sets a number.
        unsafe { nix::libc::mallopt(nix::libc::M_TRIM_THRESHOLD, KEPT_BYTES) };
    }
}

/// Gives all free memory back, also what lies between pieces that are in use.
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it takes its own locks.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

/// Threads on this machine; `None` where /proc/loadavg cannot be read.
pub fn threads() -> Option<u32> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let (_, all) = text.split_whitespace().nth(3)?.split_once('/')?;
    all.parse().ok()
}

/// What all CPUs have done since the machine started; `None` where /proc/stat cannot be
/// read.
pub fn cpu_times() -> Option<CpuTimes> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    cpu_times_of(stat.lines().next()?, monotonic_ns())
}

/// The line `cpu` of proc_stat(5), in ticks of `USER_HZ`, which is 100 on every
/// architecture here.
fn cpu_times_of(line: &str, at_ns: u64) -> Option<CpuTimes> {
    const TICK_NS: u64 = 10_000_000;
    let ticks = line.strip_prefix("cpu ")?.split_ascii_whitespace();
    let ticks: Vec<u64> = ticks.map_while(|field| field.parse().ok()).collect();
    let &[user, nice, system, idle, io_wait, irq, softirq, steal, ..] = ticks.as_slice() else {
        return None;
    };
    let sum = |ticks: &[u64]| {
        let all = ticks.iter().fold(0_u64, |sum, &n| sum.saturating_add(n));
        all.saturating_mul(TICK_NS)
    };
    Some(CpuTimes {
        at_ns,
        task_ns: sum(&[user, nice, system]),
        irq_ns: sum(&[irq, softirq]),
        steal_ns: sum(&[steal]),
        idle_ns: sum(&[idle, io_wait]),
    })
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
    own_status_bytes("VmHWM:").unwrap_or(0)
}

/// Resident memory of this process, bytes.
pub fn own_rss_bytes() -> Option<u64> {
    own_status_bytes("VmRSS:")
}

fn own_status_bytes(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
    Some(kib * 1024)
}

/// Lets this thread run before the traced ones, so that the ring does not
/// overflow while they crowd the CPUs. Needs CAP_SYS_NICE; without it the
/// thread runs as it is, and losses are counted as ever.
pub fn hurry() {
    // SAFETY: no precondition; 0 is the calling thread.
    let _refused = unsafe { nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, -20) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_cpu_times_are_those_of_the_first_line() {
        let line = "cpu  3135738 1948084 632563 2364172 34717 0 16306 49753 7 8";
        let times = CpuTimes {
            at_ns: 5,
            task_ns: 57_163_850_000_000,
            irq_ns: 163_060_000_000,
            steal_ns: 497_530_000_000,
            idle_ns: 23_988_890_000_000,
        };
        assert_eq!(cpu_times_of(line, 5), Some(times));
        assert_eq!(cpu_times_of("cpu  1 2 3", 5), None);
        assert_eq!(cpu_times_of("cpu0 1 2 3 4 5 6 7 8", 5), None);
    }
}
