//! Exit statuses are a contract, and a report survives whatever ends the run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Stdio;

use anyhow::Result;
use waitscope_tests::report::{Exit, Report};
use waitscope_tests::terminal::Session;
use waitscope_tests::{audit, live, text};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

#[test]
fn the_status_of_the_command_is_passed_on() -> Result<()> {
    for code in [0, 1, 7, 125, 255] {
        let (outcome, report) = live::traced(&["sh", "-c", &format!("exit {code}")])?;
        outcome.expect_code(code)?;
        assert_eq!(report.exit, Some(Exit::Code(code)));
        assert_eq!(audit::violations(&report), Vec::<String>::new());
    }
    Ok(())
}

#[test]
fn the_signal_of_the_command_is_raised_again() -> Result<()> {
    for signal in [libc::SIGTERM, libc::SIGSEGV, libc::SIGKILL, libc::SIGINT] {
        let (outcome, report) = live::traced(&["sh", "-c", &format!("kill -{signal} $$")])?;
        assert_eq!(outcome.status.signal(), Some(signal), "{}", outcome.stderr);
        assert_eq!(report.exit, Some(Exit::Signal(signal)));
    }
    Ok(())
}

/// What a shell makes of it.
#[test]
fn a_shell_sees_143_for_sigterm() -> Result<()> {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "\"$0\" run -- sh -c 'kill -TERM $$'; exit $?"]);
    shell.arg(live::binary()?);
    live::finish(&mut shell)?.expect_code(143)
}

#[test]
fn a_command_that_cannot_run_is_named() -> Result<()> {
    let dir = live::shared_dir()?;
    let plain = dir.path().join("plain-file");
    fs::write(&plain, "no program")?;
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644))?;
    let plain = plain.to_string_lossy().into_owned();
    let folder = dir.path().to_string_lossy().into_owned();
    for (command, code) in [
        ("no-such-command-here", 127),
        ("/no/such/path", 127),
        (plain.as_str(), 126),
        (folder.as_str(), 126),
    ] {
        let outcome = live::finish(live::waitscope()?.args(["run", "--", command]))?;
        outcome.expect_code(code)?;
        let said = text::sentences(&outcome.stderr);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(command), "{said:?}");
    }
    Ok(())
}

#[test]
fn wrong_usage_is_status_2() -> Result<()> {
    for args in [
        &["run"][..],
        &["run", "--"],
        &["run", "--pid", "x"],
        &["run", "--pid", "1", "--", "true"],
        &["run", "--no-such-option", "--", "true"],
        &["run", "--every", "0", "--", "true"],
        &["run", "--every", "-1s", "--", "true"],
        &["run", "--snapshot-signal", "KILL", "--", "true"],
        &["run", "--snapshot-signal", "CHLD", "--", "true"],
        &["run", "--snapshot-signal", "NONE", "--", "true"],
        &["no-such-command"],
        &["report"],
        &[],
    ] {
        let outcome = live::finish(live::waitscope()?.args(args))?;
        outcome.expect_code(2)?;
        assert!(outcome.stdout.is_empty(), "{args:?}");
        assert!(!outcome.stderr.is_empty(), "{args:?}");
    }
    Ok(())
}

#[test]
fn an_interrupted_run_still_reports() -> Result<()> {
    for (signal, name) in [(libc::SIGINT, "INT"), (libc::SIGTERM, "TERM")] {
        let dir = live::shared_dir()?;
        let (out, ready) = (dir.path().join("out.json"), dir.path().join("ready"));
        let mut command = live::waitscope()?;
        command
            .args(["run", "-o"])
            .arg(&out)
            .args(["--", "sh", "-c"]);
        command.arg("echo $$ > \"$0\"; exec sleep 60").arg(&ready);
        // A process group of its own, as under a shell with job control.
        let run = live::start(command.process_group(0))?;
        live::until("the command sleeps", || live::sleeps(&ready, "sleep"))?;
        run.signal(signal)?;
        let outcome = run.finish()?;
        assert_eq!(outcome.status.signal(), Some(signal), "{name}: {outcome:?}");
        let report = Report::read(&out)?;
        assert_eq!(report.exit, Some(Exit::Signal(signal)), "{name}");
        assert_eq!(audit::violations(&report), Vec::<String>::new());
        assert!(report.threads.iter().any(|thread| thread.comm == "sleep"));
    }
    Ok(())
}

