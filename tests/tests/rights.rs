//! Without privilege, and with exactly the two capabilities that suffice.

use std::process::Command;

use anyhow::Result;
use waitscope_tests::live;
use waitscope_tests::report::{Exit, Report};

/// waitscope as nobody, with these capabilities and no others.
fn as_nobody(capabilities: Option<&str>) -> Result<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    if let Some(list) = capabilities {
        command.args(["--inh-caps", list, "--ambient-caps", list]);
    }
    command.arg(live::binary()?);
    command.env_remove("SUDO_UID").env_remove("SUDO_GID");
    Ok(command)
}

#[test]
fn without_rights_the_missing_ones_are_named() -> Result<()> {
    let dir = live::shared_dir()?;
    let work = dir.path().join("work");
    let outcome = live::finish(as_nobody(None)?.args(["run", "--", "touch"]).arg(&work))?;
    outcome.expect_code(125)?;
    for name in ["CAP_BPF", "CAP_PERFMON"] {
        assert!(outcome.stderr.contains(name), "{}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains("panicked"));
    assert!(!work.exists(), "the command ran unobserved");
    live::finish(as_nobody(None)?.arg("doctor"))?.expect_code(1)
}

#[test]
fn one_of_two_rights_is_not_enough() -> Result<()> {
    for (have, lack) in [("+bpf", "CAP_PERFMON"), ("+perfmon", "CAP_BPF")] {
        let outcome = live::finish(as_nobody(Some(have))?.args(["run", "--", "true"]))?;
        outcome.expect_code(125)?;
        assert!(outcome.stderr.contains(lack), "{}", outcome.stderr);
    }
    Ok(())
}

#[test]
fn two_capabilities_suffice() -> Result<()> {
    let dir = live::shared_dir()?;
    let out = dir.path().join("out.json");
    let mut command = as_nobody(Some("+bpf,+perfmon"))?;
    command.args(["run", "-o"]).arg(&out);
    command.args(["--", "sh", "-c", "sleep 0.1; grep ^Cap /proc/self/status"]);
    let outcome = live::finish(&mut command)?;
    outcome.expect_code(0)?;
    let capabilities = String::from_utf8_lossy(&outcome.stdout).into_owned();
    for set in ["CapPrm", "CapEff", "CapAmb"] {
        let none = format!("{set}:\t0000000000000000");
        assert!(capabilities.contains(&none), "inherited: {capabilities}");
    }
    let report = Report::read(&out)?;
    assert_eq!(report.exit, Some(Exit::Code(0)));
    assert_eq!(
        (report.coverage.lost_total, report.coverage.residual_ns),
        (0, 0)
    );
    let slept = report.named("sleep")?.account.kind_ns("sleep");
    assert!((100_000_000..110_000_000).contains(&slept), "{slept}");
    live::finish(as_nobody(Some("+bpf,+perfmon"))?.arg("doctor"))?.expect_code(0)
}
