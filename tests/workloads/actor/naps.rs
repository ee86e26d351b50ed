//! Sleeps again and again, woken by nothing but the timer.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use crate::check;

/// `count` sleeps of `micros` microseconds. Says how many it slept through: a
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

/// `threads` threads sleep `rounds` times until the same instants, 10 ms apart.
pub fn together(threads: u32, rounds: u32) -> io::Result<u8> {
    let mut begun = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: room for the time.
    check(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut begun) })?;
    let sleeper = || thread::spawn(move || (1..=rounds).try_for_each(|n| sleep_until(begun, n)));
    let sleepers: Vec<_> = (0..threads).map(|_| sleeper()).collect();
    for sleeper in sleepers {
        let slept = sleeper.join();
        slept.map_err(|_| io::Error::other("a sleeper panicked"))??;
    }
    Ok(0)
}

/// 100 ms after `begun` all threads are there.
fn sleep_until(begun: libc::timespec, round: u32) -> io::Result<()> {
    let after = Duration::from_millis(100 + 10 * u64::from(round));
    let ns = begun.tv_nsec + i64::from(after.subsec_nanos());
    let time = libc::timespec {
        tv_sec: begun.tv_sec + after.as_secs().cast_signed() + ns / 1_000_000_000,
        tv_nsec: ns % 1_000_000_000,
    };
    let clock = libc::CLOCK_MONOTONIC;
    let rest = std::ptr::null_mut();
    // SAFETY: `time` is initialised; the rest is not wanted.
    match unsafe { libc::clock_nanosleep(clock, libc::TIMER_ABSTIME, &raw const time, rest) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}
