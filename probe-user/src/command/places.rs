//! What is read and written, by what it is and not by its name: two outputs in one
//! file, or an output in the place of an input, are refused before anything starts.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::MetadataExt as _,
    },
    path::Path,
};

use anyhow::{Result, bail};
use nix::libc::STDOUT_FILENO;

use super::{
    Usage,
    replace::{folder, target},
};

/// Something that is read or written.
#[derive(Debug)]
pub struct Place {
    name: String,
    role: Role,
    /// `None` for what has no contents to be overwritten: a device, a pipe.
    identity: Option<Identity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Input,
    Output,
    /// A standard descriptor: what it leads to is the caller's affair, until an output
    /// of ours would replace it.
    Stream,
}

#[derive(Debug, PartialEq, Eq)]
enum Identity {
    File {
        dev: u64,
        ino: u64,
    },
    /// A name in a folder that has nothing by that name yet.
    New {
        dev: u64,
        ino: u64,
        name: OsString,
    },
    Stdout,
}

impl Place {
    /// Where a report goes: `-` is stdout.
    pub fn report(path: &Path) -> Place {
        Place::output("the report", path)
    }

    /// Where something else goes.
    pub fn output(what: &str, path: &Path) -> Place {
        Place::new(what, path, Role::Output)
    }

    /// Where a recording goes.
    pub fn recording(path: &Path) -> Place {
        Place::new("the recording", path, Role::Output)
    }

    /// What a report is made of.
    pub fn input(path: &Path) -> Place {
        Place::new("the input", path, Role::Input)
    }

    fn new(what: &str, path: &Path, role: Role) -> Place {
        let is_stdout = role == Role::Output && is_stdout(path);
        Place {
            name: format!("{what} {}", path.display()),
            role,
            identity: match is_stdout {
                true => Some(Identity::Stdout),
                false => identity(path),
            },
        }
    }

    fn stream(name: &str, descriptor: BorrowedFd) -> Place {
        let metadata = descriptor.try_clone_to_owned().map(File::from);
        let metadata = metadata.and_then(|file| file.metadata());
        Place {
            name: name.to_owned(),
            role: Role::Stream,
            identity: metadata.ok().and_then(|metadata| of_file(&metadata)),
        }
    }
}

/// Whether an output by this name goes to stdout.
pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-") || stream(path) == Some(STDOUT_FILENO)
}

/// The standard descriptor that a path is a name of.
fn stream(path: &Path) -> Option<i32> {
    let path = path.to_str()?;
    ["/dev/stdin", "/dev/stdout", "/dev/stderr"]
        .iter()
        .position(|name| *name == path)
        .and_then(|number| i32::try_from(number).ok())
        .or_else(|| {
            let number = path.strip_prefix("/dev/fd/");
            let number = number.or_else(|| path.strip_prefix("/proc/self/fd/"));
            number?.parse().ok()
        })
}

/// Refuses two places that are one, unless nothing of ours is written there.
pub fn check(places: impl IntoIterator<Item = Place>) -> Result<()> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let streams = [
        Place::stream("stdin", stdin.as_fd()),
        Place::stream("stdout", stdout.as_fd()),
        Place::stream("stderr", stderr.as_fd()),
    ];
    let places: Vec<Place> = places.into_iter().chain(streams).collect();
    check_each(&places)
}

fn check_each(places: &[Place]) -> Result<()> {
    for (index, place) in places.iter().enumerate() {
        let mut later = places.iter().skip(index + 1);
        if let Some(other) = later.find(|other| place.collides_with(other)) {
            bail!(Usage(format!(
                "{} and {} are the same: one would overwrite the other",
                place.name, other.name
            )));
        }
    }
    Ok(())
}

impl Place {
    fn collides_with(&self, other: &Place) -> bool {
        let written = match (self.role, other.role) {
            (Role::Output, _) | (_, Role::Output) => true,
            // A report goes to one of them.
            (Role::Input, Role::Stream) => other.name != "stdin",
            (Role::Input | Role::Stream, _) => false,
        };
        written && self.identity.is_some() && self.identity == other.identity
    }
}

