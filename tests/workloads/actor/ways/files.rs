//! Waits for a file that is not the call's first argument: the other end of a move of data,
//! the only one of a poll, a FIFO that has no other end yet.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::ptr::{null, null_mut};

use super::{Way, check};

const LENGTH: usize = 4096;

pub(super) fn all(dir: &str) -> Vec<io::Result<Way>> {
    vec![
        full("splice-file", regular, splice),
        full("splice-pipe", filled_pipe, splice),
        full("splice-socket", filled_socket, splice),
        full("tee", filled_pipe, tee),
        full("sendfile", regular, sendfile),
        full("vmsplice", regular, vmsplice),
        empty(),
        congested(),
        polled("poll-one", "poll", poll),
        polled("ppoll-one", "poll", ppoll),
        polled("select-one", "select", select),
        fifo(dir, "fifo-write", libc::O_WRONLY, open),
        fifo(dir, "fifo-read", libc::O_RDONLY, open),
        fifo(dir, "fifo-how-write", libc::O_WRONLY, open_how),
        fifo(dir, "fifo-how-read", libc::O_RDONLY, open_how),
    ]
}

/// Sends a pipe's bytes to a socket that is full.
pub(super) const SPLICE_SEND: &str = "splice-send";

/// Moves data from a descriptor to another one.
type Move = fn(RawFd, RawFd) -> libc::c_long;

fn splice(from: RawFd, to: RawFd) -> libc::c_long {
    // SAFETY: no offsets are given.
    let moved = unsafe { libc::splice(from, null_mut(), to, null_mut(), LENGTH, 0) };
    moved as libc::c_long
}

fn tee(from: RawFd, to: RawFd) -> libc::c_long {
    // SAFETY: no pointers.
    unsafe { libc::tee(from, to, LENGTH, 0) as libc::c_long }
}

fn sendfile(from: RawFd, to: RawFd) -> libc::c_long {
    // SAFETY: no offset is given.
    unsafe { libc::sendfile(to, from, null_mut(), LENGTH) as libc::c_long }
}

fn vmsplice(_: RawFd, to: RawFd) -> libc::c_long {
    static DATA: [u8; LENGTH] = [0; LENGTH];
    let vector = libc::iovec {
        iov_base: DATA.as_ptr().cast_mut().cast(),
        iov_len: LENGTH,
    };
    // SAFETY: one vector over memory that is never written to.
    unsafe { libc::vmsplice(to, &raw const vector, 1, 0) as libc::c_long }
}

/// The input is ready, the output is a pipe without room.
fn full(comm: &str, input: fn() -> io::Result<OwnedFd>, act: Move) -> io::Result<Way> {
    let input = input()?;
    let (mut reader, mut writer) = io::pipe()?;
    fill(&mut writer)?;
    let object = pipe_name(&writer)?;
    let wait = move || check(act(input.as_raw_fd(), writer.as_raw_fd())).map(drop);
    let wake = move || {
        reader.read_exact(&mut [0; 1 << 14])?;
        // The pipe must stay until the data is in it.
        std::mem::forget(reader);
        Ok(())
    };
    Way::new(comm, "pipe-write", Some(object), wait, wake)
}

fn fill(writer: &mut PipeWriter) -> io::Result<()> {
    nonblocking(writer, true)?;
    while writer.write(&[0; LENGTH]).is_ok() {}
    nonblocking(writer, false)
}

fn nonblocking(file: &impl AsRawFd, on: bool) -> io::Result<()> {
    let flags = if on { libc::O_NONBLOCK } else { 0 };
    // SAFETY: its only settable flag here is O_NONBLOCK.
    super::super::check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags) }).map(drop)
}

fn regular() -> io::Result<OwnedFd> {
    Ok(File::open(std::env::current_exe()?)?.into())
}

fn filled_pipe() -> io::Result<OwnedFd> {
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(&[0; LENGTH])?;
    std::mem::forget(writer);
    Ok(reader.into())
}

fn filled_socket() -> io::Result<OwnedFd> {
    let (reader, mut writer) = UnixStream::pair()?;
    writer.write_all(&[0; LENGTH])?;
    std::mem::forget(writer);
    Ok(reader.into())
}

