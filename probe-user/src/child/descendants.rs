//! What the command has started and left behind. As their subreaper (prctl(2)) we
//! become the parent of processes whose own parent has ended, whatever they did to
//! detach themselves; so there are descendants as long as there are children.

use std::io;

use nix::libc;

use super::running::peek;

/// Makes this process the parent of all that the command leaves behind. Before the fork.
pub fn adopt() -> io::Result<()> {
    // SAFETY: integers only.
    match unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Reaps the orphans that have ended, but not the command; says whether no child is left.
pub fn reap(command: u32) -> bool {
    loop {
        match peek(libc::P_ALL, 0, libc::WEXITED | libc::__WALL) {
            // SAFETY: our own child, which keeps its pid until now; nobody wants its status.
            Ok(Some(pid)) if pid.unsigned_abs() != command => unsafe {
                libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL);
            },
            Ok(_) => return false,
            Err(error) => return error.raw_os_error() == Some(libc::ECHILD),
        }
    }
}
