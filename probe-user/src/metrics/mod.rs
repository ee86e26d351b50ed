//! World → document: the account of every thread, in groups, with coverage.

mod blame;
mod calls;
mod chains;
mod concurrency;
mod connections;
mod coverage;
mod critical_path;
mod fates;
mod fd_tables;
mod gil;
mod grouping;
mod groups;
mod herds;
mod idle;
mod label;
mod listeners;
mod machine;
mod memory;
mod observers;
mod peers;
mod process;
mod run_info;
mod run_queue;
mod runtime;
pub mod select;
mod stacks;
mod sums;
mod sweep;
mod threads;
mod timeline;
pub mod top;
mod trace;
mod user_stacks;
mod waking;
mod while_full;

#[cfg(test)]
pub(crate) mod tests;

pub use herds::SHORT_RUN_NS;
pub use run_info::{RunInfo, Wanted};

use std::{cmp::Reverse, collections::HashSet};

use user_stacks::UserStacks;

use crate::{
    document::{Document, Listener, Overhead, ProbeCost, Started, Thread, Tier, Window},
    wire::session::{End, Start},
    world::{World, listen::Key, window::Part},
};

/// The report of a world.
pub fn document(world: &World, info: &RunInfo) -> Document {
    let start = &info.start;
    let processes = process::rows(world);
    let namer = threads::Namer::new(world, &processes);
    let found = observers::follow(world, info, &processes, &namer);
    let herds = found.herds.rows(world, &namer);
    let mut threads = threads::build(&namer, &found);
    let paths = critical_path::of(world, &start.attached, &threads, &processes.rows, &namer);
    let single = single(world, info, &processes, &found.held_spans, &threads, &namer);
    let (keys, listeners) = listeners(world, start, &threads, &namer);
    calls::fill(world, start.tier, &mut threads);
    let coverage = coverage::of(world, info, &threads, &processes);
    // From here on: what came before is of all waits.
    threads::count_only(&namer, &found, &mut threads);
    let mut groups = namer.into_groups();
    groups::total(&threads, &mut groups);
    groups::describe(&mut groups, found.course.children, paths.by_group);
    groups::order(&mut threads, &mut groups);
    let (fd_tables, fd_open) = fd_tables::of(world, info, &threads, &processes.rows, &coverage);
    let fates = fates::of(world, info, &processes, &threads);
    let mut document = Document {
        command: start.command.clone(),
        attached: start.attached.clone(),
        started_before: started_before(world, info, &processes.list),
        delay_ns: delay_ns(info),
        window: info.part.map(window),
        filter: info.filter.clone(),
        exit: end_of(info).and_then(|end| end.exit),
        interim: false,
        cut: info.end.is_none(),
        started: Some(started(world, start, !threads.is_empty())),
        host: start.host.clone(),
        tier: start.tier,
        wall_ns: wall_ns(world, &threads),
        coverage,
        overhead: overhead(world, info),
        processes: processes.list.len(),
        still_running: still_running(world, info),
        machine: machine::of(info, found.course.whole.as_ref()),
        concurrency: found.course.whole,
        connections: connections::of(world, start, &threads, &keys),
        threads,
        groups,
        listeners,
        critical_path: paths.of_run,
        critical_paths: paths.of_each,
        fd_tables,
        fd_open,
        herds,
        memory: memory::of(world, &processes),
        starts: memory::starts(world),
        fates,
        // Single waits, and what is found out later.
        ..single
    };
    document.name_threads();
    document
}

