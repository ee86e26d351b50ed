//! Reports that are made while the run goes on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use waitscope_tests::report::{Exit, Report};
use waitscope_tests::{audit, live};

/// Reads a report as often as can be until the run has ended, which `end` sees to when there were
/// so many; returns all that differ.
fn watch(
    command: &mut Command,
    out: &Path,
    many: usize,
    mut end: impl FnMut() -> Result<()>,
) -> Result<(live::Outcome, Vec<Report>)> {
    let mut run = live::start(command)?;
    let mut last = Vec::new();
    let mut reports = Vec::new();
    loop {
        let is_alive = run.is_alive()?;
        let bytes = fs::read(out).unwrap_or_default();
        if !bytes.is_empty() && bytes != last {
            let text = String::from_utf8_lossy(&bytes);
            reports.push(Report::parse(&bytes).with_context(|| text.into_owned())?);
            last = bytes;
            if reports.len() == many {
                end()?;
            }
        }
        if !is_alive {
            return Ok((run.finish()?, reports));
        }
        thread::sleep(Duration::from_millis(3));
    }
}

/// All but the last are interim, each is of a longer time than the one before, and the
/// budgets of each close.
fn check(reports: &[Report], many: usize) {
    assert!(reports.len() > many, "{} reports", reports.len());
    for (index, report) in reports.iter().enumerate() {
        let is_last = index + 1 == reports.len();
        assert_eq!(report.interim, !is_last, "report {index}");
        assert_eq!(audit::violations(report), Vec::<String>::new());
    }
    for pair in reports.windows(2) {
        assert!(pair[0].wall_ns <= pair[1].wall_ns);
        assert_eq!(pair[0].exit, None);
    }
}

#[test]
fn a_file_that_is_replaced_again_and_again_is_whole_at_any_time() -> Result<()> {
    let (dir, shared) = (live::shared_dir()?, live::shared_dir()?);
    let out = dir.path().join("out.json");
    fs::write(&out, "")?;
    fs::set_permissions(&out, fs::Permissions::from_mode(0o640))?;
    let mut command = live::waitscope()?;
    command.args(["run", "--every", "150ms", "-o"]).arg(&out);
    command.args(["--", "sh", "-c"]);
    let over = shared.path().join("over");
    command.arg("until [ -e \"$0\" ]; do sleep 0.2; done; exit 7");
    command.arg(&over);
    let (outcome, reports) = watch(&mut command, &out, 4, || Ok(fs::write(&over, "")?))?;
    outcome.expect_code(7)?;
    check(&reports, 4);
    let last = reports.last().context("a report")?;
    assert_eq!(last.exit, Some(Exit::Code(7)));
    assert_eq!(fs::metadata(&out)?.permissions().mode() & 0o7777, 0o640);
    assert_eq!(fs::read_dir(dir.path())?.count(), 1, "nothing is left over");
    Ok(())
}

#[test]
fn processes_that_run_already_are_reported_on_meanwhile() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("out.json");
    let mut sleeper = Command::new("sleep").arg("60").spawn()?;
    let mut command = live::waitscope()?;
    command.args(["run", "--every", "200ms", "-o"]);
    command.arg(&out).args(["--pid", &sleeper.id().to_string()]);
    let (outcome, reports) = watch(&mut command, &out, 3, || Ok(sleeper.kill()?))?;
    sleeper.wait()?;
    outcome.expect_code(0)?;
    check(&reports, 3);
    // It does nothing, and that is seen to last.
    let before_last = reports.len() - 2;
    let open_ns = |report: &Report| report.threads.first().map(|t| t.account.open_ns);
    assert!(open_ns(&reports[0]) < open_ns(&reports[before_last]));
    Ok(())
}

#[test]
fn tables_stand_one_behind_the_other_on_stderr() -> Result<()> {
    let mut command = live::waitscope()?;
    command.args(["run", "--every", "200ms", "--", "sleep", "2"]);
    let outcome = live::finish(&mut command)?;
    outcome.expect_code(0)?;
    let interim = outcome
        .stderr
        .matches("interim report of the first ")
        .count();
    let tables = outcome.stderr.matches(" cost ").count();
    assert!(interim >= 2, "{}", outcome.stderr);
    assert!(tables > interim, "{}", outcome.stderr);
    Ok(())
}

#[test]
fn a_signal_that_asks_for_a_report_does_not_reach_the_command() -> Result<()> {
    let dir = live::shared_dir()?;
    let [out, ready, got] = ["out.json", "ready", "got"].map(|name| dir.path().join(name));
    let mut command = live::waitscope()?;
    command.args(["run", "--snapshot-signal", "USR2", "-o"]);
    command.arg(&out).args(["--", "sh", "-c"]);
    let script = "trap 'echo two >> \"$1\"' USR2; trap 'echo one >> \"$1\"' USR1; : > \"$0\"; \
                  sleep 1; sleep 1";
    command.arg(script).arg(&ready).arg(&got);
    let run = live::start(&mut command)?;
    live::until("the traps are set", || Ok(ready.exists()))?;
    assert!(!out.exists(), "nobody has asked");
    run.signal(libc::SIGUSR2)?;
    live::until("there is a report", || Ok(out.exists()))?;
    let interim = Report::read(&out)?;
    assert!(interim.interim);
    assert_eq!(audit::violations(&interim), Vec::<String>::new());
    run.signal(libc::SIGUSR1)?;
    run.finish()?.expect_code(0)?;
    assert_eq!(fs::read_to_string(&got)?, "one\n");
    let last = Report::read(&out)?;
    assert_eq!((last.interim, last.exit), (false, Some(Exit::Code(0))));
    Ok(())
}
