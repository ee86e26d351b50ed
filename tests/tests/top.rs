//! `waitscope top`: what blocked threads wait for, and whom, against workloads that are known.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use waitscope_tests::live;
use waitscope_tests::report::Report;
use waitscope_tests::text;
use waitscope_tests::ticks::{Killed, ticks};

/// One test takes a CPU away from all others.
static MACHINE: RwLock<()> = RwLock::new(());

fn with_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Starts an act that writes a file once all its threads are blocked.
fn blocked(act: &str, dir: &Path) -> Result<Killed> {
    let ready = dir.join("ready");
    let mut command = Command::new(env!("CARGO_BIN_EXE_actor"));
    let running = live::start(command.arg(act).arg(&ready))?;
    live::until("all of them are blocked", || Ok(ready.exists()))?;
    Ok(Killed(running))
}

fn task<'a>(tick: &'a Value, comm: &str) -> Result<&'a Value> {
    let tasks = tick["tasks"].as_array().context("tasks")?;
    let mut found = tasks.iter().filter(|task| task["comm"] == comm);
    let (task, None) = (found.next().context(comm.to_owned())?, found.next()) else {
        anyhow::bail!("several are named {comm}");
    };
    Ok(task)
}

#[test]
fn blocked_threads_wait_for_whom_they_wait_for() -> Result<()> {
    let _machine = with_others();
    let dir = live::shared_dir()?;
    let running = blocked("blocked", dir.path())?;
    let ticks = ticks(running.0.pid(), &["-n", "2", "-d", "500ms"])?;
    ensure!(ticks.len() == 2, "{}", ticks.len());
    for tick in &ticks {
        for (comm, kind, why, cause, idle) in [
            ("t-lock", "futex", "lock-holder", "timer", false),
            ("t-child", "child-exit", "child", "computing", false),
            // Nobody has asked who writes there for anything.
            ("t-pipe", "pipe-read", "pipe-writer", "timer", true),
            ("t-socket", "socket-recv", "socket-peer", "timer", false),
            ("t-poll", "poll", "socket-peer", "timer", false),
            ("t-polls", "poll", "socket-peer", "timer", false),
            ("t-pipes", "poll", "pipe-writer", "computing", false),
            ("t-reads", "futex", "lock-holder", "timer", false),
            ("t-writes", "futex", "lock-holder", "timer", false),
            // Its end is not wanted more than what it does.
            ("t-join", "futex", "thread-exit", "timer", true),
        ] {
            let task = task(tick, comm)?;
            let found = (&task["kind"], &task["waits_for"]["why"]);
            ensure!(found == (&kind.into(), &why.into()), "{task}");
            // On two CPUs it may stand on a run queue for a moment.
            let is_so = task["because"]["cause"] == cause
                || cause == "computing" && task["because"]["cause"] == "run-queue";
            ensure!(is_so && task["because"]["hops"] == 1, "{task}");
            ensure!(
                task["idle"] == idle && task["age_at_least"] == true,
                "{task}"
            );
        }
        for (waiter, other) in [
            ("t-lock", "t-owner"),
            ("t-join", "t-ends"),
            ("t-reads", "t-writer"),
            ("t-writes", "t-writer"),
        ] {
            let other = &task(tick, other)?["tid"];
            ensure!(
                &task(tick, waiter)?["waits_for"]["tid"] == other,
                "{waiter}"
            );
        }
        let (near, far) = (task(tick, "t-near")?, task(tick, "t-far")?);
        for (one, other) in [(near, far), (far, near)] {
            ensure!(one["waits_for"]["tid"] == other["tid"], "{one}");
            ensure!(one["because"].is_null() && one["idle"] == false, "{one}");
            let first = [near, far].iter().filter_map(|it| it["tid"].as_u64()).min();
            ensure!(one["deadlock"].as_u64() == first, "{one}");
        }
        // The deadlock comes first.
        ensure!(tick["tasks"][0]["deadlock"].is_u64(), "{tick}");
        closes(tick)?;
    }
    Ok(())
}

