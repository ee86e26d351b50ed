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

/// Debian's programs, as `cargo xtask recordings` names them.
const PROGRAMS: [&str; 10] = [
    "find", "go", "gunicorn", "java", "make", "nginx", "node", "postgres", "redis", "sshd",
];
/// Lines of a report by default.
const LINES: usize = 50;
/// Bytes of a recording that is kept here.
const LIMIT: u64 = 150_000;

fn stored(folder: &str, file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join(file)
}

fn report(mode: &str, format: &str) -> Result<Vec<u8>> {
    report_of(&stored("recordings", &format!("{mode}.wsc")), format)
}

fn report_of(file: &Path, format: &str) -> Result<Vec<u8>> {
    report_at(100, file, &["--color", "never", "--format", format])
}

fn report_at(columns: u32, file: &Path, options: &[&str]) -> Result<Vec<u8>> {
    let mut run = live::waitscope()?;
    run.env("COLUMNS", columns.to_string()).arg("report");
    run.arg(file).args(options);
    let output = run.output().context("waitscope report")?;
    ensure!(output.status.success(), "{}: {output:?}", file.display());
    Ok(output.stdout)
}

#[test]
fn stored_recordings_give_the_stored_reports() -> Result<()> {
    for mode in MODES {
        for (format, extension) in [("table", "txt"), ("json", "json")] {
            compare(&report(mode, format)?, &format!("{mode}.{extension}"))?;
        }
    }
    Ok(())
}

/// As a terminal shows them.
#[test]
fn programs_that_one_meets_give_their_stored_tables() -> Result<()> {
    for name in PROGRAMS {
        let file = stored("recordings", &format!("{name}.wsc"));
        let table = report_at(80, &file, &["--color", "never"])?;
        let lines = String::from_utf8_lossy(&table).lines().count();
        assert!(lines <= LINES, "{name}: {lines} lines");
        assert!(fs::metadata(&file)?.len() <= LIMIT, "{name}");
        compare(&table, &format!("{name}.txt"))?;
    }
    Ok(())
}

/// Stacks add up to the waits of the report, and are those that are stored.
/// One of each version that has recorded something new: a server's queues, a part behind a
/// delay, user stacks.
#[test]
fn golden_recordings_of_each_format_give_their_stored_tables() -> Result<()> {
    for version in ["1.1", "1.2", "1.3"] {
        let file = stored("recordings", &format!("format-{version}.wsc"));
        let options = ["--all", "--color", "never"];
        compare(
            &report_at(100, &file, &options)?,
            &format!("format-{version}.txt"),
        )?;
    }
    // What the machine that reports has in its files is not looked at.
    let file = stored("recordings", "format-1.3.wsc");
    let options = ["--format", "folded", "--no-symbols"];
    compare(
        &report_at(100, &file, &options)?,
        "format-1.3-stacks.folded",
    )
}

#[test]
fn golden_stacks_are_as_stored() -> Result<()> {
    for (recording, options) in [
        ("gitsync-threads", &["--folded", "stacks"][..]),
        ("gitsync-threads", &["--folded", "blame"]),
        ("postgres", &["--folded", "stacks", "--per-thread"]),
        ("java", &["--folded", "blame", "--kind", "futex"]),
    ] {
        let file = stored("recordings", &format!("{recording}.wsc"));
        let options = [&["--format", "folded"], options].concat();
        let name = format!("{recording}-{}.folded", options[3]);
        compare(&report_at(100, &file, &options)?, &name)?;
    }
    let json = stored("golden/recordings", "gitsync-threads.json");
    let output = live::waitscope()?
        .args(["report", "--format", "pprof"])
        .arg(&json)
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        stderr.contains("--format pprof is for an analysis"),
        "{stderr}"
    );
    ensure!(output.status.code() == Some(2), "{output:?}");
    Ok(())
}

