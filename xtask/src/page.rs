//! The page's modules: bundled into the files that waitscope carries, and tested in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::run::{run, say};
use crate::workspace::{Workspace, find_program};

/// Where the modules are.
const FOLDER: &str = "page";
/// Where what is made of them is committed.
const ASSET: &str = "probe-user/src/view/page/asset";
const FILES: [&str; 2] = ["page.js", "page.css"];

/// Writes the files of the page anew.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    install(workspace)?;
    check_types(workspace)?;
    bundle(workspace, &workspace.path(ASSET))
}

/// Checks types, that the committed files are made of the modules as they are, and what the
/// page does in a browser; `waitscope` makes the pages for that.
pub(crate) fn test(workspace: &Workspace, waitscope: &Path) -> Result<()> {
    say("== page");
    install(workspace)?;
    check_types(workspace)?;
    check_fresh(workspace)?;
    let mut node = command(workspace, "node")?;
    node.args(["--test", "test/"]);
    run(node.env("WAITSCOPE_BIN", waitscope))
}

/// What package-lock.json names, if it is not there.
fn install(workspace: &Workspace) -> Result<()> {
    let lock = workspace.path(FOLDER).join("package-lock.json");
    let installed = workspace
        .path(FOLDER)
        .join("node_modules/.package-lock.json");
    let changed = |path: &Path| fs::metadata(path).and_then(|it| it.modified()).ok();
    if changed(&installed) >= changed(&lock) {
        return Ok(());
    }
    run(command(workspace, "npm")?.args(["ci", "--ignore-scripts", "--loglevel=error"]))
}

fn check_types(workspace: &Workspace) -> Result<()> {
    run(&mut command(workspace, "node_modules/.bin/tsc")?)
}

fn bundle(workspace: &Workspace, into: &Path) -> Result<()> {
    run(command(workspace, "node")?.arg("build.mjs").arg(into))
}

fn check_fresh(workspace: &Workspace) -> Result<()> {
    let made = workspace.path("target/page");
    fs::create_dir_all(&made)?;
    bundle(workspace, &made)?;
    for file in FILES {
        let read = |path: PathBuf| {
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let committed = read(workspace.path(ASSET).join(file))?;
        ensure!(
            read(made.join(file))? == committed,
            "{ASSET}/{file} is not made of the modules in {FOLDER}/: run `cargo xtask page`"
        );
    }
    Ok(())
}

/// A program of Node's, in the modules' folder.
fn command(workspace: &Workspace, program: &str) -> Result<Command> {
    let is_own = program.contains('/');
    if !is_own && find_program(program).is_none() {
        bail!("{program} is not there: `cargo xtask setup` installs it");
    }
    let mut command = Command::new(program);
    if is_own {
        command = Command::new(workspace.path(FOLDER).join(program));
    }
    command.current_dir(workspace.path(FOLDER));
    Ok(command)
}