/// The record of a waking comes when the thread runs: until then it is known all the same.
#[test]
fn the_woken_are_runnable_though_they_have_not_run() -> Result<()> {
    let _machine = alone();
    let dir = live::shared_dir()?;
    let ready = dir.path().join("ready");
    let mut command = Command::new(env!("CARGO_BIN_EXE_actor"));
    let running = Killed(live::start(
        command.args(["pinned", "starve", "0"]).arg(&ready),
    )?);
    live::until("it has begun", || Ok(ready.exists()))?;
    let ticks = ticks(running.0.pid(), &["-n", "26", "-d", "100ms"])?;
    let mut longest_ns = 0;
    let mut states = [0; 2];
    // The first shows what was there before.
    for tick in &ticks[1..] {
        closes(tick)?;
        let task = task(tick, "t-starved")?;
        let age_ns = task["age_ns"].as_u64().context("an age")?;
        match task["state"].as_str() {
            Some("runnable") => {
                ensure!(task["kind"].is_null() && task["idle"].is_null(), "{task}");
                longest_ns = longest_ns.max(age_ns);
                states[0] += 1;
            }
            Some("blocked") => {
                ensure!(task["kind"] == "pipe-read", "{task}");
                states[1] += 1;
            }
            _ => {}
        }
    }
    // It stands on the run queue for 700 of 1,200 ms. Who is urgent keeps waitscope off that
    // CPU, too: ticks may be late.
    ensure!(states[0] >= 3 && states[1] >= 3, "{states:?}");
    let range = 100_000_000..1_500_000_000;
    ensure!(range.contains(&longest_ns), "{longest_ns}");
    Ok(())
}

/// Names that are an attack, dead children, pids of another namespace: what is said of them
/// is right, and what is printed harms no terminal.
#[test]
fn a_container_full_of_odd_tasks_is_shown_as_it_is() -> Result<()> {
    let _machine = with_others();
    const ZOMBIES: u32 = 500;
    let dir = live::shared_dir()?;
    let ready = dir.path().join("ready");
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.args([env!("CARGO_BIN_EXE_actor"), "haunt", &ZOMBIES.to_string()]);
    let running = Killed(live::start(command.arg(&ready))?);
    live::until("all of them are there", || Ok(ready.exists()))?;
    let pid = running.0.pid();
    // Owners of processes are looked up by turns.
    let ticks = ticks(pid, &["-n", "3", "-d", "200ms"])?;
    let tasks = ticks[2]["tasks"].as_array().context("tasks")?;
    let inside: Vec<&Value> = tasks.iter().filter(|task| task["pid"] != pid).collect();
    let named = |name: &str| inside.iter().any(|task| task["comm"] == name);
    ensure!(named("\u{1b}[31mred") && named("two\nlines"), "{inside:?}");
    // The first in there, with a thread for each name; nobody of the dead.
    ensure!(inside.len() == 9, "{}", inside.len());
    for task in &inside {
        ensure!(task["ns_pid"] == 1 && task["kind"] == "sleep", "{task}");
    }
    let mut table = live::waitscope()?;
    let pid = pid.to_string();
    table.args(["top", "--batch", "--once", "--pid", &pid, "--idle"]);
    let outcome = live::finish(&mut table)?;
    outcome.expect_code(0)?;
    let shown = String::from_utf8(outcome.stdout)?;
    ensure!(text::harmful(&shown).is_empty(), "{shown:?}");
    ensure!(shown.contains("bell") || shown.contains("be"), "{shown}");
    Ok(())
}

/// Who holds what is not known, but that nobody is left to give it back.
#[test]
fn a_process_that_waits_for_itself_is_not_idle() -> Result<()> {
    let _machine = with_others();
    for has_another in [false, true] {
        let dir = live::shared_dir()?;
        let ready = dir.path().join("ready");
        let mut command = Command::new(env!("CARGO_BIN_EXE_actor"));
        command.arg("stuck").arg(&ready);
        if has_another {
            command.arg("and-one-asleep");
        }
        let running = Killed(live::start(&mut command)?);
        live::until("all of them wait", || Ok(ready.exists()))?;
        let ticks = ticks(running.0.pid(), &["-n", "2", "-d", "200ms"])?;
        for comm in ["actor", "t-one", "t-other"] {
            let task = task(&ticks[1], comm)?;
            let because = task["because"]["detail"] == "all its process waits";
            let expect = (Value::from(has_another), !has_another);
            ensure!((task["idle"].clone(), because) == expect, "{task}");
        }
    }
    Ok(())
}