/// The output has room, the input is a pipe without data.
fn empty() -> io::Result<Way> {
    let (reader, mut writer) = io::pipe()?;
    let (output, into) = io::pipe()?;
    let object = pipe_name(&reader)?;
    let wait = move || {
        check(splice(reader.as_raw_fd(), into.as_raw_fd()))?;
        drop(output);
        Ok(())
    };
    let wake = move || writer.write_all(&[0; LENGTH]);
    Way::new("splice-empty", "pipe-read", Some(object), wait, wake)
}

/// The output is a socket whose peer reads nothing.
fn congested() -> io::Result<Way> {
    let input = filled_pipe()?;
    let (mut reader, mut writer) = UnixStream::pair()?;
    writer.set_nonblocking(true)?;
    while writer.write(&[0; 1 << 16]).is_ok() {}
    while writer.write(&[0]).is_ok() {}
    writer.set_nonblocking(false)?;
    let object = format!("unix:[{}]", inode(&writer)?);
    let wait = move || check(splice(input.as_raw_fd(), writer.as_raw_fd())).map(drop);
    let wake = move || {
        nonblocking(&reader, true)?;
        while reader.read(&mut [0; 1 << 16]).is_ok_and(|read| read > 0) {}
        std::mem::forget(reader);
        Ok(())
    };
    Way::new(SPLICE_SEND, "socket-send", Some(object), wait, wake)
}

/// One descriptor only.
fn polled(comm: &str, kind: &'static str, act: fn(RawFd) -> libc::c_int) -> io::Result<Way> {
    let (reader, mut writer) = io::pipe()?;
    let object = pipe_name(&reader)?;
    let wait = move || super::super::check(act(reader.as_raw_fd())).map(drop);
    let wake = move || writer.write_all(&[0]);
    Way::new(comm, kind, Some(object), wait, wake)
}

fn poll(fd: RawFd) -> libc::c_int {
    let mut entry = entry(fd);
    // SAFETY: one initialised entry.
    unsafe { libc::poll(&raw mut entry, 1, -1) }
}

fn ppoll(fd: RawFd) -> libc::c_int {
    let mut entry = entry(fd);
    // SAFETY: one initialised entry, no time-out, no mask.
    unsafe { libc::ppoll(&raw mut entry, 1, null(), null()) }
}

fn entry(fd: RawFd) -> libc::pollfd {
    libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    }
}

fn select(fd: RawFd) -> libc::c_int {
    let none = null_mut();
    // SAFETY: the set is zeroed, and the descriptor is one of the first hundreds.
    unsafe {
        let mut set: libc::fd_set = std::mem::zeroed();
        libc::FD_SET(fd, &raw mut set);
        libc::select(fd + 1, &raw mut set, none, none, null_mut())
    }
}

/// A FIFO that nobody has opened for the other direction.
fn fifo(
    dir: &str,
    comm: &str,
    flags: libc::c_int,
    act: fn(&CString, libc::c_int) -> libc::c_long,
) -> io::Result<Way> {
    let path = Path::new(dir).join(comm);
    let text = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path is NUL-terminated.
    super::super::check(unsafe { libc::mkfifo(text.as_ptr(), 0o600) })?;
    let writes = flags == libc::O_WRONLY;
    let kind = if writes { "pipe-write" } else { "pipe-read" };
    let wait = move || check(act(&text, flags)).map(drop);
    let wake = move || {
        let mut other = fs::OpenOptions::new();
        std::mem::forget(other.read(writes).write(!writes).open(path)?);
        Ok(())
    };
    Way::new(comm, kind, None, wait, wake)
}

fn open(path: &CString, flags: libc::c_int) -> libc::c_long {
    // SAFETY: the path is NUL-terminated.
    unsafe { libc::openat(libc::AT_FDCWD, path.as_ptr(), flags | libc::O_CLOEXEC).into() }
}

fn open_how(path: &CString, flags: libc::c_int) -> libc::c_long {
    let how = [u64::from(flags.unsigned_abs()), 0, 0];
    let size = size_of_val(&how);
    // SAFETY: `how` is a whole open_how.
    unsafe {
        libc::syscall(
            libc::SYS_openat2,
            libc::AT_FDCWD,
            path.as_ptr(),
            how.as_ptr(),
            size,
        )
    }
}

fn inode(file: &impl AsRawFd) -> io::Result<u64> {
    Ok(fs::metadata(format!("/proc/self/fd/{}", file.as_raw_fd()))?.ino())
}

fn pipe_name(pipe: &impl AsRawFd) -> io::Result<String> {
    Ok(format!("pipe:[{}]", inode(pipe)?))
}
