//! `stopped`: a process that stops itself and is continued by its parent,
//! through job control or as its tracer.

use std::io;

use crate::case::{Case, Job, Setting, pause_of};
use crate::run::{measure, reap_subject};
use crate::slot::Slot;
use crate::sys::{self, check, check_long};

pub const CASES: &[Case] = &[
    case(
        "stopped",
        &["do_signal_stop", "get_signal"],
        &["signal"],
        |setting| job(setting, "stopped", || Ok(()), continue_by_signal),
    ),
    case(
        "ptrace",
        &["ptrace_stop", "ptrace_signal", "get_signal"],
        &["task"],
        |setting| job(setting, "ptrace", trace_me, continue_by_tracer),
    ),
];

const fn case(
    name: &'static str,
    functions: &'static [&'static str],
    sources: &'static [&'static str],
    prepare: fn(&Setting) -> io::Result<Job>,
) -> Case {
    Case {
        name,
        kind: "stopped",
        functions,
        sources,
        has_waker: true,
        prepare,
    }
}

/// Ends a stop.
type Resume = fn(libc::pid_t) -> io::Result<()>;

fn job(
    setting: &Setting,
    name: &'static str,
    begin: fn() -> io::Result<()>,
    resume: Resume,
) -> io::Result<Job> {
    let rounds = setting.rounds;
    Job::forked(move |slot: &Slot| {
        sys::set_name(&format!("k-{name}"))?;
        let pid = sys::fork(|| {
            sys::set_name(&format!("t-{name}"))?;
            measure(slot, rounds, |meter| {
                begin()?;
                meter.repeat(|_| stop())
            })
        })?;
        parent(pid, slot, resume)
    })
}

fn stop() -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) }).map(drop)
}

/// Lets the child go on after each stop, until it exits.
fn parent(pid: libc::pid_t, slot: &Slot, resume: Resume) -> io::Result<()> {
    let mut round = 0;
    while is_stopped(pid)? {
        // SAFETY: the status is not wanted.
        check(unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WUNTRACED) })?;
        std::thread::sleep(pause_of(round));
        slot.begin_waking();
        resume(pid)?;
        round += 1;
    }
    reap_subject(pid, slot)
}

/// Waits for the next stop or the end.
fn is_stopped(pid: libc::pid_t) -> io::Result<bool> {
    let code = sys::watch(pid, libc::WEXITED | libc::WSTOPPED)?;
    Ok(matches!(code, libc::CLD_STOPPED | libc::CLD_TRAPPED))
}

fn continue_by_signal(pid: libc::pid_t) -> io::Result<()> {
    // SAFETY: no pointers.
    check(unsafe { libc::kill(pid, libc::SIGCONT) }).map(drop)
}

fn trace_me() -> io::Result<()> {
    // SAFETY: this request takes no pointers.
    check_long(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) }).map(drop)
}

fn continue_by_tracer(pid: libc::pid_t) -> io::Result<()> {
    // SAFETY: this request takes no pointers; signal 0 swallows the stop.
    check_long(unsafe { libc::ptrace(libc::PTRACE_CONT, pid, 0, 0) }).map(drop)
}
