//! Processes whose waits signals end, one after the other: each sleeps or pauses until then,
//! under a name of its own.

use std::io;
use std::process;
use std::ptr::{null, null_mut};
use std::thread;
use std::time::Duration;

use proc_stat::Stat;

use crate::{awake, check};

/// How long each of them waits.
const PAUSE: Duration = Duration::from_millis(100);
/// Longer than any of them sleeps.
const LONG: Duration = Duration::from_secs(100);
/// How many there are in a process of several threads, beside the first.
const THREADS: u32 = 2;

/// The act of a child.
type Act = fn() -> io::Result<()>;

/// All of them.
pub fn all() -> io::Result<u8> {
    sent("g-kill", sleep, |pid| kill(pid, libc::SIGTERM))?;
    sent("g-queue", sleep, |pid| {
        let value = libc::sigval {
            sival_ptr: null_mut(),
        };
        // SAFETY: plain integers.
        check(unsafe { libc::sigqueue(pid, 40, value) }).map(drop)
    })?;
    sent("g-pidfd", sleep, by_pidfd)?;
    sent("g-stop", nap, |pid| {
        kill(pid, libc::SIGSTOP)?;
        thread::sleep(PAUSE);
        kill(pid, libc::SIGCONT)
    })?;
    sent("g-term", crowd, |pid| kill(pid, libc::SIGTERM))?;
    sent("g-killed", crowd, |pid| kill(pid, libc::SIGKILL))?;
    sent("g-quit", crowd, |pid| kill(pid, libc::SIGQUIT))?;
    sent("g-ends", ending, |_| Ok(()))?;
    sent("g-alarm", alarm, |_| Ok(()))?;
    sent("g-timer", timer, |_| Ok(()))?;
    sent("g-thread", threads, |_| Ok(()))?;
    Ok(0)
}

/// Forks a child of this name for an act, and ends its wait after a while.
fn sent(name: &str, act: Act, end: impl Fn(libc::pid_t) -> io::Result<()>) -> io::Result<()> {
    // SAFETY: this program has one thread.
    let child = check(unsafe { libc::fork() })?;
    if child == 0 {
        let done = call_this(name)
            .and_then(|()| without_core())
            .and_then(|()| act());
        process::exit(i32::from(done.is_err()));
    }
    until_asleep(child, name)?;
    thread::sleep(PAUSE);
    end(child)?;
    let mut status = 0;
    // SAFETY: `status` is writable.
    check(unsafe { libc::waitpid(child, &raw mut status, 0) })?;
    // An error of its own, not its end by a signal.
    if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) != 0 {
        return Err(io::Error::other(format!("{name} failed")));
    }
    Ok(())
}

/// All its threads; or dead: an act may end its wait itself.
fn until_asleep(child: libc::pid_t, name: &str) -> io::Result<()> {
    loop {
        let stat = Stat::of_process(child.cast_unsigned())?;
        if stat.comm == name.as_bytes() && awake(child.cast_unsigned())? == 0 {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn call_this(name: &str) -> io::Result<()> {
    let mut text = [0_u8; 16];
    text[..name.len()].copy_from_slice(name.as_bytes());
    // SAFETY: the name is NUL-terminated.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, text.as_ptr()) }).map(drop)
}

fn without_core() -> io::Result<()> {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit is initialised.
    check(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) }).map(drop)
}

fn kill(pid: libc::pid_t, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: plain integers; the child is not reaped yet.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

fn by_pidfd(pid: libc::pid_t) -> io::Result<()> {
    let no_info = null::<libc::siginfo_t>();
    // SAFETY: plain integers, and no information.
    let sent = unsafe {
        let pidfd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd, libc::SIGINT, no_info, 0)
    };
    if sent == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn sleep() -> io::Result<()> {
    thread::sleep(LONG);
    Ok(())
}

/// Goes on after an interruption.
fn nap() -> io::Result<()> {
    thread::sleep(3 * PAUSE);
    Ok(())
}

/// Several threads sleep.
fn crowd() -> io::Result<()> {
    for _ in 0..THREADS {
        thread::Builder::new().spawn(|| thread::sleep(LONG))?;
    }
    sleep()
}

/// The first thread ends all of them after a while.
fn ending() -> io::Result<()> {
    for _ in 0..THREADS {
        thread::Builder::new().spawn(|| thread::sleep(LONG))?;
    }
    thread::sleep(PAUSE);
    while awake(process::id())? > 1 {
        thread::sleep(Duration::from_millis(1));
    }
    process::exit(0)
}

extern "C" fn take(_: libc::c_int) {}

/// A handler lets the call return.
fn handle(signal: libc::c_int) -> io::Result<()> {
    let handler: extern "C" fn(libc::c_int) = take;
    // SAFETY: all-zero bytes are a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as libc::sighandler_t;
    // SAFETY: `action` is initialised and its handler does nothing.
    check(unsafe { libc::sigaction(signal, &raw const action, null_mut()) }).map(drop)
}

fn pause() {
    // SAFETY: no pointers.
    unsafe { libc::pause() };
}

fn interval() -> libc::itimerspec {
    let zero = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    libc::itimerspec {
        it_interval: zero,
        it_value: libc::timespec {
            tv_nsec: 100_000_000,
            ..zero
        },
    }
}

fn alarm() -> io::Result<()> {
    handle(libc::SIGALRM)?;
    let zero = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    let once = libc::itimerval {
        it_interval: zero,
        it_value: libc::timeval {
            tv_usec: 100_000,
            ..zero
        },
    };
    // SAFETY: the time is initialised.
    check(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const once, null_mut()) })?;
    pause();
    Ok(())
}

fn timer() -> io::Result<()> {
    handle(libc::SIGUSR2)?;
    // SAFETY: all-zero bytes are a valid sigevent; times and places are initialised.
    unsafe {
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = libc::SIGUSR2;
        let mut timer: libc::timer_t = null_mut();
        check(libc::timer_create(
            libc::CLOCK_MONOTONIC,
            &raw mut event,
            &raw mut timer,
        ))?;
        check(libc::timer_settime(timer, 0, &interval(), null_mut()))?;
    }
    pause();
    Ok(())
}

/// One thread sends to the other.
fn threads() -> io::Result<()> {
    handle(libc::SIGUSR1)?;
    // SAFETY: plain integers.
    let (pid, tid) = unsafe { (libc::getpid(), libc::syscall(libc::SYS_gettid)) };
    let sender = thread::Builder::new().name("g-sender".to_owned());
    let sender = sender.spawn(move || {
        thread::sleep(PAUSE);
        // SAFETY: plain integers; the thread waits for this one.
        unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, libc::SIGUSR1) };
    })?;
    pause();
    sender.join().map_err(|_| io::Error::other("panicked"))
}
