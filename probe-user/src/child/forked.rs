//! The child's side of the fork, up to exec. The parent may have had threads:
//! from here on only async-signal-safe calls, no allocation, no panic.

use std::ffi::c_int;
use std::os::fd::RawFd;
use std::sync::atomic::Ordering;

use nix::errno::Errno;
use nix::libc;

use super::identity::Identity;
use super::image::Image;
use super::inherited;
use super::mask::Mask;
use super::signals::WAS_MORTAL;

/// What the child sends its parent: a step and an error number.
pub(super) const MESSAGE_BYTES: usize = 8;

/// Steps. With [`READY`] the child is held; the others report a failure.
pub(super) const READY: i32 = 0;
pub(super) const SETGROUPS: i32 = 1;
pub(super) const SETGID: i32 = 2;
pub(super) const SETUID: i32 = 3;
pub(super) const EXEC: i32 = 4;

/// Exit status of a child that never ran the command. Nobody looks at it.
const NEVER_RAN: c_int = 125;

pub(super) struct Child<'a> {
    pub(super) image: &'a mut Image,
    pub(super) identity: Option<&'a Identity>,
    /// Blocked signals of the command.
    pub(super) mask: Mask,
    /// What its standard descriptors are, where not ours.
    pub(super) streams: [Option<RawFd>; 3],
    /// The command was to ignore SIGCHLD.
    pub(super) ignore_sigchld: bool,
    /// Our end of the socket pair.
    pub(super) control: RawFd,
    /// The parent's end, to be closed: it must see us die and we it.
    pub(super) parents_control: RawFd,
}

impl Child<'_> {
    /// Becomes the command once it is released.
    ///
    /// # Safety
    ///
    /// Only in a process that was just forked.
    pub(super) unsafe fn run(self) -> ! {
        // SAFETY: the descriptor's owner is the parent's copy of this memory;
        // here nothing is ever dropped.
        unsafe { libc::close(self.parents_control) };
        inherited::close_again();
        self.replace_streams();
        self.restore_signals();
        match self.become_identity() {
            Ok(()) => report(self.control, READY, 0),
            Err((step, errno)) => {
                report(self.control, step, errno);
                exit()
            }
        }
        if !is_released(self.control) {
            exit()
        }
        let errno = self.image.exec();
        report(self.control, EXEC, errno);
        exit()
    }

    fn replace_streams(&self) {
        for (stream, place) in self.streams.into_iter().zip(0..) {
            if let Some(stream) = stream {
                // SAFETY: integers only. It fails for no open descriptor.
                unsafe { libc::dup2(stream, place) };
            }
        }
    }

    fn restore_signals(&self) {
        // SAFETY: `signal` touches only this process, which has no handlers that could
        // be lost.
        unsafe {
            // Rust's runtime ignores it, and exec would keep that.
            if !inherited::sigpipe_was_ignored() {
                libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            }
            // As we do: see `signals::outlive_file_limit`.
            if WAS_MORTAL.load(Ordering::Relaxed) {
                libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
            }
            if self.ignore_sigchld {
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            }
        }
        let _infallible = self.mask.set();
    }

    /// Raw system calls: libc's own functions also change the other threads,
    /// which are not there any more.
    fn become_identity(&self) -> Result<(), (i32, i32)> {
        if let Some(Identity {
            uid, gid, groups, ..
        }) = self.identity
        {
            // SAFETY: pointer and length are those of the slice.
            let done = unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) };
            check(done, SETGROUPS)?;
            // SAFETY: integers only.
            let done = unsafe { libc::syscall(libc::SYS_setresgid, *gid, *gid, *gid) };
            check(done, SETGID)?;
            // SAFETY: integers only.
            let done = unsafe { libc::syscall(libc::SYS_setresuid, *uid, *uid, *uid) };
            check(done, SETUID)?;
        }
        // SAFETY: integers only. Fails where there are no ambient capabilities.
        unsafe {
            libc::prctl(
                libc::PR_CAP_AMBIENT,
                libc::PR_CAP_AMBIENT_CLEAR_ALL,
                0,
                0,
                0,
            )
        };
        Ok(())
    }
}

fn check(outcome: libc::c_long, step: i32) -> Result<(), (i32, i32)> {
    if outcome < 0 {
        Err((step, Errno::last_raw()))
    } else {
        Ok(())
    }
}

fn report(control: RawFd, step: i32, errno: i32) {
    let ([a, b, c, d], [e, f, g, h]) = (step.to_ne_bytes(), errno.to_ne_bytes());
    let message: [u8; MESSAGE_BYTES] = [a, b, c, d, e, f, g, h];
    // SAFETY: pointer and length are those of the array. A parent that is gone
    // is noticed by the next receive.
    unsafe {
        libc::send(
            control,
            message.as_ptr().cast(),
            message.len(),
            libc::MSG_NOSIGNAL,
        )
    };
}

/// Waits for the parent's word; `false` when the parent is gone.
fn is_released(control: RawFd) -> bool {
    loop {
        let mut byte = 0u8;
        // SAFETY: there is room for one byte.
        match unsafe { libc::recv(control, (&raw mut byte).cast(), 1, 0) } {
            1 => return true,
            -1 if Errno::last_raw() == libc::EINTR => {}
            _ => return false,
        }
    }
}

fn exit() -> ! {
    // SAFETY: ends the process without running anything of the parent's.
    unsafe { libc::_exit(NEVER_RAN) }
}
