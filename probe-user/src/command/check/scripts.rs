//! Programs that claim files bring along, in files of their own for as long as runs are made.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

/// The folder; it goes with this.
#[derive(Default)]
pub struct Scripts(Option<TempDir>);

impl Scripts {
    /// Writes the script of a claim file, under that one's name. Commands may run as another
    /// user, who can read it.
    pub fn write(&mut self, claims: &str, script: &str) -> Result<PathBuf> {
        let folder = match &self.0 {
            Some(folder) => folder,
            None => self
                .0
                .insert(shared_folder().context("making a folder for scripts")?),
        };
        let name = Path::new(claims).file_stem().unwrap_or_default();
        let path = folder.path().join(name);
        fs::write(&path, script).with_context(|| format!("writing {}", path.display()))?;
        fs::set_permissions(&path, Permissions::from_mode(0o644))?;
        Ok(path)
    }
}

fn shared_folder() -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("waitscope-").tempdir()?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    Ok(folder)
}