/// Only one of both is followed; the other one is named all the same.
#[test]
fn whom_a_task_waits_for_is_named_if_it_is_not_followed() -> Result<()> {
    let _machine = with_others();
    let mut shell = Command::new("sh");
    let shell = Killed(live::start(shell.args(["-c", "sleep 300 | cat; true"]))?);
    let children = || {
        let path = format!("/proc/{0}/task/{0}/children", shell.0.pid());
        let text = fs::read_to_string(path).unwrap_or_default();
        let pids: Vec<i32> = text
            .split_whitespace()
            .filter_map(|it| it.parse().ok())
            .collect();
        pids
    };
    let runs = |pid: i32, name: &str| {
        let comm = fs::read_to_string(format!("/proc/{pid}/comm"));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    };
    let find = |name: &str| children().into_iter().find(|&pid| runs(pid, name));
    live::until("both run", || {
        Ok(find("cat").is_some() && find("sleep").is_some())
    })?;
    let (cat, sleep) = (find("cat").context("cat")?, find("sleep").context("sleep")?);
    let _sleep = KilledByPid(sleep);
    let ticks = ticks(cat, &["-n", "2", "-d", "200ms"])?;
    let tasks = ticks[1]["tasks"].as_array().context("tasks")?;
    ensure!(tasks.len() == 1, "{tasks:?}");
    let next = &tasks[0]["waits_for"];
    ensure!(next["pid"] == sleep && next["comm"] == "sleep", "{next}");
    ensure!(
        next["why"] == "pipe-writer" && &tasks[0]["chain"][0] == next,
        "{next}"
    );
    Ok(())
}

/// A process that is nobody's child here, and ends with the test.
struct KilledByPid(i32);

impl Drop for KilledByPid {
    fn drop(&mut self) {
        let pid = self.0.to_string();
        // It may have ended by itself.
        let _gone = Command::new("kill").arg(pid).status();
    }
}

/// Two that wait for each other, for a reason.
fn is_deadlock(tick: &Value, pair: [&str; 2], why: &str) -> Result<()> {
    let (one, other) = (task(tick, pair[0])?, task(tick, pair[1])?);
    let first = [one, other]
        .iter()
        .filter_map(|it| it["tid"].as_u64())
        .min();
    for (it, next) in [(one, other), (other, one)] {
        ensure!(it["waits_for"]["tid"] == next["tid"], "{it}");
        ensure!(it["waits_for"]["why"] == why, "{it}");
        ensure!(
            it["deadlock"].as_u64() == first && it["idle"] == false,
            "{it}"
        );
    }
    Ok(())
}

/// Of processes, by what the kernel says of their descriptors.
#[test]
fn blocked_processes_wait_for_whom_they_wait_for() -> Result<()> {
    let _machine = with_others();
    let dir = live::shared_dir()?;
    let running = blocked("entangled", dir.path())?;
    let ticks = ticks(running.0.pid(), &["-n", "2", "-d", "500ms"])?;
    for tick in &ticks {
        is_deadlock(tick, ["e-pipe-1", "e-pipe-2"], "pipe-writer")?;
        if has_unix_diag()? {
            unix_sockets_have_other_ends(tick, &dir.path().join("ready.socket"))?;
        }
        is_deadlock(tick, ["e-file-1", "e-file-2"], "file-lock-holder")?;
        let other = dir.path().join("ready.other").display().to_string();
        let locks = task(tick, "e-file-1")?;
        ensure!(
            locks["kind"] == "file-lock" && locks["object"] == *other,
            "{locks}"
        );
        for (waiter, kind, why, other) in [
            ("e-wants", "futex", "lock-holder", "e-holds"),
            ("e-vfork", "vfork", "child", "e-vforked"),
        ] {
            let (it, other) = (task(tick, waiter)?, task(tick, other)?);
            let found = (&it["kind"], &it["waits_for"]["why"]);
            ensure!(found == (&kind.into(), &why.into()), "{it}");
            ensure!(it["waits_for"]["tid"] == other["tid"], "{it}");
            ensure!(it["because"]["cause"] == "timer", "{it}");
        }
        closes(tick)?;
    }
    Ok(())
}

