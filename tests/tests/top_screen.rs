//! The screen of `top` on a real terminal, of ticks from a file: what is seen at each size, what
//! keys do, and that the terminal is given back whatever ends or stops it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use waitscope_tests::{live, tmux::Tmux};

/// A folder with `ticks.jsonl`: two threads in a deadlock, a git that waits for its child, a
/// daemon that idles; from the second tick on git is gone.
fn folder() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let lock = |tid: u32, other: u32| {
        let next = json!({"pid": 21, "tid": other, "comm": "lock", "why": "lock-holder"});
        json!({"pid": 21, "tid": tid, "comm": "crossed", "state": "blocked", "kind": "futex",
            "age_ns": 61_000_000_000_u64, "idle": false, "deadlock": 21, "waits_for": next})
    };
    let git = json!({"pid": 42, "tid": 42, "comm": "git", "command": "git pull", "state": "blocked",
        "kind": "child-exit", "object": "git 43", "age_ns": 5_000_000_000_u64, "idle": false,
        "because": {"cause": "network", "detail": "10.0.0.5:443", "hops": 1}});
    let daemon = json!({"pid": 7, "tid": 7, "comm": "\u{1b}[2Jdaemon", "state": "blocked",
        "kind": "epoll", "age_ns": 90_000_000_000_u64, "age_at_least": true, "idle": true});
    let tick = |n: u64, tasks: Vec<Value>| {
        json!({"schema": "waitscope.top/1", "at_ns": n * 1_000_000_000, "interval_ns": 1_000_000_000,
            "tick": n, "tasks": tasks})
    };
    let first = tick(1, vec![lock(21, 22), lock(22, 21), git, daemon.clone()]);
    let second = tick(2, vec![lock(21, 22), lock(22, 21), daemon]);
    fs::write(
        folder.path().join("ticks.jsonl"),
        format!("{first}\n{second}\n"),
    )?;
    Ok(folder)
}

fn start(name: &str, folder: &TempDir) -> Result<Tmux> {
    let tmux = Tmux::shell(name, folder.path(), 100, 30)?;
    let binary = live::binary()?;
    tmux.command(&format!("{} top --replay ticks.jsonl", binary.display()))?;
    tmux.wait_for("tick 2, 1.00 s")?;
    Ok(tmux)
}

/// The file that `w` has written.
fn written(folder: &TempDir, extension: &str) -> Result<PathBuf> {
    let files = fs::read_dir(folder.path())?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut own = files.filter(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| name.starts_with("waitscope-top-") && name.ends_with(extension))
    });
    own.next()
        .with_context(|| format!("a file that ends in {extension}"))
}

/// The shell is back, on a terminal that echoes, and nothing of the screen is left.
fn given_back(tmux: &Tmux) -> Result<()> {
    tmux.wait_until("shell behind the screen", |screen| {
        screen.trim_end().ends_with("shell>") && !screen.contains("blocked for")
    })?;
    tmux.command("echo back-$((1+1)); stty -a | grep -o ' icanon'")?;
    let screen = tmux.wait_for("back-2")?;
    ensure!(screen.contains("echo back-$((1+1))"), "no echo:\n{screen}");
    tmux.wait_for("\n icanon")?;
    Ok(())
}

#[test]
fn top_screen_keys_do_on_a_terminal_what_they_say() -> Result<()> {
    let folder = folder()?;
    let tmux = start("keys", &folder)?;
    let screen = tmux.wait_for("deadlock with 22")?;
    ensure!(!screen.contains("daemon"), "idle is shown:\n{screen}");
    tmux.keys(&["i"])?;
    tmux.wait_for("\\x1b[…aemon")?;
    tmux.keys(&["["])?;
    tmux.wait_for("FROZEN at tick 1, 1 back")?;
    tmux.keys(&["\\", "kind:chi"])?;
    let screen = tmux.wait_for("filter: kind:chi")?;
    ensure!(
        screen.contains("network 10.0.0.5:443") && !screen.contains("crossed"),
        "{screen}"
    );
    tmux.keys(&["Enter"])?;
    for (columns, seen) in [
        (40, "5.00 s"),
        (300, "git pull"),
        (60, "network 10.0.0.5:443"),
    ] {
        tmux.resize(columns, 20)?;
        let is_drawn = |screen: &str| screen.contains(seen) && screen.contains("? help");
        let screen = tmux.wait_until(seen, is_drawn)?;
        ensure!(
            screen
                .lines()
                .all(|line| line.chars().count() <= columns.into()),
            "{screen}"
        );
    }
    tmux.keys(&["Enter"])?;
    tmux.wait_for("=  network 10.0.0.5:443")?;
    tmux.keys(&["Escape"])?;
    tmux.wait_for("blocked for")?;
    tmux.keys(&["w", "s"])?;
    tmux.wait_for("written to waitscope-top-")?;
    let screen = fs::read_to_string(written(&folder, "txt")?)?;
    ensure!(screen.contains("network 10.0.0.5:443"), "{screen}");
    tmux.keys(&["w", "r"])?;
    tmux.wait_for("2 ticks written to waitscope-top-")?;
    let window = fs::read_to_string(written(&folder, "jsonl")?)?;
    let replay = live::waitscope()?
        .args(["top", "--format", "json", "--replay"])
        .arg(written(&folder, "jsonl")?)
        .output()?;
    ensure!(String::from_utf8(replay.stdout)? == window, "{window}");
    tmux.keys(&["q"])?;
    given_back(&tmux)
}

