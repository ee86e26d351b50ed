//! Sleeps again and again, woken by nothing but the timer.

use std::io::{self, Write};

use crate::check;

/// `count` sleeps of `micros` microseconds. Tells how many it slept through: a
/// timer may fire before the thread that set it is off its CPU.
pub fn take(count: u32, micros: u32) -> io::Result<u8> {
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: i64::from(micros) * 1000,
    };
    let before = voluntary_switches();
    for _ in 0..count {
        // SAFETY: `time` is initialised; the rest is not wanted.
        check(unsafe { libc::nanosleep(&raw const time, std::ptr::null_mut()) })?;
    }
    let slept = voluntary_switches() - before;
    writeln!(io::stdout(), "slept {slept}")?;
    Ok(0)
}

/// Switch-outs of this thread that were its own wish, so far.
fn voluntary_switches() -> u64 {
    // SAFETY: all-zero bytes are a valid rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is writable.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    usage.ru_nvcsw.unsigned_abs()
}
