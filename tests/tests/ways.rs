//! Waits whose kind or object neither two arguments nor one descriptor show.

use std::fs::File;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use waitscope_tests::report::{Report, Wait};
use waitscope_tests::unseen::Unseen;
use waitscope_tests::{audit, live};

/// What is true of a way to wait.
#[derive(Debug, Deserialize)]
struct Truth {
    comm: String,
    kind: String,
    object: Option<String>,
    source: String,
    count: u64,
}

/// The shortest of them, ns.
const SHORTEST_NS: u64 = 60_000_000;

/// Not fewer: the machine may refuse a few.
const MOST: usize = 20;

#[test]
fn every_way_to_wait_is_named_for_what_it_waits_for() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("truth.json");
    let actor = env!("CARGO_BIN_EXE_actor");
    let places = [dir.path(), &out].map(|path| path.to_string_lossy().into_owned());
    let (outcome, report) = live::traced(&[actor, "ways", &places[0], &places[1]])?;
    outcome.expect_code(0)?;
    let truths: Vec<Truth> = serde_json::from_reader(File::open(&out)?)?;
    ensure!(truths.len() >= MOST, "{truths:?}");
    let mut wrong = audit::violations(&report);
    let unseen = Unseen::of(&report);
    for truth in &truths {
        if let Err(error) = compare(&report, truth, &unseen) {
            wrong.push(format!("{truth:?}: {error:#}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn compare(report: &Report, truth: &Truth, unseen: &Unseen<'_>) -> Result<()> {
    let waits = &report.named(&truth.comm)?.account.waits;
    let is_long = |wait: &&Wait| wait.total_ns >= SHORTEST_NS && wait.kind != "stopped";
    let held = truth.kind == "stopped";
    let found: Vec<&Wait> = waits
        .iter()
        .filter(|wait| is_long(wait) || held && wait.kind == "stopped")
        .collect();
    let longest = found.iter().max_by_key(|wait| wait.total_ns);
    let wait = longest.with_context(|| format!("{waits:#?}"))?;
    let named = || format!("{found:#?}");
    let excused = wait.kind == "unknown" && unseen.are_kinds();
    ensure!(wait.kind == truth.kind || excused, named());
    let alike = || found.iter().filter(|other| other.kind == wait.kind);
    let count: u64 = alike().map(|other| other.count).sum();
    ensure!(excused || count >= truth.count, named());
    let excused = wait.object.is_none() && (excused || unseen.are_descriptors());
    ensure!(wait.object == truth.object || excused, named());
    // The way into the kernel sleeps nowhere.
    let entry = Some("do_syscall_64");
    ensure!(
        alike().all(|wait| wait.function.as_deref() != entry),
        named()
    );
    let mut wakes = alike().flat_map(|wait| &wait.wakes);
    let is_right = wakes.any(|wake| wake.source == truth.source || wake.source == "unverified");
    ensure!(is_right, named());
    Ok(())
}
