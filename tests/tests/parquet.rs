//! Tables: what DuckDB reads from them, by the queries of docs/parquet.md as they stand
//! there, and what becomes of the folder that they are added to.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use waitscope_tests::live;

/// Runs statements one by one, and prints the rows of the last as JSON.
const SCRIPT: &str = "
import json, sys, duckdb
for statement in json.load(sys.stdin):
    rows = duckdb.sql(statement)
print(json.dumps(rows.fetchall(), default=str))
";

/// A query of the page.
fn documented(name: &str) -> Result<String> {
    let page = fs::read_to_string(live::workspace().join("docs/parquet.md"))?;
    let mut blocks = page.split("```sql\n").skip(1);
    let block = blocks.find_map(|block| block.strip_prefix(&format!("-- {name}\n")));
    let (sql, _) = block
        .and_then(|block| block.split_once("```"))
        .with_context(|| format!("docs/parquet.md has no query {name:?}"))?;
    Ok(sql.to_owned())
}

/// The rows of a query over the tables in `folder/runs.parquet`.
fn query(folder: &Path, name: &str) -> Result<Vec<Vec<Value>>> {
    let duckdb = live::workspace().join("target/duckdb").canonicalize();
    let duckdb = duckdb.context("DuckDB is not there: `cargo xtask setup` fetches it")?;
    let python = fs::read_to_string(duckdb.join("interpreter"))
        .context("DuckDB is not there: `cargo xtask setup` fetches it")?;
    let mut statements: Vec<String> = documented("tables")?
        .split_inclusive(";\n")
        .map(str::to_owned)
        .collect();
    statements.push(documented(name)?);
    let input = folder.join("statements.json");
    fs::write(&input, serde_json::to_vec(&statements)?)?;
    let mut command = Command::new(python.trim());
    command
        .args(["-c", SCRIPT])
        .current_dir(folder)
        .env("PYTHONPATH", duckdb)
        .stdin(fs::File::open(input)?);
    let outcome = live::finish(&mut command)?;
    outcome.expect_code(0).context(name.to_owned())?;
    Ok(serde_json::from_slice(&outcome.stdout)?)
}

fn recording(name: &str) -> PathBuf {
    live::workspace().join("tests/recordings").join(name)
}

fn export(recording: &Path, to: &Path) -> Result<live::Outcome> {
    live::finish(
        live::waitscope()?
            .arg("report")
            .arg(recording)
            .arg("-o")
            .arg(to),
    )
}

/// Files below a folder, by their paths in it.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = PathBuf::from(path.file_name().unwrap_or_default());
        if path.is_dir() {
            let below = files(&path)?;
            found.extend(
                below
                    .into_iter()
                    .map(|(path, bytes)| (name.join(path), bytes)),
            );
        } else {
            found.insert(name, fs::read(path)?);
        }
    }
    Ok(found)
}

/// Group, state, kind and ns: of everything that took any time.
type Times = BTreeMap<(u64, String, Option<String>), u64>;

/// As the report in JSON has them.
fn times_of_report(recording: &Path) -> Result<Times> {
    let mut command = live::waitscope()?;
    command.arg("report").arg(recording);
    let outcome = live::finish(command.args(["--format", "json"]))?;
    outcome.expect_code(0)?;
    let report: Value = serde_json::from_slice(&outcome.stdout)?;
    let mut times = Times::new();
    let groups = report["groups"].as_array().context("groups")?;
    for (number, group) in (0..).zip(groups) {
        let mut add = |state: &str, kind: Option<&str>, ns: &Value| -> Result<()> {
            let key = (number, state.to_owned(), kind.map(str::to_owned));
            *times.entry(key).or_default() += ns.as_u64().context("ns")?;
            Ok(())
        };
        add("on-cpu", None, &group["on_cpu_ns"])?;
        add("runqueue", None, &group["runqueue_ns"])?;
        add("unknown", None, &group["unknown_ns"])?;
        for wait in group["waits"].as_array().context("waits")? {
            add("wait", wait["kind"].as_str(), &wait["total_ns"])?;
        }
        for wait in group["open"].as_array().context("open")? {
            add("open", wait["kind"].as_str(), &wait["so_far_ns"])?;
        }
    }
    times.retain(|_, ns| *ns > 0);
    Ok(times)
}

#[test]
fn the_group_table_of_the_page_is_that_of_the_report() -> Result<()> {
    for name in [
        "gitsync-threads.wsc",
        "gitsync-asyncio.wsc",
        "postgres.wsc",
        "go.wsc",
    ] {
        let dir = live::shared_dir()?;
        export(&recording(name), &dir.path().join("runs.parquet"))?.expect_code(0)?;
        let mut times = Times::new();
        for row in query(dir.path(), "group table")? {
            let [_, _, group, _, state, kind, ns] = row.as_slice() else {
                anyhow::bail!("{row:?}");
            };
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let key = (
                group.as_u64().context("group")?,
                text(state).context("state")?,
                text(kind),
            );
            times.insert(key, ns.as_u64().context("ns")?);
        }
        ensure!(!times.is_empty());
        assert_eq!(times, times_of_report(&recording(name))?, "{name}");
    }
    Ok(())
}