/// What a report has of single waits and where they were, as far as that is wanted.
fn single(
    world: &World,
    info: &RunInfo,
    processes: &process::Processes,
    held: &[gil::Held],
    threads: &[Thread],
    namer: &threads::Namer<'_>,
) -> Document {
    let wanted = info.wanted;
    let shows_stacks = wanted.trace || wanted.stacks || !info.explain.is_empty();
    let user_stacks = match shows_stacks {
        true => UserStacks::of(&world.dictionaries.user_stacks),
        false => UserStacks::default(),
    };
    let trace = || trace::of(world, threads, processes, held, &user_stacks, namer);
    Document {
        explained: timeline::of(world, &info.explain, threads, &user_stacks, namer),
        trace: wanted.trace.then(trace),
        stacks: stacks::of(world, wanted, threads, &user_stacks, namer),
        user_frames: user_stacks.frames,
        ..Document::default()
    }
}

/// How long the observation had lasted when the account began.
fn delay_ns(info: &RunInfo) -> Option<u64> {
    let begun_ns = info.begun_ns?;
    Some(begun_ns.saturating_sub(info.start.started_ns))
}

/// When the run started.
fn started(world: &World, start: &Start, is_anything_seen: bool) -> Started {
    Started {
        realtime_ns: start.started_realtime_ns,
        monotonic_ns: start.started_ns,
        origin_ns: is_anything_seen.then(|| threads::origin_ns(world)),
    }
}

/// From the first instant that is reported to the last, ns.
fn wall_ns(world: &World, threads: &[Thread]) -> u64 {
    let last_ns = threads.iter().map(|t| t.end_ns).max().unwrap_or(0);
    let first_ns = threads::first_ns(world) - threads::origin_ns(world);
    last_ns.saturating_sub(first_ns)
}

/// The end of the run, where that is reported.
fn end_of(info: &RunInfo) -> Option<&End> {
    let is_within = info.part.is_none_or(|part| part.to_ns >= part.of_ns);
    info.end.as_ref().filter(|_| is_within)
}

fn window(part: Part) -> Window {
    let Part {
        from_ns,
        to_ns,
        of_ns,
    } = part;
    Window {
        from_ns,
        to_ns,
        of_ns,
    }
}

/// Which listeners there are, and the report of them, where they are observed.
fn listeners(
    world: &World,
    start: &Start,
    threads: &[Thread],
    namer: &threads::Namer<'_>,
) -> (Vec<Key>, Option<Vec<Listener>>) {
    // A recording of an earlier version does not say so.
    if start.tier != Tier::Full && !start.sees_listeners {
        return (Vec::new(), None);
    }
    let origin_ns = threads::origin_ns(world);
    let found = listeners::of(world, origin_ns, start.tier, threads, namer);
    let (keys, listeners) = found.into_iter().unzip();
    (keys, Some(listeners))
}

/// Processes that were there before the account began, beside those attached to.
fn started_before(world: &World, info: &RunInfo, processes: &[process::Process]) -> usize {
    let attached = &info.start.attached;
    if attached.is_empty() {
        return 0;
    }
    let was_there = |process: &&process::Process| {
        process.creator.is_none() || process.start_ns < world.begun_ns
    };
    let found = processes.iter().filter(was_there);
    found.filter(|it| !attached.contains(&it.pid)).count()
}

/// What observing cost: the whole run.
fn overhead(world: &World, info: &RunInfo) -> Overhead {
    let end = info.end.as_ref().filter(|_| info.part.is_none());
    Overhead {
        probe_runs: end.map(|end| end.probe_runs),
        probe_ns: end.and_then(|end| end.probe_ns),
        probes: end.map(dearest_first).unwrap_or_default(),
        tool_cpu_ns: end.map(|end| end.tool_cpu_ns),
        tool_peak_bytes: end.map(|end| end.tool_peak_bytes),
        tool_file_bytes: world.logs.budget.spilled_bytes(),
        switches: world.switches,
    }
}

/// Processes with a thread that lives on when the command has ended.
fn still_running(world: &World, info: &RunInfo) -> usize {
    // Of a report that was cut short it is known of none whether it lives on.
    if info.ended_early || end_of(info).and_then(|end| end.exit).is_none() {
        return 0;
    }
    // How a thread ended is not known everywhere.
    let living = world.threads.iter().filter(|thread| !thread.is_over());
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