/// The terminal sends Ctrl-C to the whole foreground group; waitscope must not
/// add its own.
#[test]
fn ctrl_c_reaches_the_command_once() -> Result<()> {
    let dir = live::shared_dir()?;
    let (out, count) = (dir.path().join("out.json"), dir.path().join("count"));
    let mut command = live::waitscope()?;
    command.args(["run", "-o"]).arg(&out).arg("--");
    command.args([ACTOR, "count-signals"]).arg(&count);
    let mut session = Session::start(command, 100)?;
    live::until("the command has begun", || Ok(count.exists()))?;
    session.press(b"\x03")?;
    let (status, screen) = session.finish()?;
    assert_eq!(status.code(), Some(0), "{screen}");
    assert_eq!(fs::read_to_string(&count)?, "1", "{screen}");
    assert_eq!(Report::read(&out)?.exit, Some(Exit::Code(0)));
    Ok(())
}

#[test]
fn a_report_that_cannot_be_written_is_not_lost() -> Result<()> {
    let dir = live::shared_dir()?;
    let work = dir.path().join("work");
    let mut command = live::waitscope()?;
    command.args([
        "run",
        "--format",
        "json",
        "-o",
        "/dev/full",
        "--",
        "sh",
        "-c",
    ]);
    command.arg("sleep 0.05; echo done > \"$0\"").arg(&work);
    let outcome = live::finish(&mut command)?;
    outcome.expect_code(125)?;
    assert_eq!(fs::read_to_string(&work)?, "done\n");
    let complaints = outcome.stderr.matches("/dev/full").count();
    assert_eq!(complaints, 1, "{}", outcome.stderr);
    // The report itself went to stderr instead.
    assert!(outcome.stderr.contains(" sum "), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    Ok(())
}

#[test]
fn a_closed_stdout_is_no_disaster() -> Result<()> {
    let shell = |script: &str| -> Result<live::Outcome> {
        let mut shell = std::process::Command::new("sh");
        shell.stdin(Stdio::null()).args(["-c", script]);
        live::finish(shell.arg(live::binary()?))
    };
    // The report goes to stderr, so a closed stdout does not touch it.
    let outcome = shell("\"$0\" run -- sh -c 'exit 3' >&-; exit $?")?;
    outcome.expect_code(3)?;
    assert!(outcome.stderr.contains(" sum "), "{}", outcome.stderr);
    // With `-o -` the report is the data that cannot be written.
    let outcome = shell("\"$0\" run --format json -o - -- true >/dev/full; exit $?")?;
    outcome.expect_code(125)?;
    assert!(outcome.stderr.contains(" sum "), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    Ok(())
}

/// The reader has gone: no panic, and no signal that looks like the command's.
#[test]
fn a_broken_pipe_is_no_disaster() -> Result<()> {
    let dir = live::shared_dir()?;
    let mut shell = std::process::Command::new("bash");
    let script = "\"$0\" run --record \"$1\" --format json -o - -- true | true; \
                  echo run ${PIPESTATUS[0]} >&2; \
                  \"$0\" report \"$1\" | true; echo report ${PIPESTATUS[0]} >&2";
    shell.args(["-c", script]).arg(live::binary()?);
    let outcome = live::finish(shell.arg(dir.path().join("run.wsc")))?;
    outcome.expect_code(0)?;
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    let code = |what: &str| -> Option<i32> {
        let line = outcome.stderr.lines().find(|line| line.starts_with(what))?;
        line.split(' ').nth(1)?.parse().ok()
    };
    assert!(matches!(code("run "), Some(0 | 125)), "{}", outcome.stderr);
    assert!(
        matches!(code("report "), Some(0 | 1 | 141)),
        "{}",
        outcome.stderr
    );
    Ok(())
}
