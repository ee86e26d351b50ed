//! The file of a recording while it is made.
//!
//! A new one has its own name from the beginning: a crash leaves it there, readable up to its
//! last whole frame. Where something is there already, that stays until the new one is whole:
//! until then the new one stands beside it, as `NAME.partial`, and a crash leaves both.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, fchown},
    path::{Path, PathBuf},
};

/// Names that are tried beside a file, where others have been left.
const MOST_LEFT: usize = 100;

/// What is still to be done with a file that is written.
#[derive(Debug)]
pub struct Pending {
    /// The name that it has meanwhile, and the one that it is to have.
    rename: Option<(PathBuf, PathBuf)>,
    /// Recordings that others have left unfinished beside it.
    pub left: Vec<PathBuf>,
}

/// Makes the file of a recording, or opens what is no regular file.
pub fn create(path: &Path) -> io::Result<(File, Pending)> {
    let old = fs::metadata(path).ok();
    let has_contents = |old: &Metadata| old.is_file() && old.len() > 0;
    if let Some(old) = old.filter(has_contents)
        && let Ok(made) = beside(&path.canonicalize()?, &old)
    {
        return Ok(made);
    }
    let pending = Pending {
        rename: None,
        left: Vec::new(),
    };
    Ok((File::create(path)?, pending))
}

/// A new file beside one that is there, like that.
fn beside(path: &Path, old: &Metadata) -> io::Result<(File, Pending)> {
    let mut left = Vec::new();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    for number in 1..=MOST_LEFT {
        let mut name = OsString::from(path);
        name.push(".partial");
        if number > 1 {
            name.push(number.to_string());
        }
        let name = PathBuf::from(name);
        match options.open(&name) {
            Ok(file) => {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
                file.set_permissions(old.permissions())?;
                let rename = Some((name, path.to_owned()));
                return Ok((file, Pending { rename, left }));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => left.push(name),
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

impl Pending {
    /// The recording is whole: puts it in the place of the one before.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.rename.take() {
            Some((from, to)) => fs::rename(from, to),
            None => Ok(()),
        }
    }

    /// Where the recording is until then, if not under its own name.
    pub fn partial(&self) -> Option<&Path> {
        self.rename.as_ref().map(|(from, _)| from.as_path())
    }
}

/// `run.wsc` → `run.003.wsc`.
pub fn part(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number:03}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The number behind that of the last part that is there.
pub fn next_part(path: &Path) -> usize {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let names = fs::read_dir(folder.unwrap_or(Path::new(".")));
    let numbers = names.into_iter().flatten().flatten().filter_map(|entry| {
        let name = PathBuf::from(entry.file_name());
        let number = Path::new(name.file_stem()?).extension()?.to_str()?;
        let number: usize = number.parse().ok()?;
        (part(path, number).file_name() == Some(name.as_os_str())).then_some(number)
    });
    numbers.max().map_or(1, |last| last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn output_a_recording_that_is_there_stays_until_the_new_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.wsc");
        let (mut file, mut pending) = create(&path).unwrap();
        assert_eq!(pending.partial(), None);
        file.write_all(b"old").unwrap();
        pending.finish().unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();

        // It is killed.
        let (mut file, pending) = create(&path).unwrap();
        file.write_all(b"killed").unwrap();
        let partial = dir.path().join("run.wsc.partial");
        assert_eq!(
            pending.partial(),
            Some(partial.canonicalize().unwrap().as_path())
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert!(pending.left.is_empty());

        let (mut file, mut pending) = create(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(pending.left.len(), 1);
        pending.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read(&partial).unwrap(), b"killed", "it is kept");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn output_parts_are_numbered_behind_those_that_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.run.wsc");
        assert_eq!(part(&path, 7), dir.path().join("a.run.007.wsc"));
        assert_eq!(part(Path::new("run"), 1234), Path::new("run.1234"));
        assert_eq!(next_part(&path), 1);
        for name in ["a.run.002.wsc", "a.run.9.wsc", "b.run.017.wsc", "a.run.wsc"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(next_part(&path), 3);
    }
}
