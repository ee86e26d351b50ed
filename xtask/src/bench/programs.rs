//! What each probe costs by the kernel's own count, beside the programs of the floor.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::floor::{Does, Floor, TRACEPOINTS};
use super::report::{Cost, median, observe};
use crate::table::{Column, markdown as table};
use crate::workspace::Workspace;

/// Programs that ran less often are left out.
const COMMON: f64 = 1000.0;

/// A program on the switch-bound pair.
struct Program {
    name: String,
    /// Median over the rounds.
    ns_per_run: f64,
    runs: f64,
    /// As the verifier rewrote them, and as many as it walked.
    instructions: [Option<u64>; 2],
}

/// What the programs of the floor take at a tracepoint, ns per run.
#[derive(Clone, Copy)]
struct AtTracepoint {
    name: &'static str,
    empty: f64,
    clock: f64,
}

/// Of the floor, by tracepoint, and of the probes.
pub(super) struct Programs {
    floor: Vec<AtTracepoint>,
    programs: Vec<Program>,
}

pub(super) fn measure(workspace: &Workspace, folder: &Path, rounds: u32) -> Result<Programs> {
    let report = folder.join("cost.json");
    let mut costs = Vec::new();
    let mut floors = Vec::new();
    for _ in 0..rounds {
        let mut run = Command::new(workspace.waitscope());
        run.args(["run", "--cost", "-o"]).arg(&report).arg("--");
        run.args(PIPE.split(' '));
        // The kernel counts as long as waitscope asks it to.
        let empty = Floor::attach(Does::Nothing)?;
        let clock = Floor::attach(Does::ReadsClock)?;
        observe(&mut run)?;
        let both = empty.costs()?.into_iter().zip(clock.costs()?);
        floors.extend(both.map(|((name, empty), (_, clock))| AtTracepoint { name, empty, clock }));
        drop((empty, clock));
        observe(&mut run)?;
        costs.push(Cost::read(&report)?);
    }
    let doctor = Command::new(workspace.waitscope())
        .args(["doctor", "--format", "json"])
        .output()?;
    let doctor: Value = serde_json::from_slice(&doctor.stdout).context("reading doctor")?;
    let last = costs.last().context("no rounds")?;
    let programs = last.programs.iter().filter(|(_, runs, _)| *runs >= COMMON);
    let programs = programs.map(|(name, runs, _)| Program {
        name: name.clone(),
        ns_per_run: median(costs.iter().filter_map(|cost| ns_per_run(cost, name)))
            .unwrap_or_default(),
        runs: *runs,
        instructions: ["translated_instructions", "verified_instructions"]
            .map(|key| of_probe(&doctor, name)?[key].as_u64()),
    });
    Ok(Programs {
        floor: TRACEPOINTS.map(|name| of_floor(&floors, name)).to_vec(),
        programs: programs.collect(),
    })
}

/// The median over the rounds.
fn of_floor(floors: &[AtTracepoint], name: &'static str) -> AtTracepoint {
    let of_it = || floors.iter().filter(|floor| floor.name == name);
    AtTracepoint {
        name,
        empty: median(of_it().map(|floor| floor.empty)).unwrap_or_default(),
        clock: median(of_it().map(|floor| floor.clock)).unwrap_or_default(),
    }
}

/// As the workload `pipe`.
pub(super) const PIPE: &str = "taskset -c 1 perf bench -f simple sched pipe -l 100000";

fn ns_per_run(cost: &Cost, name: &str) -> Option<f64> {
    let (_, runs, ns) = cost.programs.iter().find(|(other, _, _)| other == name)?;
    Some(ns / runs)
}

fn of_probe<'a>(doctor: &'a Value, name: &str) -> Option<&'a Value> {
    let probes = doctor["probes"].as_array()?;
    probes.iter().find(|probe| probe["name"] == name)
}

impl Programs {
    pub(super) fn markdown(&self) -> String {
        let columns = [
            Column::left("program"),
            Column::right("ns per run"),
            Column::right("above an empty one"),
            Column::right("above one with the clock"),
            Column::right("runs"),
            Column::right("instructions"),
            Column::right("verified"),
        ];
        let rows: Vec<Vec<String>> = self.programs.iter().map(|p| self.row(p)).collect();
        let floor: Vec<String> = self
            .floor
            .iter()
            .map(|floor| {
                format!(
                    "{:.0} and {:.0} ns at {}",
                    floor.empty, floor.clock, floor.name
                )
            })
            .collect();
        format!(
            "\n## The probes on `pipe`, by the kernel's own count\n\nAn empty program, and one that reads the \
             clock, take {} by the same count, the two clock reads of which are a part.\n\n{}",
            floor.join(", "),
            table(&columns, &rows)
        )
    }

    fn row(&self, program: &Program) -> Vec<String> {
        let floor = self.floor.iter().find(|floor| floor.name == program.name);
        let above = |of: fn(&AtTracepoint) -> f64| {
            floor.map_or_else(
                || "-".to_owned(),
                |floor| format!("{:.0}", program.ns_per_run - of(floor)),
            )
        };
        let count = |n: Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let [translated, verified] = program.instructions;
        vec![
            program.name.clone(),
            format!("{:.0}", program.ns_per_run),
            above(|floor| floor.empty),
            above(|floor| floor.clock),
            format!("{:.0}", program.runs),
            count(translated),
            count(verified),
        ]
    }

    pub(super) fn json(&self) -> Value {
        let programs = self.programs.iter().map(|program| {
            json!({
                "program": program.name,
                "ns_per_run": program.ns_per_run,
                "runs": program.runs,
                "translated_instructions": program.instructions[0],
                "verified_instructions": program.instructions[1],
            })
        });
        let floor = self.floor.iter();
        let floor = floor.map(|floor| {
            json!({
                "tracepoint": floor.name,
                "ns_per_run": floor.empty,
                "with_clock_ns_per_run": floor.clock,
            })
        });
        json!({
            "floor": floor.collect::<Vec<_>>(),
            "programs": programs.collect::<Vec<_>>(),
        })
    }
}
