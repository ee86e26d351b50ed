//! What dependencies are allowed to be, by cargo-deny and deny.toml.

use anyhow::Result;

use crate::run::{run, say};
use crate::workspace::Workspace;

/// What follows from the checkout alone: the same on every day, and offline.
const LASTING: [&str; 3] = ["bans", "licenses", "sources"];

pub(crate) fn lasting(workspace: &Workspace) -> Result<()> {
    check(workspace, &LASTING)
}

/// Advisories as well.
pub(crate) fn everything(workspace: &Workspace) -> Result<()> {
    lasting(workspace)?;
    check(workspace, &["advisories"])
}

fn check(workspace: &Workspace, what: &[&str]) -> Result<()> {
    say("== dependencies");
    run(workspace
        .cargo()?
        .args(["deny", "check", "--hide-inclusion-graph"])
        .args(what))
}
