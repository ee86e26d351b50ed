//! Exit statuses are a contract, and a report survives whatever ends the run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};

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
fn an_interrupted_run_still_reports() -> Result<()> {
    for (signal, name) in [(libc::SIGINT, "INT"), (libc::SIGTERM, "TERM")] {
        let dir = live::shared_dir()?;
        let out = dir.path().join("out.json");
        // A process group of its own, as under a shell with job control.
        let run = live::start_asleep(live::waitscope()?.process_group(0), &out)?;
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

/// A shell with job control stops it and has it go on.
#[test]
fn a_stopped_job_is_a_stopped_job() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("out.json");
    let script = "set -m; \"$0\" run -o \"$1\" -- sh -c 'echo $$ > \"$0\"; exec sleep 1' \"$1.pid\" & \
        until grep -q '^State:.S' /proc/$(cat \"$1.pid\")/status && \
              grep -qx sleep /proc/$(cat \"$1.pid\")/comm; do sleep 0.01; done 2>/dev/null; \
        kill -TSTP $!; wait $!; echo stopped $?; \
        grep -h '^State' /proc/$!/status /proc/$(cat \"$1.pid\")/status; \
        fg %1; echo ended $?";
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", script]).arg(live::binary()?).arg(&out);
    let (_, screen) = Session::start(shell, 100)?.finish()?;
    let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
    assert!(lines.contains(&"stopped 148"), "{screen}");
    let stopped = lines.iter().filter(|line| line.starts_with("State:\tT"));
    assert_eq!(stopped.count(), 2, "{screen}");
    assert!(lines.contains(&"ended 0"), "{screen}");
    assert_eq!(Report::read(&out)?.exit, Some(Exit::Code(0)));
    Ok(())
}

/// It gets nothing from the terminal then.
#[test]
fn ctrl_c_reaches_a_command_that_has_left_the_process_group() -> Result<()> {
    let dir = live::shared_dir()?;
    let [out, ready, parent] = ["out.json", "ready", "parent"].map(|name| dir.path().join(name));
    let mut command = live::waitscope()?;
    command
        .args(["run", "-o"])
        .arg(&out)
        .args(["--", "timeout", "60", "sh", "-c"]);
    command.arg("echo $PPID > \"$1\"; echo $$ > \"$0\"; exec sleep 60");
    command.args([&ready, &parent]);
    let begin = std::time::Instant::now();
    let mut session = Session::start(command, 100)?;
    live::until("the command sleeps", || live::sleeps(&ready, "sleep"))?;
    // Before, it may not know yet what it has started, and ends otherwise.
    live::until("its parent too", || live::sleeps(&parent, "timeout"))?;
    session.press(b"\x03")?;
    let (status, screen) = session.finish()?;
    assert!(begin.elapsed().as_secs() < 50, "{screen}");
    // As timeout(1) alone: it ends as what it ran did.
    assert_eq!(status.signal(), Some(libc::SIGINT), "{screen}");
    let report = Report::read(&out)?;
    assert!(report.threads.iter().all(|thread| thread.exit.is_some()));
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
fn what_the_command_leaves_behind_is_named_and_can_be_waited_for() -> Result<()> {
    // A daemon: another session, and its parent has ended.
    let script = "setsid sh -c 'sleep 3; exit 3' & sleep 2 & exit 5";
    let (outcome, report) = live::traced(&["sh", "-c", script])?;
    outcome.expect_code(5)?;
    let living = report.threads.iter().filter(|thread| thread.exit.is_none());
    assert_eq!(Some(living.count() as u64), report.still_running);
    assert!(
        report.still_running >= Some(2),
        "{:?}",
        report.still_running
    );
    let mut table = live::waitscope()?;
    let table = live::finish(table.args(["run", "--", "sh", "-c", "sleep 3 & exit 0"]))?;
    let sentence = "1 process of the tree still runs";
    assert!(table.stderr.contains(sentence), "{}", table.stderr);

    let (outcome, report) = live::traced_with(&["--wait-all"], &["sh", "-c", script])?;
    outcome.expect_code(5)?;
    assert_eq!(
        (report.exit, report.still_running),
        (Some(Exit::Code(5)), None)
    );
    assert!(report.threads.iter().all(|thread| thread.exit.is_some()));
    assert!(report.wall_ns >= 3_000_000_000, "{} ns", report.wall_ns);
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    Ok(())
}

#[test]
fn waiting_for_all_ends_by_a_signal() -> Result<()> {
    let dir = live::shared_dir()?;
    let (out, ready) = (dir.path().join("out.json"), dir.path().join("ready"));
    let mut command = live::waitscope()?;
    command
        .args(["run", "--wait-all", "-o"])
        .arg(&out)
        .args(["--", "sh", "-c"]);
    command.arg("sleep 60 & echo $! > \"$0\"").arg(&ready);
    let run = live::start(&mut command)?;
    live::until("it is left behind", || live::sleeps(&ready, "sleep"))?;
    std::thread::sleep(std::time::Duration::from_millis(200));
    run.signal(libc::SIGTERM)?;
    run.finish()?.expect_code(0)?;
    assert_eq!(Report::read(&out)?.still_running, Some(1));
    let left: i32 = fs::read_to_string(&ready)?.trim().parse()?;
    // SAFETY: integers only.
    unsafe { libc::kill(left, libc::SIGKILL) };
    Ok(())
}
