//! What the machine did as a whole between two looks at /proc/stat.

use super::RunInfo;
use crate::{
    document::{Concurrency, Machine},
    wire::session::CpuTimes,
};

/// From the first look to the last; `None` without two.
pub fn of(info: &RunInfo, concurrency: Option<&Concurrency>) -> Option<Machine> {
    let (first, last) = (info.cpu_times.first()?, info.cpu_times.last()?);
    if last.at_ns <= first.at_ns {
        return None;
    }
    let over = |of: fn(&CpuTimes) -> u64| of(last).saturating_sub(of(first));
    let task_ns = over(|times| times.task_ns);
    let tree_ns = concurrency.map_or(0, |concurrency| concurrency.running.total_ns);
    Some(Machine {
        over_ns: over(|times| times.at_ns),
        task_ns,
        outside_cpu_ns: task_ns.saturating_sub(tree_ns),
        irq_ns: over(|times| times.irq_ns),
        steal_ns: over(|times| times.steal_ns),
        idle_ns: over(|times| times.idle_ns),
    })
}
