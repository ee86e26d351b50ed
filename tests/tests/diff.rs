//! `waitscope diff`: a server that lets each client wait 200 ms longer is the difference, equal
//! runs have none, and of stored recordings it is the stored one.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use gitsync_stage::daemon::GitDaemon;
use gitsync_stage::delay::Delay;
use gitsync_stage::stage::{Stage, gitsync};
use serde_json::Value;
use tempfile::TempDir;
use waitscope_tests::live::{self, Outcome};

const REPOSITORIES: u64 = 8;
/// As many as there are CPUs: more would wait for those, and less so behind a slower server.
const JOBS: u64 = 2;
const DELAY: Duration = Duration::from_millis(200);
/// Runs of each, made by turns.
const RUNS: usize = 10;
/// Ahead of whatever else the machine does, which would be in the differences.
const PRIORITY: u32 = 2;

fn waitscope(folder: &Path, args: &[&str]) -> Result<Outcome> {
    let mut command = live::waitscope()?;
    command.env("COLUMNS", "80").current_dir(folder).args(args);
    live::finish(&mut command)
}

/// Its JSON.
fn diff(folder: &Path, args: &[&str]) -> Result<Value> {
    let outcome = waitscope(folder, &[&["diff", "--format", "json"], args].concat())?;
    outcome.expect_code(0)?;
    ensure!(outcome.stderr.is_empty(), "{}", outcome.stderr);
    let diff: Value = serde_json::from_slice(&outcome.stdout)?;
    ensure!(diff["schema"] == "waitscope.diff/1", "{}", diff["schema"]);
    check_closes(&diff["path"])?;
    for group in list(&diff["groups"]) {
        check_closes(&group["lifetime"])?;
    }
    Ok(diff)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn ns(value: &Value) -> i64 {
    value.as_i64().unwrap_or(i64::MIN)
}

/// Parts add up to their row, on both sides and in the difference.
fn check_closes(row: &Value) -> Result<()> {
    ensure!(
        ns(&row["b"]["ns"]) - ns(&row["a"]["ns"]) == ns(&row["difference_ns"]),
        "{row}"
    );
    let parts = list(&row["parts"]);
    let sum = |of: &dyn Fn(&Value) -> i64| parts.iter().map(of).sum::<i64>();
    if !parts.is_empty() {
        ensure!(
            sum(&|part| ns(&part["a"]["ns"])) == ns(&row["a"]["ns"]),
            "{row}"
        );
        ensure!(
            sum(&|part| ns(&part["b"]["ns"])) == ns(&row["b"]["ns"]),
            "{row}"
        );
    }
    parts.iter().try_for_each(check_closes)
}

/// Every row there is, with its parts.
fn rows(diff: &Value) -> Vec<&Value> {
    fn add<'a>(rows: &mut Vec<&'a Value>, row: &'a Value) {
        rows.push(row);
        list(&row["parts"]).iter().for_each(|part| add(rows, part));
    }
    let mut rows = Vec::new();
    add(&mut rows, &diff["path"]);
    for group in list(&diff["groups"]) {
        add(&mut rows, &group["lifetime"]);
    }
    rows
}

fn found(diff: &Value, finding: &str) -> usize {
    let rows = rows(diff);
    rows.iter().filter(|row| row["finding"] == finding).count()
}

/// Repositories, and two servers of them.
struct Servers {
    stage: Stage,
    prompt: (GitDaemon, PathBuf),
    delayed: (GitDaemon, PathBuf),
    dir: TempDir,
}

