//! Builds the release binary.

use anyhow::Result;

use crate::run::run;
use crate::workspace::Workspace;

pub(crate) fn release(workspace: &Workspace) -> Result<()> {
    run(workspace
        .cargo()?
        .args(["build", "--release", "--package", "waitscope"]))
}
