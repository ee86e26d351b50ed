//! What this machine must have and where it comes from: Debian's packages, installed
//! or only unpacked, and tools that cargo builds. A second call finds nothing to do.

mod apt;
mod duckdb;
mod facts;
mod mirror;
mod need;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use self::need::{Action, Tool};
use crate::privilege::Privilege;
use crate::run::{run, say};
use crate::workspace::{LLVM_PREFIX, Workspace, search_path_with};

pub(crate) use self::apt::Apt;
pub(crate) use self::mirror::DebianSource;
pub(crate) use self::need::Purpose;

/// Whether anything had to be installed.
pub(crate) fn install_missing(workspace: &Workspace, purpose: Purpose) -> Result<bool> {
    let facts = facts::gather(workspace);
    let actions = need::plan(&facts, purpose)?;
    for action in &actions {
        match action {
            Action::InstallPackages(packages) => install_packages(facts.privilege, packages)?,
            Action::BuildTool(tool) => build_tool(workspace, *tool)?,
            Action::FetchDuckDb => duckdb::fetch(workspace)?,
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

fn build_tool(workspace: &Workspace, tool: Tool) -> Result<()> {
    let (name, version) = (tool.name(), tool.version());
    say(format_args!("building {name} {version} (a minute or two)"));
    let llvm: PathBuf = Path::new(LLVM_PREFIX).join("bin");
    let mut command = workspace.cargo()?;
    command
        // --force: one that is there and does not run is no use.
        .args(["install", name, "--version", version, "--locked", "--force"])
        .args(tool.arguments())
        .arg("--root")
        .arg(workspace.tools())
        .env("PATH", search_path_with(&[llvm])?)
        .env("LLVM_PREFIX", LLVM_PREFIX)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        // Not the checkout's: its settings are not meant for another project.
        .env_remove("CARGO_TARGET_DIR");
    run(&mut command).with_context(|| format!("{name} could not be built"))
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::BpfLinker => "bpf-linker",
            Self::CargoDeny => "cargo-deny",
        }
    }

    /// The one that is built, and the oldest that serves: the first bpf-linker
    /// that speaks the compilers' LLVM.
    fn version(self) -> &'static str {
        match self {
            Self::BpfLinker => "0.13.0",
            Self::CargoDeny => "0.20.2",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::BpfLinker => &["--no-default-features", "--features", "llvm-22"],
            // Optimized it takes four minutes of two CPUs to build and saves two
            // seconds of each check.
            Self::CargoDeny => &["--debug"],
        }
    }
}
