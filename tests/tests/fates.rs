//! What did not end cleanly, and what by.

use std::fs;
use std::thread;

use anyhow::{Context, Result, ensure};
use waitscope_tests::cgroup::Cgroup;
use waitscope_tests::report::{Exit, Fate, Report};
use waitscope_tests::{audit, live};

/// A page more than what the actor needs to live.
const ENOUGH: &str = "33554432";

struct Case {
    comm: &'static str,
    exit: Exit,
    cause: &'static str,
    siblings: u64,
}

const fn case(comm: &'static str, exit: Exit, cause: &'static str, siblings: u64) -> Case {
    Case {
        comm,
        exit,
        cause,
        siblings,
    }
}

/// In the order of the report: the worst first.
const CASES: &[Case] = &[
    case("f-oom", Exit::Signal(9), "oom-memcg", 0),
    case("f-actor", Exit::Signal(11), "stack-overflow", 2),
    case("f-deep", Exit::Signal(11), "stack-overflow", 0),
    case("f-actor", Exit::Signal(11), "segv", 2),
    case("f-wild", Exit::Signal(11), "segv", 0),
    case("f-core", Exit::Signal(6), "core", 0),
    case("f-abort", Exit::Signal(6), "signal", 0),
    case("f-killed", Exit::Signal(9), "signal", 0),
    case("f-term", Exit::Signal(15), "signal", 0),
    case("f-five", Exit::Code(5), "exit", 2),
    case("f-three", Exit::Code(3), "exit", 0),
];

#[test]
fn fates_are_named_with_their_causes() -> Result<()> {
    let cgroup = Cgroup::new("memory", "waitscope-fates")?;
    let limit = match cgroup.is_unified {
        true => "memory.max",
        false => "memory.limit_in_bytes",
    };
    cgroup.set(limit, ENOUGH)?;
    let dir = live::shared_dir()?;
    let [wanted, out] = ["wanted", "out.json"].map(|name| dir.path().join(name));
    let mut waitscope = live::waitscope()?;
    // The core goes there.
    waitscope
        .current_dir(dir.path())
        .args(["run", "-o"])
        .arg(&out);
    waitscope.args(["--", env!("CARGO_BIN_EXE_actor"), "fates"]);
    let run = live::start(waitscope.arg(cgroup.procs()).arg(&wanted))?;
    let mut pid = None;
    live::until("it waits to be ended", || {
        pid = fs::read_to_string(&wanted)
            .ok()
            .and_then(|text| text.parse().ok());
        Ok(pid.is_some())
    })?;
    let pid = pid.context("no pid")?;
    // SAFETY: plain integers; its parent waits for it.
    ensure!(unsafe { libc::kill(pid, libc::SIGTERM) } == 0, "not sent");
    run.finish()?.expect_code(0)?;
    let report = Report::read(&out)?;
    let mut wrong = audit::violations(&report);
    let fates = report.fates.as_deref().context("not observed")?;
    let brief = |fate: &Fate| {
        (
            fate.comm.clone(),
            fate.exit,
            fate.cause.clone(),
            fate.siblings,
        )
    };
    let mut found: Vec<_> = fates.iter().map(brief).collect();
    let expect = |it: &Case| {
        (
            it.comm.to_owned(),
            it.exit,
            it.cause.to_owned(),
            it.siblings,
        )
    };
    let mut expected: Vec<_> = CASES.iter().map(expect).collect();
    for list in [&mut found, &mut expected] {
        list.sort_by_key(|(comm, _, cause, _)| (cause.clone(), comm.clone()));
    }
    if found != expected {
        wrong.push(format!("{found:#?}"));
    }
    wrong.extend(senders(&report, fates)?);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What is wrong with who sent what, and where faults were.
fn senders(report: &Report, fates: &[Fate]) -> Result<Vec<String>> {
    let killer = report.named("f-killer")?;
    let mut wrong = Vec::new();
    for fate in fates {
        let sender = fate
            .sender
            .as_ref()
            .map(|sender| (sender.pid, sender.comm.as_str()));
        let own = thread::current().name().unwrap_or_default()[..15].to_owned();
        let expect = match fate.comm.as_str() {
            "f-killed" => Some((killer.pid, "f-killer")),
            "f-term" => Some((std::process::id(), own.as_str())),
            "f-abort" | "f-core" => Some((fate.pid, fate.comm.as_str())),
            _ => None,
        };
        if sender != expect {
            wrong.push(format!("{}: sent by {sender:?}, not {expect:?}", fate.comm));
        }
        if fate.cause == "segv" && fate.address != Some(16) {
            wrong.push(format!("{}: a fault at {:?}", fate.comm, fate.address));
        }
        if fate.core != (fate.comm == "f-core") {
            wrong.push(format!("{}: core is {}", fate.comm, fate.core));
        }
    }
    Ok(wrong)
}
