//! DuckDB, which the tests of tables read these with: a wheel of Python's, unpacked into the
//! checkout's target folder.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::run::{look, output_of, run, say};
use crate::vm::files;
use crate::workspace::Workspace;

const VERSION: &str = "2.0.1";
/// Beside it, the path of the Python that it is for: under sudo another one may be first.
const INTERPRETER: &str = "interpreter";

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.path("target/duckdb")
}

/// It is of this version, and runs.
pub(crate) fn is_there(workspace: &Workspace) -> bool {
    let Ok(python) = std::fs::read_to_string(folder(workspace).join(INTERPRETER)) else {
        return false;
    };
    let mut command = Command::new(python);
    command
        .args(["-c", "import duckdb; print(duckdb.__version__)"])
        .env("PYTHONPATH", folder(workspace));
    look(&mut command).is_some_and(|version| version.trim() == VERSION)
}

/// Fetches it.
pub(crate) fn fetch(workspace: &Workspace) -> Result<()> {
    say(format_args!("fetching DuckDB {VERSION}"));
    let folder = folder(workspace);
    files::empty(&folder)?;
    let mut show = Command::new("python3");
    let python = output_of(show.args(["-c", "import sys; print(sys.executable)"]))?;
    let python = python.trim();
    run(Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--root-user-action=ignore"])
        .arg("--target")
        .arg(&folder)
        .arg(format!("duckdb=={VERSION}")))?;
    files::place_bytes(&folder.join(INTERPRETER), python.as_bytes())
}
