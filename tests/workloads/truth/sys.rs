//! System calls as `io::Result`, for what std does not offer.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// `-1` is an error.
pub fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// `-1` is an error, everything else a length or a descriptor.
pub fn check_long(result: libc::c_long) -> io::Result<libc::c_long> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// Takes ownership of a descriptor just returned by the kernel.
pub fn own(result: libc::c_int) -> io::Result<OwnedFd> {
    let fd: RawFd = check(result)?;
    // SAFETY: the kernel just made `fd`, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// An interrupted call is what a signal case wants: `EINTR` counts as success.
pub fn expect_interrupt(result: io::Result<libc::c_int>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// A non-blocking call that found nothing to do is no failure.
pub fn expect_would_block<T>(result: io::Result<T>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

/// Kernel thread id of the caller.
pub fn tid() -> u32 {
    // SAFETY: gettid has no arguments and cannot fail.
    unsafe { libc::gettid() }.unsigned_abs()
}

/// Names the calling thread; the kernel keeps 15 bytes.
pub fn set_name(name: &str) -> io::Result<()> {
    let mut bytes = [0u8; 16];
    let kept = name.len().min(15);
    bytes[..kept].copy_from_slice(&name.as_bytes()[..kept]);
    // SAFETY: `bytes` is NUL-terminated and outlives the call.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr()) })?;
    Ok(())
}

/// Binds the calling thread, and what it starts, to the `index`th of the CPUs
/// it may use, counted round.
pub fn bind(index: usize) -> io::Result<()> {
    // SAFETY: all-zero bytes are an empty cpu_set_t.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is writable and of the size given.
    check(unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) })?;
    let limit = usize::try_from(libc::CPU_SETSIZE).unwrap_or_default();
    // SAFETY: every number is below the set's size.
    let usable: Vec<usize> = (0..limit)
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect();
    let cpu = usable.get(index % usable.len().max(1));
    let cpu = *cpu.ok_or_else(|| io::Error::other("no CPU to run on"))?;
    // SAFETY: all-zero bytes are an empty cpu_set_t, `cpu` is below its size.
    let one = unsafe {
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut one);
        one
    };
    // SAFETY: `one` is initialised and of the size given.
    check(unsafe { libc::sched_setaffinity(0, size_of_val(&one), &raw const one) })?;
    Ok(())
}

/// From now on no ordinary thread runs before the calling one.
pub fn run_first() -> io::Result<()> {
    let first = libc::sched_param { sched_priority: 1 };
    // SAFETY: `first` is initialised; 0 is the calling thread.
    check(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const first) })?;
    Ok(())
}

/// Forks; the child runs `body` and ends with status 0, or 1 on an error.
/// Only while the workload has one thread, or in a child that has one.
pub fn fork(body: impl FnOnce() -> io::Result<()>) -> io::Result<libc::pid_t> {
    // SAFETY: the caller has one thread, so the child's memory is consistent.
    let pid = check(unsafe { libc::fork() })?;
    if pid > 0 {
        return Ok(pid);
    }
    let status = i32::from(body().is_err());
    // SAFETY: ends the child without running the parent's exit handlers.
    unsafe { libc::_exit(status) }
}

/// Waits for a child; anything but status 0 is an error.
pub fn reap(pid: libc::pid_t) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: `status` is writable.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) })?;
    if status != 0 {
        return Err(io::Error::other(format!("wait status {status:#x}")));
    }
    Ok(())
}

/// Waits until a child has changed its state in one of the ways of `options`
/// and leaves the change to be collected; returns the `si_code`.
pub fn watch(pid: libc::pid_t, options: libc::c_int) -> io::Result<libc::c_int> {
    // SAFETY: all-zero bytes are a valid siginfo_t.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = options | libc::WNOWAIT;
    // SAFETY: `info` is writable.
    check(unsafe { libc::waitid(libc::P_PID, pid.unsigned_abs(), &raw mut info, options) })?;
    Ok(info.si_code)
}

/// The signal all signal cases use.
pub const SIGNAL: libc::c_int = libc::SIGUSR1;

/// Blocks [`SIGNAL`] in every thread to come and gives it a handler that does
/// nothing, so that a signal sent too early kills nobody. Blocks SIGCHLD too:
/// the C library blocks all signals while it makes a thread, one that comes then
/// is not ignored, and the kernel looks for another thread to wake with it.
pub fn quiet_signals() -> io::Result<()> {
    extern "C" fn nothing(_: libc::c_int) {}
    let handler: extern "C" fn(libc::c_int) = nothing;
    // SAFETY: all-zero bytes are a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    // SAFETY: `action` is initialised and its handler async-signal-safe.
    check(unsafe { libc::sigaction(SIGNAL, &raw const action, std::ptr::null_mut()) })?;
    mask(libc::SIG_BLOCK, &signal_set())?;
    mask(libc::SIG_BLOCK, &quiet_set())
}

/// The set that holds [`SIGNAL`] only.
pub fn signal_set() -> libc::sigset_t {
    set_of(SIGNAL)
}

/// The set that holds SIGCHLD only, which no case waits for.
pub fn quiet_set() -> libc::sigset_t {
    set_of(libc::SIGCHLD)
}

fn set_of(signal: libc::c_int) -> libc::sigset_t {
    // SAFETY: all-zero bytes are an empty sigset_t; `set` is writable.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        set
    }
}

/// Changes the calling thread's signal mask.
pub fn mask(how: libc::c_int, set: &libc::sigset_t) -> io::Result<()> {
    // SAFETY: `set` is initialised; the old mask is not wanted.
    match unsafe { libc::pthread_sigmask(how, set, std::ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Sends [`SIGNAL`] to one thread; one not yet known, or gone, gets none.
pub fn signal_thread(pid: u32, tid: u32) -> io::Result<()> {
    if tid == 0 {
        return Ok(());
    }
    // SAFETY: plain integers.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, SIGNAL) };
    match check_long(sent) {
        Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
        _ => Ok(()),
    }
}
