//! Counts the interrupts it gets within a second, and says when it is ready.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::check;

static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count_one(_: libc::c_int) {
    INTERRUPTS.fetch_add(1, SeqCst);
}

/// Writes `ready` to the file, one second later the number of interrupts.
pub fn count(out: &str) -> io::Result<u8> {
    let counter: extern "C" fn(libc::c_int) = count_one;
    // SAFETY: all-zero bytes are a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = counter as libc::sighandler_t;
    // SAFETY: `action` is initialised and its handler async-signal-safe.
    check(unsafe { libc::sigaction(libc::SIGINT, &raw const action, std::ptr::null_mut()) })?;
    fs::write(out, "ready")?;
    let end = Instant::now() + Duration::from_secs(1);
    while let Some(rest) = end.checked_duration_since(Instant::now()) {
        thread::sleep(rest.min(Duration::from_millis(5)));
    }
    fs::write(out, INTERRUPTS.load(SeqCst).to_string())?;
    Ok(0)
}
