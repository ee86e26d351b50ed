//! Without privilege, and with exactly the two capabilities that suffice.

use std::process::Command;

use anyhow::Result;
use waitscope_tests::report::{Exit, Report};
use waitscope_tests::stalls::Watch;
use waitscope_tests::{live, truth};

/// waitscope as nobody, with these capabilities and no others.
fn as_nobody(capabilities: Option<&str>) -> Result<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    if let Some(list) = capabilities {
        command.args(["--inh-caps", list, "--ambient-caps", list]);
    }
    command.arg(live::binary()?);
    command.env_remove("SUDO_UID").env_remove("SUDO_GID");
    live::lock_any_memory(&mut command);
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
fn completions_and_the_manual_need_no_right() -> Result<()> {
    for (args, part) in [
        (&["completions", "zsh"][..], "--snapshot-signal"),
        (&["man"], ".SH SUBCOMMANDS"),
    ] {
        let outcome = live::finish(as_nobody(None)?.args(args))?;
        outcome.expect_code(0)?;
        let printed = String::from_utf8_lossy(&outcome.stdout);
        assert!(printed.contains(part), "{args:?}");
        assert_eq!(outcome.stderr, "", "{args:?}");
    }
    Ok(())
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
fn other_numbers_than_the_kernels_are_refused() -> Result<()> {
    let within = |command: &[&str]| -> Result<live::Outcome> {
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork"]).arg(live::binary()?);
        live::finish(unshare.args(command))
    };
    for (command, code) in [(&["run", "--", "true"][..], 125), (&["doctor"], 1)] {
        let outcome = within(command)?;
        outcome.expect_code(code)?;
        let text = outcome.stderr + &String::from_utf8_lossy(&outcome.stdout);
        assert!(text.contains("--pid=host"), "{text}");
    }
    Ok(())
}

#[test]
fn two_capabilities_suffice() -> Result<()> {
    let dir = live::shared_dir()?;
    let (out, truth_file) = (dir.path().join("out.json"), dir.path().join("truth.jsonl"));
    let mut command = as_nobody(Some("+bpf,+perfmon"))?;
    command.args(["run", "-o"]).arg(&out);
    let sleeps = "grep ^Cap /proc/self/status; exec \"$0\" --truth \"$1\" --only nanosleep";
    command.args(["--", "sh", "-c", sleeps]);
    command.arg(env!("CARGO_BIN_EXE_truth")).arg(&truth_file);
    let (stolen_ns, watch) = (live::stolen_ns()?, Watch::start()?);
    let outcome = live::finish(&mut command)?;
    let stalls = watch.stop()?;
    outcome.expect_code(0)?;
    let stolen_ns = live::stolen_ns()? - stolen_ns;
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
    let lines = truth::read(&truth_file)?;
    let wrong = truth::contradictions(&report, &truth::measured(&lines), stolen_ns, None);
    let wrong = stalls.excuse(wrong);
    assert!(wrong.is_empty(), "{wrong:?}");
    live::finish(as_nobody(Some("+bpf,+perfmon"))?.arg("doctor"))?.expect_code(0)
}
