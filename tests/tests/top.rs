//! `waitscope top`: what blocked threads wait for, and whom, against workloads that are known.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use waitscope_tests::live;
use waitscope_tests::ticks::{Killed, ticks};

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
    let dir = live::shared_dir()?;
    let ready = dir.path().join("ready");
    let mut command = Command::new(env!("CARGO_BIN_EXE_actor"));
    let running = Killed(live::start(command.args(["starve", "0"]).arg(&ready))?);
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
    // It stands on the run queue for 700 of 1,200 ms.
    ensure!(states[0] >= 6 && states[1] >= 4, "{states:?}");
    let most = 400_000_000..1_500_000_000;
    ensure!(most.contains(&longest_ns), "{longest_ns}");
    Ok(())
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

/// What has nothing to do is idle, and what nobody waits for.
#[test]
fn sleepers_are_seen_at_once_and_are_idle() -> Result<()> {
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
