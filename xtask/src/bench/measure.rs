//! One run of a workload, timed from within.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::floor::Floor;
use super::observers::{Observer, Way};
use super::workloads::Workload;

/// How long an observer has to attach.
const TIME_TO_ATTACH: Duration = Duration::from_secs(2);

/// What a run took and what its observer says of itself.
pub(super) struct Run {
    pub(super) seconds: f64,
    /// Lost records, where the observer is waitscope.
    pub(super) lost: Option<u64>,
}

/// Prints how long its arguments took as a command, ns, into the file `$TIME`.
const TIMED: &str = "b=$(date +%s%N); \"$@\" >/dev/null 2>&1; s=$?; \
                     echo $(($(date +%s%N) - b)) >\"$TIME\"; exit $s";

pub(super) fn measure(
    workload: &Workload,
    observer: Option<&Observer>,
    folder: &Path,
) -> Result<Run> {
    let time = folder.join("time");
    let report = folder.join("report.json");
    for old in [&time, &report] {
        let _absent = fs::remove_file(old);
    }
    let log = File::create(folder.join("observer.log"))?;
    // What the one before has written is on its disk before this begins.
    let _settled = Command::new("sync").status();
    let beside = match observer.map(|observer| &observer.way) {
        Some(Way::Beside(words)) => Some(Watcher::start(words, log.try_clone()?)?),
        _ => None,
    };
    let _floor = match observer.map(|observer| &observer.way) {
        Some(Way::Floor(does)) => Some(Floor::attach(*does)?),
        _ => None,
    };
    let mut words: Vec<&OsStr> = match observer.map(|observer| &observer.way) {
        Some(Way::Starts(words)) => words.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    };
    words.extend(["sh", "-c", TIMED, "sh"].map(OsStr::new));
    words.extend(workload.command.iter().map(AsRef::<OsStr>::as_ref));
    let status = Command::new(words[0])
        .args(&words[1..])
        .envs(workload.variables.iter().map(|(k, v)| (k, v)))
        .env("TIME", &time)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .status()
        .with_context(|| format!("cannot start {}", words[0].display()))?;
    let said = || last_words(folder);
    ensure!(status.success(), "ended with {status}: {}", said());
    if let Some(mut watcher) = beside {
        ensure!(watcher.is_there()?, "ended too soon: {}", said());
    }
    let ns = fs::read_to_string(&time).context("the workload did not tell its time")?;
    let lost = fs::read(&report).ok().and_then(|text| {
        let report: Value = serde_json::from_slice(&text).ok()?;
        report["coverage"]["lost_total"].as_u64()
    });
    Ok(Run {
        seconds: ns.trim().parse::<f64>()? / 1e9,
        lost,
    })
}

/// What it said, on one line; not what it drew below a line of code.
fn last_words(folder: &Path) -> String {
    let log = fs::read(folder.join("observer.log")).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let is_said = |line: &&str| line.contains(char::is_alphanumeric);
    let said: Vec<&str> = log.lines().map(str::trim).filter(is_said).collect();
    match said.as_slice() {
        [] => "it said nothing".to_owned(),
        said => said[said.len().saturating_sub(LAST_WORDS)..].join(" / "),
    }
}

/// Lines.
const LAST_WORDS: usize = 3;

/// An observer of the whole machine, ended with its guard.
struct Watcher(Ended);

/// A program that is ended with this.
pub(super) struct Ended(pub(super) Child);

impl Watcher {
    fn start(words: &[std::ffi::OsString], log: File) -> Result<Self> {
        let child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", words[0].display()))?;
        thread::sleep(TIME_TO_ATTACH);
        Ok(Self(Ended(child)))
    }

    fn is_there(&mut self) -> Result<bool> {
        Ok(self.0.0.try_wait()?.is_none())
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
