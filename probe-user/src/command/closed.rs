//! Whether stdout was open when we started.
//!
//! Rust's runtime opens /dev/null in place of a closed standard descriptor, so
//! that a report written to a closed stdout would vanish without an error. This
//! looks before the runtime does.

use std::sync::atomic::{AtomicBool, Ordering};

static STDOUT_CLOSED: AtomicBool = AtomicBool::new(false);

/// Run by the dynamic loader or libc's start-up code, before `main`.
#[used]
// SAFETY: an entry of `.init_array` is a pointer to a C function.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    // SAFETY: no precondition; the call fails only for a closed descriptor.
    let flags = unsafe { nix::libc::fcntl(nix::libc::STDOUT_FILENO, nix::libc::F_GETFD) };
    STDOUT_CLOSED.store(flags < 0, Ordering::Relaxed);
}

/// Nothing was behind stdout.
pub fn stdout_was_closed() -> bool {
    STDOUT_CLOSED.load(Ordering::Relaxed)
}
