//! What observing costs: the same workloads alone and under each observer, in
//! turn, so that a machine whose speed drifts is fair to all.
//!
//! Times are of the workload alone, from its first instruction to its last, and
//! so without the start and the report of whoever observes.

mod floor;
mod growth;
mod measure;
mod observers;
mod page;
mod programs;
mod report;
mod start;
mod workloads;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use gitsync_stage::stage::Stage;

use self::measure::{Run, measure};
use self::observers::Observer;
use self::workloads::Workload;
use crate::build;
use crate::run::{output_of, say};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How often each workload is run under each observer; the short ones four times as often
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Only these parts: pipe, messaging, storm, dd, gitsync, start, programs, growth
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Only these observers, and none: waitscope, record, strace, …
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    with: Vec<String>,
    /// Write docs/benchmarks.md and docs/benchmarks.json
    #[arg(long)]
    update: bool,
}

/// All runs of one workload under one observer; `None`: nobody.
struct Series {
    workload: &'static str,
    observer: Option<&'static str>,
    runs: Vec<Run>,
    /// Why there are none.
    refusal: Option<String>,
}

/// What is measured of waitscope alone, as far as it was asked for.
#[derive(Default)]
struct Own {
    start: Option<start::Start>,
    programs: Option<programs::Programs>,
    growth: Option<growth::Growth>,
}

pub(crate) fn compare(workspace: &Workspace, options: &Options) -> Result<()> {
    build::release(workspace)?;
    build::workloads(workspace)?;
    let folder = workspace.path("target/bench");
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let stage = folder.join("stage");
    fs::create_dir(&stage)?;
    let stage = Stage::build(&stage, workloads::REPOSITORIES)?;
    let server = stage.serve("daemon.log", None)?;
    let clones = stage.folder().join("clones");
    stage.clone_all(&server, workloads::REPOSITORIES, &clones)?;

    let wanted = |list: &[String], name: &str| list.is_empty() || list.iter().any(|n| n == name);
    let mut workloads = workloads::all(&stage, &clones);
    workloads.retain(|workload| wanted(&options.only, workload.name));
    let mut observers = observers::all(workspace, &folder);
    observers.retain(|observer| wanted(&options.with, observer.name));
    let mut all = Vec::new();
    for workload in &workloads {
        all.extend(series(workload, &observers, options.runs, &folder)?);
    }
    let mut own = Own::default();
    if wanted(&options.only, "start") {
        say("start");
        own.start = Some(start::measure(workspace, options.runs)?);
    }
    if wanted(&options.only, "programs") {
        say("programs");
        own.programs = Some(programs::measure(workspace, &folder, options.runs)?);
    }
    if wanted(&options.only, "growth") {
        say("growth");
        own.growth = Some(growth::measure(workspace, &folder, options.runs)?);
    }
    let machine = output_of(std::process::Command::new("uname").arg("-rm"))?;
    let date = output_of(std::process::Command::new("date").arg("-I"))?;
    let about = format!("{} on {}", machine.trim(), date.trim());
    let text = page::markdown(&about, &workloads, &all, &own);
    say(&text);
    if options.update {
        let write = |name: &str, text: &str| {
            let path: PathBuf = workspace.path("docs").join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write("benchmarks.md", &text)?;
        write("benchmarks.json", &page::json(&about, &all, &own)?)?;
    }
    Ok(())
}

/// Runs a workload in turn under nobody and under every observer.
fn series(
    workload: &Workload,
    observers: &[Observer],
    runs: u32,
    folder: &std::path::Path,
) -> Result<Vec<Series>> {
    let who = std::iter::once(None).chain(observers.iter().map(Some));
    let mut all: Vec<(Option<&Observer>, Series)> = who
        .map(|observer| {
            let series = Series {
                workload: workload.name,
                observer: observer.map(|observer| observer.name),
                runs: Vec::new(),
                refusal: None,
            };
            (observer, series)
        })
        .collect();
    // What is read for the first time is in no round.
    measure(workload, None, folder)?;
    let rounds = runs * workload.times;
    for round in 1..=rounds {
        say(format_args!("{} {round} of {rounds}", workload.name));
        // Who comes first, and behind whom everyone comes, is another one each time:
        // what an observer leaves behind (pages to write) slows who follows.
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.rotate_left((round as usize - 1) % all.len());
        if round % 2 == 0 {
            order.reverse();
        }
        for at in order {
            let (observer, series) = &mut all[at];
            let enough = observer.is_some_and(|o| o.is_slow && round > 1);
            if series.refusal.is_some() || enough {
                continue;
            }
            match measure(workload, *observer, folder) {
                Ok(run) => series.runs.push(run),
                // A peer that does not work here says so in the table.
                Err(error) if observer.is_some() => series.refusal = Some(format!("{error:#}")),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(all.into_iter().map(|(_, series)| series).collect())
}
