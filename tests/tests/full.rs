//! The full tier: calls and results as the workload itself counted them. Where
//! the kernel does not allow it, the report says so and counts nothing.

use std::collections::BTreeMap;
use std::fs::{self, File};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use waitscope_tests::live;
use waitscope_tests::report::{Calls, Report};

/// What the workload says of one function.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Answers {
    calls: u64,
    useful: u64,
    empty: u64,
    failed: u64,
}

/// What the listening workload says.
#[derive(Debug, Deserialize)]
struct Overflow {
    port: u16,
    connected: u64,
    overflows: u64,
    limit: u32,
}

/// Runs an act that writes down what it did.
fn watched<T: DeserializeOwned>(act: &str, options: &[&str]) -> Result<(T, Report)> {
    let dir = live::shared_dir()?;
    let (truth, out) = (dir.path().join("truth.json"), dir.path().join("out.json"));
    let mut run = live::waitscope()?;
    run.arg("run").args(options).arg("-o").arg(&out).arg("--");
    run.arg(env!("CARGO_BIN_EXE_actor")).arg(act).arg(&truth);
    live::finish(&mut run)?.expect_code(0)?;
    let truth = serde_json::from_reader(File::open(truth)?).context("the workload's account")?;
    Ok((truth, Report::read(&out)?))
}

fn answers(calls: &Calls) -> Result<Answers> {
    let (useful, empty) = match calls.function.as_str() {
        "do_wait" => (calls.reaped, calls.none_ready),
        _ => (calls.with_events, calls.empty),
    };
    Ok(Answers {
        calls: calls.count,
        useful: useful.context("useful")?,
        empty: empty.context("empty")?,
        failed: calls.failed,
    })
}

/// Calls of the workload's first thread by function.
fn calls_of(report: &Report) -> Result<Option<BTreeMap<String, Answers>>> {
    let root = report.only("the root", |thread| thread.creator_tid.is_none())?;
    let Some(calls) = &root.account.calls else {
        return Ok(None);
    };
    let by_function = calls
        .iter()
        .map(|calls| Ok((calls.function.clone(), answers(calls)?)));
    by_function.collect::<Result<_>>().map(Some)
}

/// Whether this kernel lets function entries or kernel probes be used.
fn is_full() -> Result<bool> {
    let (outcome, report) = live::traced(&["true"])?;
    outcome.expect_code(0)?;
    let debug = fs::read_dir("/sys/bus/event_source/devices/kprobe").is_ok();
    // A kernel that has kernel probes, not locked down, must give the full tier.
    let locked = fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    let open = debug && (locked.is_empty() || locked.contains("[none]"));
    ensure!(
        report.tier == "full" || !open,
        "kernel probes are there, yet the tier is {}",
        report.tier
    );
    Ok(report.tier == "full")
}

#[test]
fn calls_are_counted_as_the_caller_counts_them() -> Result<()> {
    let (truth, report) = watched::<BTreeMap<String, Answers>>("calls", &[])?;
    let expected = is_full()?.then_some(truth);
    assert_eq!(calls_of(&report)?, expected);
    assert_eq!(report.coverage.lost_total, 0);
    Ok(())
}

#[test]
fn a_run_on_a_lower_tier_counts_no_calls_and_has_the_same_waits() -> Result<()> {
    let (_, report) = watched::<BTreeMap<String, Answers>>("calls", &["--tier", "tracepoint"])?;
    assert_eq!(report.tier, "tracepoint");
    assert_eq!(calls_of(&report)?, None);
    let listeners = report.listeners.as_ref();
    assert!(listeners.is_none_or(|listeners| listeners.is_empty()));
    let root = report.only("the root", |thread| thread.creator_tid.is_none())?;
    let waits: u64 = root
        .account
        .of_kind("child-exit")
        .map(|wait| wait.count)
        .sum();
    assert!(waits > 0, "{root:?}");
    Ok(())
}

/// The kernel's own count of overflows is the truth.
#[test]
fn an_overflowing_listener_is_seen_at_each_request() -> Result<()> {
    let (truth, report) = watched::<Overflow>("overflow", &[])?;
    let Some(listeners) = report.listeners else {
        // The tracepoint tier needs the root of the cgroup2 hierarchy.
        assert!(!is_full()?);
        return Ok(());
    };
    let ours = listeners.iter().find(|l| l.port == truth.port);
    let listener = ours.with_context(|| format!("port {}: {listeners:?}", truth.port))?;
    assert_eq!(listener.address, Some("127.0.0.1".parse()?));
    assert_eq!(
        listener.overflows, truth.overflows,
        "{listener:?} {truth:?}"
    );
    assert_eq!(
        listener.requests,
        truth.connected + truth.overflows,
        "{listener:?}"
    );
    assert_eq!(listener.accept_limit, truth.limit);
    // The kernel lets the queue grow one beyond the limit.
    assert_eq!(listener.accept_queue_max, truth.limit + 1);
    assert!(truth.overflows > 0, "{truth:?}");
    Ok(())
}
