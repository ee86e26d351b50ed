//! Files in the cache under `target/vm`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// All that guests need and that is not built here; removing it only costs the
/// time to fetch it again.
pub(crate) fn cache(workspace: &Workspace) -> PathBuf {
    workspace.path("target/vm")
}

/// Leaves an empty folder.
pub(crate) fn empty(folder: &Path) -> Result<()> {
    remove(folder)?;
    create(folder)
}

pub(crate) fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// Removes a folder with all in it, if it is there.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Moves a file or folder to a place of its own. A place that exists is whole:
/// what is cut off on the way never gets there.
pub(crate) fn place(from: &Path, to: &Path) -> Result<()> {
    create(to.parent().context("a place needs a folder")?)?;
    fs::rename(from, to)
        .with_context(|| format!("cannot move {} to {}", from.display(), to.display()))
}

pub(crate) fn place_bytes(path: &Path, data: &[u8]) -> Result<()> {
    create(path.parent().context("a place needs a folder")?)?;
    fs::write(path, data).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a text unless it is there already; says whether it was not.
pub(crate) fn renew(path: &Path, text: &str) -> Result<bool> {
    let is_new = fs::read_to_string(path).ok().as_deref() != Some(text);
    if is_new {
        place_bytes(path, text.as_bytes())?;
    }
    Ok(is_new)
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// What a folder holds, sorted.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    };
    let mut paths = read().with_context(|| format!("cannot list {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// An empty folder for one test; the test removes it.
    pub(crate) fn scratch(name: &str) -> PathBuf {
        let name = format!("xtask-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        empty(&folder).unwrap();
        folder
    }
}