/// Of a pair and of a connection.
fn unix_sockets_have_other_ends(tick: &Value, door: &Path) -> Result<()> {
    is_deadlock(tick, ["e-pair-1", "e-pair-2"], "socket-peer")?;
    let (client, server) = (task(tick, "e-client")?, task(tick, "e-server")?);
    ensure!(
        client["object"] == *format!("unix {}", door.display()),
        "{client}"
    );
    ensure!(client["waits_for"]["tid"] == server["tid"], "{client}");
    ensure!(client["because"]["cause"] == "timer", "{client}");
    for it in [client, server] {
        ensure!(it["idle"] == false, "{it}");
    }
    Ok(())
}

/// A guest has no modules, and no unix_diag where that is one.
fn has_unix_diag() -> Result<bool> {
    Ok(fs::read_to_string("/proc/kallsyms")?.contains(" unix_diag_dump"))
}

/// What the window's waits were for adds up to them, of each task and of all.
fn closes(tick: &Value) -> Result<()> {
    let sum = |rows: &Value| -> u64 {
        let rows = rows.as_array().into_iter().flatten();
        rows.filter_map(|row| row["ns"].as_u64()).sum()
    };
    let window = &tick["window"];
    ensure!(
        Some(sum(&window["blame"])) == window["blocked_ns"].as_u64(),
        "{window}"
    );
    let tasks = tick["tasks"].as_array().into_iter().flatten();
    let blamed: u64 = tasks.map(|task| sum(&task["blame"])).sum();
    ensure!(Some(blamed) == window["blocked_ns"].as_u64(), "{window}");
    Ok(())
}

/// Blocked time by kind of wait, cause and which one, ns.
type Sums = BTreeMap<(String, String, Option<String>), u64>;

/// What of a kind of wait is not known, ns.
fn unknown(sums: &Sums, kind: &str) -> u64 {
    let rows = sums
        .iter()
        .filter(|((of, cause, _), _)| of == kind && cause == "unknown");
    rows.map(|(_, ns)| ns).sum()
}

/// By the window of a tick.
fn seen(window: &Value) -> Result<Sums> {
    let mut sums = Sums::new();
    for row in window["blame"].as_array().into_iter().flatten() {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        let (kind, cause) = (text("kind"), text("cause"));
        let key = (
            kind.context("a kind")?,
            cause.context("a cause")?,
            text("detail"),
        );
        *sums.entry(key).or_default() += row["ns"].as_u64().context("a time")?;
    }
    Ok(sums)
}

/// By a report; the unfinished waits by their kinds, and all of both.
fn said(report: &Report) -> (Sums, BTreeMap<&str, u64>, u64) {
    let (mut sums, mut open, mut whole_ns) = (Sums::new(), BTreeMap::<&str, u64>::new(), 0);
    for account in report.groups.iter().map(|group| &group.account) {
        for row in &account.blame {
            let key = (row.kind.clone(), row.cause.clone(), row.detail.clone());
            *sums.entry(key).or_default() += row.ns;
        }
        for wait in &account.open {
            *open.entry(&wait.kind).or_default() += wait.so_far_ns;
        }
        whole_ns += account.open_ns;
        whole_ns += account.waits.iter().map(|wait| wait.total_ns).sum::<u64>();
    }
    (sums, open, whole_ns)
}