/// Parts and selections of runs: a name, the recording, and the options.
const SELECTIONS: [(&str, &str, &[&str]); 6] = [
    (
        "from-to",
        "gitsync-threads",
        &["--from", "100ms", "--to", "200ms"],
    ),
    ("from", "nginx", &["--from", "100ms"]),
    (
        "kind",
        "gitsync-threads",
        &["--kind", "child-exit,socket-recv"],
    ),
    ("group", "gitsync-threads", &["--group", "git f*"]),
    ("thread", "java", &["--thread", "pool*", "--per-thread"]),
    (
        "length",
        "postgres",
        &["--min-wait", "1ms", "--max-wait", "100ms", "--per-thread"],
    ),
];

#[test]
fn golden_parts_and_selections_of_runs_give_their_stored_tables() -> Result<()> {
    for (name, recording, options) in SELECTIONS {
        let file = stored("recordings", &format!("{recording}.wsc"));
        let options = [options, &["--color", "never"]].concat();
        compare(
            &report_at(100, &file, &options)?,
            &format!("{recording}-{name}.txt"),
        )?;
    }
    Ok(())
}

/// One sentence each, nothing on stdout.
#[test]
fn golden_parts_and_selections_that_make_no_sense_are_refused() -> Result<()> {
    let recording = stored("recordings", "gitsync-threads.wsc");
    let json = stored("golden/recordings", "gitsync-threads.json");
    let made = "is for an analysis, and a report in JSON has been made: give it the recording";
    let check = |file: &Path, options: &[&str], code: i32, complaint: &str| -> Result<()> {
        let output = live::waitscope()?
            .arg("report")
            .arg(file)
            .args(options)
            .output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        ensure!(stderr.contains(complaint), "{options:?}: {stderr}");
        ensure!(
            output.status.code() == Some(code),
            "{options:?}: {output:?}"
        );
        ensure!(
            output.stdout.is_empty() && stderr.lines().count() == 1,
            "{output:?}"
        );
        Ok(())
    };
    for options in [
        ["--from", "1ms"],
        ["--to", "1ms"],
        ["--kind", "futex"],
        ["--min-wait", "1ms"],
    ] {
        check(&json, &options, 2, &format!("{} {made}", options[0]))?;
    }
    let behind = "--from 2s is behind the end of the run, which lasted 538 ms";
    check(&recording, &["--from", "2s"], 2, behind)?;
    let nothing = "nothing lies between --from 2s and --to 2s";
    check(&recording, &["--from", "2s", "--to", "2s"], 2, nothing)?;
    let none = "no wait takes at least 2s (--min-wait) and at most 1s (--max-wait)";
    check(
        &recording,
        &["--min-wait", "2s", "--max-wait", "1s"],
        2,
        none,
    )?;
    let nearest = "no thread of the report is in --group gti*; the nearest are git ";
    check(&json, &["--group", "gti*"], 1, nearest)
}

/// The pictures in docs/ are drawn from this one: `cargo xtask picture`.
#[test]
fn a_stored_recording_gives_the_stored_report_in_colours() -> Result<()> {
    let mode = "gitsync-threads";
    let file = stored("recordings", &format!("{mode}.wsc"));
    // As narrow as bars have room.
    let colored = report_at(112, &file, &["--color", "always"])?;
    compare(&colored, &format!("{mode}-color.txt"))
}

fn compare(report: &[u8], file: &str) -> Result<()> {
    let golden = stored("golden/recordings", file);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, report)?;
    }
    let expected = fs::read(&golden).with_context(|| golden.display().to_string())?;
    assert!(
        report == expected,
        "the report differs from {}:\n{}",
        golden.display(),
        String::from_utf8_lossy(report)
    );
    Ok(())
}

