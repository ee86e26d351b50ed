//! Format, lints, dependencies, every test on this machine and, if asked for, the guests.

use std::process::Command;

use anyhow::{Result, bail};

use crate::build;
use crate::deny;
use crate::kernels;
use crate::page;
use crate::perfetto;
use crate::privilege::Privilege;
use crate::probes;
use crate::run::{run, say};
use crate::vm;
use crate::workspace::Workspace;

/// The package whose tests attach probes and so need root.
const LIVE: &str = "waitscope-tests";
/// Not for this machine's own architecture.
const EBPF: &str = "probe-ebpf";
/// Where the live tests find the binary they test.
const BINARY_ENV: &str = "WAITSCOPE_BIN";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Then boot the guests, each kernel in each state of lockdown; so does --kernel
    #[arg(long)]
    guests: bool,
    #[command(flatten)]
    common: vm::Common,
}

pub(crate) fn all(workspace: &Workspace, options: &Options) -> Result<()> {
    let runs = plan(Privilege::find())?;
    perfetto::install(workspace)?;
    check_format(workspace)?;
    check_lints(workspace)?;
    deny::lasting(workspace)?;
    probes::check(workspace)?;
    say("== release build, for the live tests");
    build::release(workspace)?;
    page::test(workspace, &workspace.waitscope())?;
    for test_run in &runs {
        say(format_args!("== {}", test_run.title));
        run(test_run
            .command(workspace)?
            .arg("--")
            .args(&options.common.arguments))?;
    }
    let host = kernels::host(&workspace.waitscope())?;
    if options.guests || !options.common.kernel.is_empty() {
        return vm::matrix(workspace, &options.common, host);
    }
    let observed: Vec<_> = host.into_iter().collect();
    kernels::compare_or_update(workspace, &observed, options.common.update)
}

fn check_format(workspace: &Workspace) -> Result<()> {
    say("== format");
    run(workspace.cargo()?.args(["fmt", "--all", "--", "--check"]))
}

fn check_lints(workspace: &Workspace) -> Result<()> {
    say("== lints");
    let deny = ["--", "-D", "warnings"];
    run(workspace
        .cargo()?
        .args(["clippy", "--all-targets"])
        .args(deny))?;
    // The probes are checked for the host, which needs no other toolchain; a
    // no_std program compiles there once panics do not unwind.
    run(workspace
        .cargo()?
        .args(["clippy", "--package", EBPF])
        .args(deny)
        .env("CARGO_PROFILE_DEV_PANIC", "abort"))
}

/// One call of `cargo test`.
struct TestRun {
    title: &'static str,
    packages: &'static [&'static str],
    /// The test programs are started through sudo.
    by_sudo: bool,
}

/// As root everything goes in one call. Otherwise only the live tests are
/// started as root, so that the others leave no files of root's in the checkout.
fn plan(privilege: Privilege) -> Result<Vec<TestRun>> {
    match privilege {
        Privilege::Root => Ok(vec![TestRun {
            title: "tests",
            packages: &[],
            by_sudo: false,
        }]),
        Privilege::Sudo => Ok(vec![
            TestRun {
                title: "tests that need no privilege",
                packages: &["--workspace", "--exclude", EBPF, "--exclude", LIVE],
                by_sudo: false,
            },
            TestRun {
                title: "live tests, as root",
                packages: &["--package", LIVE],
                by_sudo: true,
            },
        ]),
        Privilege::None => bail!(
            "the live tests attach probes to the kernel, so they need root, and `sudo -n` is \
             refused: run this as root, or let sudo work without a password"
        ),
    }
}

impl TestRun {
    fn command(&self, workspace: &Workspace) -> Result<Command> {
        let mut command = workspace.cargo()?;
        command
            .args(["test", "--no-fail-fast"])
            .args(self.packages)
            .env(BINARY_ENV, workspace.waitscope());
        if self.by_sudo {
            command.env(runner_variable(), "sudo -n -E");
        }
        Ok(command)
    }
}

/// The variable that names what cargo starts test programs with on this target.
fn runner_variable() -> String {
    let arch = std::env::consts::ARCH.to_uppercase();
    let libc = if cfg!(target_env = "musl") {
        "MUSL"
    } else {
        "GNU"
    };
    format!("CARGO_TARGET_{arch}_UNKNOWN_LINUX_{libc}_RUNNER")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_live_tests_go_through_sudo() {
        let workspace = Workspace::find().unwrap();
        for (privilege, expect) in [
            (Privilege::Root, vec![(true, false)]),
            (Privilege::Sudo, vec![(false, false), (true, true)]),
        ] {
            let told: Vec<(bool, bool)> = plan(privilege)
                .unwrap()
                .iter()
                .map(|run| {
                    let command = run.command(&workspace).unwrap();
                    let excluded = command.get_args().any(|arg| arg == "--exclude");
                    let sudo = command.get_envs().any(|(name, value)| {
                        name.to_string_lossy().ends_with("_RUNNER") && value.is_some()
                    });
                    (!excluded, sudo)
                })
                .collect();
            assert_eq!(told, expect, "{privilege:?}");
        }
    }

    #[test]
    fn without_a_way_to_root_nothing_is_run() {
        let refusal = plan(Privilege::None).err().unwrap().to_string();
        assert!(refusal.contains("`sudo -n` is refused"), "{refusal}");
    }
}
