//! What the command has started and left behind. As their subreaper (prctl(2)) we
//! become the parent of processes whose own parent has ended, whatever they did to
//! detach themselves; so there are descendants as long as there are children.

use std::io;

use nix::libc;

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
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    loop {
        // SAFETY: all-zero bytes are a valid value, which may be written; a child that
        // has ended keeps its pid until it is reaped.
        let pid = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            if libc::waitid(libc::P_ALL, 0, &raw mut info, flags) != 0 {
                return io::Error::last_os_error().raw_os_error() == Some(libc::ECHILD);
            }
            info.si_pid()
        };
        if pid <= 0 || pid.unsigned_abs() == command {
            return false;
        }
        // SAFETY: our own child; nobody wants its status.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL) };
    }
}
