//! The file of a recording while it is made.
//!
//! A new one has its own name from the beginning: a crash leaves it there, readable up to its
//! last whole frame. Where something is there already, that stays until the new one is whole:
//! until then the new one stands beside it, as `NAME.partial`, and a crash leaves both.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _},
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, fchown},
    },
    path::{Path, PathBuf},
};

use nix::{errno::Errno, libc};

use super::format::MAGIC;

/// Names that are tried beside a file, where others have been left.
const MOST_LEFT: usize = 100;

/// What is still to be done with a file that is written.
#[derive(Debug)]
pub struct Pending {
    /// The name that it has meanwhile, and the one that it is to have.
    rename: Option<(PathBuf, PathBuf)>,
    /// What becomes of the file if it is not to be.
    undo: Undo,
    /// Recordings that others have left unfinished beside it.
    pub left: Vec<PathBuf>,
}

#[derive(Debug)]
enum Undo {
    /// It was made for the recording.
    Remove(PathBuf),
    /// It was there, and empty.
    Empty(PathBuf),
    /// It is no regular file.
    Nothing,
}

/// Makes the file of a recording, or opens what is no regular file. A file that is no
/// recording is not replaced, nor one that is still being written.
pub fn create(path: &Path) -> io::Result<(File, Pending)> {
    let old = fs::metadata(path).ok();
    let is_new = old.is_none();
    if let Some(old) = old.filter(|old| old.is_file() && old.len() > 0) {
        may_be_replaced(path)?;
        let (file, pending) = beside(&path.canonicalize()?, &old)?;
        return Ok((locked(file)?, pending));
    }
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let is_file = file.metadata().is_ok_and(|made| made.is_file());
    let undo = match is_new {
        _ if !is_file => Undo::Nothing,
        true => Undo::Remove(path.canonicalize()?),
        false => Undo::Empty(path.canonicalize()?),
    };
    let pending = Pending {
        rename: None,
        undo,
        left: Vec::new(),
    };
    match is_file {
        true => Ok((locked(file)?, pending)),
        false => Ok((file, pending)),
    }
}

/// Marked as being written, as long as it is open.
fn locked(file: File) -> io::Result<File> {
    // SAFETY: the descriptor is that of an open file.
    let locked = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    match Errno::result(locked) {
        Err(Errno::EWOULDBLOCK) => Err(io::Error::other("another waitscope is recording there")),
        // Not every file system has locks.
        _ => Ok(file),
    }
}

fn may_be_replaced(path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    file.by_ref()
        .take(MAGIC.len() as u64)
        .read_to_end(&mut magic)?;
    if magic != MAGIC {
        let sentence = "there is a file that is no recording: remove it, or choose another name";
        return Err(io::Error::other(sentence));
    }
    locked(file).map(drop)
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
                let like = fchown(&file, Some(old.uid()), Some(old.gid()))
                    .and_then(|()| file.set_permissions(old.permissions()));
                if let Err(error) = like {
                    fs::remove_file(&name)?;
                    return Err(error);
                }
                let undo = Undo::Remove(name.clone());
                let rename = Some((name, path.to_owned()));
                return Ok((file, Pending { rename, undo, left }));
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

    /// There is nothing to record: leaves all as it was before.
    pub fn discard(self) -> io::Result<()> {
        match self.undo {
            Undo::Remove(path) => fs::remove_file(path),
            Undo::Empty(path) => File::options()
                .write(true)
                .truncate(true)
                .open(path)
                .map(drop),
            Undo::Nothing => Ok(()),
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
        let name = entry.file_name();
        // `run.003.wsc`, or `run.003` where there is no other extension.
        let words = name.to_str()?.rsplit('.').take(2);
        let mut numbers = words.filter_map(|word| word.parse::<usize>().ok());
        let next = numbers.find(|&number| part(path, number).file_name() == Some(&*name))?;
        next.checked_add(1)
    });
    numbers.max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, os::unix::fs::PermissionsExt as _};

    use super::*;

    const OLD: [u8; 8] = MAGIC;

    #[test]
    fn output_what_is_no_recording_or_is_being_written_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        fs::write(&path, "#!/bin/sh").unwrap();
        let error = create(&path).unwrap_err().to_string();
        assert!(error.contains("no recording"), "{error}");
        let path = dir.path().join("run.wsc");
        let (mut file, _pending) = create(&path).unwrap();
        for _ in 0..2 {
            let error = create(&path).unwrap_err().to_string();
            assert!(error.contains("another waitscope"), "{error}");
            // Once it is empty, then not.
            file.write_all(&OLD).unwrap();
        }
        drop(file);
        create(&path).unwrap();
    }

    #[test]
    fn output_a_recording_that_is_there_stays_until_the_new_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.wsc");
        let (mut file, mut pending) = create(&path).unwrap();
        assert_eq!(pending.partial(), None);
        file.write_all(&OLD).unwrap();
        pending.finish().unwrap();
        drop(file);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();

        // It is killed.
        let (mut file, pending) = create(&path).unwrap();
        file.write_all(b"killed").unwrap();
        let partial = dir.path().join("run.wsc.partial");
        assert_eq!(
            pending.partial(),
            Some(partial.canonicalize().unwrap().as_path())
        );
        assert_eq!(fs::read(&path).unwrap(), OLD);
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
    fn output_what_is_discarded_leaves_all_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let [new, empty, old] = ["new", "empty", "old"].map(|name| dir.path().join(name));
        fs::write(&empty, "").unwrap();
        fs::write(&old, OLD).unwrap();
        for path in [&new, &empty, &old] {
            let (mut file, pending) = create(path).unwrap();
            file.write_all(b"begun").unwrap();
            pending.discard().unwrap();
        }
        let (_file, pending) = create(Path::new("/dev/null")).unwrap();
        pending.discard().unwrap();
        assert!(!new.exists());
        assert_eq!(fs::read(&empty).unwrap(), b"");
        assert_eq!(fs::read(&old).unwrap(), OLD);
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
        // Beyond it there is none.
        fs::write(dir.path().join(format!("a.run.{}.wsc", usize::MAX)), "").unwrap();
        assert_eq!(next_part(&path), 3);
        let path = dir.path().join("run");
        fs::write(dir.path().join("run.005"), "").unwrap();
        assert_eq!(next_part(&path), 6);
    }
}
