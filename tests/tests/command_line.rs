//! What is the same on every kernel: the command line, outputs, signals passed on.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;

use anyhow::Result;
use waitscope_tests::report::{Exit, Report};
use waitscope_tests::{live, text};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

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
        &["completions"],
        &["completions", "no-such-shell"],
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

/// Each would end waitscope, or pass it by.
#[test]
fn whatever_signal_ends_the_command_there_is_a_report() -> Result<()> {
    use libc::{SIGABRT, SIGALRM, SIGFPE, SIGIO, SIGPIPE, SIGPROF, SIGPWR, SIGSEGV, SIGSTKFLT};
    use libc::{SIGSYS, SIGTRAP, SIGVTALRM, SIGXCPU, SIGXFSZ};
    let fatal = [
        SIGALRM,
        SIGPWR,
        SIGIO,
        SIGVTALRM,
        SIGSYS,
        SIGSTKFLT,
        SIGPIPE,
        SIGPROF,
        SIGXCPU,
        SIGXFSZ,
        SIGABRT,
        SIGFPE,
        SIGSEGV,
        SIGTRAP,
        libc::SIGRTMIN() + 3,
        libc::SIGRTMAX(),
    ];
    for signal in fatal {
        let dir = live::shared_dir()?;
        let out = dir.path().join("out.json");
        let run = live::start_asleep(&mut live::waitscope()?, &out)?;
        run.signal(signal)?;
        let outcome = run.finish()?;
        assert_eq!(outcome.status.signal(), Some(signal), "{outcome:?}");
        let report = Report::read(&out)?;
        assert_eq!(report.exit, Some(Exit::Signal(signal)));
    }
    Ok(())
}

