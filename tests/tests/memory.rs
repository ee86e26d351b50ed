//! The memory of processes: each has that of its own program.

use anyhow::{Context, Result};
use waitscope_tests::report::Report;
use waitscope_tests::{audit, live};

/// What the command takes, MiB.
const LARGE: u64 = 96;
/// What the program takes that outgrows it.
const LARGER: u64 = 128;

#[test]
fn memory_is_that_of_the_program_and_not_of_who_ran_it() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("out.json");
    let mut run = live::waitscope()?;
    run.args(["run", "-o"]).arg(&out);
    run.args(["--", env!("CARGO_BIN_EXE_actor"), "memory"]);
    live::finish(run.args([LARGE.to_string(), LARGER.to_string()]))?.expect_code(0)?;
    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    let memory = report.memory.context("not observed")?;
    let peaks: Vec<Option<u64>> = memory.iter().map(|row| row.rss_peak).collect();
    let [Some(own), None, Some(larger)] = *peaks else {
        panic!("{memory:?}");
    };
    let is_about = |bytes: u64, mib: u64| (mib..mib + 16).contains(&(bytes >> 20));
    assert!(
        is_about(own, LARGE) && is_about(larger, LARGER),
        "{memory:?}"
    );
    Ok(())
}
