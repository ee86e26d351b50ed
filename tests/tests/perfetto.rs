//! What Perfetto makes of our traces: its trace processor, asked in Node
//! (`tests/perfetto/query.mjs`), finds no error, the time of every thread in every state is
//! the report's to the nanosecond, and its critical path is ours.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use waitscope_tests::live;
use waitscope_tests::report::{Report, Thread};

const RECORDINGS: [&str; 14] = [
    "find",
    "gitsync-asyncio",
    "gitsync-processes",
    "gitsync-threads",
    "gitsync-threads-capture",
    "go",
    "gunicorn",
    "java",
    "make",
    "nginx",
    "node",
    "postgres",
    "redis",
    "sshd",
];

type Rows = Vec<Vec<Option<String>>>;

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Asks Perfetto's trace processor.
fn ask(trace: &Path, queries: &[&str]) -> Result<Vec<Rows>> {
    let engine = live::workspace().join("target/perfetto");
    ensure!(
        engine.join("requirements.txt").is_file(),
        "Perfetto's trace processor is not in {}: `cargo xtask setup` fetches it",
        engine.display()
    );
    let dir = tempfile::tempdir()?;
    let questions = dir.path().join("queries.json");
    fs::write(&questions, serde_json::to_vec(queries)?)?;
    let output = Command::new("node")
        .arg(here("perfetto/query.mjs"))
        .args([&engine, trace])
        .stdin(File::open(&questions)?)
        .stderr(Stdio::piped())
        .output()
        .context("node (`cargo xtask setup` installs it)")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {complaint}", trace.display());
    Ok(serde_json::from_slice(&output.stdout)?)
}

const ERRORS: &str = "select name, idx, value from stats
    where severity in ('error', 'data_loss') and value > 0";

/// Threads of the tree by the time in each state: numbers that are none are beyond. What had
/// not ended goes on until the end.
const STATES: &str = "select min(s.ts),
      sum(iif(state = 'Running', d, 0)), sum(iif(state in ('R', 'R+'), d, 0)),
      sum(iif(state in ('S', 'D', 'T', 't'), d, 0)), sum(iif(state = 'P', d, 0)), sum(d)
    from (select *, iif(dur < 0, (select end_ts from trace_bounds) - ts, dur) d
          from thread_state where state != 'X') s
    join thread using (utid)
    where tid < 2097152000 and upid is not null
    group by utid order by 1, 2, 3, 4";

const FLOWS: &str = "select count(*) from flow";

/// Slices of waits by kind, with the time that they took.
const WAITS: &str = "include perfetto module slices.with_context;
    select name,
      sum(iif(dur < 0, (select end_ts from trace_bounds) - ts, dur))
    from thread_slice where name not in ('wakes', 'woken before it slept', 'unknown')
    group by 1 order by 1";

/// Threads whose slices are not as long as their sleep.
const ASTRAY: &str = "include perfetto module slices.with_context;
    with asleep as (
      select utid, sum(dur) ns from thread_state
      where dur > 0 and state in ('S', 'D', 'T', 't') group by 1),
    waits as (
      select utid, sum(dur) ns from thread_slice
      where dur > 0 and name not in ('unknown', 'throttled') group by 1)
    select utid, asleep.ns, waits.ns from asleep full join waits using (utid)
    where asleep.ns is not waits.ns";

/// Processes of which nothing but the pid is known, and pids of several at once.
const PROCESSES: &str = "select pid, count(*) from process
    join (select distinct upid from thread join thread_state using (utid)) using (upid)
    where name is null or pid = 0 group by 1";

/// The same of the report. To the scheduler a thread whose quota is used up is runnable.
fn states(thread: &Thread) -> [u64; 6] {
    let account = &thread.account;
    let of = |is_throttled: bool| -> u64 {
        let waits = account.waits.iter();
        let waits = waits.filter(|wait| (wait.kind == "throttled") == is_throttled);
        waits.map(|wait| wait.total_ns).sum()
    };
    [
        thread.start_ns,
        account.on_cpu_ns,
        account.runqueue_ns + of(true),
        of(false) + account.open_ns,
        account.unknown_ns,
        account.lifetime_ns,
    ]
}

