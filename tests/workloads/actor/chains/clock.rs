//! Computing for a known time, and measuring it.

use std::hint;
use std::io;
use std::mem::MaybeUninit;
use std::thread;
use std::time::{Duration, Instant};

use super::super::check;

/// CPU time of this process so far, ns.
pub(super) fn cpu_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place; the clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Makes this thread a batch task, and those that it makes from now on.
pub(super) fn be_batch() -> io::Result<()> {
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: `priority` is readable.
    check(unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const priority) })?;
    Ok(())
}

/// Computes until this much CPU time has gone by.
pub(super) fn compute(time: Duration) {
    let until = cpu_ns() + u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    while cpu_ns() < until {
        (0..1000).for_each(|n| {
            hint::black_box(n);
        });
    }
}

/// Sleeps; returns for how long, ns.
pub(super) fn sleep(time: Duration) -> u64 {
    let begin = Instant::now();
    thread::sleep(time);
    u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Times that this process has gone to sleep so far.
pub(super) fn sleeps() -> io::Result<u64> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is writable.
    check(unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) })?;
    // SAFETY: all integers, of which zero is one.
    let usage = unsafe { usage.assume_init() };
    Ok(usage.ru_nvcsw.cast_unsigned())
}
