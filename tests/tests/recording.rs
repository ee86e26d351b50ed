//! A recording says what the live report said, whole or cut.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;
use waitscope_tests::live::{self, Outcome};
use waitscope_tests::report::Report;
use waitscope_tests::text;

/// Records the truth workload; returns the live report's bytes.
fn record(dir: &Path, recording: &Path) -> Result<Vec<u8>> {
    let (live_report, truth) = (dir.join("live.json"), dir.join("truth.jsonl"));
    let mut run = live::waitscope()?;
    run.arg("run")
        .arg("--record")
        .arg(recording)
        .arg("-o")
        .arg(&live_report);
    run.arg("--")
        .arg(env!("CARGO_BIN_EXE_truth"))
        .arg("--truth")
        .arg(truth);
    live::finish(run.arg("--dir").arg(dir))?.expect_code(0)?;
    Ok(fs::read(live_report)?)
}

fn report(recording: &Path) -> Result<Outcome> {
    let mut command = live::waitscope()?;
    command
        .arg("report")
        .arg(recording)
        .args(["--format", "json"]);
    live::finish(&mut command)
}

#[test]
fn a_replay_is_the_live_report_byte_for_byte() -> Result<()> {
    let dir = live::shared_dir()?;
    let recording = dir.path().join("run.wsc");
    let live_bytes = record(dir.path(), &recording)?;
    let replayed = report(&recording)?;
    replayed.expect_code(0)?;
    assert!(!live_bytes.is_empty());
    assert!(replayed.stdout == live_bytes, "live and replay differ");
    assert_eq!(replayed.stderr, "");
    Ok(())
}

#[test]
fn a_cut_recording_shows_what_it_has() -> Result<()> {
    let dir = live::shared_dir()?;
    let recording = dir.path().join("run.wsc");
    record(dir.path(), &recording)?;
    let whole = fs::read(&recording)?;
    let threads = Report::parse(&report(&recording)?.stdout)?.threads.len();
    let cut = dir.path().join("cut.wsc");
    let mut before = 0;
    for length in [
        whole.len() / 4,
        whole.len() / 2,
        whole.len() - 7,
        whole.len() - 1,
    ] {
        fs::write(&cut, &whole[..length])?;
        let outcome = report(&cut)?;
        outcome.expect_code(0)?;
        assert!(!outcome.stderr.is_empty(), "no warning at {length}");
        let report = Report::parse(&outcome.stdout)?;
        assert!(
            !report.coverage.problems.is_empty(),
            "no problem at {length}"
        );
        let found = report.threads.len();
        assert!((before..=threads).contains(&found), "{found} at {length}");
        before = found;
    }
    assert_eq!(before, threads, "only the end frame was missing");
    Ok(())
}

#[test]
fn a_damaged_byte_is_noticed() -> Result<()> {
    let dir = live::shared_dir()?;
    let recording = dir.path().join("run.wsc");
    record(dir.path(), &recording)?;
    let mut bytes = fs::read(&recording)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&recording, bytes)?;
    let outcome = report(&recording)?;
    outcome.expect_code(0)?;
    assert!(!Report::parse(&outcome.stdout)?.coverage.problems.is_empty());
    Ok(())
}

#[test]
fn what_is_no_recording_is_refused() -> Result<()> {
    let dir = live::shared_dir()?;
    let file = dir.path().join("garbage.wsc");
    let noise: Vec<u8> = (0u32..5000).map(|i| (i * i % 251) as u8).collect();
    for bytes in [&noise[..], b"", b"{}", &[0; 64]] {
        fs::write(&file, bytes)?;
        let outcome = report(&file)?;
        outcome.expect_code(1)?;
        assert!(outcome.stdout.is_empty());
        let said = text::sentences(&outcome.stderr);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("garbage.wsc"), "{said:?}");
    }
    let outcome = report(&dir.path().join("missing.wsc"))?;
    outcome.expect_code(1)?;
    assert_eq!(text::sentences(&outcome.stderr).len(), 1, "{outcome:?}");
    Ok(())
}

#[test]
fn what_does_not_fit_into_memory_is_reported_all_the_same() -> Result<()> {
    let dir = live::shared_dir()?;
    let (recording, truth_file) = (dir.path().join("run.wsc"), dir.path().join("truth.jsonl"));
    let mut run = live::waitscope()?;
    run.args(["run", "-o"]).arg(dir.path().join("live.json"));
    run.arg("--record").arg(&recording).arg("--");
    run.arg(env!("CARGO_BIN_EXE_actor"))
        .args(["chain", "flood"]);
    live::finish(run.arg(&truth_file))?.expect_code(0)?;
    // Of what is reported, only the place of what was seen may differ.
    let folder = dir.path();
    let within = |memory: &str, folder: &Path| -> Result<(Value, u64, String)> {
        let mut command = live::waitscope()?;
        command.arg("report").arg(&recording).env("TMPDIR", folder);
        command.args(["--format", "json", "--memory", memory]);
        let outcome = live::finish(&mut command)?;
        outcome.expect_code(0)?;
        let mut report: Value = serde_json::from_slice(&outcome.stdout)?;
        let bytes = report["overhead"]["tool_file_bytes"].take();
        let problems = report["coverage"]["problems"].take().to_string();
        Ok((report, bytes.as_u64().context("bytes")?, problems))
    };
    let (report, bytes, problems) = within("1G", folder)?;
    assert_eq!(bytes, 0);
    let (spilled, in_file, same_problems) = within("64K", folder)?;
    assert!(in_file > 1 << 20, "{in_file}");
    assert_eq!((spilled, same_problems), (report.clone(), problems));
    let (kept, in_file, problems) = within("64K", Path::new("/nonexistent"))?;
    assert_eq!((kept, in_file), (report, 0));
    assert!(problems.contains("/nonexistent"), "{problems}");
    Ok(())
}
