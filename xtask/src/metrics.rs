//! docs/metrics.md: made from the list of metrics in the program by the test that compares
//! the two.

use anyhow::{Result, ensure};

use crate::workspace::Workspace;

const TEST: &str = "metrics_the_page_is_the_list";

/// Writes the page anew.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo()?;
    cargo.args(["test", "--quiet", "-p", "waitscope", "--lib", TEST]);
    let status = cargo.env("UPDATE_GOLDEN", "1").status()?;
    ensure!(status.success(), "the page could not be written");
    Ok(())
}
