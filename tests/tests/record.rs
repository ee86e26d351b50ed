//! `waitscope record`: a recording without a report, in parts, or only the last of it; and
//! what is left of it when the recorder is killed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use waitscope_tests::{
    audit,
    live::{self, Outcome},
    report::{Exit, Report},
};

/// Says that it has begun, and starts programs that wait for each other, so many times.
const LOAD: &str =
    ": > \"$1\"; i=0; while [ $i -lt $0 ]; do sleep 0.01 | cat | cat; i=$((i+1)); done";

/// What the load makes when it begins.
fn begun(file: &Path) -> PathBuf {
    file.with_extension("begun")
}

fn record(options: &[&str], file: &Path, times: &str) -> Result<Command> {
    let mut command = live::waitscope()?;
    command.arg("record").arg("-o").arg(file).args(options);
    command.args(["--", "sh", "-c", LOAD, times]);
    command.arg(begun(file));
    Ok(command)
}

fn report(file: &Path) -> Result<Outcome> {
    let mut command = live::waitscope()?;
    command.arg("report").arg(file).args(["--format", "json"]);
    live::finish(&mut command)
}

/// The report of a recording that is whole.
fn whole(file: &Path) -> Result<Report> {
    let outcome = report(file)?;
    outcome.expect_code(0)?;
    ensure!(outcome.stderr.is_empty(), "{}", outcome.stderr);
    let report = Report::parse(&outcome.stdout)?;
    let violations = audit::violations(&report);
    ensure!(violations.is_empty(), "{}: {violations:?}", file.display());
    Ok(report)
}

/// Recordings in a folder, by name.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.collect::<std::io::Result<Vec<_>>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "wsc"))
        .collect();
    files.sort();
    Ok(files)
}

fn code(report: &Report) -> Option<i32> {
    match report.exit {
        Some(Exit::Code(code)) => Some(code),
        _ => None,
    }
}

/// How long the shell lived, which is there all the time, ns.
fn shell_ns(report: &Report) -> u64 {
    let shells = report.threads.iter().filter(|thread| thread.comm == "sh");
    let lifetimes = shells.map(|thread| thread.account.lifetime_ns);
    lifetimes.max().unwrap_or_default()
}

#[test]
fn record_is_quiet_and_ends_as_its_command() -> Result<()> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("run.wsc");
    let mut command = live::waitscope()?;
    command.arg("record").arg("-o").arg(&file);
    let outcome = live::finish(command.args(["--", "sh", "-c", "sleep 0.2; exit 3"]))?;
    outcome.expect_code(3)?;
    assert_eq!((outcome.stderr.as_str(), outcome.stdout.len()), ("", 0));
    let report = whole(&file)?;
    assert_eq!(code(&report), Some(3));
    ensure!(report.wall_ns >= 200_000_000 && report.threads.len() >= 2);
    Ok(())
}

#[test]
fn record_parts_replay_each_by_itself() -> Result<()> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("run.wsc");
    live::finish(&mut record(&["--max-size", "64K"], &file, "300")?)?.expect_code(0)?;
    let parts = files(dir.path())?;
    ensure!(parts.len() >= 3, "{parts:?}");
    let reports = parts.iter().map(|part| whole(part));
    let reports = reports.collect::<Result<Vec<_>>>()?;
    let mut all_ns = 0;
    for report in &reports {
        // Each begins with all that is known: its shell lives from its beginning to its end.
        let shell_ns = shell_ns(report);
        ensure!(shell_ns > 0 && shell_ns <= report.wall_ns, "{shell_ns} ns");
        all_ns += shell_ns;
    }
    // 300 times 10 ms, and next to nothing lies between two parts.
    ensure!(all_ns >= 3_000_000_000, "{all_ns} ns");
    let (last, others) = reports.split_last().context("a part")?;
    assert_eq!(code(last), Some(0));
    ensure!(others.iter().all(|part| part.exit.is_none()));
    Ok(())
}

#[test]
fn record_keeps_the_newest_parts_and_never_those_of_others() -> Result<()> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("run.wsc");
    let other = dir.path().join("run.007.wsc");
    fs::write(&other, "another's")?;
    let options = ["--max-size", "64K", "--max-files", "2"];
    live::finish(&mut record(&options, &file, "300")?)?.expect_code(0)?;
    let parts = files(dir.path())?;
    assert_eq!((parts.len(), &parts[0]), (3, &other), "{parts:?}");
    assert_eq!(fs::read(&other)?, b"another's");
    ensure!(
        !parts.contains(&dir.path().join("run.008.wsc")),
        "{parts:?}"
    );
    for part in &parts[1..] {
        whole(part)?;
    }
    Ok(())
}

