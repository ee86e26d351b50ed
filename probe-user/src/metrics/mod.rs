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
mod merge;
mod process;
mod run_info;
mod sums;
mod threads;
mod timeline;

#[cfg(test)]
pub(crate) mod tests;

pub use run_info::RunInfo;

use std::cmp::Reverse;

use self::{concurrency::Course, process::Processes};
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
    let mut threads = threads::build(&namer);
    let critical_path = critical_path::of(world, &start.attached, &threads, &namer);
    let explained = timeline::of(world, &info.explain, &threads, &namer);
    let mut groups = namer.into_groups();
    // Only there are calls and requests observed.
    let is_full = start.tier == Tier::Full;
    if is_full {
        calls::fill(world, &mut threads);
    }
    gil::fill(world, &mut threads);
    let course = course(world, info, &processes, &threads, groups.len());
    for (group, children) in groups.iter_mut().zip(course.children) {
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
        concurrency: course.whole,
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

fn dearest_first(end: &End) -> Vec<ProbeCost> {
    let mut costs: Vec<ProbeCost> = end.costs.iter().map(ProbeCost::from).collect();
    // Stable: equal ones stay in the order of their names.
    costs.sort_by_key(|cost| Reverse(cost.ns));
    costs
}

fn course(
    world: &World,
    info: &RunInfo,
    processes: &Processes,
    threads: &[Thread],
    groups: usize,
) -> Course {
    let of_thread: Vec<usize> = threads.iter().map(|thread| thread.group).collect();
    let cpus = info.start.host.cpus;
    concurrency::follow(world, cpus, processes, &of_thread, groups)
}
