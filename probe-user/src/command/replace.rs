//! Files that are replaced as a whole: who reads one finds the old contents or the
//! new ones, never a part.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, fchown},
    },
    path::{Path, PathBuf},
};

use nix::{
    libc::ENXIO,
    unistd::{AccessFlags, access},
};
use tempfile::{Builder, NamedTempFile};

/// Gives a file new contents. One that was there keeps its mode and its owner. What is
/// no regular file (a device, a pipe), and what lies where no other file can be put in
/// its place, is written to as it is.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(path, &|out| out.write_all(bytes))
}

/// The same with what is written piece by piece, perhaps twice.
pub fn replace_by(path: &Path, write: &dyn Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let write_to = |file: &File| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()
    };
    let Ok((new, path)) = beside(path) else {
        return write_to(&File::create(path)?);
    };
    write_to(new.as_file())?;
    match new.persist(&path) {
        Ok(_) => Ok(()),
        // Something is mounted there.
        Err(_) => write_to(&File::create(path)?),
    }
}

/// Whether a file can be given new contents, or be made; leaves it as it is.
pub fn check(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if there.is_file() => match beside(path) {
            Ok(_removed) => Ok(()),
            Err(_) => File::options().write(true).open(path).map(drop),
        },
        // Opening a pipe may wait for its reader, and to open a device may do something.
        Ok(there) if there.file_type().is_socket() => Err(io::Error::from_raw_os_error(ENXIO)),
        Ok(_) => Ok(access(path, AccessFlags::W_OK)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let is_folder = path.as_os_str().as_bytes().ends_with(b"/");
            let made = Builder::new().tempfile_in(folder(&target(path)));
            made.and_then(|_removed| match is_folder {
                true => Err(io::ErrorKind::IsADirectory.into()),
                false => Ok(()),
            })
        }
        Err(error) => Err(error),
    }
}

/// Links behind one another, as the kernel follows them.
const MAX_LINKS: usize = 40;

/// Where dangling links lead.
pub fn target(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = folder(&path).join(target);
    }
    path
}

/// An empty file in the folder of one that is there, or is to be, like that one; and
/// where that is behind symbolic links.
fn beside(path: &Path) -> io::Result<(NamedTempFile, PathBuf)> {
    let is_new = fs::symlink_metadata(path).is_err();
    let (path, old) = match is_new {
        true => (path.to_owned(), None),
        false => (path.canonicalize()?, Some(fs::metadata(path)?)),
    };
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut builder = Builder::new();
    let builder = builder.prefix(".waitscope-");
    // As any new file: less the umask.
    let builder = builder.permissions(Permissions::from_mode(0o666));
    let new = builder.tempfile_in(folder(&path))?;
    if let Some(old) = old {
        fchown(new.as_file(), Some(old.uid()), Some(old.gid()))?;
        new.as_file().set_permissions(old.permissions())?;
    }
    Ok((new, path))
}

/// The folder that a path leads into.
pub fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn replaced_files_keep_their_mode_and_stay_behind_links() {
        let dir = tempfile::tempdir().unwrap();
        let [file, link, dangling, target] =
            ["file", "link", "dangling", "target"].map(|name| dir.path().join(name));
        replace(&file, b"new").unwrap();
        let created = dir.path().join("created");
        fs::write(&created, b"").unwrap();
        assert_eq!(mode(&file), mode(&created), "as any new file");

        fs::set_permissions(&file, Permissions::from_mode(0o604)).unwrap();
        symlink("file", &link).unwrap();
        let before = fs::metadata(&file).unwrap().ino();
        replace(&link, b"newer").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"newer");
        assert_eq!(mode(&file), 0o604);
        assert!(link.is_symlink());
        assert_ne!(fs::metadata(&file).unwrap().ino(), before, "not written to");

        symlink("target", &dangling).unwrap();
        replace(&dangling, b"there").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"there");
        let names = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(names, 5, "nothing is left over");
    }

    #[test]
    fn what_cannot_be_replaced_is_known_before_and_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("file"), b"old").unwrap();
        symlink("file", path("link")).unwrap();
        symlink("target", path("dangling")).unwrap();
        symlink("no/target", path("nowhere")).unwrap();
        symlink("loop", path("loop")).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        let names = || fs::read_dir(dir.path()).unwrap().count();
        let before = names();
        for right in ["file", "link", "dangling", "new", "/dev/full", "/dev/null"] {
            check(&path(right)).unwrap();
        }
        for wrong in [
            ".",
            "loop",
            "nowhere",
            "socket",
            "no/file",
            "file/",
            "file/under",
            "new/",
            "/dev/fd/77",
            "/proc/new",
        ] {
            assert!(check(&path(wrong)).is_err(), "{wrong}");
        }
        assert!(check(&path(&"x".repeat(300))).is_err());
        assert_eq!(fs::read(path("file")).unwrap(), b"old");
        assert_eq!(names(), before);
    }

    #[test]
    fn replacing_a_device_writes_to_it() {
        replace(Path::new("/dev/null"), b"gone").unwrap();
        assert!(replace(Path::new("/dev/full"), b"gone").is_err());
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn replacing_leaves_the_old_contents_until_the_new_ones_are_whole() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"old").unwrap();
        let mut reader = File::open(&file).unwrap();
        replace(&file, b"new").unwrap();
        let mut seen = String::new();
        io::Read::read_to_string(&mut reader, &mut seen).unwrap();
        assert_eq!(seen, "old");
        assert!(replace(&dir.path().join("no/file"), b"new").is_err());
    }
}