impl Servers {
    fn start() -> Result<Self> {
        let dir = live::shared_dir()?;
        let stage = Stage::build(dir.path(), REPOSITORIES)?;
        // What TCP puts off for 40 ms, and a delay spares: see the test of gitsync.
        stage.around().set("protocol.version", "0")?;
        let delay = Delay::new(DELAY, dir.path().join("delays"));
        let serve = |name: &str, delay: Option<&Delay>| -> Result<_> {
            let server = stage.serve(&format!("{name}.log"), delay)?;
            prefer(server.pid())?;
            let clones = dir.path().join(name);
            stage.clone_all(&server, JOBS, &clones)?;
            Ok((server, clones))
        };
        let prompt = serve("prompt", None)?;
        let delayed = serve("delayed", Some(&delay))?;
        Ok(Self {
            stage,
            prompt,
            delayed,
            dir,
        })
    }

    /// Records a pull of nothing new.
    fn record(&self, clones: &Path, file: &str) -> Result<()> {
        let mut run = live::waitscope_ahead(PRIORITY)?;
        run.envs(self.stage.around().variables());
        run.current_dir(self.dir.path());
        run.args(["run", "-o", "last.txt", "--record", file, "--"]);
        run.arg(gitsync()).args(["--mode", "threads", "--jobs"]);
        live::finish(run.arg(JOBS.to_string()).arg(clones))?.expect_code(0)
    }
}

/// Lets nothing else on the machine keep a process, and those that it starts, from a CPU.
fn prefer(pid: u32) -> Result<()> {
    let priority = libc::sched_param {
        sched_priority: PRIORITY.cast_signed(),
    };
    // SAFETY: the pointer is to a parameter on our stack.
    let set =
        unsafe { libc::sched_setscheduler(pid.cast_signed(), libc::SCHED_RR, &raw const priority) };
    ensure!(set == 0, "no priority: {}", std::io::Error::last_os_error());
    Ok(())
}

/// Recordings `a0.wsc`, …: two lots of equal runs, and one of the slower server.
fn record_all(servers: &Servers) -> Result<[Vec<String>; 3]> {
    let mut lots = [const { Vec::new() }; 3];
    for at in 0..RUNS {
        // What runs behind another one finds other caches: neither side always does.
        let order = if at % 2 == 0 { [0, 1, 2] } else { [1, 0, 2] };
        for lot in order {
            let name = ["a", "b", "slow"][lot];
            let (_, clones) = match name {
                "slow" => &servers.delayed,
                _ => &servers.prompt,
            };
            let file = format!("{name}{at}.wsc");
            servers.record(clones, &file)?;
            lots[lot].push(file);
        }
    }
    Ok(lots)
}

/// `--a … --b …`.
fn sides<'a>(a: &'a [String], b: &'a [String]) -> Vec<&'a str> {
    let a = std::iter::once("--a").chain(a.iter().map(String::as_str));
    let b = std::iter::once("--b").chain(b.iter().map(String::as_str));
    a.chain(b).collect()
}

/// What the network is of the difference.
fn check_network(diff: &Value) -> Result<()> {
    let path = &diff["path"];
    let network = list(&path["parts"])
        .iter()
        .find(|row| row["name"] == "network");
    let network = network.context("no network on the critical path")?;
    let (all_ns, network_ns) = (ns(&path["difference_ns"]), ns(&network["difference_ns"]));
    // So often did each worker wait for the server.
    let rounds = (REPOSITORIES / JOBS) as i64;
    let delay_ns = DELAY.as_nanos() as i64 * rounds;
    ensure!(
        all_ns > delay_ns * 9 / 10,
        "{all_ns} ns longer, and {delay_ns} ns were slept"
    );
    ensure!(
        network_ns.abs_diff(all_ns) <= all_ns.unsigned_abs() / 20,
        "network {network_ns} ns of {all_ns} ns: {path:#}"
    );
    ensure!(
        path["finding"] == "change" && network["finding"] == "change",
        "{path:#}"
    );
    Ok(())
}

