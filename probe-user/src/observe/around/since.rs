//! Since when a task has been asleep that was so before it was seen, at the latest.
//!
//! `se.exec_start` in /proc/PID/task/TID/sched (`proc_sched_show_task`) is when the scheduler
//! last counted the task's time on a CPU, so that it cannot have run since. It is on the clock
//! of its CPU that stands still in interrupts and while the host has taken the CPU
//! (`rq_clock_task`), and lags behind the time ever more. By how much is seen by the same of a
//! thread of our own, which runs on that CPU for a moment; where it may not, proc_stat(5) bounds
//! it. Where the kernel has no such file nothing more is known.

use std::{fs, thread};

use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};
use proc_stat::Stat;

use crate::probe::clock::{boottime_ahead_ns, monotonic_ns};

/// How exact proc_stat(5) is, in its steps of 10 ms, and our own time on a CPU.
const ROUGH_NS: i64 = 30_000_000;

/// The clocks of the scheduler at one moment.
pub struct Clock {
    /// Now, ns.
    now_ns: i64,
    /// Since boot, ns.
    boot_ns: u64,
    /// What that of each CPU lags behind at most, ns.
    lags: Vec<Option<i64>>,
    /// The same of any CPU.
    any_ns: i64,
}

impl Clock {
    /// Now.
    pub fn read() -> Option<Clock> {
        let stolen_ns = most_stolen(&fs::read_to_string("/proc/stat").ok()?);
        let any_ns = own_lag()?
            .checked_add_unsigned(stolen_ns)?
            .checked_add(ROUGH_NS)?;
        // On a thread of its own, which is left where it has looked last.
        let look = || (0..CpuSet::count()).map(lag).collect();
        let lags = thread::Builder::new().spawn(look).ok()?;
        let boot_ns = monotonic_ns().checked_add_signed(boottime_ahead_ns())?;
        Some(Clock {
            lags: lags.join().unwrap_or_default(),
            now_ns: monotonic_ns().cast_signed(),
            boot_ns,
            any_ns,
        })
    }

    /// For how long a thread has not run, at least, ns; not known of one that has not run
    /// since it came to its CPU.
    pub fn asleep_ns(&self, pid: u32, tid: u32) -> Option<u64> {
        let folder = format!("/proc/{pid}/task/{tid}");
        let text = fs::read_to_string(format!("{folder}/sched")).ok()?;
        let since_ns = exec_start(&text).filter(|&ns| ns > 0)?;
        let stat = Stat::in_folder(&folder).ok()?;
        let lag = stat.cpu.and_then(|cpu| *self.lags.get(cpu as usize)?);
        let asleep_ns = self.now_ns - since_ns - lag.unwrap_or(self.any_ns);
        let lived_ns = self.boot_ns.saturating_sub(stat.started_ns);
        Some(u64::try_from(asleep_ns).ok()?.min(lived_ns))
    }
}

/// By what the clock of a CPU lags behind the time, at most, ns; negative where it is ahead.
fn lag(cpu: usize) -> Option<i64> {
    let mut only = CpuSet::new();
    only.set(cpu).ok()?;
    sched_setaffinity(Pid::from_raw(0), &only).ok()?;
    own_lag()
}

/// The same of the CPU that this thread is on: its scheduler has counted the thread's time
/// when that came there, or at the latest tick.
fn own_lag() -> Option<i64> {
    let own = exec_start(&fs::read_to_string("/proc/thread-self/sched").ok()?)?;
    monotonic_ns().cast_signed().checked_sub(own)
}

/// `se.exec_start   :   43550228.863537`, in ms.
fn exec_start(text: &str) -> Option<i64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("se.exec_start"))?;
    let (ms, fraction) = line.trim_start_matches([' ', ':']).trim().split_once('.')?;
    let ns: i64 = fraction.parse().ok().filter(|_| fraction.len() == 6)?;
    ms.parse::<i64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(ns)
}

/// The most that a CPU has spent in interrupts, or on behalf of others, ns.
fn most_stolen(stat: &str) -> u64 {
    let cpus = stat.lines().filter_map(|line| {
        let (name, times) = line.split_once(' ')?;
        name.strip_prefix("cpu")
            .filter(|number| !number.is_empty())?;
        // user nice system idle iowait irq softirq steal
        let times: Vec<u64> = times
            .split_whitespace()
            .filter_map(|it| it.parse().ok())
            .collect();
        Some(times.iter().skip(5).take(3).sum::<u64>())
    });
    // USER_HZ
    cpus.max().unwrap_or(0).saturating_mul(10_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedulers_times_are_read() {
        let text = "sleep (7, #threads: 1)\n---\nse.exec_start    :      43550228.063537\nse.vruntime : 1.0\n";
        assert_eq!(exec_start(text), Some(43_550_228_063_537));
        assert_eq!(exec_start("se.vruntime : 1.0\n"), None);
        let stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu1 1 2 3 4 5 0 1 0 0 0\nintr 5\n";
        assert_eq!(most_stolen(stat), 210_000_000);
    }

    /// Of a child that has slept for a while, and of one that cannot have slept longer than
    /// it lives.
    #[test]
    fn a_sleepers_age_is_no_longer_than_it_is() {
        let Some(_) = Clock::read() else { return };
        let begun = std::time::Instant::now();
        let mut child = std::process::Command::new("sleep")
            .arg("9")
            .spawn()
            .unwrap();
        thread::sleep(std::time::Duration::from_millis(300));
        let clock = Clock::read().unwrap();
        let asleep_ns = clock.asleep_ns(child.id(), child.id()).unwrap_or(0);
        let longest_ns = begun.elapsed().as_nanos();
        assert!(u128::from(asleep_ns) <= longest_ns);
        // What another thread of ours shows of that CPU's clock is no worse than a tick.
        let is_seen = clock.lags.iter().any(Option::is_some);
        assert!(
            !is_seen || u128::from(asleep_ns) + 150_000_000 >= longest_ns,
            "{asleep_ns}"
        );
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
