//! World → document: the account of every thread, in groups, with coverage.

mod blame;
mod calls;
mod coverage;
mod critical_path;
mod facts;
mod groups;
mod label;
mod listeners;
mod process;
mod story;
mod sums;
mod threads;

#[cfg(test)]
pub(crate) mod tests;

pub use facts::Facts;

use crate::{
    document::{Document, Overhead, Tier},
    world::World,
};

/// The report of a world.
pub fn document(world: &World, facts: &Facts) -> Document {
    let start = &facts.start;
    let end = facts.end.as_ref();
    let processes = process::find(world);
    let namer = threads::Namer::new(world, &processes);
    let mut threads = threads::build(&namer);
    let critical_path = critical_path::of(world, &start.attached, &threads, &namer);
    let explained = story::of(world, &facts.explain, &threads, &namer);
    let mut groups = namer.into_groups();
    // Only there are calls and requests observed.
    let is_full = start.tier == Tier::Full;
    if is_full {
        calls::tell(world, &mut threads);
    }
    groups::total(&threads, &mut groups);
    groups::order(&mut threads, &mut groups);
    let wall_ns = threads.iter().map(|t| t.end_ns).max().unwrap_or(0);
    Document {
        command: start.command.clone(),
        attached: start.attached.clone(),
        exit: end.and_then(|end| end.exit),
        host: start.host.clone(),
        tier: start.tier,
        wall_ns,
        coverage: coverage::of(world, facts, &threads),
        overhead: Overhead {
            probe_runs: end.map(|end| end.probe_runs),
            probe_ns: end.and_then(|end| end.probe_ns),
            tool_cpu_ns: end.map(|end| end.tool_cpu_ns),
            tool_peak_bytes: end.map(|end| end.tool_peak_bytes),
            switches: world.switches,
        },
        processes: processes.list.len(),
        threads,
        groups,
        listeners: is_full.then(|| listeners::of(world, threads::origin_ns(world))),
        critical_path,
        explained,
    }
}
