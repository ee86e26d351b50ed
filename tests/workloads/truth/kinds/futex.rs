//! `futex`: woken by another thread, or by the time-out.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use crate::case::{Case, Job, pause_of, until_done};
use crate::sys::check_long;

const FUNCTIONS: &[&str] = &[
    "futex_wait_queue_me",
    "futex_wait_queue",
    "futex_do_wait",
    "__futex_wait",
    "futex_wait",
];

pub const CASES: &[Case] = &[
    Case {
        name: "futex",
        kind: "futex",
        functions: FUNCTIONS,
        sources: &["task"],
        has_waker: true,
        prepare: |_| woken(),
    },
    Case {
        name: "futex-tmo",
        kind: "futex",
        functions: FUNCTIONS,
        sources: &["timer"],
        has_waker: false,
        prepare: |_| timed(),
    },
];

fn woken() -> io::Result<Job> {
    let word = Arc::new(AtomicU32::new(0));
    let theirs = word.clone();
    Job::pair(
        move |meter| {
            meter.repeat(|_| {
                let value = word.load(SeqCst);
                wait(&word, value, None)
            })
        },
        move |slot| {
            until_done(slot, || {
                theirs.fetch_add(1, SeqCst);
                wake(&theirs)
            })
        },
    )
}

fn timed() -> io::Result<Job> {
    Job::alone(|meter| {
        let word = AtomicU32::new(0);
        meter.repeat_timed(|round| wait(&word, 0, Some(pause_of(round))))
    })
}

const WAIT: libc::c_int = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
const WAKE: libc::c_int = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;

/// A word that has moved on and a time-out are both fine.
fn wait(word: &AtomicU32, value: u32, timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|timeout| libc::timespec {
        tv_sec: 0,
        tv_nsec: i64::from(timeout.subsec_nanos()),
    });
    let timeout = timeout
        .as_ref()
        .map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `word` and `timeout` outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), WAIT, value, timeout) };
    match check_long(result) {
        Err(error) if !is_expected(&error) => Err(error),
        _ => Ok(()),
    }
}

fn is_expected(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAGAIN | libc::ETIMEDOUT | libc::EINTR)
    )
}

fn wake(word: &AtomicU32) -> io::Result<()> {
    // SAFETY: the word outlives the call.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), WAKE, 1) };
    check_long(woken).map(drop)
}
