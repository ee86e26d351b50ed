//! Ends waitscope by the signal that ended the command.

use std::mem::MaybeUninit;
use std::ptr;

use nix::libc;

/// Ends this process by `signal`, without a core dump: the command has left
/// its own. Flush all output first. Returns only where the signal does not end
/// us (the first process of a container): then the status to exit with.
pub fn reraise(signal: i32) -> u8 {
    let no_core = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    let mut set = MaybeUninit::uninit();
    // SAFETY: the pointers are to locals, the set is initialised before it is
    // used, and the default disposition runs no code. A wrong number makes the
    // calls fail.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core);
        // A core_pattern that is a pipe does not look at the limit.
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
        libc::signal(signal, libc::SIG_DFL);
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), ptr::null_mut());
        libc::raise(signal);
    }
    u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX)
}
