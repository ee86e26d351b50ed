//! The command while it runs and when it has ended.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::libc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::wire::session::Exit;

/// A released child. Dropping it lets it run on.
#[derive(Debug)]
pub struct Running {
    pid: libc::pid_t,
    pidfd: OwnedFd,
    exit: Option<Exit>,
}

/// A descriptor for a process, readable when it has ended (pidfd_open(2)).
pub fn pidfd_open(pid: libc::pid_t) -> io::Result<OwnedFd> {
    // SAFETY: integers only; the result is close-on-exec.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = i32::try_from(fd)
        .ok()
        .filter(|&fd| fd >= 0)
        .ok_or_else(io::Error::last_os_error)?;
    // SAFETY: just opened, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

impl Running {
    /// For a child of ours that has not been reaped.
    pub(super) fn new(pid: libc::pid_t) -> io::Result<Self> {
        Ok(Self {
            pid,
            pidfd: pidfd_open(pid)?,
            exit: None,
        })
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Becomes readable when the whole process has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// How it ended, if that is known.
    pub fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// How it ended; `None` while it runs. Reaps it.
    pub fn try_wait(&mut self) -> io::Result<Option<Exit>> {
        if self.exit.is_none() {
            self.exit = reap(self.pid)?;
        }
        Ok(self.exit)
    }

    /// Waits for its end, on a tokio runtime with I/O enabled. May be dropped
    /// and called again.
    pub async fn wait(&mut self) -> io::Result<Exit> {
        loop {
            if let Some(exit) = self.try_wait()? {
                return Ok(exit);
            }
            // SAFETY: the descriptor is borrowed from `self` for longer than
            // `watch` lives, and is always the same.
            let watch =
                unsafe { AsyncFd::register_with_interest(self.pidfd.as_fd(), Interest::READABLE) }?;
            drop(watch.readable().await?);
        }
    }

    /// Sends it a signal. No error when it has ended.
    pub fn signal(&self, signal: i32) -> io::Result<()> {
        if self.exit.is_some() {
            return Ok(());
        }
        // SAFETY: not yet reaped, so the pid is still its own.
        check(unsafe { libc::kill(self.pid, signal) })
    }

    /// Sends it a signal with a value, as sigqueue(3).
    pub fn queue(&self, signal: i32, value: u64) -> io::Result<()> {
        if self.exit.is_some() {
            return Ok(());
        }
        let sival_ptr = std::ptr::without_provenance_mut(value as usize);
        let value = libc::sigval { sival_ptr };
        // SAFETY: not yet reaped, so the pid is still its own; nobody follows the value.
        check(unsafe { libc::sigqueue(self.pid, signal, value) })
    }

    /// Sends its process group a signal.
    pub fn signal_group(&self, signal: i32) -> io::Result<()> {
        if self.exit.is_some() {
            return Ok(());
        }
        // SAFETY: not yet reaped, so pid and group are still its own.
        check(unsafe {
            match libc::getpgid(self.pid) {
                group if group > 1 => libc::kill(-group, signal),
                _ => libc::kill(self.pid, signal),
            }
        })
    }

    /// Whether it is stopped and nobody has continued it.
    pub fn is_stopped(&self) -> bool {
        let stopped = || peek(libc::P_PID, self.pid(), libc::WSTOPPED);
        self.exit.is_none() && stopped().is_ok_and(|pid| pid == Some(self.pid))
    }
}

/// The child of which wait(2) would report such a state now; it stays to be waited for.
pub(super) fn peek(
    which: libc::idtype_t,
    id: libc::id_t,
    states: libc::c_int,
) -> io::Result<Option<libc::pid_t>> {
    let flags = states | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: all-zero bytes are a valid value, which may be written.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        check(libc::waitid(which, id, &raw mut info, flags))?;
        Ok(Some(info.si_pid()).filter(|&pid| pid > 0))
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn reap(pid: libc::pid_t) -> io::Result<Option<Exit>> {
    let mut status = 0;
    // SAFETY: `status` may be written.
    match unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } {
        0 => Ok(None),
        -1 => Err(io::Error::last_os_error()),
        _ if libc::WIFSIGNALED(status) => Ok(Some(Exit::Signal(libc::WTERMSIG(status)))),
        _ => Ok(Some(Exit::Code(libc::WEXITSTATUS(status)))),
    }
}
