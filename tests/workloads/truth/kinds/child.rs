//! `child-exit`: a parent in `waitpid` or `waitid` while its child sleeps and
//! exits.

use std::ffi::{CStr, CString};
use std::io;

use crate::case::{Case, Job, Setting, pause_of};
use crate::meter::Meter;
use crate::run::measure;
use crate::slot::Slot;
use crate::sys;

const FUNCTIONS: &[&str] = &["do_wait"];
const SOURCES: &[&str] = &["task-exit"];

pub const CASES: &[Case] = &[
    Case {
        name: "waitpid",
        kind: "child-exit",
        functions: FUNCTIONS,
        sources: SOURCES,
        has_waker: true,
        prepare: |setting| job(setting, "waitpid", waitpid),
    },
    Case {
        name: "waitid",
        kind: "child-exit",
        functions: FUNCTIONS,
        sources: SOURCES,
        has_waker: true,
        prepare: |setting| job(setting, "waitid", waitid),
    },
];

type Wait = fn(libc::pid_t) -> io::Result<libc::c_int>;

fn job(setting: &Setting, name: &'static str, wait: Wait) -> io::Result<Job> {
    let rounds = setting.rounds;
    Job::forked(move |slot: &Slot| {
        sys::set_name(&format!("t-{name}"))?;
        measure(slot, rounds, |meter| parent(meter, name, wait))
    })
}

fn parent(meter: &mut Meter, name: &str, wait: Wait) -> io::Result<()> {
    let name = CString::new(format!("k-{name}"))?;
    let mut stack = vec![0u128; 4096];
    for round in 0..meter.rounds() {
        let plan = Plan {
            name: &name,
            slot: meter.slot(),
            nap: libc::timespec {
                tv_sec: 0,
                tv_nsec: i64::from(pause_of(round).subsec_nanos()),
            },
        };
        let pid = spawn(&plan, &mut stack)?;
        meter.block(|| wait(pid))?;
    }
    Ok(())
}

/// What a child is to do.
struct Plan<'a> {
    name: &'a CStr,
    slot: &'a Slot,
    nap: libc::timespec,
}

/// A child in the same memory: copying it, as fork does, would cost the
/// parent more CPU time than everything else it does.
fn spawn(plan: &Plan, stack: &mut [u128]) -> io::Result<libc::pid_t> {
    extern "C" fn child(plan: *mut libc::c_void) -> libc::c_int {
        // SAFETY: the parent keeps the plan until this child has exited.
        let plan: &Plan = unsafe { &*plan.cast() };
        // SAFETY: a NUL-terminated name and an initialised time.
        unsafe {
            libc::prctl(libc::PR_SET_NAME, plan.name.as_ptr());
            libc::nanosleep(&raw const plan.nap, std::ptr::null_mut());
        }
        plan.slot.begin_waking();
        0
    }
    let top = stack.as_mut_ptr_range().end;
    let plan = std::ptr::from_ref(plan).cast_mut().cast();
    let flags = libc::CLONE_VM | libc::SIGCHLD;
    // SAFETY: plan and stack outlive the child, whose end the caller awaits.
    sys::check(unsafe { libc::clone(child, top.cast(), flags, plan) })
}

fn waitpid(pid: libc::pid_t) -> io::Result<libc::c_int> {
    // SAFETY: the status is not wanted.
    sys::check(unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) })
}

fn waitid(pid: libc::pid_t) -> io::Result<libc::c_int> {
    // SAFETY: all-zero bytes are a valid siginfo_t.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let pid = pid.unsigned_abs();
    // SAFETY: `info` is writable.
    sys::check(unsafe { libc::waitid(libc::P_PID, pid, &raw mut info, libc::WEXITED) })
}