fn numbers(rows: &Rows) -> Result<Vec<Vec<u64>>> {
    let number = |cell: &Option<String>| Ok(cell.as_deref().unwrap_or("0").parse()?);
    rows.iter()
        .map(|row| row.iter().map(number).collect::<Result<_>>())
        .collect()
}

#[track_caller]
fn check(report: &Report, trace: &Path) -> Result<()> {
    let queries = [ERRORS, ASTRAY, PROCESSES, STATES, FLOWS, WAITS];
    let answers = ask(trace, &queries)?;
    let [errors, astray, processes, by_state, flows, waits] = &answers[..] else {
        anyhow::bail!("{answers:?}");
    };
    assert_eq!(*errors, Rows::new());
    assert_eq!(*astray, Rows::new());
    assert_eq!(*processes, Rows::new());

    let lived = report.threads.iter();
    let lived = lived.filter(|thread| thread.account.lifetime_ns > 0);
    let mut expected: Vec<Vec<u64>> = lived.map(|thread| states(thread).to_vec()).collect();
    expected.sort();
    let mut found = numbers(by_state)?;
    found.sort();
    assert_eq!(found, expected);

    let wakes = report.threads.iter().flat_map(|it| &it.account.wakes);
    let in_tree = wakes.filter(|it| it.tid.is_some() && !it.outside && it.source != "new");
    let expected: u64 = in_tree.map(|wake| wake.count).sum();
    assert_eq!(numbers(flows)?, [[expected]]);

    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for thread in &report.threads {
        for wait in &thread.account.waits {
            *expected.entry(wait.kind.clone()).or_default() += wait.total_ns;
        }
        for open in &thread.account.open {
            *expected.entry(open.kind.clone()).or_default() += open.so_far_ns;
        }
    }
    expected.retain(|_, ns| *ns > 0);
    let kind = |row: &Vec<Option<String>>| -> Result<(String, u64)> {
        let [Some(kind), Some(ns)] = &row[..] else {
            anyhow::bail!("{row:?}");
        };
        Ok((kind.clone(), ns.parse()?))
    };
    let found: BTreeMap<String, u64> = waits.iter().map(kind).collect::<Result<_>>()?;
    assert_eq!(found, expected);
    Ok(())
}

/// A stored recording's trace and report.
fn of_recording(dir: &Path, name: &str, options: &[&str]) -> Result<(Report, PathBuf)> {
    let (trace, json) = (dir.join("run.pftrace"), dir.join("run.json"));
    let mut command = live::waitscope()?;
    command.arg("report").args(options).arg("-o").arg(&trace);
    command.arg("-o").arg(&json);
    command.arg(here(&format!("recordings/{name}.wsc")));
    live::finish(&mut command)?.expect_code(0)?;
    Ok((Report::read(&json)?, trace))
}

#[test]
fn perfetto_finds_in_stored_runs_what_the_report_says() -> Result<()> {
    for name in RECORDINGS {
        let dir = tempfile::tempdir()?;
        let (report, trace) = of_recording(dir.path(), name, &[])?;
        check(&report, &trace).with_context(|| name.to_owned())?;
    }
    Ok(())
}

#[test]
fn perfetto_finds_in_a_part_of_a_run_what_its_report_says() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let part = ["--from", "200ms", "--to", "500ms"];
    let (report, trace) = of_recording(dir.path(), "postgres", &part)?;
    check(&report, &trace)
}

/// Perfetto's critical path of a thread from an instant on, as time by tid.
fn critical_path(trace: &Path, root: &Thread, from_ns: u64) -> Result<BTreeMap<u32, u64>> {
    let sql = format!(
        "include perfetto module sched.thread_executing_span;
        select tid, path.ts, path.dur from _thread_executing_span_critical_path(
            (select utid from thread where tid = {}), {}, {}) path
        join thread using (utid)",
        root.tid,
        root.start_ns,
        root.end_ns - root.start_ns
    );
    let mut path: BTreeMap<u32, u64> = BTreeMap::new();
    for row in numbers(&ask(trace, &[&sql])?[0])? {
        let [tid, ts, dur] = row[..] else {
            anyhow::bail!("{row:?}");
        };
        let ns = (ts + dur).saturating_sub(ts.max(from_ns));
        *path.entry(u32::try_from(tid)?).or_default() += ns;
    }
    Ok(path)
}

