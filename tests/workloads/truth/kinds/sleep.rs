//! `sleep` and `timer`: nobody wakes these but the clock.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;

use crate::case::{Case, Job, Setting, pause_of};
use crate::clock::monotonic_ns;
use crate::sys::{self, check};

const SLEEP: &[&str] = &[
    "hrtimer_nanosleep",
    "common_nsleep",
    "common_nsleep_timens",
    "__x64_sys_nanosleep",
    "__x64_sys_clock_nanosleep",
];

pub const CASES: &[Case] = &[
    by_clock("nanosleep", "sleep", SLEEP, |_| {
        Job::alone(|meter| meter.repeat_timed(nanosleep))
    }),
    by_clock("clock-sleep", "sleep", SLEEP, |_| {
        Job::alone(|meter| meter.repeat_timed(sleep_until))
    }),
    by_clock(
        "timerfd",
        "timer",
        &["timerfd_read", "timerfd_read_iter"],
        |_| timerfd(),
    ),
];

const fn by_clock(
    name: &'static str,
    kind: &'static str,
    functions: &'static [&'static str],
    prepare: fn(&Setting) -> io::Result<Job>,
) -> Case {
    Case {
        name,
        kind,
        functions,
        sources: &["timer"],
        has_waker: false,
        prepare,
    }
}

fn nanosleep(round: u32) -> io::Result<()> {
    let time = timespec(u64::from(pause_of(round).subsec_nanos()));
    // SAFETY: `time` is initialised; the rest is not wanted.
    check(unsafe { libc::nanosleep(&raw const time, std::ptr::null_mut()) })?;
    Ok(())
}

fn sleep_until(round: u32) -> io::Result<()> {
    let time = timespec(monotonic_ns() + u64::from(pause_of(round).subsec_nanos()));
    // SAFETY: `time` is initialised; an absolute sleep has no rest.
    let error = unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const time,
            std::ptr::null_mut(),
        )
    };
    match error {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

fn timespec(ns: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (ns / 1_000_000_000).cast_signed(),
        tv_nsec: (ns % 1_000_000_000).cast_signed(),
    }
}

fn timerfd() -> io::Result<Job> {
    let clock = libc::CLOCK_MONOTONIC;
    // SAFETY: no pointers.
    let timer = sys::own(unsafe { libc::timerfd_create(clock, libc::TFD_CLOEXEC) })?;
    let mut timer = File::from(timer);
    Job::alone(move |meter| {
        meter.repeat_timed(|round| {
            arm(&timer, round)?;
            timer.read(&mut [0; 8])
        })
    })
}

fn arm(timer: &File, round: u32) -> io::Result<()> {
    let spec = libc::itimerspec {
        it_interval: timespec(0),
        it_value: timespec(u64::from(pause_of(round).subsec_nanos())),
    };
    let none = std::ptr::null_mut();
    // SAFETY: `spec` is initialised; the old value is not wanted.
    check(unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const spec, none) })?;
    Ok(())
}
