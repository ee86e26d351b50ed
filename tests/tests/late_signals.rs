//! What signals do once the command is gone and the analysis goes on. It is kept from its
//! end by a recording that goes to a pipe, of which nobody reads.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, ensure};
use libc::{SIGINT, SIGTERM, SIGWINCH};
use tempfile::TempDir;
use waitscope_tests::{
    audit,
    live::{self, Running},
    report::{Exit, Report},
};

/// What waitscope says then.
const NOTICE: &str = "a signal ends the analysis";

/// A run whose command has ended, and whose analysis has not.
struct Run {
    running: Running,
    recording: File,
    dir: TempDir,
}

impl Run {
    fn start() -> Result<Run> {
        let dir = live::shared_dir()?;
        let [pipe, done] = ["pipe", "done"].map(|name| dir.path().join(name));
        make_pipe(&pipe)?;
        // One that writes too: opening it does not wait for waitscope.
        let recording = OpenOptions::new().read(true).write(true).open(&pipe)?;
        let mut waitscope = live::waitscope()?;
        // With interim reports in prospect the drain waits for nobody.
        waitscope.args(["run", "--snapshot-signal", "USR1", "--record"]);
        waitscope.arg(&pipe).arg("-o").arg(report_in(dir.path()));
        let script = "\"$0\" naps 20000 20; : > \"$1\"; exit 7";
        waitscope.args(["--", "sh", "-c", script, env!("CARGO_BIN_EXE_actor")]);
        let running = live::start(waitscope.arg(&done))?;
        live::until("the command ends", || Ok(done.exists()))?;
        let children = format!("/proc/{0}/task/{0}/children", running.pid());
        live::until("its end is seen", || {
            Ok(fs::read_to_string(&children)?.is_empty())
        })?;
        Ok(Run {
            running,
            recording,
            dir,
        })
    }

    /// Sends a signal until it is noticed: those that come before the analysis is all that
    /// is left are the command's.
    fn end_analysis(&self, signal: i32) -> Result<()> {
        let mut tries = 0;
        live::until("the signal is noticed", || {
            // Again only when there was time enough.
            if tries % 200 == 0 {
                self.running.signal(signal)?;
            }
            tries += 1;
            Ok(self.running.stderr()?.contains(NOTICE))
        })
    }
}

fn make_pipe(path: &Path) -> Result<()> {
    live::finish(Command::new("mkfifo").arg(path))?.expect_code(0)
}

fn report_in(dir: &Path) -> PathBuf {
    dir.join("report.json")
}

#[test]
fn the_first_ends_the_analysis_and_what_is_there_is_reported() -> Result<()> {
    let run = Run::start()?;
    run.running.signal(SIGWINCH)?;
    run.end_analysis(SIGTERM)?;
    let Run {
        running,
        recording,
        dir,
    } = run;
    let mut reader = File::open(dir.path().join("pipe"))?;
    drop(recording);
    let kept = thread::spawn(move || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    running.finish()?.expect_code(7)?;
    let report = Report::parse(&fs::read(report_in(dir.path()))?)?;
    let problems = &report.coverage.problems;
    let is_said = |problems: &[String]| {
        problems
            .iter()
            .any(|p| p.starts_with("a signal ended the analysis: "))
    };
    assert!(is_said(problems), "{problems:?}");
    assert_eq!(report.exit, Some(Exit::Code(7)));

    // The recording has what the report leaves out.
    let kept = kept.join().ok().context("the reader")??;
    let path = dir.path().join("kept.wsc");
    fs::write(&path, kept)?;
    let again = dir.path().join("again.json");
    let mut replay = live::waitscope()?;
    replay.arg("report").arg(&path).arg("-o").arg(&again);
    live::finish(&mut replay)?.expect_code(0)?;
    let whole = Report::parse(&fs::read(&again)?)?;
    assert_eq!(audit::violations(&whole), Vec::<String>::new());
    assert!(!is_said(&whole.coverage.problems));
    ensure!(
        whole.wall_ns > report.wall_ns,
        "{} ns of {} ns",
        report.wall_ns,
        whole.wall_ns
    );
    Ok(())
}

#[test]
fn the_second_ends_waitscope() -> Result<()> {
    let run = Run::start()?;
    run.end_analysis(SIGTERM)?;
    run.running.signal(SIGINT)?;
    let outcome = run.running.finish()?;
    assert_eq!(outcome.status.signal(), Some(SIGINT), "{}", outcome.stderr);
    assert!(!report_in(run.dir.path()).exists());
    Ok(())
}

/// It only reads: there is nothing to be saved.
#[test]
fn a_replay_ends_at_once() -> Result<()> {
    let dir = live::shared_dir()?;
    let pipe = dir.path().join("pipe");
    make_pipe(&pipe)?;
    let writer = OpenOptions::new().read(true).write(true).open(&pipe)?;
    let running = live::start(live::waitscope()?.arg("report").arg(&pipe))?;
    running.signal(SIGINT)?;
    assert_eq!(running.finish()?.status.signal(), Some(SIGINT));
    drop(writer);
    Ok(())
}
