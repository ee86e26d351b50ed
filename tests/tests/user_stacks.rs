//! The stacks of programs (`--user-stacks`) against a chain of functions that keeps frame
//! pointers and says where in its file it lies.
#![cfg(target_arch = "x86_64")]

use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use waitscope_tests::live;

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");

/// What the program said of itself.
struct Said {
    pids: [u64; 2],
    /// Innermost first.
    functions: Vec<(String, Range<u64>)>,
}

fn said(path: &Path) -> Result<Said> {
    let text = fs::read_to_string(path)?;
    let (first, rest) = text.split_once('\n').context("no line")?;
    let (own, child) = first.split_once(' ').context("two pids")?;
    let function = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, from, to] = words[..] else {
            anyhow::bail!("three words: {line}");
        };
        Ok((name.to_owned(), from.parse()?..to.parse()?))
    };
    Ok(Said {
        pids: [own.parse()?, child.parse()?],
        functions: rest.lines().map(function).collect::<Result<_>>()?,
    })
}

/// A recording of `count` sleeps with these options, and what was said.
fn record(dir: &Path, options: &[&str], count: u32) -> Result<Said> {
    let mut record = live::waitscope()?;
    record.arg("record").args(options);
    record.arg("-o").arg(dir.join("run.wsc"));
    record.args(["--", ACTOR, "framed", &count.to_string(), "2000"]);
    live::finish(record.arg(dir.join("said")))?.expect_code(0)?;
    said(&dir.join("said"))
}

/// The report of it with the steps of these threads.
fn explained(dir: &Path, tids: &[u64]) -> Result<Value> {
    let mut report = live::waitscope()?;
    report.arg("report").arg(dir.join("run.wsc"));
    for tid in tids {
        report.args(["--explain", &tid.to_string()]);
    }
    live::finish(report.arg("-o").arg(dir.join("out.json")))?.expect_code(0)?;
    Ok(serde_json::from_slice(&fs::read(dir.join("out.json"))?)?)
}

/// The user stacks of a thread's timer waits, each as its frames.
fn stacks<'a>(report: &'a Value, tid: u64) -> Result<Vec<Option<Vec<&'a Value>>>> {
    let threads = report["explained"].as_array().context("explained")?;
    let thread = threads.iter().find(|thread| thread["tid"] == tid);
    let steps = thread.and_then(|thread| thread["steps"].as_array());
    let sleeps = steps.context("steps")?.iter();
    let sleeps = sleeps.filter(|step| step["syscall"] == "nanosleep");
    let frame =
        |number: &Value| &report["user_frames"][number.as_u64().unwrap_or(u64::MAX) as usize];
    let stack = |step: &'a Value| {
        let numbers = step["user_stack"].as_array()?;
        Some(numbers.iter().map(frame).collect())
    };
    Ok(sleeps.map(stack).collect())
}

/// The build id of a program, as its note has it, in hex.
fn build_id(program: &str) -> Result<String> {
    // n_namesz, n_descsz, n_type (NT_GNU_BUILD_ID), name
    let head = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";
    let bytes = fs::read(program)?;
    let at = bytes.windows(head.len()).position(|window| window == head);
    let from = at.context("no build id")? + head.len();
    let id = bytes.get(from..from + 20).context("cut off")?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[test]
fn each_sleep_has_the_functions_that_it_was_called_by() -> Result<()> {
    let dir = live::shared_dir()?;
    let said = record(dir.path(), &["--user-stacks"], 20)?;
    let report = explained(dir.path(), &said.pids)?;
    let id = build_id(ACTOR)?;
    assert_eq!(report["coverage"]["lost"]["user-stack"], 0);
    for (tid, least) in [(said.pids[0], 19), (said.pids[1], 1)] {
        let stacks = stacks(&report, tid)?;
        ensure!(stacks.len() >= least, "{tid}: {} sleeps", stacks.len());
        for (at, stack) in stacks.iter().enumerate() {
            let stack = stack.as_ref().with_context(|| {
                let steps = &report["explained"];
                let frames = &report["user_frames"];
                format!(
                    "{tid}: no stack of sleep {at} of {}: {frames}, {steps}",
                    stacks.len()
                )
            })?;
            ensure!(stack.len() > said.functions.len(), "{tid}: {stack:?}");
            for (frame, (name, range)) in stack.iter().zip(&said.functions) {
                assert_eq!(frame["build_id"], *id, "{name}: {stack:?}");
                assert_eq!(frame["module"], ACTOR, "{name}: {stack:?}");
                let offset = frame["offset"].as_u64().context("offset")?;
                assert!(range.contains(&offset), "{name}: {offset:#x} in {range:x?}");
            }
        }
    }
    Ok(())
}

#[test]
fn without_the_option_there_is_none() -> Result<()> {
    let dir = live::shared_dir()?;
    let said = record(dir.path(), &[], 3)?;
    let report = explained(dir.path(), &said.pids)?;
    assert_eq!(report.get("user_frames"), None);
    let stacks = stacks(&report, said.pids[0])?;
    ensure!(!stacks.is_empty(), "no sleep");
    assert!(stacks.iter().all(Option::is_none));
    Ok(())
}
