//! Behind what threads stand on run queues, against the scheduler's own sums.

use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use waitscope_tests::report::{Account, Report, RunQueuePart, Thread};
use waitscope_tests::{audit, live};

/// These tests use the same two CPUs: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static CPUS: Mutex<()> = Mutex::new(());
    CPUS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a CPU has been idle since the machine started, ns, in ticks of 10 ms.
fn idle_ns(cpu: usize) -> Result<u64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let name = format!("cpu{cpu} ");
    let times = stat.lines().find_map(|line| line.strip_prefix(&name));
    let mut fields = times.context("a CPU")?.split_ascii_whitespace().skip(3);
    let mut next = || -> Result<u64> { Ok(fields.next().context("a field")?.parse()?) };
    // `idle` and `iowait`.
    Ok((next()? + next()?) * 10_000_000)
}

fn traced(command: &[&str]) -> Result<Report> {
    let (outcome, report) = live::traced(command)?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    for account in accounts(&report) {
        let parts = account.runqueue_behind.iter().flatten();
        let sum: u64 = parts.map(|part| part.ns).sum();
        assert_eq!(sum, account.runqueue_ns, "{account:?}");
    }
    Ok(report)
}

fn accounts(report: &Report) -> impl Iterator<Item = &Account> {
    let threads = report.threads.iter().map(|thread| &thread.account);
    threads.chain(report.groups.iter().map(|group| &group.account))
}

/// The part behind one thing.
fn part(account: &Account, behind: &str) -> u64 {
    parts(account, |part| part.behind == behind)
}

/// Time behind this group of the tree, ns.
fn part_behind(account: &Account, group: &str) -> u64 {
    parts(account, |part| part.detail.as_deref() == Some(group))
}

fn parts(account: &Account, is_meant: impl Fn(&RunQueuePart) -> bool) -> u64 {
    let parts = account.runqueue_behind.iter().flatten();
    let parts = parts.filter(|part| is_meant(part));
    parts.map(|part| part.ns).sum()
}

/// What /proc/PID/schedstat said of the time on a CPU and on the run queue, ns: as long
/// as it computed at least, and with all that came before at most, of which the
/// observation need not have seen the beginning.
fn schedstat(file: &Path) -> Result<[RangeInclusive<u64>; 2]> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut lines = text.lines().map(sums);
    let mut next = || lines.next().context("a line")?;
    let ([cpu, queue], [all_cpu, all_queue]) = (next()?, next()?);
    Ok([all_cpu - cpu..=all_cpu, all_queue - queue..=all_queue])
}

/// A line of schedstat: time on a CPU and on the run queue, ns.
fn sums(line: &str) -> Result<[u64; 2]> {
    let mut fields = line.split_ascii_whitespace();
    let mut next = || -> Result<u64> { Ok(fields.next().context("a field")?.parse()?) };
    Ok([next()?, next()?])
}

/// Within 2 %, and what a process does after it computes.
#[track_caller]
fn assert_within(what: &str, found_ns: u64, truth: &RangeInclusive<u64>) {
    let room_ns = truth.end() / 50 + 15_000_000;
    let (least, most) = (truth.start().saturating_sub(room_ns), truth.end() + room_ns);
    let is_so = (least..=most).contains(&found_ns);
    assert!(is_so, "{what}: {found_ns} ns, truly {truth:?}");
}

/// Within 2 %, and what a process does before and after it computes.
#[track_caller]
fn assert_near(what: &str, found_ns: u64, truth_ns: u64) {
    let off_ns = found_ns.abs_diff(truth_ns);
    let room_ns = truth_ns / 50 + 15_000_000;
    assert!(off_ns <= room_ns, "{what}: {found_ns} ns, truly {truth_ns}");
}

fn is_spinner(thread: &Thread) -> bool {
    thread
        .argv
        .get(2)
        .is_some_and(|word| word.starts_with("spin"))
}