/// A tick whose window is all of an observation, and the report of its recording.
#[test]
fn a_window_is_for_what_a_run_is_for() -> Result<()> {
    let _machine = with_others();
    let dir = live::shared_dir()?;
    let (recording, out) = (dir.path().join("it.wsc"), dir.path().join("out.json"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_actor"));
    // 40 threads that one wakes in turn, 1,000 times a second, and its own sleeps.
    let running = Killed(live::start(
        command.args(["relay", "40", "100000", "1000"]),
    )?);
    let path = recording.to_str().context("a path")?;
    let options = [
        "-n", "4", "-d", "500ms", "--window", "60s", "--record", path,
    ];
    let ticks = ticks(running.0.pid(), &options)?;
    let tick = ticks.last().context("a tick")?;
    let mut report = live::waitscope()?;
    report.arg("report").arg(&recording).arg("-o").arg(&out);
    live::finish(&mut report)?.expect_code(0)?;
    let report = Report::read(&out)?;

    let window = &tick["window"];
    let seen = seen(window)?;
    let (said, open, blocked_ns) = said(&report);
    // The recording goes on for a moment behind the tick, and its end is each thread's own.
    let window_ns = window["ns"].as_u64().context("its length")?;
    let behind_ns = report.wall_ns.saturating_sub(window_ns) + 50_000_000;
    let behind_ns = behind_ns * report.threads.len() as u64;
    for key in seen.keys().chain(said.keys()) {
        let of = |sums: &Sums| sums.get(key).copied().unwrap_or(0);
        let (kind, cause, _) = key;
        if cause == "unknown" {
            continue;
        }
        let open = open.get(kind.as_str()).copied().unwrap_or(0);
        let most = of(&said) + unknown(&said, kind) + open;
        ensure!(of(&seen) <= most, "{key:?}: {seen:?} {said:?} {open}");
        let least = of(&seen) + unknown(&seen, kind) + behind_ns;
        ensure!(of(&said) <= least, "{key:?}: {seen:?} {said:?} {behind_ns}");
    }
    let whole = window["blocked_ns"].as_u64().context("its sum")?;
    ensure!(
        (whole..=whole + behind_ns).contains(&blocked_ns),
        "{whole} {blocked_ns} {behind_ns}"
    );
    // What is unknown on both sides would hold of anything.
    let known: u64 = said
        .iter()
        .filter(|((_, cause, _), _)| cause != "unknown")
        .map(|(_, ns)| ns)
        .sum();
    ensure!(known > blocked_ns / 2, "{said:?}");
    Ok(())
}

/// What has nothing to do is idle, and what nobody waits for.
#[test]
fn sleepers_are_seen_at_once_and_are_idle() -> Result<()> {
    let _machine = with_others();
    let dir = live::shared_dir()?;
    let running = blocked("sleepers", dir.path())?;
    let ticks = ticks(running.0.pid(), &["--once"])?;
    ensure!(ticks.len() == 1, "{}", ticks.len());
    for (comm, kind) in [
        ("s-epoll", "epoll"),
        ("s-futex", "futex"),
        ("s-sleep", "sleep"),
        ("s-pipe", "pipe-read"),
    ] {
        let task = task(&ticks[0], comm)?;
        ensure!(task["kind"] == kind && task["state"] == "blocked", "{task}");
        ensure!(
            task["function"].is_string() && task["syscall"].is_string(),
            "{task}"
        );
        ensure!(
            task["idle"] == true && task["age_at_least"] == true,
            "{task}"
        );
    }
    Ok(())
}

/// The whole machine, and what is in it.
#[test]
fn everything_is_there_without_being_asked_for() -> Result<()> {
    let _machine = with_others();
    let dir = live::shared_dir()?;
    let running = blocked("sleepers", dir.path())?;
    let mut top = live::waitscope()?;
    let outcome = live::finish(top.args(["top", "--once", "--format", "json"]))?;
    outcome.expect_code(0)?;
    let tick: Value = serde_json::from_slice(&outcome.stdout)?;
    let tasks = tick["tasks"].as_array().context("tasks")?;
    let has = |pid: i32| tasks.iter().any(|task| task["pid"] == pid);
    ensure!(
        has(running.0.pid()) && has(std::process::id().cast_signed()),
        "{}",
        tasks.len()
    );
    closes(&tick)
}
