//! The text report: its width, its colours, its streams.

use std::fs;
use std::process::Command;

use anyhow::Result;
use waitscope_tests::report::Report;
use waitscope_tests::terminal::Session;
use waitscope_tests::{live, text};

/// Something with several groups and long names.
const SCRIPT: &str = "for i in 1 2 3; do sleep 0.0$i & done; \
    cat /dev/zero | head -c 3000000 | tail -c 5 > /dev/null; wait";

fn command(options: &[&str]) -> Result<Command> {
    let mut command = live::waitscope()?;
    command
        .arg("run")
        .args(options)
        .args(["--", "sh", "-c", SCRIPT]);
    Ok(command)
}

#[test]
fn no_line_is_wider_than_asked() -> Result<()> {
    let dir = live::shared_dir()?;
    let recording = dir.path().join("run.wsc");
    let mut run = command(&["--record", &recording.to_string_lossy()])?;
    let outcome = live::finish(run.env("COLUMNS", "60"))?;
    outcome.expect_code(0)?;
    assert!(outcome.stderr.contains(" sum "), "{}", outcome.stderr);
    let wide = text::too_wide(&outcome.stderr, 60);
    assert!(wide.is_empty(), "60 columns, live: {wide:#?}");
    for columns in [60, 80, 100, 132] {
        for options in [&[][..], &["--per-thread", "--all"]] {
            let mut report = live::waitscope()?;
            report.arg("report").arg(&recording).args(options);
            let outcome = live::finish(report.env("COLUMNS", columns.to_string()))?;
            outcome.expect_code(0)?;
            let text_shown = String::from_utf8_lossy(&outcome.stdout);
            assert!(text_shown.contains(" sum "), "{text_shown}");
            let wide = text::too_wide(&text_shown, columns);
            assert!(wide.is_empty(), "{columns} columns {options:?}: {wide:#?}");
        }
    }
    Ok(())
}

#[test]
fn the_width_of_the_terminal_is_respected() -> Result<()> {
    for columns in [72, 110] {
        let (status, screen) = Session::start(command(&[])?, columns)?.finish()?;
        assert_eq!(status.code(), Some(0));
        let plain = text::without_colour(&screen.replace("\r\n", "\n"));
        assert!(plain.contains(" sum "), "{plain}");
        assert_eq!(text::harmful(&plain), [], "{plain:?}");
        let wide = text::too_wide(&plain, columns.into());
        assert!(wide.is_empty(), "{columns} columns: {wide:#?}");
    }
    Ok(())
}

#[test]
fn colour_is_for_terminals_unless_asked_otherwise() -> Result<()> {
    let has_colour = |stderr: &str| stderr.contains("\u{1b}[");
    let outcome = live::finish(&mut command(&[])?)?;
    assert!(!has_colour(&outcome.stderr), "not a terminal");
    let outcome = live::finish(&mut command(&["--color", "always"])?)?;
    assert!(has_colour(&outcome.stderr), "always");
    let (_, screen) = Session::start(command(&[])?, 100)?.finish()?;
    assert!(has_colour(&screen), "a terminal");
    let mut quiet = command(&[])?;
    quiet.env("NO_COLOR", "1");
    let (_, screen) = Session::start(quiet, 100)?.finish()?;
    assert!(!has_colour(&screen), "NO_COLOR");
    Ok(())
}

#[test]
fn stdout_belongs_to_the_command() -> Result<()> {
    let mut run = live::waitscope()?;
    let outcome = live::finish(run.args(["run", "--", "echo", "hello"]))?;
    outcome.expect_code(0)?;
    assert_eq!(outcome.stdout, b"hello\n");
    assert!(outcome.stderr.contains(" sum "), "{}", outcome.stderr);
    Ok(())
}

#[test]
fn each_output_file_has_the_format_of_its_name() -> Result<()> {
    let dir = live::shared_dir()?;
    let (json, table) = (dir.path().join("a.json"), dir.path().join("b.txt"));
    let mut run = command(&[])?;
    run = {
        let mut with_files = live::waitscope()?;
        with_files
            .args(["run", "-o"])
            .arg(&json)
            .arg("-o")
            .arg(&table);
        with_files.args(run.get_args().skip(1));
        with_files
    };
    let outcome = live::finish(&mut run)?;
    outcome.expect_code(0)?;
    assert_eq!(outcome.stderr, "", "the reports went to files");
    assert!(Report::read(&json)?.threads.len() >= 7);
    assert!(fs::read_to_string(&table)?.contains(" sum "));
    Ok(())
}
