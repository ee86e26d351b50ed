//! A witness in our process group. What is sent to the whole group comes to it as well,
//! and to a command that is still in it; what is sent to us alone does not. Nothing else
//! says for whom a signal was: siginfo has its sender only.
//!
//! The kernel sends to the members of a group from the youngest to the oldest
//! (`__kill_pgrp_info` walks a list to whose head `attach_pid` adds), so what has come to us
//! has come to the witness before.
//!
//! It is a fork that blocks every signal and waits to be asked. It has a name and a
//! command line of its own, so that `pkill waitscope` does not find it, keeps nothing open
//! and ends with us.

use std::{
    ffi::c_int,
    io::{self, Read as _, Write as _},
    os::fd::{AsRawFd as _, RawFd},
    os::unix::net::UnixStream,
    time::Duration,
};

use nix::{
    libc,
    unistd::{ForkResult, fork},
};

use super::{inherited, mask::Mask, signals::Received};

/// What the witness is called.
const NAME: &std::ffi::CStr = c"signal-witness";

/// It answers at once, unless it was stopped.
const PATIENCE: Duration = Duration::from_millis(200);

/// Signals that one answer has room for; the rest stays pending.
const MOST: usize = 64;

/// The witness.
#[derive(Debug)]
pub struct Witness {
    pid: libc::pid_t,
    control: UnixStream,
    /// What came to it and has not come to us yet.
    seen: Vec<Seen>,
}

/// A signal, and the process that sent it; 0 for the kernel, and for another pid
/// namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    signal: i32,
    sent_by: u32,
}

/// Bytes of a [`Seen`].
const SEEN_BYTES: usize = 8;

impl Witness {
    /// Starts one. Call it while this process has one thread, with every signal blocked.
    pub fn start() -> io::Result<Witness> {
        let (control, its_control) = UnixStream::pair()?;
        control.set_read_timeout(Some(PATIENCE))?;
        let signals = Mask::ALL.descriptor()?;
        let descriptors = [its_control.as_raw_fd(), signals.as_raw_fd()];
        // SAFETY: `testify` calls only what is async-signal-safe.
        match unsafe { fork() }? {
            // SAFETY: this is the child, just forked.
            ForkResult::Child => unsafe { testify(descriptors) },
            ForkResult::Parent { child } => Ok(Witness {
                pid: child.as_raw(),
                control,
                seen: Vec::new(),
            }),
        }
    }

    /// Whether a signal that came to us came to it, too. An error means that it can be
    /// asked no more.
    pub fn has_seen(&mut self, received: &Received) -> io::Result<bool> {
        self.ask()?;
        let wanted = Seen {
            signal: received.signal,
            sent_by: received.sent_by.unwrap_or(0),
        };
        let Some(first) = self.seen.iter().position(|seen| *seen == wanted) else {
            return Ok(false);
        };
        self.seen.remove(first);
        if wanted.signal < libc::SIGRTMIN() {
            // Of these one that is pending stands for all that come meanwhile.
            self.seen.retain(|seen| *seen != wanted);
        }
        Ok(true)
    }

    fn ask(&mut self) -> io::Result<()> {
        self.control.write_all(&[1])?;
        let mut count = [0; 1];
        self.control.read_exact(&mut count)?;
        for _ in 0..count[0] {
            let mut bytes = [0; SEEN_BYTES];
            self.control.read_exact(&mut bytes)?;
            let [a, b, c, d, e, f, g, h] = bytes;
            self.seen.push(Seen {
                signal: i32::from_ne_bytes([a, b, c, d]),
                sent_by: u32::from_ne_bytes([e, f, g, h]),
            });
        }
        Ok(())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        // SAFETY: our own child, not yet reaped: the pid is still its own. If somebody
        // has ended it, and it was reaped as an orphan, there is nothing to wait for.
        unsafe {
            let mut status = 0;
            if libc::waitpid(self.pid, &raw mut status, libc::WNOHANG) == 0 {
                libc::kill(self.pid, libc::SIGKILL);
                libc::waitpid(self.pid, &raw mut status, 0);
            }
        }
    }
}

/// The witness's life.
///
/// # Safety
///
/// Only in a process that was just forked.
unsafe fn testify([control, signals]: [RawFd; 2]) -> ! {
    inherited::forget_command_line();
    // SAFETY: the name ends with NUL.
    unsafe { libc::prctl(libc::PR_SET_NAME, NAME.as_ptr()) };
    close_others(control, signals);
    loop {
        let mut byte = 0_u8;
        // SAFETY: there is room for one byte.
        match unsafe { libc::recv(control, (&raw mut byte).cast(), 1, 0) } {
            1 => answer(control, signals),
            // SAFETY: no precondition.
            -1 if unsafe { *libc::__errno_location() } == libc::EINTR => {}
            // SAFETY: ends the process without running anything of the parent's.
            _ => unsafe { libc::_exit(0) },
        }
    }
}

/// Nobody waits for the end of a pipe because of it.
fn close_others(control: RawFd, signals: RawFd) {
    let (low, high) = (control.min(signals), control.max(signals));
    for (first, last) in [(0, low - 1), (low + 1, high - 1), (high + 1, c_int::MAX)] {
        if first <= last {
            // SAFETY: integers only; the owners of these descriptors are the parent's.
            unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        }
    }
}

/// Sends how many signals have come since the last time, and those.
fn answer(control: RawFd, signals: RawFd) {
    let mut message = [0_u8; 1 + MOST * SEEN_BYTES];
    let mut length = 1;
    while length + SEEN_BYTES <= message.len() {
        // SAFETY: all-zero bytes are a valid value.
        let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
        // SAFETY: there is room for one.
        let read = unsafe { libc::read(signals, (&raw mut info).cast(), size_of_val(&info)) };
        if read <= 0 {
            break;
        }
        // What the kernel sends has a code above 0.
        let by_kernel = info.ssi_code > libc::SI_USER;
        let sent_by = if by_kernel { 0 } else { info.ssi_pid };
        let both = [info.ssi_signo.to_ne_bytes(), sent_by.to_ne_bytes()];
        for byte in both.as_flattened() {
            message[length] = *byte;
            length += 1;
        }
        message[0] += 1;
    }
    // SAFETY: as many bytes as are there. A parent that is gone is noticed by the next
    // receive.
    unsafe { libc::send(control, message.as_ptr().cast(), length, libc::MSG_NOSIGNAL) };
}