#[test]
fn diff_of_a_slower_server_is_the_network_and_equal_runs_have_no_change() -> Result<()> {
    let servers = Servers::start()?;
    let folder = servers.dir.path();
    // One comparison of equal runs in a hundred has a change, and nobody has two.
    let mut with_change = Vec::new();
    for _ in 0..2 {
        let [a, b, slow] = record_all(&servers)?;
        check_network(&diff(folder, &sides(&a, &slow))?)?;
        for (a, b) in a.iter().zip(&b) {
            let pair = diff(folder, &[a, b])?;
            ensure!(found(&pair, "untested") == rows(&pair).len(), "{a} {b}");
        }
        let equal = diff(folder, &sides(&a, &b))?;
        if found(&equal, "change") == 0 {
            ensure!(found(&equal, "noise") == rows(&equal).len(), "{equal:#}");
            return Ok(());
        }
        with_change.push(equal);
    }
    panic!("equal runs have changes: {with_change:#?}");
}

fn stored(folder: &str, file: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.join(folder).join(file)
}

fn recordings() -> PathBuf {
    stored("recordings", "")
}

#[test]
fn diff_of_stored_recordings_is_the_stored_one() -> Result<()> {
    for (a, b) in [("threads", "processes"), ("threads", "asyncio")] {
        for (format, extension) in [("table", "txt"), ("md", "md")] {
            let [file_a, file_b] = [a, b].map(|mode| format!("gitsync-{mode}.wsc"));
            let args = ["diff", "--format", format, &file_a, &file_b];
            let outcome = waitscope(&recordings(), &args)?;
            outcome.expect_code(0)?;
            let golden = stored("golden/recordings", &format!("diff-{a}-{b}.{extension}"));
            if env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&golden, &outcome.stdout)?;
            }
            let expected = fs::read(&golden).with_context(|| golden.display().to_string())?;
            let shown = String::from_utf8_lossy(&outcome.stdout);
            ensure!(
                outcome.stdout == expected,
                "not as in {}:\n{shown}",
                golden.display()
            );
        }
    }
    Ok(())
}

/// Also as a report in JSON, and the bytes are the same each time.
#[test]
fn diff_of_a_run_with_itself_is_zero_everywhere() -> Result<()> {
    let folder = recordings();
    for file in [
        "gitsync-threads.wsc",
        "java.wsc",
        "postgres.wsc",
        "nginx.wsc",
    ] {
        let own = diff(&folder, &[file, file])?;
        ensure!(
            rows(&own).iter().all(|row| ns(&row["difference_ns"]) == 0),
            "{own:#}"
        );
        let outcomes = [0, 1].map(|_| waitscope(&folder, &["diff", "--all", file, file]));
        let [one, other] = outcomes.map(|outcome| outcome.map(|it| it.stdout));
        ensure!(one? == other?, "{file}");
    }
    let json = "../golden/recordings/gitsync-threads.json";
    let own = diff(&folder, &["gitsync-threads.wsc", json])?;
    ensure!(
        rows(&own).iter().all(|row| ns(&row["difference_ns"]) == 0),
        "{own:#}"
    );
    Ok(())
}

#[test]
fn diff_fails_on_what_is_true_and_says_what_is_not_certain() -> Result<()> {
    let [a, b] = ["gitsync-threads.wsc", "gitsync-processes.wsc"];
    let cases: [(&[&str], i32, &str); 5] = [
        (
            &["b:wall > a:wall * 10"],
            0,
            "does not fail  b:wall > a:wall * 10",
        ),
        (&["a:tree.threads > 0"], 1, "FAILS  a:tree.threads > 0"),
        (
            &["b:tree.stack_touched > 1"],
            3,
            "CANNOT TELL  b:tree.stack_touched > 1B",
        ),
        (
            &["b:tree.stack_touched > 1", "a:wall > 1ns"],
            1,
            "FAILS  a:wall > 1ns",
        ),
        (&["a:wall > 5"], 2, ""),
    ];
    for (expressions, code, shown) in cases {
        let expressions: Vec<String> = expressions
            .iter()
            .map(|it| it.replace("touched > 1", "touched > 1B"))
            .collect();
        let options = expressions.iter().flat_map(|it| ["--fail-on", it]);
        let args: Vec<&str> = ["diff", a, b].into_iter().chain(options).collect();
        let outcome = waitscope(&recordings(), &args)?;
        outcome.expect_code(code)?;
        let table = String::from_utf8_lossy(&outcome.stdout);
        ensure!(table.contains(shown), "{expressions:?}:\n{table}");
        ensure!(
            outcome.stderr.is_empty() == (code != 2),
            "{}",
            outcome.stderr
        );
    }
    let outcome = waitscope(&recordings(), &["diff", a, b, "--fail-on", "c:wal > 5s"])?;
    outcome.expect_code(2)?;
    ensure!(outcome.stdout.is_empty(), "nothing is compared");
    for line in [
        "error: there is no metric `wal`",
        " --> --fail-on:1:3",
        "did you mean `wall`?",
    ] {
        ensure!(outcome.stderr.contains(line), "{line}\n{}", outcome.stderr);
    }
    Ok(())
}

