//! Throttling by a CPU quota is a wait, and no run queue.

use anyhow::{Context, Result, bail, ensure};
use waitscope_tests::cgroup::Cgroup;
use waitscope_tests::report::{Report, Thread};
use waitscope_tests::{audit, live};

/// What the cgroup may have of each period, µs.
const QUOTA_US: u64 = 20_000;
const PERIOD_US: u64 = 100_000;
/// How long its process computes.
const MILLIS: &str = "2000";
/// Throttled for so long at least, ns, on however busy a machine: who gets no CPU uses up no
/// quota.
const ENOUGH_NS: u64 = 20_000_000;
/// What the kernel's sum and ours may differ by: parts of a hundred.
const PERCENT: u64 = 2;
/// By so much ours may be longer before 6.6, whose kernels do not show the end: with each
/// stay on the run queue behind that.
const LATE_PERCENT: u64 = 10;

/// A cgroup with a fifth of a CPU.
fn narrow(name: &str) -> Result<Cgroup> {
    let cgroup = Cgroup::new("cpu", name)?;
    if cgroup.is_unified {
        cgroup.set("cpu.max", &format!("{QUOTA_US} {PERIOD_US}"))?;
    } else {
        cgroup.set("cpu.cfs_period_us", &PERIOD_US.to_string())?;
        cgroup.set("cpu.cfs_quota_us", &QUOTA_US.to_string())?;
    }
    Ok(cgroup)
}

/// For how long it was throttled so far, ns.
fn throttled_ns(cgroup: &Cgroup) -> Result<u64> {
    match cgroup.is_unified {
        true => Ok(1000 * cgroup.number("cpu.stat", "throttled_usec")?),
        false => cgroup.number("cpu.stat", "throttled_time"),
    }
}

fn computed(cgroup: &Cgroup, how: &str) -> Result<Report> {
    let procs = cgroup.procs();
    let procs = procs.to_str().context("odd path")?;
    let actor = env!("CARGO_BIN_EXE_actor");
    let (outcome, report) = live::traced(&[actor, "quota", procs, MILLIS, how])?;
    outcome.expect_code(0)?;
    ensure!(
        audit::violations(&report).is_empty(),
        "{:?}",
        audit::violations(&report)
    );
    Ok(report)
}

fn throttled_of(thread: &Thread) -> u64 {
    let waits = thread.account.of_kind("throttled");
    waits.map(|wait| wait.total_ns).sum()
}

/// Whether the kernel is 6.6 or newer.
fn shows_ends(report: &Report) -> Result<bool> {
    let release = &report.host.kernel;
    let mut numbers = release.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor) >= (6, 6)),
        _ => bail!("odd release {release}"),
    }
}

#[test]
fn a_process_without_quota_waits_for_that() -> Result<()> {
    let cgroup = narrow("waitscope-quota")?;
    let report = computed(&cgroup, "alone")?;
    let expect = throttled_ns(&cgroup)?;
    let thread = report.named("q-computes")?;
    let found = throttled_of(thread);
    eprintln!(
        "throttled {found} ns, the kernel says {expect} ns; run queue {} ns",
        thread.account.runqueue_ns
    );
    ensure!(expect > ENOUGH_NS, "hardly throttled: {expect} ns");
    let over = match shows_ends(&report)? {
        true => PERCENT,
        false => LATE_PERCENT,
    };
    let fits = (100 - PERCENT) * expect..=(100 + over) * expect;
    ensure!(fits.contains(&(100 * found)), "{found} ns, not {expect} ns");
    let mut waits = thread.account.of_kind("throttled");
    let wait = waits.next().context("no such wait")?;
    let name = format!("cgroup {}", cgroup.name());
    let object = format!("{name}, quota 20 ms per 100 ms");
    ensure!(wait.object.as_ref() == Some(&object), "{:?}", wait.object);
    ensure!(
        wait.wakes.iter().all(|wake| wake.source == "timer"),
        "{wait:?}"
    );
    // Whoever waits for it waits for its quota.
    let parent = report.named("actor")?;
    let mut blame = parent.account.blame.iter();
    let behind = blame.find(|it| it.cause == "cpu-quota" && it.kind == "child-exit");
    let behind = behind.context("not behind the parent's wait")?;
    ensure!(behind.detail.as_ref() == Some(&name), "{behind:?}");
    ensure!(
        behind.ns.abs_diff(found) < found / 50,
        "{behind:?}, not {found}"
    );
    Ok(())
}

#[test]
fn two_threads_without_quota_both_wait_for_that() -> Result<()> {
    let cgroup = narrow("waitscope-pair")?;
    let report = computed(&cgroup, "pair")?;
    let all = report.threads.iter();
    let spinners: Vec<&Thread> = all
        .filter(|t| t.comm == "q-computes" && t.pid != t.tid)
        .collect();
    ensure!(spinners.len() == 2, "{} threads", spinners.len());
    for thread in spinners {
        let found = throttled_of(thread);
        eprintln!(
            "throttled {found} ns, run queue {} ns",
            thread.account.runqueue_ns
        );
        ensure!(found > ENOUGH_NS, "hardly throttled: {found} ns");
    }
    Ok(())
}
