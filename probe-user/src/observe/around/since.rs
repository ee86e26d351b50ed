//! Since when a task has been asleep that was so before it was seen, at the latest.
//!
//! `se.exec_start` in /proc/PID/task/TID/sched (`proc_sched_show_task`) is when the scheduler
//! last counted the task's time on a CPU, so that it cannot have run since. It is on the clock
//! of its CPU that stands still in interrupts and while the host has taken the CPU
//! (`rq_clock_task`): that lags behind the time by what the CPU has spent so, which
//! proc_stat(5) bounds. Where the kernel has no such file nothing more is known.

use std::{fs, time::Duration};

/// How exact proc_stat(5) is, in its steps of 10 ms, and our own time on a CPU.
const ROUGH: Duration = Duration::from_millis(30);

/// The clock of the scheduler at one moment.
pub struct Clock {
    /// No later than now, ns.
    now_ns: u64,
    /// What the clock of any CPU may lag behind, ns.
    lag_ns: u64,
}

impl Clock {
    /// Now.
    pub fn read() -> Option<Clock> {
        let own = fs::read_to_string("/proc/thread-self/sched").ok()?;
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let rough_ns = u64::try_from(ROUGH.as_nanos()).unwrap_or(u64::MAX);
        Some(Clock {
            now_ns: exec_start(&own)?,
            lag_ns: most_stolen(&stat).saturating_add(rough_ns),
        })
    }

    /// For how long a thread has not run, at least, ns.
    pub fn asleep_ns(&self, pid: u32, tid: u32) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/sched")).ok()?;
        let lag_ns = self.lag_ns;
        self.now_ns
            .checked_sub(exec_start(&text)?)?
            .checked_sub(lag_ns)
    }
}

/// `se.exec_start   :   43550228.863537`, in ms.
fn exec_start(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("se.exec_start"))?;
    let (ms, fraction) = line.trim_start_matches([' ', ':']).trim().split_once('.')?;
    let ns: u64 = fraction.parse().ok().filter(|_| fraction.len() == 6)?;
    ms.parse::<u64>()
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
        std::thread::sleep(Duration::from_millis(300));
        let clock = Clock::read().unwrap();
        let asleep = clock.asleep_ns(child.id(), child.id()).unwrap_or(0);
        assert!(u128::from(asleep) <= begun.elapsed().as_nanos());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
