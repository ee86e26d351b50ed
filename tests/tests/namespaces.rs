//! Where a process sees other clocks or other processes than the kernel does.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};
use waitscope_tests::report::Report;
use waitscope_tests::{audit, live};

/// Our clocks are the kernel's, whatever the time namespace adds to them.
#[test]
fn a_time_namespace_changes_nothing() -> Result<()> {
    let (_, outside) = live::traced(&["true"])?;
    // No clock may be set to before the kernel's start.
    let back = -uptime_s()? / 2;
    for (monotonic, boottime) in [(back, back), (100_000, 100_000), (100_000, back)] {
        let [monotonic, boottime] = [monotonic, boottime].map(|offset_s| offset_s.to_string());
        for fork in [&["--fork"][..], &[]] {
            let dir = live::shared_dir()?;
            let out = dir.path().join("out.json");
            let mut unshare = Command::new("unshare");
            unshare.args(["--time", "--monotonic", &monotonic, "--boottime", &boottime]);
            unshare.args(fork).arg(live::binary()?);
            unshare
                .args(["run", "-o"])
                .arg(&out)
                .args(["--", "sleep", "0.3"]);
            let outcome = live::finish(&mut unshare)?;
            // Older kernels do not move a process that runs exec to its children's.
            if fork.is_empty() && outcome.stderr.contains("unshare --fork") {
                outcome.expect_code(125)?;
                continue;
            }
            outcome.expect_code(0)?;
            let report = Report::read(&out)?;
            assert_eq!(audit::violations(&report), Vec::<String>::new());
            assert_eq!(report.coverage.problems, outside.coverage.problems);
            let account = &report.named("sleep")?.account;
            let slept_ns = account.kind_ns("sleep");
            // A clock that is off is so by far more than a slow machine oversleeps. The
            // timer is set some time before the thread switches out.
            assert!(
                (250_000_000..3_000_000_000).contains(&slept_ns),
                "{account:?}"
            );
            assert!(report.wall_ns >= slept_ns, "{} ns", report.wall_ns);
        }
    }
    Ok(())
}

fn uptime_s() -> Result<i64> {
    let text = fs::read_to_string("/proc/uptime")?;
    let whole = text.split('.').next().context("seconds")?;
    Ok(whole.parse()?)
}
