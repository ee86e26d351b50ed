//! waitscope's account of the truth workload against the workload's own.
//!
//! `WAITSCOPE_REPEAT=100` asks for a hundred runs in a row.

use std::collections::BTreeSet;
use std::env;
use std::fs;

use anyhow::{Context, Result};
use waitscope_tests::report::Report;
use waitscope_tests::stalls::Watch;
use waitscope_tests::{audit, live, travel, truth, unseen};

/// Wait kinds that the report must know at the least.
const KINDS: usize = 18;

#[test]
fn every_wait_is_reported_as_it_was() -> Result<()> {
    let runs: u32 = match env::var("WAITSCOPE_REPEAT") {
        Ok(text) => text.parse().context("WAITSCOPE_REPEAT")?,
        Err(_) => 1,
    };
    let mut failed = Vec::new();
    for run in 1..=runs {
        let wrong = one_run().with_context(|| format!("run {run} of {runs}"))?;
        if !wrong.is_empty() {
            failed.push(format!("run {run}:\n{}", wrong.join("\n")));
        }
    }
    let all = failed.join("\n");
    assert!(
        failed.is_empty(),
        "{} of {runs} failed\n{all}",
        failed.len()
    );
    Ok(())
}

/// Everything wrong with one run.
fn one_run() -> Result<Vec<String>> {
    let dir = live::shared_dir()?;
    let (file, out) = (dir.path().join("truth.jsonl"), dir.path().join("out.json"));
    let mut run = live::waitscope()?;
    run.args(["run", "-o"]).arg(&out).arg("--");
    run.arg(env!("CARGO_BIN_EXE_truth"));
    run.arg("--truth").arg(&file).arg("--dir").arg(dir.path());
    let (before, watch) = (live::stolen_ns()?, Watch::start()?);
    let (travel, _stats) = (travel::Watch::start(), SchedStats::on());
    let outcome = live::finish(&mut run)?;
    let travels = travel.map(travel::Watch::stop).transpose()?;
    let stalls = watch.stop()?;
    outcome.expect_code(0)?;
    let stolen_ns = live::stolen_ns()? - before;

    let report = Report::read(&out)?;
    let lines = truth::read(&file)?;
    let measured = truth::measured(&lines);
    let mut wrong = audit::violations(&report);
    let contradictions = truth::contradictions(&report, &measured, stolen_ns, travels.as_ref());
    wrong.extend(stalls.excuse(contradictions));
    wrong.extend(unseen::hidden(&report));
    let kinds: BTreeSet<&str> = measured.iter().map(|case| case.kind.as_str()).collect();
    if kinds.len() < KINDS {
        wrong.push(format!("only {} kinds: {lines:?}", kinds.len()));
    }
    let left: Vec<_> = report.threads.iter().filter(|t| t.exit.is_none()).collect();
    if !left.is_empty() {
        wrong.push(format!("left over: {left:?}"));
    }
    Ok(wrong)
}

/// Has the kernel keep its second account of waits for a CPU, where it can.
struct SchedStats(Option<Vec<u8>>);

const SCHED_STATS: &str = "/proc/sys/kernel/sched_schedstats";

impl SchedStats {
    fn on() -> SchedStats {
        let before = fs::read(SCHED_STATS).ok();
        let set = before.filter(|_| fs::write(SCHED_STATS, "1").is_ok());
        SchedStats(set)
    }
}

impl Drop for SchedStats {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // It was writable a moment ago; what stays on does no harm.
            let _stays_on = fs::write(SCHED_STATS, before);
        }
    }
}
