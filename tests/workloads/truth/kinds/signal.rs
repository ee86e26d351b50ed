//! `signal`: sigwait, pause and sigsuspend.

use std::io;
use std::sync::atomic::Ordering::SeqCst;

use crate::case::{Case, Job, Setting, until_done};
use crate::meter::Meter;
use crate::sys::{self, check, expect_interrupt};

pub const CASES: &[Case] = &[
    case("sigwait", &["do_sigtimedwait"], |_| pair(sigwait)),
    case(
        "pause",
        &["__x64_sys_pause", "__do_sys_pause", "__se_sys_pause"],
        |_| pair(pause),
    ),
    case(
        "sigsuspend",
        &["sigsuspend", "__x64_sys_rt_sigsuspend"],
        |_| pair(suspend),
    ),
];

const fn case(
    name: &'static str,
    functions: &'static [&'static str],
    prepare: fn(&Setting) -> io::Result<Job>,
) -> Case {
    Case {
        name,
        kind: "signal",
        functions,
        sources: &["signal"],
        has_waker: true,
        prepare,
    }
}

/// A signal may come before the subject sleeps; the next one then ends it.
fn pair(subject: fn(&mut Meter) -> io::Result<()>) -> io::Result<Job> {
    Job::pair(subject, |slot| {
        until_done(slot, || {
            sys::signal_thread(slot.pid.load(SeqCst), slot.tid.load(SeqCst))
        })
    })
}

fn sigwait(meter: &mut Meter) -> io::Result<()> {
    let set = sys::signal_set();
    meter.repeat(|_| {
        let mut number = 0;
        // SAFETY: `set` is initialised, `number` writable.
        match unsafe { libc::sigwait(&raw const set, &raw mut number) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    })
}

fn pause(meter: &mut Meter) -> io::Result<()> {
    let set = sys::signal_set();
    sys::mask(libc::SIG_UNBLOCK, &set)?;
    // SAFETY: no pointers.
    meter.repeat(|_| expect_interrupt(check(unsafe { libc::pause() })))?;
    sys::mask(libc::SIG_BLOCK, &set)
}

fn suspend(meter: &mut Meter) -> io::Result<()> {
    let others = sys::quiet_set();
    // SAFETY: `others` is initialised.
    meter.repeat(|_| expect_interrupt(check(unsafe { libc::sigsuspend(&raw const others) })))
}
