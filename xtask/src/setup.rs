//! Installs what is missing; a second call finds nothing to do.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::facts;
use crate::need::{self, Action, Purpose};
use crate::privilege::Privilege;
use crate::run::{run, say};
use crate::workspace::{LLVM_PREFIX, Workspace, search_path_with};

const LINKER_VERSION: &str = "0.13.0";

/// Whether anything had to be installed.
pub(crate) fn install_missing(workspace: &Workspace, purpose: Purpose) -> Result<bool> {
    let facts = facts::gather(workspace);
    let actions = need::plan(&facts, purpose)?;
    for action in &actions {
        match action {
            Action::InstallPackages(packages) => install_packages(facts.privilege, packages)?,
            Action::BuildLinker => build_linker(workspace)?,
        }
    }
    if !actions.is_empty() {
        // What was installed may still not serve (a broken PATH, an old suite).
        let left = need::plan(&facts::gather(workspace), purpose)?;
        ensure!(
            left.is_empty(),
            "setup ran, and yet this is still missing: {left:?}"
        );
    }
    Ok(!actions.is_empty())
}

fn install_packages(privilege: Privilege, packages: &[&str]) -> Result<()> {
    say(format_args!("installing {}", packages.join(" ")));
    apt(privilege, &["update"])?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    apt(privilege, &arguments)
}

fn apt(privilege: Privilege, arguments: &[&str]) -> Result<()> {
    let mut command = privilege.command(
        "apt-get",
        &[("DEBIAN_FRONTEND", OsStr::new("noninteractive"))],
    )?;
    // Another apt may be at work on a machine that has just booted.
    command.args(["--quiet", "--option", "DPkg::Lock::Timeout=120"]);
    run(command.args(arguments))
}

fn build_linker(workspace: &Workspace) -> Result<()> {
    say(format_args!(
        "building bpf-linker {LINKER_VERSION} (about a minute)"
    ));
    let llvm: PathBuf = Path::new(LLVM_PREFIX).join("bin");
    let mut command = workspace.cargo()?;
    command
        .args(["install", "bpf-linker", "--version", LINKER_VERSION])
        .args(["--locked", "--no-default-features"])
        // --force: one that is there and does not run is no use.
        .args(["--features", "llvm-22", "--force", "--root"])
        .arg(workspace.tools())
        .env("PATH", search_path_with(&[llvm])?)
        .env("LLVM_PREFIX", LLVM_PREFIX)
        // Not the checkout's: its settings are not meant for another project.
        .env_remove("CARGO_TARGET_DIR");
    run(&mut command).context("bpf-linker could not be built")
}
