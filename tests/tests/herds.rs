//! Who was woken for nothing, as the workload and the kernel have counted it.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::panic;

use anyhow::{Context, Result};
use serde::Deserialize;
use waitscope_tests::report::{Herd, Report};
use waitscope_tests::stalls::Watch;
use waitscope_tests::{audit, live};

/// Connections of each way.
const CONNECTIONS: u64 = 5;
/// What it takes to serve one, ms of CPU, and what is shorter than that for certain and
/// longer than a look for nothing. An emulated CPU takes long for that, above all where
/// its own host has no time for it.
fn amounts() -> (&'static str, &'static str) {
    match env::var_os("WAITSCOPE_HERD") {
        Some(_) => ("200", "80ms"),
        None => ("20", "5ms"),
    }
}

/// What one way of waiting led to.
#[derive(Debug, Deserialize)]
struct Truth {
    /// Sleeps that ended, by the kernel's own count.
    wakes: u64,
    /// Connections.
    got: u64,
    /// Returns without one.
    none: u64,
}

fn actor(options: &[&str], act: &[&str]) -> Result<Report> {
    let mut command = vec![env!("CARGO_BIN_EXE_actor")];
    command.extend(act);
    let (outcome, report) = live::traced_with(options, &command)?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    Ok(report)
}

/// So many processes wait in each way; returns how long each event took its waker in each
/// way that wakes all, ns.
fn served_by(processes: u64) -> Result<BTreeMap<String, u64>> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("truth.json");
    let (count, connections) = (processes.to_string(), CONNECTIONS.to_string());
    let path = out.to_str().context("a path")?;
    let (work, short) = amounts();
    let act = ["herd", &count, &connections, work, path];
    let report = actor(&["--short-run", short], &act)?;
    let truth: BTreeMap<String, Truth> = serde_json::from_reader(File::open(&out)?)?;
    let herds = report.herds.as_deref().context("herds")?;
    let mut took = BTreeMap::new();
    for (way, truth) in &truth {
        let herd = herds.iter().find(|herd| is_in(herd, way));
        writeln!(io::stdout(), "{processes} {way}: {truth:?}\n  {herd:?}")?;
        assert_eq!(truth.got, CONNECTIONS, "{way}");
        if matches!(way.as_str(), "exclusive" | "accept") {
            // One is woken for each; a second where the first is still on its way.
            assert!(truth.wakes <= 2 * CONNECTIONS, "{way}: {truth:?}");
            continue;
        }
        let herd = herd.context("no herd")?;
        agrees(processes, herd, truth);
        took.insert(way.clone(), herd.waker_ns / herd.events);
    }
    // None beside these.
    assert_eq!(herds.len(), took.len(), "{herds:?}");
    Ok(took)
}

fn is_in(herd: &Herd, way: &str) -> bool {
    herd.kind == way && !herd.object.contains("exclusive")
}

/// Every process sleeps as a connection comes, so that every one is woken.
fn agrees(processes: u64, herd: &Herd, truth: &Truth) {
    let all = processes * CONNECTIONS;
    // A process may sleep for something else in between (a page, a lock in the kernel).
    assert!(
        truth.wakes >= all && truth.wakes <= all + slack(all),
        "{truth:?}"
    );
    // Where the machine's host stops a CPU among the wakings, one event looks like two; and
    // a run as long as one with a connection.
    let is_close = |found: u64, known: u64| found.abs_diff(known) <= slack(all);
    assert!(is_close(herd.wakes, all), "{herd:?}");
    assert!(is_close(herd.useful, truth.got), "{herd:?}");
    assert!(is_close(herd.wasted, all - truth.got), "{herd:?}");
    assert!(herd.events.abs_diff(CONNECTIONS) <= 1, "{herd:?}");
    assert!(is_close(herd.fan_out_max, processes), "{herd:?}");
    // Of the others some find out inside the call.
    assert!(truth.none <= truth.wakes - truth.got, "{truth:?}");
    assert!(herd.waker.contains("actor"), "{}", herd.waker);
    let exclusive = (herd.kind != "epoll").then_some(false);
    assert_eq!(herd.exclusive, exclusive);
    let advice = herd.advice.as_deref().unwrap_or_default();
    assert!(advice.contains("EPOLLEXCLUSIVE"), "{advice}");
}

/// One of a hundred wakes, and one.
fn slack(wakes: u64) -> u64 {
    1 + wakes / 100
}

/// Most processes on one socket; `WAITSCOPE_HERD` sets another number.
fn most() -> Result<u64> {
    Ok(env::var("WAITSCOPE_HERD").map_or(Ok(512), |number| number.parse())?)
}

/// What comes within some microseconds is counted: where the machine's host has stopped a CPU
/// meanwhile, that may be otherwise, and it is counted again.
#[test]
fn processes_on_one_socket_are_woken_for_nothing_as_they_count() -> Result<()> {
    for _ in 0..3 {
        let watch = Watch::start()?;
        let counted = panic::catch_unwind(woken_as_they_count);
        let stalls = watch.stop()?;
        match counted {
            Err(_) if stalls.count > 0 => writeln!(io::stdout(), "again: {stalls:?}")?,
            Err(failure) => panic::resume_unwind(failure),
            Ok(result) => return result,
        }
    }
    woken_as_they_count()
}

fn woken_as_they_count() -> Result<()> {
    let mut sizes = vec![8, 64];
    sizes.extend(Some(most()?).filter(|&most| most > 64));
    let mut before: Option<(u64, BTreeMap<String, u64>)> = None;
    for size in sizes {
        let took = served_by(size)?;
        for (way, ns) in &took {
            let Some((fewer, less)) = before.as_ref().map(|(size, took)| (size, took[way])) else {
                continue;
            };
            assert!(*ns > less, "{way}: {less} ns for {fewer}, {ns} for {size}");
            let slope = (ns - less) / (size - fewer);
            let range = format!("from {fewer} to {size}");
            writeln!(
                io::stdout(),
                "{way}: {slope} ns of the waker for each, {range}"
            )?;
        }
        before = Some((size, took));
    }
    Ok(())
}

#[test]
fn workers_that_all_have_work_are_no_herd() -> Result<()> {
    let (work, short) = amounts();
    let report = actor(&["--short-run", short], &["broadcast", "8", "4", work])?;
    assert_eq!(report.herds.context("herds")?.len(), 0);
    let dir = live::shared_dir()?;
    let out = dir.path().join("waited");
    let path = out.to_str().context("a path")?;
    let report = actor(&["--short-run", "500us"], &["pool", "40", path])?;
    assert_eq!(report.herds.context("herds")?.len(), 0);
    Ok(())
}
