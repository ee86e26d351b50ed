//! What each open descriptor is (`--per-fd`), against what its process knows of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use waitscope_tests::report::{FdTable, FdTarget, Report};
use waitscope_tests::{audit, live};

const ACTOR: &str = env!("CARGO_BIN_EXE_actor");
/// Descriptors of a table that are described.
const DESCRIBED: i32 = 256;
/// Standard input, output and error, of which processes say nothing.
const STANDARD: i32 = 3;

/// What processes said, by name, and their ids.
type Said = BTreeMap<String, (u32, Vec<FdTarget>)>;

fn said(path: &Path) -> Result<Said> {
    let mut said = Said::new();
    for line in fs::read_to_string(path)?.lines() {
        let mut words = line.splitn(6, ' ');
        let mut next = || words.next().context("six words");
        let (name, pid) = (next()?.to_owned(), next()?.parse()?);
        let target = FdTarget {
            fd: next()?.parse()?,
            cloexec: next()?.parse()?,
            kind: next()?.to_owned(),
            target: next()?.to_owned(),
        };
        let (_, targets) = said.entry(name).or_insert((pid, Vec::new()));
        targets.push(target);
    }
    for (_, targets) in said.values_mut() {
        targets.sort();
    }
    Ok(said)
}

/// Beyond the standard ones, as processes write them.
fn seen(targets: Option<&[FdTarget]>) -> Result<Vec<FdTarget>> {
    let targets = targets.context("nothing was described")?.iter();
    let beyond = targets.filter(|target| target.fd >= STANDARD);
    let written = beyond.map(|found| FdTarget {
        target: found.target.escape_default().to_string(),
        ..found.clone()
    });
    Ok(written.collect())
}

/// The table of a process that has one.
fn table(report: &Report, pid: u32) -> Result<&FdTable> {
    let tables = report.fd_tables.iter().flatten();
    let mut of_it = tables.filter(|table| table.processes.contains(&pid));
    let only = of_it.next().with_context(|| format!("no table of {pid}"))?;
    ensure!(of_it.next().is_none(), "two tables of {pid}");
    Ok(only)
}

fn check_all(report: &Report, said: &Said) -> Result<()> {
    for (name, (pid, expected)) in said {
        let table = table(report, *pid)?;
        let (found, left) = match name.as_str() {
            "t-inherited" => (&table.inherited_targets, table.inherited_targets_left),
            _ => (&table.targets, table.targets_left),
        };
        let found = seen(found.as_deref()).with_context(|| name.clone())?;
        let (within, beyond): (Vec<FdTarget>, Vec<FdTarget>) =
            expected.iter().cloned().partition(|t| t.fd < DESCRIBED);
        let differs = found.iter().filter(|t| !within.contains(t));
        let lacks = within.iter().filter(|t| !found.contains(t));
        let wrong: Vec<&FdTarget> = differs.chain(lacks).collect();
        ensure!(wrong.is_empty(), "{name}: {wrong:?}");
        assert_eq!(found.len(), within.len(), "{name}");
        assert_eq!(left, Some(beyond.len()), "{name}");
        if beyond.is_empty() && name != "t-inherited" {
            check_kinds(table)?;
        }
    }
    Ok(())
}

/// The probes count by kind what user space names.
fn check_kinds(table: &FdTable) -> Result<()> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for target in table.targets.iter().flatten() {
        *counts.entry(target.kind.clone()).or_default() += 1;
    }
    let mut by_kind = table.by_kind.clone().context("kinds")?;
    by_kind.retain(|_, count| *count > 0);
    assert_eq!(by_kind, counts);
    Ok(())
}

#[test]
fn descriptors_are_what_their_processes_say() -> Result<()> {
    let dir = live::shared_dir()?;
    let at = |name| dir.path().join(name);
    let mut run = live::waitscope()?;
    run.args(["run", "--per-fd", "-o"]).arg(at("out.json"));
    run.arg("-o").arg(at("out.txt"));
    run.arg("--record").arg(at("out.wsc"));
    run.args(["--", ACTOR, "targets"]).arg(at("said"));
    live::finish(&mut run)?.expect_code(0)?;
    let report = Report::read(&at("out.json"))?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let said = said(&at("said"))?;
    // Where a probe was skipped a table may be missing.
    if report.skipped_runs() == 0 {
        assert_eq!(said.len(), 5, "{said:?}");
        check_all(&report, &said)?;
    }
    check_text(&fs::read_to_string(at("out.txt"))?)?;
    let mut again = live::waitscope()?;
    again.arg("report").arg(at("out.wsc"));
    again.args(["--format", "json", "-o", "-"]);
    let again = live::finish(&mut again)?;
    ensure!(
        again.stdout == fs::read(at("out.json"))?,
        "replayed differently"
    );
    // One behind the other: to load the probes is what takes longest in guests.
    check_losses()
}

/// The largest table, with what has the most descriptors first, and what it cost.
fn check_text(text: &str) -> Result<()> {
    for part in ["3–255", "44 not described", "(--per-fd)"] {
        ensure!(text.contains(part), "{part}: {text}");
    }
    Ok(())
}

#[test]
fn descriptors_of_what_lives_on_are_those_at_the_end() -> Result<()> {
    let dir = live::shared_dir()?;
    let at = |name| dir.path().join(name);
    fs::write(at("said"), "")?;
    let mut actor = std::process::Command::new(ACTOR);
    let mut actor = actor.arg("targets-kept").arg(at("said")).spawn()?;
    live::until("it has all of them open", || {
        Ok(fs::metadata(at("said"))?.len() > 0)
    })?;
    let mut run = live::waitscope()?;
    run.args(["run", "--per-fd", "--duration", "100ms", "-o"]);
    run.arg(at("out.json"))
        .args(["--pid", &actor.id().to_string()]);
    let outcome = live::finish(&mut run);
    actor.kill()?;
    actor.wait()?;
    outcome?.expect_code(0)?;
    let report = Report::read(&at("out.json"))?;
    check_all(&report, &said(&at("said"))?)
}

/// A ring that has no room for so many: what was lost is not taken for what was not open.
fn check_losses() -> Result<()> {
    let dir = live::shared_dir()?;
    let options = ["--per-fd", "--ring-size", "4096"];
    let said = dir.path().join("said");
    let (_, report) = live::traced_with(&options, &[ACTOR, "targets", &said.to_string_lossy()])?;
    let lost = report.coverage.lost.get("object").copied();
    let (mut left, mut beyond) = (0, 0);
    for table in report.fd_tables.iter().flatten() {
        let Some(targets) = &table.targets else {
            continue;
        };
        let open = match &table.by_kind {
            Some(kinds) => kinds.values().sum::<u32>() as usize,
            None => {
                beyond += table.open.last - DESCRIBED as usize;
                table.open.last
            }
        };
        let unknown = table.targets_left.context("how many are left")?;
        assert_eq!(targets.len() + unknown, open, "{:?}", table.open);
        left += unknown;
    }
    ensure!(left > beyond, "none was lost: {lost:?}");
    ensure!(
        lost.is_some_and(|lost| lost >= (left - beyond) as u64),
        "{lost:?}"
    );
    Ok(())
}
