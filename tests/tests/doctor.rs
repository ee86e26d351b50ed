//! What doctor says of this kernel, and of one that lacks something.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use waitscope_tests::report::Report;
use waitscope_tests::{live, type_information};

/// Members, each with the one feature that needs it.
const MEMBERS: &[(&str, &str, &str)] = &[
    ("arg_start", "mm_struct.arg_start", "program arguments"),
    ("max_fds", "fdtable.max_fds", "what a descriptor is"),
    ("in_iowait", "task_struct.in_iowait", "sleeps for I/O"),
];

fn examine(doctor: &mut Command) -> Result<Value> {
    let outcome = live::finish(doctor.args(["doctor", "--format", "json"]))?;
    outcome.expect_code(0)?;
    serde_json::from_slice(&outcome.stdout).context("doctor's JSON")
}

fn list<'a>(json: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    json[key]
        .as_array()
        .with_context(|| format!("{key}: {json}"))
}

/// Names of the features that are off.
fn off(doctor: &Value) -> Result<Vec<&str>> {
    let features = list(doctor, "features")?.iter();
    Ok(features
        .filter(|feature| feature["available"] == false)
        .filter_map(|feature| feature["name"].as_str())
        .collect())
}

#[test]
fn json_says_what_run_then_has() -> Result<()> {
    let doctor = examine(&mut live::waitscope()?)?;
    assert_eq!(doctor["schema"], "waitscope.doctor/1");
    assert_eq!(doctor["works"], true);
    let (outcome, report) = live::traced(&["true"])?;
    outcome.expect_code(0)?;
    assert_eq!(doctor["tier"], report.tier.as_str());
    assert_eq!(doctor["kernel"]["release"], report.host.kernel.as_str());
    for probe in list(&doctor, "probes")? {
        let attached = probe["attached"] == true;
        assert!(attached || probe["refusal"].is_string(), "{probe}");
        assert_eq!(
            attached,
            probe["translated_instructions"].is_u64(),
            "{probe}"
        );
    }
    Ok(())
}

/// A member's name is taken out of a copy of the kernel's own type information.
#[test]
fn a_member_that_is_missing_costs_its_feature_and_no_other() -> Result<()> {
    let whole = examine(&mut live::waitscope()?)?;
    let dir = live::shared_dir()?;
    let file = dir.path().join("vmlinux");
    for (name, member, feature) in MEMBERS {
        let mut data = type_information::read()?;
        type_information::rename(&mut data, name, &"x".repeat(name.len()))?;
        fs::write(&file, &data)?;
        let mut doctor = live::waitscope()?;
        type_information::replace(&mut doctor, &file)?;
        let doctor = examine(&mut doctor)?;
        let mut expected = off(&whole)?;
        if !expected.contains(feature) {
            expected.push(feature);
        }
        let (mut found, mut expected) = (off(&doctor)?, expected);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "without {member}");
        let named = list(&doctor, "features")?.iter();
        let mut named = named.filter(|f| f["name"] == **feature);
        let missing = &named.next().context("the feature")?["missing"];
        assert!(missing.to_string().contains(member), "{missing}");
        assert_eq!(doctor["tier"], whole["tier"]);
    }
    Ok(())
}

#[test]
fn a_run_without_a_feature_says_so_and_has_the_rest() -> Result<()> {
    let dir = live::shared_dir()?;
    let (file, out) = (dir.path().join("vmlinux"), dir.path().join("out.json"));
    let mut data = type_information::read()?;
    type_information::rename(&mut data, "arg_start", "xxx_xxxxx")?;
    fs::write(&file, &data)?;
    let mut run = live::waitscope()?;
    type_information::replace(&mut run, &file)?;
    run.args(["run", "-o"])
        .arg(&out)
        .args(["--", "sleep", "0.1"]);
    live::finish(&mut run)?.expect_code(0)?;
    let report = Report::read(&out)?;
    let problems = report.coverage.problems.join("\n");
    assert!(
        problems.contains("not seen: program arguments"),
        "{problems}"
    );
    assert!(problems.contains("mm_struct.arg_start"), "{problems}");
    let sleeper = report.only("sleep", |thread| thread.comm == "sleep")?;
    assert_eq!(sleeper.argv, Vec::<String>::new());
    // The timer starts before the thread is off the CPU.
    assert!(sleeper.account.kind_ns("sleep") >= 50_000_000);
    Ok(())
}

#[test]
fn without_an_essential_member_nothing_is_tried_and_the_lack_is_named() -> Result<()> {
    let dir = live::shared_dir()?;
    let (file, work) = (dir.path().join("vmlinux"), dir.path().join("work"));
    let mut data = type_information::read()?;
    type_information::rename(&mut data, "real_parent", "xxxx_xxxxxx")?;
    fs::write(&file, &data)?;
    let mut run = live::waitscope()?;
    type_information::replace(&mut run, &file)?;
    let outcome = live::finish(run.args(["run", "--", "touch"]).arg(&work))?;
    outcome.expect_code(125)?;
    assert!(
        outcome.stderr.contains("task_struct.real_parent"),
        "{}",
        outcome.stderr
    );
    assert!(!work.exists(), "the command ran unobserved");
    Ok(())
}