#[test]
fn record_writes_the_last_of_a_run_on_a_signal_and_in_the_end() -> Result<()> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("run.wsc");
    let run = live::start(&mut record(&["--last", "500ms"], &file, "300")?)?;
    let first = dir.path().join("run.001.wsc");
    live::until("it runs", || Ok(begun(&file).exists()))?;
    thread::sleep(Duration::from_millis(1000));
    // The command would end by it.
    run.signal(libc::SIGUSR2)?;
    live::until("it is written", || {
        Ok(run.stderr()?.contains("what was last is in "))
    })?;
    ensure!(!file.exists(), "it comes in the end");
    let outcome = run.finish()?;
    outcome.expect_code(0)?;
    let (signalled, last) = (whole(&first)?, whole(&file)?);
    for report in [&signalled, &last] {
        // One piece more than is wanted, and those are not quite punctual.
        let ms = report.wall_ns / 1_000_000;
        ensure!((500..1000).contains(&ms), "{ms} ms");
        ensure!(shell_ns(report) > 490_000_000);
        // The shell and one pipeline at least, however busy the machine is.
        ensure!(report.threads.len() >= 4, "{}", report.threads.len());
    }
    ensure!(signalled.exit.is_none() && last.delay_ns.is_some());
    assert_eq!(code(&last), Some(0));
    Ok(())
}

/// What is there stays, and of the new one all whole frames are read.
#[test]
fn record_that_is_killed_leaves_whole_frames_and_what_was_there() -> Result<()> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("run.wsc");
    live::finish(&mut record(&[], &file, "1")?)?.expect_code(0)?;
    let before = fs::read(&file)?;
    let mut most = 0;
    for (number, ms) in [0, 3, 17, 60, 131, 257, 400, 611].into_iter().enumerate() {
        let partial = match number {
            0 => "run.wsc.partial".to_owned(),
            _ => format!("run.wsc.partial{}", number + 1),
        };
        let partial = dir.path().join(partial);
        let run = live::start(&mut record(&[], &file, "100")?)?;
        live::until("it is begun", || {
            Ok(fs::metadata(&partial).is_ok_and(|made| made.len() > 0))
        })?;
        thread::sleep(Duration::from_millis(ms));
        run.signal(libc::SIGKILL)?;
        let outcome = run.finish()?;
        let left = "is what an interrupted recording has left, and is kept";
        assert_eq!(outcome.stderr.matches(left).count(), number);
        ensure!(fs::read(&file)? == before, "another recording is there");
        let outcome = report(&partial)?;
        outcome.expect_code(0)?;
        let is_said = outcome.stderr.contains("without its end frame")
            || outcome.stderr.contains("in the middle of a frame");
        ensure!(is_said, "{}", outcome.stderr);
        let report = Report::parse(&outcome.stdout)?;
        most = most.max(report.threads.len());
        assert_eq!(report.coverage.residual_ns, 0);
    }
    ensure!(most > 10, "{most} threads");
    Ok(())
}

/// Waits that go on as the recorder is killed are known up to its last drain.
#[test]
fn record_that_is_killed_in_a_quiet_time_is_known_up_to_its_last_drain() -> Result<()> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("run.wsc");
    let mut command = live::waitscope()?;
    command
        .arg("record")
        .arg("-o")
        .arg(&file)
        .args(["--", "sh", "-c"]);
    let run = live::start(command.args([": > \"$0\"; exec sleep 9"]).arg(begun(&file)))?;
    live::until("it runs", || Ok(begun(&file).exists()))?;
    thread::sleep(Duration::from_millis(2000));
    run.signal(libc::SIGKILL)?;
    run.finish()?;
    let outcome = report(&file)?;
    outcome.expect_code(0)?;
    let report = Report::parse(&outcome.stdout)?;
    let ms = report.wall_ns / 1_000_000;
    ensure!((1500..9000).contains(&ms), "{ms} ms");
    let says = |it: &String| it.contains("what came later is not known");
    let problems = &report.coverage.problems;
    ensure!(problems.iter().any(says), "{problems:?}");
    Ok(())
}

