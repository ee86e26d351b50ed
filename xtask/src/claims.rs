//! Every claim that comes with waitscope on runs of its own, for real, and the page about what
//! they came to: docs/claims.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::build;
use crate::demo;
use crate::privilege::Privilege;
use crate::run::{Shown, output_of, say};
use crate::workspace::Workspace;

/// The verdicts that are known, a line each: `A1 = WRONG`. What stands not here is open.
const EXPECTED: &str = "tests/claims.expected";
const PAGE: &str = "docs/claims.md";
/// Ends the id of the same sentence about a workload of which the opposite is true.
const CONTROL: &str = "-control";
/// Verdicts that say neither.
const UNSETTLED: [&str; 2] = ["NOT SEEN", "CANNOT TELL"];
/// The pack that is about gitsync's runs.
const GITSYNC: &str = "gitsync";
/// Exit codes with which verdicts were reached: all CORRECT, some refuted, some undecided.
const DECIDED: [i32; 3] = [0, 1, 3];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these packs, and nothing is written into docs/claims.md
    #[arg(long, value_name = "NAME")]
    pack: Vec<String>,
}

pub(crate) fn check(workspace: &Workspace, options: &Options) -> Result<()> {
    let privilege = Privilege::find();
    build::release(workspace)?;
    let folder = workspace.path("target/claims");
    fs::create_dir_all(&folder)?;
    let all = packs(workspace)?;
    let packs: Vec<&String> = match options.pack.is_empty() {
        true => all.iter().collect(),
        false => options.pack.iter().collect(),
    };
    let mut page = PREFACE.replace("HOST", &host(workspace)?);
    let mut verdicts = BTreeMap::new();
    for pack in packs {
        say(format_args!("\n== {pack}"));
        let runs = match pack.as_str() {
            GITSYNC => demo::recorded(workspace, &folder)?,
            _ => Vec::new(),
        };
        let out = folder.join(pack);
        let mut command = privilege.command(workspace.waitscope(), &[])?;
        command.args(["check", "--pack", pack]).args(runs);
        verdicts.extend(verdicts_of(&mut command, &out)?);
        page += &section(pack, &out)?;
    }
    let differ = [differences(workspace, &verdicts)?, unopposed(&verdicts)].concat();
    if options.pack.is_empty() {
        fs::write(workspace.path(PAGE), page).with_context(|| format!("cannot write {PAGE}"))?;
    }
    differ.iter().for_each(say);
    ensure!(
        differ.is_empty(),
        "{} verdicts are not as they should be",
        differ.len()
    );
    Ok(())
}

/// Names of all packs.
fn packs(workspace: &Workspace) -> Result<Vec<String>> {
    let list = output_of(Command::new(workspace.waitscope()).args(["check", "--list-packs"]))?;
    let names = list.lines().filter_map(|line| line.split(' ').next());
    Ok(names.map(str::to_owned).collect())
}

fn host(workspace: &Workspace) -> Result<String> {
    let doctor = output_of(Command::new(workspace.waitscope()).arg("doctor"))?;
    let line = |name: &str| {
        let mut lines = doctor.lines().filter_map(|line| line.strip_prefix(name));
        lines.next().map(str::trim).unwrap_or_default().to_owned()
    };
    Ok(format!("Linux {}, {} tier", line("kernel"), line("tier")))
}

/// Shows the table; returns the verdicts by id.
fn verdicts_of(command: &mut Command, out: &Path) -> Result<BTreeMap<String, String>> {
    let json = out.with_extension("json");
    let page = out.with_extension("md");
    command
        .args(["-o", "-", "-o"])
        .arg(&json)
        .arg("-o")
        .arg(page);
    say(Shown(command));
    let status = command.status().context("cannot run waitscope")?;
    ensure!(
        status.code().is_some_and(|code| DECIDED.contains(&code)),
        "waitscope check failed: {status}"
    );
    let check: Value = serde_json::from_slice(&fs::read(&json)?)?;
    let claims = check["claims"].as_array().context("no claims in it")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let verdict = |claim: &Value| (text(&claim["id"]), text(&claim["verdict"]));
    Ok(claims.iter().map(verdict).collect())
}

/// What a pack came to: the table of its claims.
fn section(pack: &str, out: &Path) -> Result<String> {
    let text = fs::read_to_string(out.with_extension("md"))?;
    let table = text.find("| claim |").and_then(|at| text.get(at..));
    let table = table.context("no table of claims")?;
    let runs = match pack {
        GITSYNC => " run=FILE capture=FILE asyncio=FILE",
        _ => "",
    };
    Ok(format!(
        "\n## {pack}\n\n```\nsudo waitscope check --pack {pack}{runs}\n```\n\n{table}"
    ))
}

/// Claims without a control, and those whose control has no opposite verdict: of the two
/// exactly one is CORRECT. What was not settled has none.
fn unopposed(found: &BTreeMap<String, String>) -> Vec<String> {
    let claims = found.iter().filter(|(id, _)| !id.ends_with(CONTROL));
    let settled = claims.filter(|(_, verdict)| !UNSETTLED.contains(&verdict.as_str()));
    let wrong = settled.filter_map(|(id, verdict)| {
        let Some(control) = found.get(&format!("{id}{CONTROL}")) else {
            return Some(format!("{id} has no control"));
        };
        let is_opposite = (verdict == "CORRECT") != (control == "CORRECT");
        let is_settled = !UNSETTLED.contains(&control.as_str());
        (!is_opposite || !is_settled)
            .then(|| format!("{id} is {verdict}, and its control is {control}"))
    });
    wrong.collect()
}

/// Verdicts that are known to be others.
fn differences(workspace: &Workspace, found: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let text = fs::read_to_string(workspace.path(EXPECTED)).context(EXPECTED)?;
    let mut differ = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((id, expected)) = line.split_once(" = ") else {
            bail!("{EXPECTED}: not `ID = VERDICT`: {line}");
        };
        match found.get(id) {
            Some(verdict) if verdict != expected => {
                differ.push(format!("{id} is {verdict}, and known to be {expected}"));
            }
            _ => {}
        }
    }
    Ok(differ)
}

/// The recordings of gitsync, as `check` is given them.
pub(crate) fn named(recordings: &[(&str, PathBuf)]) -> Vec<String> {
    let run = |scene: &str| match scene {
        "threads" => Some("run"),
        "threads-capture" => Some("capture"),
        "asyncio" => Some("asyncio"),
        _ => None,
    };
    let recordings = recordings.iter();
    recordings
        .filter_map(|(scene, path)| Some(format!("{}={}", run(scene)?, path.display())))
        .collect()
}

const PREFACE: &str = "# What the claims came to

What engineers say about waiting, threads, descriptors and listen queues, measured on one machine. Made by
`cargo xtask claims`, which runs every pack of `waitscope check --list-packs` for real; on another machine the numbers, and
some verdicts, are others. A claim whose id ends in `-control` is the same sentence about a workload of which the opposite
is true, so that no verdict hangs on the name of a workload. What verdicts mean: [claim-files.md](claim-files.md).

HOST.
";