#[test]
fn top_screen_stops_and_comes_back() -> Result<()> {
    let folder = folder()?;
    let tmux = start("stops", &folder)?;
    for _ in 0..2 {
        tmux.keys(&["C-z"])?;
        let screen = tmux.wait_for("Stopped")?;
        ensure!(!screen.contains("deadlock"), "{screen}");
        tmux.command("clear; fg")?;
        tmux.wait_for("deadlock with 22")?;
    }
    // By somebody else, who cannot know of the screen.
    signal(&tmux, "TSTP")?;
    tmux.wait_for("Stopped")?;
    given_back(&tmux)?;
    tmux.command("fg")?;
    tmux.wait_for("deadlock with 22")?;
    tmux.keys(&["C-c"])?;
    given_back(&tmux)
}

/// The same while it observes, and reads all signals itself.
#[test]
fn top_screen_of_the_machine_stops_and_comes_back() -> Result<()> {
    let folder = folder()?;
    let tmux = Tmux::shell("machine", folder.path(), 100, 30)?;
    tmux.command(&format!("{} top", live::binary()?.display()))?;
    tmux.wait_for("run-queue p99")?;
    for _ in 0..2 {
        signal(&tmux, "TSTP")?;
        tmux.wait_for("Stopped")?;
        given_back(&tmux)?;
        tmux.command("clear; fg")?;
        tmux.wait_for("run-queue p99")?;
    }
    tmux.keys(&["q"])?;
    given_back(&tmux)
}

/// What somebody looks at does not go away with what it shows.
#[test]
fn top_screen_held_still_outlives_what_it_shows() -> Result<()> {
    let folder = folder()?;
    for end in ["q", "TERM"] {
        let tmux = Tmux::shell(&format!("held-{end}"), folder.path(), 100, 30)?;
        let binary = live::binary()?;
        tmux.command("sleep 200 & echo $! > pid")?;
        tmux.command(&format!("{} top --pid $(cat pid)", binary.display()))?;
        tmux.wait_for("run-queue p99")?;
        tmux.keys(&["i", "Space"])?;
        let pid = fs::read_to_string(folder.path().join("pid"))?;
        let killed = Command::new("kill").arg(pid.trim()).status()?;
        ensure!(killed.success());
        let screen = tmux.wait_for("all that was followed has ended")?;
        ensure!(
            screen.contains("hrtimer_nanosleep") || screen.contains("sleep"),
            "{screen}"
        );
        match end {
            "q" => tmux.keys(&["q"])?,
            name => signal(&tmux, name)?,
        }
        given_back(&tmux)?;
    }
    Ok(())
}

#[test]
fn top_screen_signals_end_it_and_the_terminal_is_given_back() -> Result<()> {
    let folder = folder()?;
    for name in ["INT", "TERM", "HUP"] {
        let tmux = start(name, &folder)?;
        signal(&tmux, name)?;
        given_back(&tmux).with_context(|| format!("SIG{name}"))?;
    }
    Ok(())
}

#[test]
fn top_screen_ends_with_its_terminal() -> Result<()> {
    let folder = folder()?;
    let tmux = start("gone", &folder)?;
    let process = Path::new("/proc").join(child(&tmux)?);
    drop(tmux);
    let begin = Instant::now();
    while process.exists() {
        ensure!(begin.elapsed() < Duration::from_secs(10), "it still runs");
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// What runs in the shell.
fn child(tmux: &Tmux) -> Result<String> {
    let shell = tmux.pid()?;
    let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))?;
    let child = children.split_whitespace().next();
    Ok(child.context("a child of the shell")?.to_owned())
}

fn signal(tmux: &Tmux, name: &str) -> Result<()> {
    let child = child(tmux)?;
    let sent = Command::new("kill").args(["-s", name, &child]).status()?;
    ensure!(sent.success(), "kill -s {name} {child}");
    Ok(())
}

#[test]
fn top_screen_without_a_terminal_it_prints_or_says_what_would() -> Result<()> {
    let folder = folder()?;
    let replay = |arguments: &[&str]| {
        let mut command = live::waitscope()?;
        command
            .args(["top", "--replay", "ticks.jsonl"])
            .args(arguments);
        anyhow::Ok(command.current_dir(folder.path()).output()?)
    };
    let table = String::from_utf8(replay(&[])?.stdout)?;
    ensure!(
        table.contains("deadlock with 22") && table.contains("tick 2"),
        "{table}"
    );
    ensure!(!table.contains('\u{1b}'), "{table}");
    let lines = replay(&["--once", "--format", "json"])?.stdout;
    let tick: Value = serde_json::from_slice(&lines)?;
    ensure!(tick["tasks"][2]["comm"] == "git", "{tick}");
    let tmux = Tmux::shell("dumb", folder.path(), 100, 30)?;
    let binary = live::binary()?;
    tmux.command(&format!(
        "TERM=dumb {} top --replay ticks.jsonl",
        binary.display()
    ))?;
    tmux.wait_for("top --batch prints plain tables")?;
    Ok(())
}
