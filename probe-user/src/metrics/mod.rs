//! World → document: the account of every thread, in groups, with coverage.

mod blame;
mod calls;
mod concurrency;
mod coverage;
mod critical_path;
mod gil;
mod groups;
mod histogram;
mod idle;
mod label;
mod listeners;
mod observers;
mod process;
mod run_info;
mod sums;
mod sweep;
mod threads;
mod timeline;

#[cfg(test)]
pub(crate) mod tests;

pub use run_info::RunInfo;

use std::{cmp::Reverse, collections::HashSet};

use crate::{
    document::{Document, Overhead, ProbeCost, Thread, Tier, Unobserved},
    wire::session::End,
    world::World,
};

/// The report of a world.
pub fn document(world: &World, info: &RunInfo) -> Document {
    let start = &info.start;
    let end = info.end.as_ref();
    let processes = process::rows(world);
    let namer = threads::Namer::new(world, &processes);
    let found = observers::follow(world, start.host.cpus, &processes, &namer);
    let mut threads = threads::build(&namer, &found.idle, &found.held);
    let rows = &processes.rows;
    let critical_path = critical_path::of(world, &start.attached, &threads, rows, &namer);
    let explained = timeline::of(world, &info.explain, &threads, &namer);
    let mut groups = namer.into_groups();
    // Only there are calls and requests observed.
    let is_full = start.tier == Tier::Full;
    if is_full {
        calls::fill(world, &mut threads);
    }
    for (group, children) in groups.iter_mut().zip(found.course.children) {
        group.children = children;
    }
    groups::total(&threads, &mut groups);
    groups::order(&mut threads, &mut groups);
    let wall_ns = threads.iter().map(|t| t.end_ns).max().unwrap_or(0);
    let mut document = Document {
        command: start.command.clone(),
        attached: start.attached.clone(),
        exit: end.and_then(|end| end.exit),
        interim: false,
        host: start.host.clone(),
        tier: start.tier,
        wall_ns,
        coverage: coverage::of(world, info, &threads),
        overhead: Overhead {
            probe_runs: end.map(|end| end.probe_runs),
            probe_ns: end.and_then(|end| end.probe_ns),
            probes: end.map(dearest_first).unwrap_or_default(),
            tool_cpu_ns: end.map(|end| end.tool_cpu_ns),
            tool_peak_bytes: end.map(|end| end.tool_peak_bytes),
            tool_file_bytes: world.logs.budget.spilled_bytes(),
            switches: world.switches,
        },
        processes: processes.list.len(),
        still_running: still_running(end, &threads),
        concurrency: found.course.whole,
        threads,
        groups,
        listeners: is_full.then(|| listeners::of(world, threads::origin_ns(world))),
        critical_path,
        explained,
        fd_tables: Unobserved,
        connections: Unobserved,
        herds: Unobserved,
        claims: Unobserved,
    };
    document.name_threads();
    document
}

/// Processes with a thread that lives on when the command has ended.
fn still_running(end: Option<&End>, threads: &[Thread]) -> usize {
    if end.and_then(|end| end.exit).is_none() {
        return 0;
    }
    let living = threads.iter().filter(|thread| thread.exit.is_none());
    living
        .filter_map(|thread| thread.pid)
        .collect::<HashSet<u32>>()
        .len()
}

fn dearest_first(end: &End) -> Vec<ProbeCost> {
    let mut costs: Vec<ProbeCost> = end.costs.iter().map(ProbeCost::from).collect();
    // Stable: equal ones stay in the order of their names.
    costs.sort_by_key(|cost| Reverse(cost.ns));
    costs
}