/// A run on a host of this name.
fn run_on(host: &'static [u8], folder: &Path, options: &[&str]) -> Result<()> {
    let mut command = live::waitscope()?;
    command.current_dir(folder).arg("run").args(options);
    command.args(["-o", "runs.parquet", "--", "sh", "-c", "sleep 0.01"]);
    // SAFETY: plain system calls, safe between fork and exec.
    unsafe {
        command.pre_exec(move || {
            let renamed = libc::unshare(libc::CLONE_NEWUTS) == 0
                && libc::sethostname(host.as_ptr().cast(), host.len()) == 0;
            renamed.then_some(()).ok_or_else(io::Error::last_os_error)
        });
    }
    live::finish(&mut command)?.expect_code(0)
}

const HOSTILE: &[u8] = b"../../a=b'\"\x1b[31m\n</script>\xe2\x80\xae";

#[test]
fn runs_of_many_hosts_are_read_at_once() -> Result<()> {
    let dir = live::shared_dir()?;
    run_on(b"web-1", dir.path(), &["--record", "run.wsc"])?;
    run_on(b"web-1", dir.path(), &[])?;
    run_on(HOSTILE, dir.path(), &[])?;
    let hosts = query(dir.path(), "runs by host")?;
    let hosts: Vec<_> = hosts
        .iter()
        .map(|row| (row[0].as_str(), row[1].as_u64()))
        .collect();
    let hostile = std::str::from_utf8(HOSTILE)?;
    assert_eq!(hosts, [(Some(hostile), Some(1)), (Some("web-1"), Some(2))]);
    let waits = query(dir.path(), "waits by host")?;
    let slept = |row: &&Vec<Value>| row[1] == "sleep" && row[3].as_u64() >= Some(10_000_000);
    assert_eq!(waits.iter().filter(slept).count(), 2, "{waits:?}");
    ensure!(!query(dir.path(), "who wakes whom")?.is_empty());

    // The recording of the first adds nothing that is not there, and changes nothing.
    let before = files(&dir.path().join("runs.parquet"))?;
    let is_plain = |path: &PathBuf| path.as_os_str().as_bytes().is_ascii();
    ensure!(before.keys().all(is_plain) && before.len() == 33);
    export(
        &dir.path().join("run.wsc"),
        &dir.path().join("runs.parquet"),
    )?
    .expect_code(0)?;
    ensure!(files(&dir.path().join("runs.parquet"))? == before);
    Ok(())
}

/// Fails in one sentence that has all of `words`, and leaves `folder` as it was.
fn check_refused(folder: &Path, command: &mut Command, words: &[&str]) -> Result<()> {
    let before = files(folder)?;
    let outcome = live::finish(command)?;
    // A report that could not be written is shown before that.
    let mut lines = outcome.stderr.lines();
    let sentences = lines.clone().filter(|line| line.starts_with("waitscope: "));
    let is_last = lines
        .next_back()
        .is_some_and(|line| line.starts_with("waitscope: "));
    let is_one = is_last && sentences.count() == 1;
    ensure!(outcome.status.code() != Some(0) && is_one, "{outcome:?}");
    for word in words {
        ensure!(outcome.stderr.contains(word), "{word}: {}", outcome.stderr);
    }
    ensure!(files(folder)? == before, "something was written");
    Ok(())
}

#[test]
fn what_cannot_be_written_is_said_and_leaves_nothing() -> Result<()> {
    let dir = live::shared_dir()?;
    let path = |name: &str| dir.path().join(name);
    let report = |to: &Path| -> Result<Command> {
        let mut command = live::waitscope()?;
        command
            .arg("report")
            .arg(recording("go.wsc"))
            .arg("-o")
            .arg(to);
        Ok(command)
    };
    fs::write(path("file.parquet"), "mine")?;
    check_refused(
        dir.path(),
        &mut report(&path("file.parquet"))?,
        &["not a directory"],
    )?;
    check_refused(
        dir.path(),
        &mut report(&path("no/x.parquet"))?,
        &["there is no folder"],
    )?;
    check_refused(
        dir.path(),
        report(Path::new("-"))?.args(["--format", "parquet"]),
        &["name one with -o"],
    )?;
    check_refused(
        dir.path(),
        report(&path("x.parquet"))?.args(["--group", "git*"]),
        &["select in the query"],
    )?;
    let mut of_json = live::waitscope()?;
    let json = live::workspace().join("tests/golden/recordings/gitsync-threads.json");
    of_json
        .arg("report")
        .arg(json)
        .arg("-o")
        .arg(path("x.parquet"));
    check_refused(dir.path(), &mut of_json, &["give it the recording"])?;
    // As a full disk: no file may grow beyond 8 KiB.
    let mut limited = report(&path("x.parquet"))?;
    // SAFETY: plain system calls, safe between fork and exec.
    unsafe {
        limited.pre_exec(|| {
            let limit = libc::rlimit {
                rlim_cur: 8192,
                rlim_max: 8192,
            };
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            let set = libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) == 0;
            set.then_some(()).ok_or_else(io::Error::last_os_error)
        });
    }
    check_refused(dir.path(), &mut limited, &["File too large"])?;
    ensure!(
        !path("x.parquet").exists(),
        "a folder without a table is left"
    );

    Ok(())
}

#[test]
fn what_is_in_the_way_of_a_table_leaves_the_others_as_they_were() -> Result<()> {
    let dir = live::shared_dir()?;
    let tables = dir.path().join("x.parquet");
    export(&recording("go.wsc"), &tables)?.expect_code(0)?;
    let whole = files(&tables)?;
    let first = whole.keys().next().context("a file")?;
    fs::remove_file(tables.join(first))?;
    fs::create_dir(tables.join(first))?;
    let mut command = live::waitscope()?;
    command.arg("report").arg(recording("go.wsc"));
    check_refused(dir.path(), command.arg("-o").arg(&tables), &["irectory"])
}
