//! Ends waitscope by the signal that ended the command.

use nix::libc;

use super::mask::{set_default, suffer};

/// Ends this process by `signal`, without a core dump: the command has left
/// its own. Flush all output first. Returns only where the signal does not end
/// us (the first process of a container): then the status to exit with.
pub fn reraise(signal: i32) -> u8 {
    let no_core = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a local.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core);
        // A core_pattern that is a pipe does not look at the limit.
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
    set_default(signal);
    suffer(signal);
    u8::try_from(signal.saturating_add(128)).unwrap_or(u8::MAX)
}