/// Processes that wait for each other alone, on one CPU: no interrupt ends a wait. In the
/// second half of the run none is born any more: what a process does until then, Perfetto
/// blames on the one that has made it.
#[test]
fn perfetto_leads_its_critical_path_through_the_same_threads() -> Result<()> {
    let dir = live::shared_dir()?;
    let at = |name: &str| dir.path().join(name);
    let (trace, json) = (at("run.pftrace"), at("run.json"));
    let mut run = live::waitscope()?;
    run.args(["run", "-o"]).arg(&trace).arg("-o").arg(&json);
    run.args(["--", "taskset", "-c", "0"]);
    run.arg(env!("CARGO_BIN_EXE_actor"))
        .args(["chain", "ping-pong"])
        .arg(at("written.jsonl"));
    live::finish(&mut run)?.expect_code(0)?;
    let report = Report::read(&json)?;
    check(&report, &trace)?;

    let path = report.critical_path.as_ref().context("no path")?;
    let root = &report.threads[path.root];
    let half_ns = path.from_ns.midpoint(path.to_ns);
    let mut ours: BTreeMap<u32, u64> = BTreeMap::new();
    for hop in &path.hops {
        let ns = hop.to_ns.saturating_sub(hop.from_ns.max(half_ns));
        *ours.entry(hop.tid).or_default() += ns;
    }
    let theirs = critical_path(&trace, root, half_ns)?;
    let most_ns = (path.to_ns - half_ns) / 100;
    for tid in ours.keys().chain(theirs.keys()) {
        let of = |path: &BTreeMap<u32, u64>| path.get(tid).copied().unwrap_or(0);
        let apart = of(&ours).abs_diff(of(&theirs));
        assert!(apart <= most_ns, "{tid}: {ours:?} {theirs:?}");
    }
    let led = ours.values().filter(|ns| **ns > 10 * most_ns).count();
    assert!(led >= 2, "the path leads through one thread: {ours:?}");
    Ok(())
}

/// Names that would do something to a terminal or a reader do nothing.
#[test]
fn perfetto_gets_names_that_do_nothing() -> Result<()> {
    let dir = live::shared_dir()?;
    let trace = dir.path().join("run.pftrace");
    let mut run = live::waitscope()?;
    run.args(["run", "-o"]).arg(&trace);
    let name = format!("\u{1b}[31m\u{202e}{}", "x".repeat(4096));
    run.args(["--", "python3", "-c"]);
    run.arg("import time; open('/proc/self/comm', 'wb').write(b'\\x1b[31m\\xff\\xe2\\x80\\xae'); time.sleep(.01)");
    run.arg(&name);
    live::finish(&mut run)?.expect_code(0)?;
    let names = "select name from thread where upid is not null union all
        select cmdline from process";
    let answers = ask(&trace, &[ERRORS, names])?;
    assert_eq!(answers[0], Rows::new());
    let names: Vec<&str> = answers[1]
        .iter()
        .filter_map(|row| row[0].as_deref())
        .collect();
    assert!(
        names.iter().any(|name| name.contains(r"\x1b[31m")),
        "{names:?}"
    );
    for name in names {
        let is_plain = |c: char| !c.is_control() && c != '\u{202e}';
        assert!(name.chars().all(is_plain), "{name:?}");
        assert!(name.chars().count() < 2000, "{name:?}");
    }
    Ok(())
}

#[test]
fn perfetto_is_refused_a_report_in_json() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut command = live::waitscope()?;
    command
        .arg("report")
        .arg("-o")
        .arg(dir.path().join("x.pftrace"));
    command.arg(here("golden/recordings/gitsync-threads.json"));
    let outcome = live::finish(&mut command)?;
    outcome.expect_code(2)?;
    let sentence = "--format perfetto is for an analysis, and a report in JSON has been made: \
                    give it the recording";
    assert!(outcome.stderr.contains(sentence), "{}", outcome.stderr);
    Ok(())
}
