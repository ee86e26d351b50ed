//! A poll for the end of a process.

use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::{Way, check};

pub(super) fn all() -> [io::Result<Way>; 1] {
    [child()]
}

/// A child that lives until the other end of a pipe is closed.
fn child() -> io::Result<Way> {
    let (mut until, end) = io::pipe()?;
    // SAFETY: this program has one thread yet.
    let child = super::super::check(unsafe { libc::fork() })?;
    if child == 0 {
        drop(end);
        let _end = until.read(&mut [0]);
        // SAFETY: nothing of the parent's is torn down.
        unsafe { libc::_exit(0) };
    }
    drop(until);
    // SAFETY: plain integers.
    let pidfd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, child, 0) })?;
    let pidfd = RawFd::try_from(pidfd).map_err(io::Error::other)?;
    // SAFETY: it is new, and nobody else's.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let object = Some("[pidfd]".to_owned());
    let wait = move || {
        let mut polled = libc::pollfd {
            fd: pidfd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry, initialised.
        check(unsafe { libc::poll(&raw mut polled, 1, -1) }.into()).map(drop)
    };
    let mut way = Way::new("poll-pidfd", "poll", object, wait, move || {
        drop(end);
        Ok(())
    })?;
    way.truth.source = "task-exit";
    Ok(way)
}
