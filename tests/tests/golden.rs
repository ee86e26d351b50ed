//! Stored recordings of real runs give the stored reports, byte for byte, and
//! the reports say what those runs are known for.
//!
//! `UPDATE_GOLDEN=1` writes the reports anew: read the difference before you
//! keep it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use waitscope_tests::live;
use waitscope_tests::report::{Group, Report};

/// gitsync's modes, as `cargo xtask demo --record` names them.
const MODES: [&str; 4] = [
    "gitsync-threads",
    "gitsync-processes",
    "gitsync-asyncio",
    "gitsync-threads-capture",
];

fn stored(folder: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join(file)
}

fn report(mode: &str, format: &str) -> Result<Vec<u8>> {
    let mut run = live::waitscope()?;
    run.env("COLUMNS", "100").env("NO_COLOR", "1");
    run.arg("report")
        .arg(stored("recordings", &format!("{mode}.wsc")));
    run.args(["--format", format]);
    let output = run.output().context("waitscope report")?;
    ensure!(output.status.success(), "{mode}: {output:?}");
    Ok(output.stdout)
}

#[test]
fn stored_recordings_give_the_stored_reports() -> Result<()> {
    for mode in MODES {
        for (format, extension) in [("table", "txt"), ("json", "json")] {
            let told = report(mode, format)?;
            let golden = stored("golden/recordings", &format!("{mode}.{extension}"));
            if env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&golden, &told)?;
            }
            let expected = fs::read(&golden).with_context(|| golden.display().to_string())?;
            assert!(
                told == expected,
                "{mode} differs from {}:\n{}",
                golden.display(),
                String::from_utf8_lossy(&told)
            );
        }
    }
    Ok(())
}

/// These recordings are older than the records of calls and requests.
#[test]
fn a_recording_without_calls_and_requests_lost_none_and_tells_none() -> Result<()> {
    for mode in MODES {
        let report = Report::parse(&report(mode, "json")?)?;
        for class in ["call", "request"] {
            assert_eq!(report.coverage.lost.get(class), Some(&0), "{mode} {class}");
        }
        assert!(report.listeners.is_none(), "{mode}");
        let mut accounts = report.groups.iter().map(|group| &group.account);
        assert!(accounts.all(|account| account.calls.is_none()), "{mode}");
    }
    Ok(())
}

/// The workers of gitsync: its threads, its worker processes, or the one
/// thread that does it all.
fn workers(report: &Report) -> Result<&Group> {
    let of_gitsync = |group: &&Group| group.name.starts_with("python3 gitsync");
    report
        .groups
        .iter()
        .filter(of_gitsync)
        .max_by_key(|group| group.threads)
        .context("no group of gitsync")
}

#[test]
fn each_mode_waits_where_it_is_known_to_wait() -> Result<()> {
    for (mode, kind, function) in [
        ("gitsync-threads", "child-exit", "do_wait"),
        ("gitsync-processes", "child-exit", "do_wait"),
        ("gitsync-asyncio", "epoll", "do_epoll_wait"),
        ("gitsync-threads-capture", "poll", "do_sys_poll"),
    ] {
        let report = Report::parse(&report(mode, "json")?)?;
        assert_eq!(report.coverage.lost_total, 0, "{mode}");
        assert_eq!(report.coverage.residual_ns, 0, "{mode}");
        let first = &workers(&report)?.account.waits[0];
        assert_eq!(first.kind, kind, "{mode}");
        assert_eq!(first.function.as_deref(), Some(function), "{mode}");
        if kind == "child-exit" {
            let by = &first.wakes[0];
            assert_eq!(by.source, "task-exit", "{mode}");
            assert_eq!(by.comm.as_deref(), Some("git pull"), "{mode}");
        }
    }
    Ok(())
}