/// One sentence each, nothing on stdout.
#[test]
fn diff_of_what_makes_no_sense_is_refused() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    for file in ["a.wsc", "b.wsc"] {
        fs::copy(
            stored("recordings", "gitsync-threads.wsc"),
            folder.join(file),
        )?;
    }
    fs::hard_link(folder.join("a.wsc"), folder.join("same.wsc"))?;
    fs::write(folder.join("no.json"), "{}")?;
    let cases: [(&[&str], i32, &str); 9] = [
        (&["a.wsc"], 2, "2 values required"),
        (&["a.wsc", "b.wsc", "same.wsc"], 2, "2 values required"),
        (&["--a", "a.wsc"], 2, "--b <FILE>..."),
        (
            &["a.wsc", "b.wsc", "--a", "a.wsc", "--b", "b.wsc"],
            2,
            "cannot be used with",
        ),
        (
            &["--a", "a.wsc", "a.wsc", "--b", "b.wsc"],
            2,
            "a.wsc is given twice",
        ),
        (
            &["--a", "b.wsc", "--b", "a.wsc", "same.wsc"],
            2,
            "a.wsc and same.wsc are one file",
        ),
        (&["a.wsc", "none.wsc"], 125, "cannot open none.wsc"),
        (&["a.wsc", "no.json"], 125, "it names no schema"),
        (
            &["a.wsc", "b.wsc", "-o", "x.html"],
            2,
            "end it in .json, .md or .txt",
        ),
    ];
    for (args, code, complaint) in cases {
        let outcome = waitscope(folder, &[&["diff"], args].concat())?;
        outcome.expect_code(code)?;
        ensure!(
            outcome.stderr.contains(complaint),
            "{args:?}: {}",
            outcome.stderr
        );
        ensure!(outcome.stdout.is_empty(), "{args:?}");
    }
    Ok(())
}

/// The rows are there; claims are about all waits.
#[test]
fn diff_of_a_report_that_leaves_waits_out_says_so_and_decides_nothing() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    fs::copy(
        stored("recordings", "gitsync-threads.wsc"),
        folder.join("a.wsc"),
    )?;
    let filtered = ["report", "a.wsc", "--kind", "futex", "-o", "filtered.json"];
    waitscope(folder, &filtered)?.expect_code(0)?;
    let args = ["diff", "a.wsc", "filtered.json"];
    let outcome = waitscope(folder, &args)?;
    outcome.expect_code(0)?;
    let table = String::from_utf8_lossy(&outcome.stdout);
    ensure!(
        table.contains("the waits that are counted differ: A all, B waits in futex"),
        "{table}"
    );
    let decided = [&args[..], &["--fail-on", "b:wall > 1s"]].concat();
    let outcome = waitscope(folder, &decided)?;
    outcome.expect_code(125)?;
    ensure!(
        outcome.stderr.contains("claims are about all of them"),
        "{}",
        outcome.stderr
    );
    Ok(())
}
