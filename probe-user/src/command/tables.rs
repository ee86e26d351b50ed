//! A folder of tables, to which every run adds its own files ([`parquet`]). They are written
//! beside, as a whole, and then take the place of those that the same run had there before.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use tempfile::{Builder, TempDir};

use super::replace::folder;
use crate::{
    document::Document,
    view::parquet::{Partition, TABLES, Table},
};

/// The only file of a run in a table.
const PART: &str = "part-0.parquet";

/// Whether tables can be added to a folder, or it can be made; leaves it as it is.
pub fn check(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => beside(path).map(drop),
        Ok(_) => Err(io::ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.is_symlink() {
            // To nowhere.
            true => Err(error),
            false => beside(folder(path)).map(drop),
        },
        Err(error) => Err(error),
    }
}

/// Adds a run's files to a folder, in the place of those that it had there.
pub fn write(document: &Document, path: &Path) -> Result<()> {
    let is_new = !path.exists();
    let written = write_into(document, path);
    if written.is_err() && is_new {
        // Only if nothing is in it.
        let _kept = fs::remove_dir(path);
    }
    written.with_context(|| format!("cannot write the report to {}", path.display()))
}

fn write_into(document: &Document, path: &Path) -> Result<()> {
    let partition = Partition::of(document)
        .context("it does not say when the run started: make it of the recording")?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let new = beside(path)?;
    for table in TABLES {
        write_table(table, document, new.path())
            .with_context(|| format!("table {}", table.name))?;
    }
    let folder = |table: &Table| path.join(table.name).join(partition.folder());
    for table in TABLES {
        let folder = folder(table);
        prepare(&folder).with_context(|| folder.display().to_string())?;
    }
    // What has a row in the last table is whole, also where it replaces the same run.
    if let Some(last) = TABLES.last() {
        removed(&folder(last).join(PART))?;
    }
    for table in TABLES {
        let to = folder(table).join(PART);
        fs::rename(new.path().join(table.name), &to).with_context(|| to.display().to_string())?;
    }
    Ok(())
}

fn removed(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A folder for what is not whole yet. Readers pass over names that begin with a dot, and
/// what is in it has not the tables' extension.
fn beside(path: &Path) -> io::Result<TempDir> {
    let mut builder = Builder::new();
    let builder = builder.prefix(".waitscope-");
    builder
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(path)
}

fn write_table(table: &Table, document: &Document, folder: &Path) -> Result<()> {
    let path: PathBuf = folder.join(table.name);
    let mut file = BufWriter::new(File::create(path)?);
    table.write(document, &mut file)?;
    file.flush()?;
    Ok(())
}

/// Makes a run's folder in a table, in which nothing is in the way of its file.
fn prepare(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    match fs::symlink_metadata(folder.join(PART)) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
