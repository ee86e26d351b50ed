//! Builds the release binary.

use anyhow::Result;

use crate::run::run;
use crate::workspace::Workspace;

pub(crate) fn release(workspace: &Workspace) -> Result<()> {
    run(workspace
        .cargo()?
        .args(["build", "--release", "--package", "waitscope"]))
}

/// The release binaries of the workloads.
pub(crate) fn workloads(workspace: &Workspace) -> Result<()> {
    let line = "build --release --package waitscope-tests --bins";
    run(workspace.cargo()?.args(line.split(' ')))
}
