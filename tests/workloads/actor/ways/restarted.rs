//! Calls that a stop interrupts and that go on as `restart_syscall`; and a vfork that an exec
//! ends. Processes, each with one thread.

use std::io;
use std::ptr::{null, null_mut};
use std::time::Duration;

use proc_stat::Stat;

use super::{Truth, check};

/// How long their calls take altogether, ms: far longer than a stop, also where CPUs are rare.
const WHOLE_MS: i32 = 600;
static WHOLE: libc::timespec = libc::timespec {
    tv_sec: 0,
    tv_nsec: WHOLE_MS as i64 * 1_000_000,
};
/// When they are stopped.
const PART: Duration = Duration::from_millis(100);

pub(super) fn take() -> io::Result<Vec<Truth>> {
    static WORD: u32 = 0;
    let futex = format!("futex {:#x}", (&raw const WORD).expose_provenance());
    let mut truths = vec![
        interrupted("stop-sleep", "sleep", None, || {
            // SAFETY: the time is initialised.
            unsafe { libc::nanosleep(&raw const WHOLE, null_mut()).into() }
        })?,
        interrupted("stop-clock", "sleep", None, || {
            // SAFETY: the same.
            let error = unsafe {
                libc::clock_nanosleep(libc::CLOCK_BOOTTIME, 0, &raw const WHOLE, null_mut())
            };
            error.into()
        })?,
        interrupted("stop-poll", "poll", None, || {
            // SAFETY: no entries.
            unsafe { libc::poll(null_mut(), 0, WHOLE_MS).into() }
        })?,
        interrupted("stop-futex", "futex", Some(futex), || {
            let wait = libc::FUTEX_WAIT;
            // SAFETY: word and time are never freed.
            unsafe { libc::syscall(libc::SYS_futex, &raw const WORD, wait, 0, &raw const WHOLE) };
            // The time is over.
            0
        })?,
    ];
    truths.push(vfork()?);
    Ok(truths)
}

/// Stops a child in its call, and lets it go on.
fn interrupted(
    comm: &'static str,
    kind: &'static str,
    object: Option<String>,
    call: impl Fn() -> libc::c_long,
) -> io::Result<Truth> {
    let child = child(comm, || call() == 0)?;
    std::thread::sleep(PART);
    signal(child, libc::SIGSTOP)?;
    while Stat::of_process(child.cast_unsigned())?.state != 'T' {
        std::thread::sleep(Duration::from_millis(1));
    }
    signal(child, libc::SIGCONT)?;
    reap(child)?;
    Ok(Truth {
        comm: comm.to_owned(),
        kind,
        object,
        source: "timer",
        count: 2,
    })
}

/// The child execs after a while and lives on.
fn vfork() -> io::Result<Truth> {
    let comm = "vfork-exec";
    let parent = child(comm, || {
        let mut stack = vec![0_u128; 4096];
        let top = stack.as_mut_ptr_range().end;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the stack outlives the child's use of it: until it execs, we are held.
        unsafe { libc::clone(nap_and_exec, top.cast(), flags, null_mut()) > 0 }
    })?;
    reap(parent)?;
    Ok(Truth {
        comm: comm.to_owned(),
        kind: "vfork",
        object: None,
        source: "task",
        count: 1,
    })
}

extern "C" fn nap_and_exec(_: *mut libc::c_void) -> libc::c_int {
    let arguments = [c"actor", c"naps", c"1", c"1000"].map(std::ffi::CStr::as_ptr);
    let [name, act, count, micros] = arguments;
    let arguments = [name, act, count, micros, null()];
    // SAFETY: the time is initialised, the texts are NUL-terminated.
    unsafe {
        libc::nanosleep(&raw const WHOLE, null_mut());
        libc::execv(c"/proc/self/exe".as_ptr(), arguments.as_ptr())
    }
}

/// Forks; the child takes the name and ends well if `act` does.
fn child(comm: &str, act: impl FnOnce() -> bool) -> io::Result<libc::pid_t> {
    let mut name = [0_u8; 16];
    name[..comm.len()].copy_from_slice(comm.as_bytes());
    // SAFETY: this program has one thread, and the child only makes system calls.
    let child = super::super::check(unsafe { libc::fork() })?;
    if child == 0 {
        // SAFETY: the name is NUL-terminated; nothing of the parent's is torn down.
        unsafe {
            libc::prctl(libc::PR_SET_NAME, name.as_ptr());
            libc::_exit(i32::from(!act()));
        }
    }
    Ok(child)
}

fn signal(child: libc::pid_t, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: plain integers; the child is not reaped yet.
    super::super::check(unsafe { libc::kill(child, signal) }).map(drop)
}

fn reap(child: libc::pid_t) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: `status` is writable.
    check(unsafe { libc::waitpid(child, &raw mut status, 0) }.into())?;
    if status != 0 {
        return Err(io::Error::other(format!("wait status {status:#x}")));
    }
    Ok(())
}
