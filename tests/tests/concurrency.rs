//! How much goes on at once, against what the workload is known to do.

use anyhow::{Context, Result};
use waitscope_tests::report::{Concurrency, Report};
use waitscope_tests::{audit, live};

fn traced(command: &[&str]) -> Result<(Report, Concurrency)> {
    let (outcome, mut report) = live::traced(command)?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let concurrency = report.concurrency.take().context("time passed")?;
    Ok((report, concurrency))
}

/// No more threads run than there are CPUs, and at the same time the threads'
/// own accounts add up to the course of the whole.
#[test]
fn as_many_threads_run_as_have_a_cpu() -> Result<()> {
    let (report, at_once) = traced(&[env!("CARGO_BIN_EXE_actor"), "contend", "50"])?;
    assert!(at_once.running.max <= u64::from(report.host.cpus));
    let threads = report.threads.iter();
    let on_cpu_ns: u64 = threads.map(|t| t.account.on_cpu_ns).sum();
    assert_eq!(at_once.running.total_ns, on_cpu_ns);
    assert_eq!(at_once.running.over_ns, report.wall_ns);
    assert!(at_once.runnable.max <= 5, "{at_once:?}");
    assert!(at_once.blocked.max >= 3, "{at_once:?}");
    assert_eq!(at_once.unknown.max, 0);
    Ok(())
}

/// A parent and its children; of these eight at a time.
#[test]
fn eight_children_at_once_are_eight() -> Result<()> {
    let (report, at_once) = traced(&[env!("CARGO_BIN_EXE_actor"), "brood", "8", "3"])?;
    assert_eq!(report.processes, 25);
    assert_eq!((at_once.processes.p99, at_once.processes.max), (9, 9));
    let parent = report
        .groups
        .iter()
        .find_map(|group| group.children.as_ref());
    let children = parent.context("children of the parent")?;
    assert_eq!((children.p99, children.max), (8, 8));
    let wakes = &at_once.wakes;
    let known = |latency: &Option<waitscope_tests::report::Latency>| {
        latency.as_ref().map_or(0, |latency| latency.count)
    };
    let ran = known(&wakes.latency_inside) + known(&wakes.latency_outside);
    // Each child is born; only those that sleep by then are woken at the end.
    assert!(wakes.count >= 24 && ran <= wakes.count, "{wakes:?}");
    Ok(())
}

/// Eight sleepers whose timers fire together are a burst on two CPUs.
#[test]
fn timers_that_fire_together_are_a_burst() -> Result<()> {
    let (report, at_once) = traced(&[env!("CARGO_BIN_EXE_actor"), "crowd", "64", "20"])?;
    let wakes = &at_once.wakes;
    assert_eq!(wakes.burst_from, (4 * u64::from(report.host.cpus)).max(8));
    assert!(wakes.bursts >= 1, "{wakes:?}");
    assert!(wakes.max_per_ms >= wakes.burst_from, "{wakes:?}");
    let inside = wakes
        .latency_inside
        .as_ref()
        .context("latencies in bursts")?;
    assert!(inside.count >= wakes.burst_from && inside.p99_ns <= inside.max_ns);
    Ok(())
}
