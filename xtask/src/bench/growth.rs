//! Whether a switch costs more when there are more threads: ever more of them are
//! woken in turn, at the same pace.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::measure::Ended;
use super::report::{Cost, median, observe};
use crate::table::{Column, markdown as table};
use crate::workspace::Workspace;

const CROWDS: [u32; 4] = [10, 100, 1000, 20_000];

/// Between two wake-ups, µs.
const PACE: &str = "50";

/// More than are made while it is observed.
const WAKES: &str = "10000000";

/// How long the threads may take to be there.
const TIME_TO_GATHER: Duration = Duration::from_secs(60);

/// A crowd of threads, and what observing it cost in each round.
struct Crowd {
    threads: u32,
    rounds: Vec<Cost>,
}

pub(super) struct Growth(Vec<Crowd>);

pub(super) fn measure(workspace: &Workspace, folder: &Path, rounds: u32) -> Result<Growth> {
    let actor = workspace.path("target/release/actor");
    let report = folder.join("growth.json");
    let mut crowds: Vec<Crowd> = CROWDS
        .map(|threads| Crowd {
            threads,
            rounds: Vec::new(),
        })
        .into();
    for _ in 0..rounds {
        for crowd in &mut crowds {
            let relay = Relay::start(&actor, crowd.threads)?;
            // No stacks of sleepers, whose sleeps are longer the more there are.
            let pid = relay.0.0.id().to_string();
            let line = "run --cost --stack-threshold 60m --duration 3s --pid";
            let mut run = Command::new(workspace.waitscope());
            run.args(line.split(' ')).arg(&pid).arg("-o").arg(&report);
            observe(&mut run)?;
            crowd.rounds.push(Cost::read(&report)?);
        }
    }
    Ok(Growth(crowds))
}

/// The threads.
struct Relay(Ended);

impl Relay {
    fn start(actor: &Path, threads: u32) -> Result<Self> {
        let child = Command::new("taskset")
            .args(["-c", "1"])
            .arg(actor)
            .args(["relay", &threads.to_string(), WAKES, PACE])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start taskset")?;
        let relay = Self(Ended(child));
        let begin = Instant::now();
        while relay.threads()? <= threads {
            ensure!(
                begin.elapsed() < TIME_TO_GATHER,
                "{threads} threads do not come together here"
            );
            sleep(Duration::from_millis(20));
        }
        // Each has waited for its turn once.
        sleep(Duration::from_secs(1));
        Ok(relay)
    }

    fn threads(&self) -> Result<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.0.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("Threads:"));
        Ok(line.context("it has ended")?.trim().parse()?)
    }
}

impl Crowd {
    fn middle(&self, of: impl Fn(&Cost) -> f64) -> f64 {
        median(self.rounds.iter().map(of)).unwrap_or_default()
    }

    fn ns_per_switch(&self) -> f64 {
        self.middle(Cost::ns_per_switch)
    }
}

impl Growth {
    pub(super) fn markdown(&self) -> String {
        let columns = [
            Column::right("threads"),
            Column::right("switches"),
            Column::right("probes, ns per switch"),
            Column::right("against 10"),
            Column::right("memory, MiB"),
            Column::right("KiB per thread"),
            Column::right("lost"),
        ];
        let Some(first) = self.0.first() else {
            return String::new();
        };
        let rows: Vec<Vec<String>> = self.0.iter().map(|crowd| row(crowd, first)).collect();
        format!(
            "\n## Growth: threads woken in turn, one every {PACE} µs, whatever their number\n\n\
             Attached to for 3 s. Time in the probes at switches and wakings by the kernel's own count, a \
             stack for each\nwaking by the timer included; peak memory with the maps in the kernel.\n\n{}",
            table(&columns, &rows)
        )
    }

    pub(super) fn json(&self) -> Value {
        let crowds = self.0.iter().map(|crowd| {
            let all = |of: fn(&Cost) -> f64| crowd.rounds.iter().map(of).collect::<Vec<_>>();
            json!({
                "threads": crowd.threads,
                "switches": all(|cost| cost.switches),
                "ns_per_switch": all(Cost::ns_per_switch),
                "peak_bytes": all(|cost| cost.peak_bytes),
                "lost": all(|cost| cost.lost),
            })
        });
        crowds.collect()
    }
}

fn row(crowd: &Crowd, first: &Crowd) -> Vec<String> {
    let bytes = crowd.middle(|cost| cost.peak_bytes);
    let more = bytes - first.middle(|cost| cost.peak_bytes);
    let threads = f64::from(crowd.threads - first.threads);
    let per_thread = match threads {
        0.0 => "-".to_owned(),
        _ => format!("{:.1}", more / threads / 1024.0),
    };
    vec![
        crowd.threads.to_string(),
        format!("{:.0}", crowd.middle(|cost| cost.switches)),
        format!("{:.0}", crowd.ns_per_switch()),
        format!("{:.2}", crowd.ns_per_switch() / first.ns_per_switch()),
        format!("{:.0}", bytes / 1024.0 / 1024.0),
        per_thread,
        format!("{:.0}", crowd.middle(|cost| cost.lost)),
    ]
}
