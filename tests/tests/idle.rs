//! Workers that wait for work are distinguished from workers that wait for each other.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use waitscope_tests::report::{Report, Thread, Wait};
use waitscope_tests::{audit, live};

fn actor(act: &[&str]) -> Result<Report> {
    let mut command = vec![env!("CARGO_BIN_EXE_actor")];
    command.extend(act);
    let (outcome, report) = live::traced(&command)?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    Ok(report)
}

fn named<'a>(report: &'a Report, prefix: &str) -> Result<Vec<&'a Thread>> {
    let threads = report.threads.iter();
    let named: Vec<_> = threads.filter(|t| t.comm.starts_with(prefix)).collect();
    ensure!(named.len() == 4, "{} threads {prefix}", named.len());
    Ok(named)
}

fn total(threads: &[&Thread], part: impl Fn(&Thread) -> u64) -> u64 {
    threads.iter().map(|thread| part(thread)).sum()
}

/// Time of the waits of a kind that were judged so, ns.
fn judged(thread: &Thread, kind: &str, idle: Option<bool>) -> u64 {
    let of_kind = thread.account.of_kind(kind);
    let so = of_kind.filter(|wait: &&Wait| wait.idle == idle);
    so.map(|wait| wait.total_ns).sum()
}

/// Time that a thread had or wanted a CPU, ns.
fn not_waiting(thread: &Thread) -> u64 {
    thread.account.on_cpu_ns + thread.account.runqueue_ns
}

#[test]
fn workers_of_a_pool_are_idle_as_long_as_they_say() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("waited");
    let report = actor(&["pool", "100", out.to_str().context("a path")?])?;
    let said: u64 = fs::read_to_string(&out)?.parse()?;
    let workers = named(&report, "w-")?;
    let idle = total(&workers, |t| t.account.idle_ns);
    // Their own clocks also count the way to the wait and from it, and waits for
    // the lock, whose holder may be kept from running.
    let kept: u64 = report.threads.iter().map(|t| t.account.runqueue_ns).sum();
    let beside = total(&workers, |t| t.account.on_cpu_ns) + 4 * kept;
    assert!(idle <= said, "{idle} ns idle, {said} by their own clocks");
    let least = said.saturating_sub(said / 50 + beside);
    assert!(idle >= least, "{idle} ns idle, {said} by their own clocks");
    Ok(())
}

#[test]
fn threads_that_contend_for_a_lock_are_never_idle() -> Result<()> {
    let report = actor(&["contend", "200"])?;
    let threads = named(&report, "c-")?;
    assert_eq!(total(&threads, |t| t.account.idle_ns), 0);
    let waited = total(&threads, |t| t.account.kind_ns("futex"));
    let blocked = total(&threads, |t| judged(t, "futex", Some(false)));
    // A thread that finds the lock taken waits for it, or has yet to get a CPU to try.
    let queued = total(&threads, |t| t.account.runqueue_ns);
    assert!(
        waited + queued > 200_000_000,
        "they hardly waited: {waited} ns"
    );
    assert!(
        blocked >= waited / 10 * 9,
        "{blocked} of {waited} ns blocked"
    );
    Ok(())
}

#[test]
fn a_fed_child_is_idle_and_its_parent_waits_for_the_answer() -> Result<()> {
    let report = actor(&["feed", "60"])?;
    let parent = report.only("the parent", |thread| thread.creator_tid.is_none())?;
    assert_eq!(parent.account.idle_ns, 0);
    let answers = judged(parent, "pipe-read", Some(false));
    // 60 times 3 ms.
    let known = answers + not_waiting(parent);
    assert!(known >= 180_000_000, "{answers} ns for answers");
    let children = report
        .threads
        .iter()
        .filter(|t| t.argv.contains(&"answer".to_owned()));
    let children: Vec<_> = children.collect();
    assert_eq!(children.len(), 2);
    for child in children {
        let (idle, waited) = (child.account.idle_ns, child.account.kind_ns("pipe-read"));
        // 30 times two sleeps of the parent; but for the first.
        let known = waited + not_waiting(child);
        assert!(known > 550_000_000, "{waited} ns");
        assert_eq!(idle, waited, "of child {}", child.tid);
    }
    Ok(())
}

const EXECUTOR: &str = "
import time
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    warm = [pool.submit(time.sleep, 0.05) for _ in range(4)]
    time.sleep(0.2)
    for _ in range(60):
        pool.submit(sum, range(1000))
        time.sleep(0.005)
";

/// Where there is a Python: its pool's workers do nothing but wait for jobs.
#[test]
fn workers_of_pythons_executor_are_idle() -> Result<()> {
    expect_idle_workers(EXECUTOR, 1_000_000_000)
}

const AS_MANY_JOBS: &str = "
import time
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    for _ in range(20):
        list(pool.map(time.sleep, [0.02] * 4))
        time.sleep(0.05)
";

/// As many jobs as workers: each that is woken wakes the next.
#[test]
fn workers_that_get_a_job_each_at_once_are_idle_between() -> Result<()> {
    expect_idle_workers(AS_MANY_JOBS, 3_000_000_000)
}

/// Four of them, which wait for so long altogether, ns.
fn expect_idle_workers(program: &str, waiting_ns: u64) -> Result<()> {
    let version = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !version.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let before_ns = live::stolen_ns()?;
    let (outcome, report) = live::traced(&["python3", "-c", program])?;
    let stolen_ns = live::stolen_ns()? - before_ns;
    outcome.expect_code(0)?;
    let workers: Vec<_> = report.threads.iter().filter(|t| t.pid != t.tid).collect();
    assert_eq!(workers.len(), 4);
    let idle = total(&workers, |t| t.account.idle_ns);
    let waited = total(&workers, |t| t.account.kind_ns("futex"));
    assert!(waited > waiting_ns, "they hardly waited: {waited} ns");
    assert!(
        idle >= waited / 100 * 95,
        "{idle} of {waited} ns idle, {stolen_ns} stolen: {workers:?}"
    );
    Ok(())
}