#[test]
fn two_processes_on_one_cpu_stand_behind_each_other() -> Result<()> {
    let _alone = alone();
    let dir = live::shared_dir()?;
    let out = dir.path().to_str().context("a path")?;
    let actor = env!("CARGO_BIN_EXE_actor");
    let report = traced(&[actor, "pinned", "share", "1", "1500", out])?;
    let spinners: Vec<&Thread> = report.threads.iter().filter(|t| is_spinner(t)).collect();
    let [a, b] = spinners.as_slice() else {
        panic!("{} spinners", spinners.len());
    };
    for (own, other, file) in [(a, b, "a"), (b, a, "b")] {
        let own = &own.account;
        // They compute at the same time: one of them waits for all that the other has.
        let tree_ns = part(own, "tree");
        let parent_ns = part_behind(own, "actor");
        assert_near(
            "behind the other",
            tree_ns - parent_ns,
            other.account.on_cpu_ns,
        );
        let [_, queued] = schedstat(&dir.path().join(file))?;
        assert_within("on the run queue", own.runqueue_ns, &queued);
        let outside_ns = part(own, "outside");
        assert_near("in all", tree_ns + outside_ns, own.runqueue_ns);
        assert!(part(own, "unknown") <= own.runqueue_ns / 50, "{own:?}");
    }
    Ok(())
}

#[test]
fn a_process_stands_behind_one_outside() -> Result<()> {
    let _alone = alone();
    let dir = live::shared_dir()?;
    let actor = env!("CARGO_BIN_EXE_actor");
    let file = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let mut outside = Command::new(actor);
    let outside = live::start(outside.args(["pinned", "spin", "1", "30000", &file("outside")]))?;
    let before_ns = live::stolen_ns()?;
    let traced = traced(&[actor, "pinned", "spin", "1", "1500", &file("traced")]);
    outside.signal(libc::SIGKILL)?;
    let killed = outside.finish();
    let report = traced?;
    killed?;
    let own = &report.only("spinner", is_spinner)?.account;
    let [on_cpu, queued] = schedstat(Path::new(&file("traced")))?;
    // What the host took meanwhile is no time of the task's to the kernel.
    let stolen_ns = live::stolen_ns()? - before_ns;
    let on_cpu = *on_cpu.start()..=on_cpu.end() + stolen_ns;
    assert_within("on the CPU", own.on_cpu_ns, &on_cpu);
    assert_within("on the run queue", own.runqueue_ns, &queued);
    assert!(own.runqueue_ns > 300_000_000, "{own:?}");
    let outside_ns = part(own, "outside");
    assert!(outside_ns * 50 >= own.runqueue_ns * 49, "{own:?}");
    let machine = report.machine.context("/proc/stat was read")?;
    assert!(machine.outside_cpu_ns > outside_ns / 2, "{machine:?}");
    Ok(())
}

#[test]
fn a_ping_pong_wakes_idle_cpus() -> Result<()> {
    let _alone = alone();
    let dir = live::shared_dir()?;
    let out = dir.path().to_str().context("a path")?;
    let before_ns = [idle_ns(0)?, idle_ns(1)?];
    let report = traced(&[env!("CARGO_BIN_EXE_actor"), "pinned", "bounce", "1000", out])?;
    let machine = report.machine.as_ref().context("/proc/stat was read")?;
    for (cpu, name) in ["ping", "pong"].into_iter().enumerate() {
        let own = &report.named(name)?.account;
        let idle_ns = part(own, "idle-cpu");
        // On a busy machine others run there as well, and may leave its CPU no time to idle.
        let known_ns = idle_ns + part(own, "outside");
        let is_quiet = self::idle_ns(cpu)? - before_ns[cpu] > machine.over_ns / 2;
        assert!(idle_ns > 0 || !is_quiet, "{own:?}, {machine:?}");
        // It may take its waker long to put it on the queue, where a host stops that
        // one's CPU; the CPU that it is for does what it will until then.
        let line = fs::read_to_string(dir.path().join(name))?;
        let [_, queued_ns] = sums(&line)?;
        let room_ns = own.runqueue_ns / 50 + own.runqueue_ns.saturating_sub(queued_ns);
        assert!(known_ns + room_ns >= own.runqueue_ns, "{own:?}");
    }
    Ok(())
}