fn identity(path: &Path) -> Option<Identity> {
    match fs::metadata(path) {
        Ok(metadata) => of_file(&metadata),
        Err(_) => new_file(path),
    }
}

fn of_file(metadata: &Metadata) -> Option<Identity> {
    let (dev, ino) = (metadata.dev(), metadata.ino());
    metadata.is_file().then_some(Identity::File { dev, ino })
}

/// A file that would be made by writing to this path, where dangling links lead.
fn new_file(path: &Path) -> Option<Identity> {
    let path = target(path);
    let folder = fs::metadata(folder(&path)).ok()?;
    Some(Identity::New {
        dev: folder.dev(),
        ino: folder.ino(),
        name: path.file_name()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, path::PathBuf};

    use super::*;

    /// Files `a` and `b`; `hard` and `soft` lead to `a`, `dangling` to `new`, and
    /// `same` to the folder itself.
    fn folder_of_names() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), "").unwrap();
        fs::write(path("b"), "").unwrap();
        fs::hard_link(path("a"), path("hard")).unwrap();
        symlink("a", path("soft")).unwrap();
        symlink("new", path("dangling")).unwrap();
        symlink(".", path("same")).unwrap();
        dir
    }

    #[track_caller]
    fn check_pair(one: &str, other: &str, collide: bool) {
        let dir = folder_of_names();
        let path = |name: &str| match name {
            "-" => PathBuf::from(name),
            _ => dir.path().join(name),
        };
        let report = || Place::report(&path(one));
        for place in [
            Place::report(&path(other)),
            Place::recording(&path(other)),
            Place::input(&path(other)),
        ] {
            let is_refused = check_each(&[report(), place]).is_err();
            assert_eq!(is_refused, collide, "{one} and {other}");
        }
    }

    #[test]
    fn outputs_collide_by_what_they_are_and_not_by_name() {
        for other in ["a", "hard", "soft", "./a", "same/a", "same/same/hard"] {
            check_pair("a", other, true);
            check_pair(other, "a", true);
        }
        for other in ["new", "dangling", "./new", "same/new", "same/dangling"] {
            check_pair("new", other, true);
            check_pair("dangling", other, true);
            check_pair("a", other, false);
        }
        check_pair("a", "b", false);
        check_pair("new", "newer", false);
        check_pair("no-folder/new", "no-folder/new", false);
    }

    #[test]
    fn what_has_no_contents_may_be_written_to_twice() {
        check_pair("/dev/null", "/dev/null", false);
    }

    #[test]
    fn stdout_has_many_names() {
        let report = |name: &str| Place::report(Path::new(name));
        for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            assert!(check_each(&[report("-"), report(name)]).is_err(), "{name}");
            assert!(check_each(&[report("/dev/stderr"), report(name)]).is_ok());
        }
        assert_eq!(stream(Path::new("/dev/stderr")), Some(2));
        assert_eq!(stream(Path::new("stdout")), None);
    }

    #[test]
    fn what_the_command_writes_to_is_not_replaced() {
        let dir = folder_of_names();
        let a = File::open(dir.path().join("a")).unwrap();
        let streams = || {
            [
                Place::stream("stdin", a.as_fd()),
                Place::stream("stdout", a.as_fd()),
            ]
        };
        assert!(check_each(&streams()).is_ok(), "the caller's affair");
        for name in ["a", "hard", "soft"] {
            let [stdin, stdout] = streams();
            let path = dir.path().join(name);
            assert!(check_each(&[Place::report(&path), stdout]).is_err());
            assert!(check_each(&[Place::report(&path), stdin]).is_err());
            let [stdin, stdout] = streams();
            assert!(check_each(&[Place::input(&path), stdin]).is_ok());
            assert!(check_each(&[Place::input(&path), stdout]).is_err());
        }
    }
}
