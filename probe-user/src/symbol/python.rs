//! Where CPython keeps its interpreter lock in a process: the object
//! `_PyRuntime` of the python program or of libpython; and whether it runs a program
//! made by Go.
//!
//! A process is scanned through a thread other than the leader. An exec ends all of
//! those, so as long as such a thread lives, its process runs the program that
//! it ran when the thread was born: the map that was opened meanwhile is that
//! program's. That it is the same thread, and not a later one of the same
//! number, shows in its start time.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read as _},
    ops::Range,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use proc_stat::Stat;
use rustc_hash::FxHashMap;

use super::{
    elf::{Object, Source, has_section},
    memory::{Code, code},
};
use crate::wire::session::ScanResult;

/// The symbol, since CPython 3.7.
const RUNTIME: &[u8] = b"_PyRuntime";

/// A section of every program made by Go since 1.13, stripped or not.
const GO: &[u8] = b".go.buildinfo";

/// Largest map that is read, bytes: some 100,000 lines.
const LARGEST_MAP: u64 = 16 << 20;

/// Looks for the lock; a file is read once, however many processes run it.
#[derive(Debug, Default)]
pub struct Pythons {
    files: FxHashMap<FileId, Program>,
}

/// What a file says of the program in it.
#[derive(Debug)]
struct Program {
    runtime: Option<Object>,
    is_go: bool,
}

/// A version of a file: device, inode, size, and when it was changed.
type FileId = (u64, u64, u64, i64, i64);

impl Pythons {
    /// Scans the process of a thread that is not its leader and was there
    /// at `seen_ns` (`CLOCK_BOOTTIME`).
    pub fn scan(&mut self, pid: u32, tid: u32, seen_ns: u64) -> ScanResult {
        let thread = PathBuf::from(format!("/proc/{pid}/task/{tid}"));
        let maps = match read_map(&thread) {
            Ok(maps) => maps,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return ScanResult::Refused;
            }
            Err(_) => return ScanResult::Gone,
        };
        let program = fs::read_link(thread.join("exe")).unwrap_or_default();
        let found = self.search(&thread, &maps, program.as_os_str().as_bytes());
        // A thread on its way out has no memory any more.
        let is_later = |stat: Stat| stat.started_ns > seen_ns;
        if maps.is_empty() || Stat::in_folder(&thread).map_or(true, is_later) {
            return ScanResult::Gone;
        }
        found
    }

    fn search(&mut self, thread: &Path, maps: &[u8], program: &[u8]) -> ScanResult {
        let mut result = ScanResult::NoPython;
        let mut is_go = false;
        for code in code(maps).filter(|c| c.path == program || is_python(c.path)) {
            let file = self.file(thread, &code, program);
            is_go |= file.is_some_and(|file| file.is_go && code.path == program);
            let runtime = file.map(|file| file.runtime.as_ref());
            let mapped = |object: &Object| object.mapped(code.start, code.offset);
            let found = runtime.map(|runtime| runtime.and_then(mapped));
            if let Some(Some(Range { start, end })) = found {
                result = ScanResult::Runtime { start, end };
                break;
            }
            if is_python(code.path) {
                // A library comes behind the program that uses it.
                let file = String::from_utf8_lossy(code.path).into_owned();
                result = match found {
                    Some(_) => ScanResult::Symbolless { file },
                    None => ScanResult::Unreadable { file },
                };
            }
        }
        let is_python = result != ScanResult::NoPython;
        if is_go && !is_python {
            return ScanResult::Go;
        }
        match code(maps).find(|c| is_python && is_musl(c.path)) {
            Some(musl) => ScanResult::OtherLibc {
                file: String::from_utf8_lossy(musl.path).into_owned(),
            },
            None => result,
        }
    }

    /// What the file says that a piece of memory is of; `None` when it cannot be read.
    fn file(&mut self, thread: &Path, code: &Code<'_>, program: &[u8]) -> Option<&Program> {
        let (file, metadata) = open_mapped(thread, code, program)?;
        let known = self.files.entry(id_of(&metadata));
        Some(known.or_insert_with(|| Program {
            runtime: Object::find(&file, RUNTIME),
            is_go: has_section(&file, GO),
        }))
    }
}

/// Opens the file that a piece of memory is of: by the map itself, which leads to
/// it wherever it is and also when it was deleted, but needs a right
/// (CAP_CHECKPOINT_RESTORE); then as the program; then by its name, which the
/// kernel gives from our root where that leads there, or else from the process's.
fn open_mapped(thread: &Path, code: &Code<'_>, program: &[u8]) -> Option<(File, Metadata)> {
    let Code { start, end, .. } = code;
    // Only whole processes have it.
    let map = thread.join(format!("../../map_files/{start:x}-{end:x}"));
    let exe = (code.path == program).then(|| thread.join("exe"));
    let mut theirs = thread.join("root").into_os_string().into_vec();
    theirs.extend_from_slice(code.path);
    let theirs = PathBuf::from(OsString::from_vec(theirs));
    let ours = PathBuf::from(OsStr::from_bytes(code.path));
    let places = [Some(map), exe, Some(theirs), Some(ours)];
    let mut files = places.into_iter().flatten().filter_map(|p| open(&p).ok());
    files.find(|(_, metadata)| metadata.ino() == code.inode)
}

impl Source for File {
    fn read(&self, offset: u64, len: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }
}

/// `python3.11`, `libpython3.11.so.1.0`; not the extension modules, whose names
/// contain `cpython`.
fn is_python(path: &[u8]) -> bool {
    let name = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
    name.starts_with(b"python") || name.starts_with(b"libpython")
}

/// The C library whose condition variables wait on the stacks of their waiters,
/// where no symbol leads to them.
fn is_musl(path: &[u8]) -> bool {
    let name = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
    name.starts_with(b"ld-musl-") || name.starts_with(b"libc.musl-")
}

fn read_map(thread: &Path) -> io::Result<Vec<u8>> {
    let mut maps = Vec::new();
    let file = File::open(thread.join("maps"))?;
    file.take(LARGEST_MAP).read_to_end(&mut maps)?;
    Ok(maps)
}

/// Opens a regular file; anything else that has come to be there is not waited
/// for.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let nonblocking = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(nonblocking).open(path)?;
    let metadata = file.metadata()?;
    match metadata.is_file() {
        true => Ok((file, metadata)),
        false => Err(ErrorKind::InvalidInput.into()),
    }
}

fn id_of(metadata: &Metadata) -> FileId {
    let (dev, ino, size) = (metadata.dev(), metadata.ino(), metadata.size());
    (dev, ino, size, metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
#[path = "tests/python.rs"]
mod tests;