/// There is nothing to record: a new name stays free, an old recording as it was.
#[test]
fn record_of_a_command_that_cannot_start_leaves_nothing() -> Result<()> {
    let dir = live::shared_dir()?;
    let [file, old, text] = ["run.wsc", "old.wsc", "text"].map(|name| dir.path().join(name));
    fs::write(&text, "nobody may run it")?;
    live::finish(&mut record(&[], &old, "1")?)?.expect_code(0)?;
    let before = fs::read(&old)?;
    let commands = [("/no/such", 127), ("/", 126)].map(|(name, code)| (Path::new(name), code));
    for (command, code) in commands.into_iter().chain([(&*text, 126)]) {
        for options in [&["--last", "1s"][..], &["--max-size", "64K"], &[]] {
            for output in [&file, &old] {
                let mut recorder = live::waitscope()?;
                recorder.arg("record").arg("-o").arg(output).args(options);
                live::finish(recorder.arg("--").arg(command))?.expect_code(code)?;
            }
        }
        let mut run = live::waitscope()?;
        run.arg("run").arg("--record").arg(&file);
        live::finish(run.arg("--").arg(command))?.expect_code(code)?;
    }
    assert_eq!(files(dir.path())?, std::slice::from_ref(&old));
    ensure!(!dir.path().join("old.wsc.partial").exists());
    ensure!(fs::read(&old)? == before, "another recording is there");
    Ok(())
}

#[test]
fn record_says_before_it_starts_what_it_cannot_write() -> Result<()> {
    let dir = live::shared_dir()?;
    let ran = dir.path().join("ran");
    let nowhere = dir.path().join("no/run.wsc");
    for (file, reason) in [
        (dir.path(), "is a directory"),
        (&nowhere, "No such file or directory"),
        (Path::new("/dev/full"), "No space left on device"),
        (Path::new("/proc/run.wsc"), "No such file or directory"),
        (Path::new("-"), "stdout is the command's"),
    ] {
        let mut command = live::waitscope()?;
        command.arg("record").arg("-o").arg(file);
        let outcome = live::finish(command.args(["--", "touch"]).arg(&ran))?;
        ensure!(!outcome.status.success());
        ensure!(outcome.stderr.contains(reason), "{}", outcome.stderr);
        ensure!(outcome.stderr.lines().count() == 1, "{}", outcome.stderr);
        ensure!(!ran.exists(), "the command was run");
    }
    Ok(())
}

#[test]
fn record_writes_the_last_of_a_run_when_a_claim_turns_wrong() -> Result<()> {
    let dir = live::shared_dir()?;
    let (file, claims) = (dir.path().join("run.wsc"), dir.path().join("claims.toml"));
    let text = r#"
schema = "waitscope.claims/1"

[[claim]]
id = "short"
says = "no sleep takes a second"
holds = "tree.longest(sleep) < 1s"

[[claim]]
id = "long"
says = "no sleep takes an hour"
holds = "tree.longest(sleep) < 60min"

[[claim]]
id = "alive"
says = "what a thread has done counts while it lives"
holds = "root.waits(child-exit) < 4"
"#;
    fs::write(&claims, text)?;
    let script = "sleep 0.1; sleep 1.5; sleep 0.1; sleep 2; sleep 1.5";
    let mut command = live::waitscope()?;
    command
        .arg("record")
        .arg("-o")
        .arg(&file)
        .arg("--when")
        .arg(&claims);
    command.args(["--last", "1s", "--", "sh", "-c", script]);
    let outcome = live::finish(&mut command)?;
    outcome.expect_code(0)?;
    let said = |id: &str| {
        let sentence = format!("WRONG by now: {id}\n");
        outcome.stderr.matches(&sentence).count()
    };
    let said = ["short", "alive", "long"].map(said);
    ensure!(said == [1, 1, 0], "{}", outcome.stderr);
    let first = whole(&dir.path().join("run.001.wsc"))?;
    ensure!(first.exit.is_none());
    assert_eq!(code(&whole(&file)?), Some(0));
    ensure!(!dir.path().join("run.003.wsc").exists(), "once each");

    fs::write(&claims, "schema = 1")?;
    let ran = dir.path().join("ran");
    let mut command = live::waitscope()?;
    command
        .arg("record")
        .arg("-o")
        .arg(&file)
        .arg("--when")
        .arg(&claims);
    command.args(["--last", "1s", "--", "touch"]).arg(&ran);
    live::finish(&mut command)?.expect_code(2)?;
    ensure!(!ran.exists(), "the command was run");
    Ok(())
}
