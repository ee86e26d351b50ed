//! `vfork`: a parent held until its child, which borrows its memory, exits.
//! The ways in take turns: `clone`, and on x86-64 `vfork` and `clone3` too.

use std::io;

use crate::case::{Case, Job, Setting, pause_of};
use crate::meter::Meter;
use crate::run::measure;
use crate::slot::Slot;
use crate::sys;

pub const CASES: &[Case] = &[Case {
    name: "vfork",
    kind: "vfork",
    functions: &[
        "kernel_clone",
        "wait_for_vfork_done",
        "wait_for_completion_state",
        "wait_for_completion_killable",
    ],
    sources: &["task-exit"],
    has_waker: false,
    prepare,
}];

fn prepare(setting: &Setting) -> io::Result<Job> {
    let rounds = setting.rounds;
    Job::forked(move |slot: &Slot| {
        sys::set_name("t-vfork")?;
        measure(slot, rounds, parent)
    })
}

fn parent(meter: &mut Meter) -> io::Result<()> {
    for round in 0..meter.rounds() {
        let nap = libc::timespec {
            tv_sec: 0,
            tv_nsec: i64::from(pause_of(round).subsec_nanos()),
        };
        let pid = meter.block_for(pause_of(round), || spawn(round, &nap))?;
        sys::reap(pid)?;
    }
    Ok(())
}

#[cfg(target_arch = "x86_64")]
fn spawn(round: u32, nap: &libc::timespec) -> io::Result<libc::pid_t> {
    match round % 3 {
        0 => by_clone(nap),
        1 => raw::vfork(nap),
        _ => raw::clone3(nap),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn spawn(_: u32, nap: &libc::timespec) -> io::Result<libc::pid_t> {
    by_clone(nap)
}

const FLAGS: libc::c_int = libc::CLONE_VM | libc::CLONE_VFORK;

fn by_clone(nap: &libc::timespec) -> io::Result<libc::pid_t> {
    extern "C" fn child(nap: *mut libc::c_void) -> libc::c_int {
        // SAFETY: `nap` is the timespec passed below; the parent is held, so
        // it is still there.
        unsafe { libc::nanosleep(nap.cast(), std::ptr::null_mut()) };
        0
    }
    let mut stack = vec![0u128; 4096];
    let top = stack.as_mut_ptr_range().end;
    let nap = std::ptr::from_ref(nap).cast_mut().cast();
    // SAFETY: the stack outlives the child, because CLONE_VFORK holds us.
    sys::check(unsafe { libc::clone(child, top.cast(), FLAGS | libc::SIGCHLD, nap) })
}

/// The two calls whose child goes on in the parent's own stack frame, so the
/// child must not leave the assembly block: it sleeps and exits there.
#[cfg(target_arch = "x86_64")]
mod raw {
    use std::arch::asm;
    use std::io;

    use super::FLAGS;

    /// `struct clone_args` as of Linux 5.3.
    #[repr(C)]
    struct CloneArgs {
        flags: u64,
        pidfd: u64,
        child_tid: u64,
        parent_tid: u64,
        exit_signal: u64,
        stack: u64,
        stack_size: u64,
        tls: u64,
    }

    pub(super) fn vfork(nap: &libc::timespec) -> io::Result<libc::pid_t> {
        call(libc::SYS_vfork, 0, 0, nap)
    }

    pub(super) fn clone3(nap: &libc::timespec) -> io::Result<libc::pid_t> {
        let args = CloneArgs {
            flags: u64::from(FLAGS.unsigned_abs()),
            pidfd: 0,
            child_tid: 0,
            parent_tid: 0,
            exit_signal: u64::from(libc::SIGCHLD.unsigned_abs()),
            stack: 0,
            stack_size: 0,
            tls: 0,
        };
        let address = std::ptr::from_ref(&args).expose_provenance();
        call(libc::SYS_clone3, address, size_of::<CloneArgs>(), nap)
    }

    fn call(
        number: libc::c_long,
        first: usize,
        second: usize,
        nap: &libc::timespec,
    ) -> io::Result<libc::pid_t> {
        let result: i64;
        // SAFETY: the child shares stack and memory, touches neither, and
        // ends inside the block; the parent is held until then.
        unsafe {
            asm!(
                "syscall",
                "test rax, rax",
                "jnz 2f",
                "mov rdi, r12",
                "xor esi, esi",
                "mov eax, 35", // nanosleep
                "syscall",
                "xor edi, edi",
                "mov eax, 60", // exit
                "syscall",
                "2:",
                inlateout("rax") number => result,
                in("rdi") first,
                in("rsi") second,
                in("r12") std::ptr::from_ref(nap),
                lateout("rcx") _,
                lateout("r11") _,
            );
        }
        match i32::try_from(result) {
            Ok(pid) if pid > 0 => Ok(pid),
            Ok(error) => Err(io::Error::from_raw_os_error(-error)),
            Err(_) => Err(io::Error::other("no pid")),
        }
    }
}
