//! Processes that do not end cleanly, one after the other, each under a name of its own.

use std::fs;
use std::hint::black_box;
use std::io;
use std::process;
use std::ptr::null_mut;
use std::thread;
use std::time::Duration;

use proc_stat::Stat;

use crate::check;

/// Longer than any of them lives.
const LONG: Duration = Duration::from_secs(100);
/// How many other threads those have that have any.
const SIBLINGS: usize = 2;

/// What a child does last.
type Act = fn() -> io::Result<()>;

/// All of them. What shall be killed for want of memory joins the cgroup of this file first;
/// the pid of what somebody else shall end goes to `wanted`.
pub fn meet(procs: &str, wanted: &str) -> io::Result<u8> {
    for (name, act) in ACTS {
        reap(fork(name, *act)?)?;
    }
    let hungry = fork("f-oom", || {
        fs::write(procs, "0")?;
        devour()
    })?;
    reap(hungry)?;
    let victim = fork("f-killed", sleep)?;
    until_asleep(victim, "f-killed")?;
    let killer = fork("f-killer", || kill(victim, libc::SIGKILL))?;
    reap(killer)?;
    reap(victim)?;
    let victim = fork("f-term", sleep)?;
    until_asleep(victim, "f-term")?;
    fs::write(wanted, victim.to_string())?;
    reap(victim)?;
    Ok(0)
}

const ACTS: &[(&str, Act)] = &[
    ("f-clean", || Ok(())),
    ("f-three", || process::exit(3)),
    ("f-five", || with_siblings(|| process::exit(5))),
    ("f-handled", handled),
    ("f-abort", || abort(0)),
    ("f-core", || abort(64 << 20)),
    ("f-wild", wild),
    ("f-wild-thread", || with_siblings(wild)),
    ("f-deep", || {
        deep(0);
        Ok(())
    }),
    ("f-deep-thread", || {
        with_siblings(|| {
            deep(0);
            Ok(())
        })
    }),
];

fn until_asleep(child: libc::pid_t, name: &str) -> io::Result<()> {
    loop {
        let stat = Stat::of_process(child.cast_unsigned())?;
        if stat.comm == name.as_bytes() && stat.state == 'S' {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// A child of this name.
fn fork(name: &str, act: impl FnOnce() -> io::Result<()>) -> io::Result<libc::pid_t> {
    // SAFETY: this program has one thread.
    let child = check(unsafe { libc::fork() })?;
    if child == 0 {
        let done = prepare(name).and_then(|()| act());
        process::exit(i32::from(done.is_err()));
    }
    Ok(child)
}

/// A name, no core, and nobody who looks at faults: the standard library does.
fn prepare(name: &str) -> io::Result<()> {
    let mut text = [0_u8; 16];
    text[..name.len()].copy_from_slice(name.as_bytes());
    // SAFETY: the name is NUL-terminated, and the default is no handler.
    unsafe {
        check(libc::prctl(libc::PR_SET_NAME, text.as_ptr()))?;
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            libc::signal(signal, libc::SIG_DFL);
        }
    }
    limit_core(0)
}

fn limit_core(bytes: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the limit is initialised.
    check(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) }).map(drop)
}

fn reap(child: libc::pid_t) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: `status` is writable.
    check(unsafe { libc::waitpid(child, &raw mut status, 0) }).map(drop)
}

fn kill(pid: libc::pid_t, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: plain integers; the process is not reaped yet.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

fn sleep() -> io::Result<()> {
    thread::sleep(LONG);
    Ok(())
}

/// Does it in a thread, beside others that only sleep.
fn with_siblings(act: Act) -> io::Result<()> {
    for _ in 1..SIBLINGS {
        thread::Builder::new().spawn(|| thread::sleep(LONG))?;
    }
    let actor = thread::Builder::new().name("f-actor".to_owned());
    actor.stack_size(256 << 10).spawn(act)?;
    sleep()
}

extern "C" fn end_cleanly(_: libc::c_int) {
    // SAFETY: does no more than end the process.
    unsafe { libc::_exit(0) };
}

/// A signal that would end it, but for its handler.
fn handled() -> io::Result<()> {
    let handler: extern "C" fn(libc::c_int) = end_cleanly;
    // SAFETY: the handler is safe in any context.
    unsafe { libc::signal(libc::SIGTERM, handler as libc::sighandler_t) };
    // SAFETY: no pointers.
    kill(unsafe { libc::getpid() }, libc::SIGTERM)
}

fn abort(core_bytes: u64) -> io::Result<()> {
    limit_core(core_bytes)?;
    process::abort()
}

/// Writes where nothing is.
fn wild() -> io::Result<()> {
    let nowhere: *mut u8 = black_box(std::ptr::without_provenance_mut(16));
    // SAFETY: none: it is the fault that is wanted.
    unsafe { nowhere.write_volatile(1) };
    Ok(())
}

/// Calls itself for ever.
#[expect(unconditional_recursion, reason = "the stack shall not suffice")]
fn deep(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    deep(depth + 1) + black_box(frame[1])
}

/// Takes memory until it is killed.
fn devour() -> io::Result<()> {
    /// More than its cgroup may have.
    const BYTES: usize = 256 << 20;
    let (read_write, private) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
    );
    // SAFETY: a new mapping, which is written to within its bounds.
    unsafe {
        let memory = libc::mmap(null_mut(), BYTES, read_write, private, -1, 0);
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        for place in (0..BYTES).step_by(4096) {
            memory.cast::<u8>().add(place).write_volatile(1);
        }
    }
    Err(io::Error::other("memory sufficed"))
}
