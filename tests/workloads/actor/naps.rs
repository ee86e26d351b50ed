//! Sleeps again and again, woken by nothing but the timer.

use std::io;

use crate::check;

/// `count` sleeps of `micros` microseconds.
pub fn take(count: u32, micros: u32) -> io::Result<u8> {
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: i64::from(micros) * 1000,
    };
    for _ in 0..count {
        // SAFETY: `time` is initialised; the rest is not wanted.
        check(unsafe { libc::nanosleep(&raw const time, std::ptr::null_mut()) })?;
    }
    Ok(0)
}
