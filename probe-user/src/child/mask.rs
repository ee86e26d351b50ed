//! Sets of signals as the kernel has them. libc's leave two out that it uses itself,
//! and those can be sent to us as well.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::ptr;

use nix::libc;

/// A set: bit n - 1 is signal n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask(pub u64);

impl Mask {
    /// No signal.
    pub const EMPTY: Mask = Mask(0);
    /// Every signal.
    pub const ALL: Mask = Mask(u64::MAX);

    /// One signal; what is no signal is in no set.
    pub const fn of(signal: i32) -> Mask {
        match signal {
            1..=64 => Mask(1 << (signal - 1)),
            _ => Mask::EMPTY,
        }
    }

    /// Without these.
    pub const fn without(self, others: Mask) -> Mask {
        Mask(self.0 & !others.0)
    }

    /// Whether this signal is in it.
    pub const fn contains(self, signal: i32) -> bool {
        self.0 & Mask::of(signal).0 != 0
    }

    /// Blocks these signals too in the calling thread; returns what was blocked before.
    pub fn block(self) -> io::Result<Mask> {
        self.change(libc::SIG_BLOCK)
    }

    /// Lets these signals through in the calling thread.
    pub fn unblock(self) -> io::Result<Mask> {
        self.change(libc::SIG_UNBLOCK)
    }

    /// Blocks these signals and no others. One system call, for a child before its exec.
    pub fn set(self) -> io::Result<Mask> {
        self.change(libc::SIG_SETMASK)
    }

    fn change(self, how: i32) -> io::Result<Mask> {
        let mut before = 0_u64;
        // SAFETY: both sets are of the size that is passed, and the second may be written.
        let done = unsafe {
            let (set, before) = (&raw const self.0, &raw mut before);
            libc::syscall(libc::SYS_rt_sigprocmask, how, set, before, size_of::<u64>())
        };
        match done {
            0 => Ok(Mask(before)),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// A descriptor to read these signals from; does not block.
    pub fn descriptor(self) -> io::Result<OwnedFd> {
        let flags = libc::SFD_NONBLOCK | libc::SFD_CLOEXEC;
        // SAFETY: the set is of the size that is passed.
        let fd = unsafe {
            let set = &raw const self.0;
            libc::syscall(libc::SYS_signalfd4, -1, set, size_of::<u64>(), flags)
        };
        let fd = i32::try_from(fd).ok().filter(|&fd| fd >= 0);
        let fd = fd.ok_or_else(io::Error::last_os_error)?;
        // SAFETY: just opened, and nobody else knows it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

/// Sends itself the signal and lets it through: returns behind a stop, or where the
/// signal is ignored.
pub(super) fn suffer(signal: i32) {
    let _wrong_number = Mask::of(signal).unblock();
    // SAFETY: integers only. Not raise(3), which knows fewer signals.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), signal) };
}

/// Words of the kernel's `struct sigaction`, of which the first is what is done. All
/// zero is the default.
type Action = [u64; 4];

/// Whether a signal is ignored. What is no signal is not.
pub(super) fn is_ignored(signal: i32) -> bool {
    let mut action: Action = [0; 4];
    act(signal, ptr::null(), &raw mut action);
    action[0] == libc::SIG_IGN as u64
}

/// Has a signal do what it does by default.
pub(super) fn set_default(signal: i32) {
    let action: Action = [0; 4];
    act(signal, &raw const action, ptr::null_mut());
}

fn act(signal: i32, new: *const Action, before: *mut Action) {
    // SAFETY: each is null or as large as the kernel's structure; no code of ours runs
    // at a signal for `SIG_DFL`. A wrong number makes the call fail.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            new,
            before,
            size_of::<u64>(),
        )
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_every_signal_and_nothing_else() {
        for signal in 1..=64 {
            assert!(Mask::ALL.contains(signal) && Mask::of(signal).contains(signal));
            assert!(!Mask::ALL.without(Mask::of(signal)).contains(signal));
        }
        for signal in [i32::MIN, -1, 0, 65, i32::MAX] {
            assert!(!Mask::ALL.contains(signal), "{signal}");
        }
    }
}
