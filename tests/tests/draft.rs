//! `waitscope claims draft`: what is drafted of recordings is CORRECT on each of them, and not
//! of a run that does something else.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use waitscope_tests::live::{self, Outcome};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

/// Four threads that sleep, or poll, twenty times for 20 ms each.
const POOL: &str = "
import select, sys, time
from concurrent.futures import ThreadPoolExecutor
def polls(_):
    select.poll().poll(20)
def sleeps(_):
    time.sleep(0.02)
does = polls if sys.argv[1] == 'poll' else sleeps
with ThreadPoolExecutor(4) as pool:
    list(pool.map(does, range(80)))
";

fn waitscope(folder: &Path, args: &[&str]) -> Result<Outcome> {
    let mut command = live::waitscope()?;
    live::finish(command.current_dir(folder).args(args))
}

fn draft(folder: &Path, args: &[&str]) -> Result<Outcome> {
    waitscope(folder, &[&["claims", "draft"], args].concat())
}

fn record(folder: &Path, file: &str, command: &[&str]) -> Result<()> {
    let args = ["run", "--record", file, "--"];
    waitscope(folder, &[&args[..], command].concat())?.expect_code(0)
}

/// Every claim is CORRECT on every one of these.
fn expect_correct(folder: &Path, claims: &str, runs: &[&str]) -> Result<()> {
    for run in runs {
        let outcome = waitscope(folder, &["check", claims, run])?;
        let text = String::from_utf8_lossy(&outcome.stdout);
        ensure!(outcome.status.success(), "{run}:\n{text}{}", outcome.stderr);
    }
    Ok(())
}

#[test]
fn a_draft_holds_of_its_recordings_and_not_of_another_behaviour() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    fs::write(folder.join("pool.py"), POOL)?;
    let runs = ["a.wsc", "b.wsc", "c.wsc"];
    for run in runs {
        record(folder, run, &["/usr/bin/python3", "pool.py", "sleep"])?;
    }
    let polls = ["/usr/bin/python3", "pool.py", "poll"];
    record(folder, "polls.wsc", &polls)?;
    for (claims, of) in [("one.toml", &runs[..1]), ("three.toml", &runs)] {
        let outcome = draft(folder, &[of, &["-o", claims]].concat())?;
        outcome.expect_code(0)?;
        ensure!(outcome.stderr.is_empty(), "{}", outcome.stderr);
        expect_correct(folder, claims, of)?;
        let text = fs::read_to_string(folder.join(claims))?;
        for line in [
            "[who.python3_pool_py_threads]\nprocess = \"root\"\nthreads = \"others\"\n",
            "says  = \"the threads of python3 pool.py sleep ",
            "holds = \"tree.processes == 1\"",
            "#     waitscope check claims.toml -- /usr/bin/python3 pool.py sleep\n",
        ] {
            ensure!(text.contains(line), "{line}\n{text}");
        }
        let is_exact = text.contains("holds = \"python3_pool_py_threads.threads == 4\"");
        ensure!(is_exact == (of.len() > 1), "{text}");
        let wrong = waitscope(folder, &["check", claims, "polls.wsc"])?;
        wrong.expect_code(1)?;
        let table = String::from_utf8_lossy(&wrong.stdout);
        let line = "python3_pool_py_threads.sleep";
        let line = table.lines().find(|text| text.contains(line));
        ensure!(line.is_some_and(|text| text.contains("WRONG")), "{table}");
    }
    Ok(())
}

/// Of reports in JSON as of recordings, and on stdout as in a file.
#[test]
fn a_draft_of_a_report_is_that_of_its_recording() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    record(folder, "naps.wsc", &[ACTOR, "naps", "40", "10000"])?;
    waitscope(folder, &["report", "naps.wsc", "-o", "naps.json"])?.expect_code(0)?;
    draft(folder, &["naps.wsc", "-o", "naps.toml"])?.expect_code(0)?;
    expect_correct(folder, "naps.toml", &["naps.wsc", "naps.json"])?;
    let of_json = draft(folder, &["naps.json"])?;
    of_json.expect_code(0)?;
    let of_json = String::from_utf8(of_json.stdout)?.replace("naps.json", "naps.wsc");
    let text = fs::read_to_string(folder.join("naps.toml"))?;
    assert_eq!(of_json, text);
    ensure!(text.contains("says  = \"actor sleeps "), "{text}");
    ensure!(text.contains("says  = \"actor is one thread\""), "{text}");
    Ok(())
}

/// Also where it ends before the run did.
#[test]
fn a_draft_holds_of_any_recording() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    let mut drafts = 0;
    for entry in fs::read_dir(live::workspace().join("tests/recordings"))? {
        let path = entry?.path().canonicalize()?;
        let whole = path.to_str().context("a name in UTF-8")?;
        draft(folder, &[whole, "-o", "a.toml"])?.expect_code(0)?;
        expect_correct(folder, "a.toml", &[whole])?;
        let bytes = fs::read(&path)?;
        for part in [2, 5, 8] {
            fs::write(folder.join("cut.wsc"), &bytes[..bytes.len() * part / 10])?;
            let outcome = draft(folder, &["cut.wsc", whole, "-o", "cut.toml"])?;
            match outcome.status.code() {
                Some(0) => expect_correct(folder, "cut.toml", &["cut.wsc", whole])?,
                _ => ensure!(outcome.stderr.contains("nothing"), "{}", outcome.stderr),
            }
            drafts += i32::from(outcome.status.success());
        }
    }
    ensure!(drafts > 20, "{drafts}");
    Ok(())
}

#[test]
fn what_cannot_be_drafted_is_one_clear_sentence() -> Result<()> {
    let dir = live::shared_dir()?;
    let folder = dir.path();
    fs::write(
        folder.join("empty.json"),
        "{\"schema\": \"waitscope.report/1\"}",
    )?;
    fs::write(folder.join("text.toml"), "schema = 1\n")?;
    record(folder, "a.wsc", &[ACTOR, "naps", "20", "10000"])?;
    record(folder, "b.wsc", &[ACTOR, "naps", "21", "10000"])?;
    fs::copy(folder.join("a.wsc"), folder.join("run.toml"))?;
    for (args, code, reason) in [
        (&[][..], 2, "<FILE>"),
        (&["none.wsc"], 1, "cannot open none.wsc"),
        (&["text.toml"], 1, "cannot read text.toml"),
        (&["empty.json"], 1, "nothing was observed in empty.json"),
        (&["a.wsc", "empty.json"], 1, "nothing was observed in empty"),
        (&["a.wsc", "-o", "out.txt"], 2, "ends in .toml"),
        (&["run.toml", "-o", "run.toml"], 2, "run.toml"),
        (&["a.wsc", "-o", "none/out.toml"], 1, "no folder none"),
    ] {
        let outcome = draft(folder, args)?;
        outcome.expect_code(code)?;
        ensure!(outcome.stdout.is_empty(), "{args:?}");
        let stderr = &outcome.stderr;
        ensure!(stderr.contains(reason), "{args:?}: {stderr}");
        ensure!(code == 2 || stderr.lines().count() == 1, "{stderr}");
    }
    let both = draft(folder, &["a.wsc", "b.wsc", "-o", "both.toml"])?;
    both.expect_code(0)?;
    let reason = "a.wsc and b.wsc are of different commands";
    ensure!(both.stderr.contains(reason), "{}", both.stderr);
    expect_correct(folder, "both.toml", &["a.wsc", "b.wsc"])
}