/// What ends nobody is for the command as well, also where the caller ignores it.
#[test]
fn signals_that_end_nobody_are_passed_on() -> Result<()> {
    let dir = live::shared_dir()?;
    let caught = dir.path().join("caught");
    let script = "for n in CONT WINCH URG TSTP TTIN TTOU USR1; do trap \"echo $n >> $0\" $n; done; \
                  trap 'exit 7' TERM; echo up >> \"$0\"; while :; do sleep 0.01; done";
    let mut command = live::waitscope()?;
    command
        .args(["run", "--", "bash", "-c", script])
        .arg(&caught);
    let run = live::start(&mut command)?;
    let text = || fs::read_to_string(&caught).unwrap_or_default();
    let mut expected = "up\n".to_owned();
    live::until("the command is up", || Ok(text() == expected))?;
    for (name, signal) in [
        ("CONT", libc::SIGCONT),
        ("WINCH", libc::SIGWINCH),
        ("URG", libc::SIGURG),
        ("TSTP", libc::SIGTSTP),
        ("TTIN", libc::SIGTTIN),
        ("TTOU", libc::SIGTTOU),
        ("USR1", libc::SIGUSR1),
    ] {
        run.signal(signal)?;
        expected += &format!("{name}\n");
        live::until(name, || Ok(text() == expected))?;
    }
    run.signal(libc::SIGTERM)?;
    run.finish()?.expect_code(7)
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
fn outputs_that_would_overwrite_each_other_are_refused_before_anything_starts() -> Result<()> {
    let dir = live::shared_dir()?;
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let (recording, work) = (path("run.wsc"), path("work"));
    let record = [
        "run",
        "--record",
        &recording,
        "-o",
        &path("report.json"),
        "--",
        "true",
    ];
    live::finish(live::waitscope()?.args(record))?.expect_code(0)?;
    fs::hard_link(&recording, path("hard.wsc"))?;
    std::os::unix::fs::symlink("report.json", path("soft.json"))?;
    let before = [fs::read(&recording)?, fs::read(path("report.json"))?];
    let (report, soft) = (path("report.json"), path("soft.json"));
    let (new, same) = (path("new.json"), path("./new.json"));
    let run = |outputs: &[&str]| -> Vec<String> {
        let words = ["run"].iter().chain(outputs).chain(&["--", "touch"]);
        let words = words.map(|word| word.to_string());
        words.chain([work.clone()]).collect()
    };
    let show = |input: &str, output: &str| -> Vec<String> {
        ["report", input, "--format", "json", "-o", output]
            .map(str::to_owned)
            .to_vec()
    };
    for words in [
        run(&["-o", &new, "--record", &same]),
        run(&["-o", &new, "-o", &same]),
        run(&["-o", &report, "-o", &soft]),
        run(&[
            "--format",
            "json",
            "-o",
            &recording,
            "--record",
            &path("hard.wsc"),
        ]),
        run(&["-o", "-", "-o", "/dev/stdout"]),
        show(&recording, &recording),
        show(&recording, &path("hard.wsc")),
        show(&report, &soft),
    ] {
        let outcome = live::finish(live::waitscope()?.args(&words))?;
        outcome.expect_code(2)?;
        assert_eq!(text::sentences(&outcome.stderr).len(), 1, "{outcome:?}");
        assert!(
            !Path::new(&work).exists() && !Path::new(&new).exists(),
            "{words:?}"
        );
        let after = [fs::read(&recording)?, fs::read(path("report.json"))?];
        assert!(before == after, "{words:?}");
    }
    Ok(())
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_anything_starts() -> Result<()> {
    let dir = live::shared_dir()?;
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let (recording, work) = (path("run.wsc"), path("work"));
    std::os::unix::fs::symlink("loop.json", path("loop.json"))?;
    std::os::unix::fs::symlink("no/report.json", path("nowhere.json"))?;
    fs::create_dir(path("folder.json"))?;
    fs::write(path("good.json"), "old")?;
    for wrong in ["loop.json", "nowhere.json", "folder.json", "/dev/fd/77"] {
        let wrong = dir.path().join(wrong);
        let mut command = live::waitscope()?;
        command.args(["run", "--format", "json", "-o", &path("good.json"), "-o"]);
        command.arg(&wrong).args(["--record", &recording]);
        let outcome = live::finish(command.args(["--", "touch", &work]))?;
        outcome.expect_code(125)?;
        let said = text::sentences(&outcome.stderr);
        assert_eq!(said.len(), 1, "{outcome:?}");
        assert!(said[0].contains(&*wrong.to_string_lossy()), "{said:?}");
        for name in [&work, &recording] {
            assert!(!Path::new(name).exists(), "{wrong:?}: {name}");
        }
        assert_eq!(fs::read_to_string(path("good.json"))?, "old");
    }
    Ok(())
}

#[test]
fn a_mark_before_a_report_in_json_is_skipped() -> Result<()> {
    let dir = live::shared_dir()?;
    let marked = dir.path().join("marked");
    fs::write(&marked, "\u{feff} {\"schema\": \"waitscope.report/1\"}")?;
    let mut command = live::waitscope()?;
    command
        .arg("report")
        .arg(&marked)
        .args(["--format", "json"]);
    let outcome = live::finish(&mut command)?;
    outcome.expect_code(0)?;
    assert!(outcome.stdout.starts_with(b"{"), "{outcome:?}");
    Ok(())
}

/// As of any filter, however long the report is.
#[test]
fn a_reader_that_has_seen_enough_is_not_complained_to() -> Result<()> {
    let dir = live::shared_dir()?;
    let recording = dir.path().join("run.wsc");
    let mut command = live::waitscope()?;
    command.args(["run", "-o", "/dev/null", "--format", "json", "--record"]);
    command
        .arg(&recording)
        .args(["--", ACTOR, "crowd", "200", "2"]);
    live::finish(&mut command)?.expect_code(0)?;
    for words in [
        "report \"$1\" --all --per-thread",
        "report \"$1\" --format json",
        "run -o - --format json -- \"$2\" crowd 200 2",
        "run --all --per-thread -- \"$2\" crowd 200 2 2>&1",
        "run --every 1ms -o - --format json -- \"$2\" crowd 200 2",
        "doctor",
        "report --help",
    ] {
        let mut shell = std::process::Command::new("bash");
        let script = format!("\"$0\" {words} | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}");
        shell.args(["-c", &script]).arg(live::binary()?);
        let outcome = live::finish(shell.arg(&recording).arg(ACTOR))?;
        outcome.expect_code(0)?;
        assert_eq!(outcome.stderr, "", "{words}");
    }
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
    let outcome = shell("\"$0\" run -o - -- sh -c 'echo started >&2' >&-; exit $?")?;
    outcome.expect_code(125)?;
    assert_eq!(text::sentences(&outcome.stderr).len(), 1, "{outcome:?}");
    Ok(())
}

/// As of any filter: a reader that has gone has seen what it wanted.
#[test]
fn completions_and_help_end_quietly_with_their_reader() -> Result<()> {
    for args in [
        &["completions", "bash"][..],
        &["man"],
        &["--help"],
        &["run", "-h"],
        &["--version"],
    ] {
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let output = live::waitscope()?.args(args).stdout(writer).output()?;
        assert_eq!(output.status.code(), Some(0), "{args:?} {output:?}");
        assert!(output.stderr.is_empty(), "{args:?} {output:?}");
        let full = fs::File::options().write(true).open("/dev/full")?;
        let output = live::waitscope()?.args(args).stdout(full).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{args:?} {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{args:?} {complaint}");
    }
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
