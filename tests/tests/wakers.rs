//! A task that only happened to run when an interrupt came is not the waker.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use waitscope_tests::report::Account;
use waitscope_tests::{audit, live, senders};

/// Two `cat`s keep both CPUs busy while this naps. The second result is how
/// many of the naps it slept through.
fn naps_beside_cats(count: u32, micros: u32) -> Result<(Account, u64)> {
    let script = "cat /dev/zero >/dev/null & a=$!; cat /dev/zero >/dev/null & b=$!; \
                  \"$0\" naps \"$1\" \"$2\"; kill $a $b; wait";
    let actor = env!("CARGO_BIN_EXE_actor");
    let (count, micros) = (count.to_string(), micros.to_string());
    let (outcome, mut report) = live::traced(&["sh", "-c", script, actor, &count, &micros])?;
    outcome.expect_code(0)?;
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let slept = text.trim().strip_prefix("slept ").context(text.clone())?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let naps = report
        .threads
        .iter()
        .position(|thread| thread.comm == "actor");
    let napper = report.threads.swap_remove(naps.context("the napper")?);
    Ok((napper.account, slept.parse()?))
}

/// Wake-ups of the naps by source; there are as many as it slept through.
fn sources(account: &Account, slept: u64) -> BTreeMap<&str, u64> {
    let mut sources = BTreeMap::new();
    for wake in account.of_kind("sleep").flat_map(|wait| &wait.wakes) {
        *sources.entry(wake.source.as_str()).or_default() += wake.count;
    }
    assert_eq!(sources.values().sum::<u64>(), slept, "{sources:?}");
    sources
}

/// A few may be unverified: some kernels hide what happens beside a protected
/// task.
#[test]
fn long_sleeps_are_ended_by_the_timer() -> Result<()> {
    let (account, slept) = naps_beside_cats(200, 2_000)?;
    let mut sources = sources(&account, slept);
    assert!(slept > 100, "{slept}");
    let timer = sources.remove("timer");
    assert!(timer >= Some(slept - slept / 50), "{timer:?} of {slept}");
    sources.remove("unverified");
    assert!(sources.is_empty(), "{sources:?}");
    Ok(())
}

/// Too short for a stack: the interrupt must be known otherwise, or the source
/// stays unverified. It is never the task that was interrupted.
#[test]
fn short_sleeps_are_never_ended_by_a_task() -> Result<()> {
    let (account, slept) = naps_beside_cats(1_000, 300)?;
    assert!(slept > 500, "{slept}");
    let mut sources = sources(&account, slept);
    sources.remove("timer");
    sources.remove("unverified");
    assert!(sources.is_empty(), "{sources:?}");
    Ok(())
}

fn wrong_senders(options: &[&str]) -> Result<Vec<String>> {
    let actor = env!("CARGO_BIN_EXE_actor");
    let (outcome, report) = live::traced_with(options, &[actor, "nagle", "40"])?;
    outcome.expect_code(0)?;
    let mut wrong = audit::violations(&report);
    wrong.extend(senders::violations(&report, 40)?);
    Ok(wrong)
}

#[test]
fn a_packet_is_its_senders_or_nobodys() -> Result<()> {
    assert_eq!(wrong_senders(&[])?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_packet_needs_no_stack() -> Result<()> {
    let wrong = wrong_senders(&["--stack-threshold", "100s"])?;
    assert_eq!(wrong, Vec::<String>::new());
    Ok(())
}