/// The JSON of a recording is as good as the recording.
#[test]
fn golden_a_report_read_back_gives_the_same_reports() -> Result<()> {
    for mode in MODES {
        let json = stored("golden/recordings", &format!("{mode}.json"));
        for (format, extension) in [("table", "txt"), ("json", "json")] {
            let golden = stored("golden/recordings", &format!("{mode}.{extension}"));
            let expected = fs::read(&golden).with_context(|| golden.display().to_string())?;
            assert!(report_of(&json, format)? == expected, "{mode} {format}");
        }
    }
    Ok(())
}

/// What a file is shows in its bytes; the complaint is one line.
#[test]
fn golden_a_file_that_is_no_report_is_one_sentence_and_exit_code_1() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let json = fs::read(stored("golden/recordings", "gitsync-asyncio.json"))?;
    for (name, bytes, complaint) in [
        (
            "cut.json",
            &json[..json.len() / 2],
            "the report is cut short: ",
        ),
        (
            "other.wsc",
            br#" {"schema": "x/1"}"#,
            "this is not a report that this waitscope reads",
        ),
        (
            "text.json",
            b"hello",
            "this is not a waitscope recording, nor a report in JSON",
        ),
        (
            "empty.json",
            b"",
            "this is not a waitscope recording, nor a report in JSON",
        ),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, bytes)?;
        let output = live::waitscope()?.arg("report").arg(&file).output()?;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{name}: {stderr}");
        let expected = format!("waitscope: cannot read {}: {complaint}", file.display());
        assert!(stderr.starts_with(&expected), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(output.stdout.is_empty(), "{name}");
    }
    Ok(())
}

/// Of a report in JSON only the timelines that it was made with are left.
#[test]
fn golden_a_timeline_that_a_report_in_json_lacks_is_an_error() -> Result<()> {
    let json = stored("golden/recordings", "gitsync-threads.json");
    let tid = Report::parse(&fs::read(&json)?)?.threads[0].tid.to_string();
    let explain = |file: &Path| {
        let mut run = live::waitscope()?;
        run.env("COLUMNS", "80").env("NO_COLOR", "1").arg("report");
        Ok::<_, anyhow::Error>(run.arg(file).args(["--explain", &tid]).output()?)
    };
    let output = explain(&json)?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!(
            "waitscope: cannot explain tid {tid}: a report in JSON has the timelines only of \
             threads that it was made with --explain for; a recording has those of all\n"
        )
    );
    let folder = tempfile::tempdir()?;
    let with = folder.path().join("with.json");
    let mut run = live::waitscope()?;
    run.arg("report")
        .arg(stored("recordings", "gitsync-threads.wsc"));
    run.args(["--explain", &tid]).arg("-o").arg(&with);
    ensure!(run.status()?.success(), "no report with a timeline");
    let output = explain(&with)?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        output.stdout,
        explain(&stored("recordings", "gitsync-threads.wsc"))?.stdout
    );
    Ok(())
}

/// These recordings are older than the records of calls and requests.
#[test]
fn a_recording_without_calls_and_requests_lost_none_and_has_none() -> Result<()> {
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

/// The story and the complaint come after the report, which is not lost.
#[test]
fn a_thread_is_explained_and_one_that_is_not_there_is_an_error() -> Result<()> {
    let report = Report::parse(&report("gitsync-threads", "json")?)?;
    let tid = report.threads.first().context("a thread")?.tid;
    let explain = |tid: u32| {
        let mut run = live::waitscope()?;
        run.env("COLUMNS", "80").env("NO_COLOR", "1").arg("report");
        run.arg(stored("recordings", "gitsync-threads.wsc"));
        let output = run.args(["--explain", &tid.to_string()]).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        anyhow::Ok((
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        ))
    };
    let (code, stdout, stderr) = explain(tid)?;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains(&format!("story of tid {tid} ")), "{stdout}");
    let (code, stdout, stderr) = explain(1)?;
    assert_eq!(code, Some(1));
    assert!(stdout.contains("critical path"), "{stdout}");
    assert_eq!(
        stderr,
        "waitscope: cannot explain tid 1: no such thread is in the report (--per-thread lists them)\n"
    );
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
