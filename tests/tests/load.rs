//! Many processes and many switches: nothing lost, nothing left over; and what
//! is left where the ring is far too small.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use waitscope_tests::report::{Exit, Report};
use waitscope_tests::{audit, live};

/// Processes of the storm; `WAITSCOPE_STORM` sets another number.
const PROCESSES: usize = 10_000;
/// Rounds of messages; `WAITSCOPE_ROUNDS` sets another number.
const ROUNDS: usize = 100;
const MEMORY_LIMIT: u64 = 256 << 20;

/// One load at a time: each fills the machine.
static MACHINE: Mutex<()> = Mutex::new(());

fn machine() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a variable sets, which slow machines make less.
fn amount(name: &'static str, usual: usize) -> Result<usize> {
    match env::var(name) {
        Ok(text) => text.parse().context(name),
        Err(_) => Ok(usual),
    }
}

#[test]
fn every_process_of_a_storm_is_reported_once() -> Result<()> {
    let _machine = machine();
    let dir = live::shared_dir()?;
    let log = dir.path().join("storm.log");
    let log_arg = log.to_string_lossy().into_owned();
    let processes = amount("WAITSCOPE_STORM", PROCESSES)?;
    let count = processes.to_string();
    let actor = env!("CARGO_BIN_EXE_actor");
    let (outcome, report) = live::traced(&[actor, "storm", &count, "8", &log_arg])?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());

    let mut seen: HashMap<(u32, i32), i64> = HashMap::new();
    for thread in &report.threads {
        ensure!(thread.pid == thread.tid, "a thread in a storm: {thread:?}");
        let Some(Exit::Code(status)) = thread.exit else {
            anyhow::bail!("left over: {thread:?}");
        };
        *seen.entry((thread.pid, status)).or_default() += 1;
    }
    for line in fs::read_to_string(&log)?.lines() {
        let (pid, status) = line.split_once(' ').context("a log line")?;
        *seen.entry((pid.parse()?, status.parse()?)).or_default() -= 1;
    }
    seen.retain(|_, times| *times != 0);
    assert_eq!(seen.len(), 1, "more than the storm itself: {seen:?}");
    assert_eq!(report.threads.len(), processes + 1);
    assert_eq!(report.processes, processes as u64 + 1);
    let peak = report.overhead.tool_peak_bytes.context("peak memory")?;
    assert!((1..MEMORY_LIMIT).contains(&peak), "{peak}");
    Ok(())
}

#[test]
fn messaging_loses_nothing() -> Result<()> {
    let _machine = machine();
    let rounds = amount("WAITSCOPE_ROUNDS", ROUNDS)?.to_string();
    let bench = [
        "perf",
        "bench",
        "sched",
        "messaging",
        "-g",
        "8",
        "-l",
        &rounds,
    ];
    let (outcome, report) = live::traced(&bench)?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    // 8 groups of 20 senders and 20 receivers, and the parent.
    assert!(report.processes > 8 * 40, "{}", report.processes);
    let overhead = &report.overhead;
    assert!(overhead.probe_runs.context("runs")? >= overhead.switches);
    assert!(overhead.tool_cpu_ns.context("CPU time")? > 0);
    assert!(overhead.switches > 1000, "{}", overhead.switches);
    Ok(())
}

/// Whether a process of this name runs.
fn is_there(comm: &str) -> Result<bool> {
    for process in fs::read_dir("/proc")? {
        // It may end while it is looked at.
        let comm_file = fs::read_to_string(process?.path().join("comm"));
        if comm_file.is_ok_and(|text| text.trim_end() == comm) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A line of the flood's own account.
#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    what: String,
    ns: u64,
}

/// Nearly every record is lost while the reader stands still: times and counts are
/// whole all the same.
#[test]
fn what_is_lost_is_known_as_sums() -> Result<()> {
    let _machine = machine();
    let dir = live::shared_dir()?;
    let (file, out) = (
        dir.path().join("written.jsonl"),
        dir.path().join("out.json"),
    );
    let before_ns = live::stolen_ns()?;
    let mut run = live::waitscope()?;
    run.args(["run", "--ring-size", "4096", "-o"]).arg(&out);
    // On one CPU the two take turns, and every byte is waited for.
    run.args(["--", "taskset", "-c", "0"]);
    run.arg(env!("CARGO_BIN_EXE_actor"))
        .args(["chain", "flood"]);
    let running = live::start(run.arg(&file))?;
    live::until("the flood", || is_there("b-flood1"))?;
    running.signal(libc::SIGSTOP)?;
    live::until("the flood's end", || is_there("b-flood1").map(|is| !is))?;
    running.signal(libc::SIGCONT)?;
    running.finish()?.expect_code(0)?;
    let stolen_ns = live::stolen_ns()? - before_ns;
    let report = Report::read(&out)?;
    let lost = report.coverage.lost.get("switch").copied().unwrap_or(0);
    ensure!(lost > 10_000, "lost {:?}", report.coverage.lost);
    assert_eq!(report.coverage.residual_ns, 0);
    ensure!(
        report.coverage.folded_waits > 10_000,
        "{:?}",
        report.coverage
    );

    let text = fs::read_to_string(&file)?;
    let written: Vec<Entry> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    // Both together. One may preempt the other so that this one never waits; and the
    // scheduler divides a switch between its two tasks at another point than the probe
    // does: where the host takes a guest's CPU away in between, one of them has that
    // time here and the other there.
    let (mut cpu_ns, mut ran_ns) = (0, 0);
    let (mut sleeps, mut seen, mut reads) = (0, 0, 0);
    for name in ["b-flood1", "b-flood2"] {
        let written = |what: &str| {
            let line = written.iter().find(|t| t.name == name && t.what == what);
            line.map(|t| t.ns).context("not written")
        };
        let thread = report.named(name)?;
        let account = &thread.account;
        ensure!(
            account.unknown_ns * 100 <= account.lifetime_ns,
            "{thread:?}"
        );
        sleeps += written("sleeps")?;
        seen += thread.switches.voluntary;
        let of_pipe = account.of_kind("pipe-read");
        reads += of_pipe.map(|wait| wait.count).sum::<u64>();
        cpu_ns += written("computing")?;
        ran_ns += account.on_cpu_ns;
    }
    ensure!(seen.abs_diff(sleeps) * 100 <= sleeps, "{seen} of {sleeps}");
    ensure!(reads * 100 >= sleeps * 98, "{reads} of {sleeps}");
    ensure!(
        ran_ns.abs_diff(cpu_ns) <= cpu_ns / 20 + 1_000_000 + stolen_ns,
        "{ran_ns} of {cpu_ns} ns, {stolen_ns} stolen"
    );
    Ok(())
}
