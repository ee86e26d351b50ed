//! Threads that are asleep for good, to be attached to: `s-epoll`, `s-futex`,
//! `s-sleep`, `s-pipe`, and `s-nap`, which wakes every 1.5 s and says how long
//! it slept, in ns, a line each.

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::{Duration, Instant};

use crate::{awake, check};

type Sleeper = fn() -> io::Result<()>;

/// Writes the process id to `ready` once all threads sleep; then waits to be
/// killed, five minutes at most.
pub fn sleep(ready: &str) -> io::Result<u8> {
    let sleepers: [(&str, Sleeper); 5] = [
        ("s-epoll", epoll),
        ("s-futex", futex),
        ("s-sleep", long_sleep),
        ("s-pipe", pipe),
        ("s-nap", naps),
    ];
    for (name, body) in sleepers {
        thread::Builder::new().name(name.into()).spawn(body)?;
    }
    while awake(std::process::id())? > 1 {
        thread::sleep(Duration::from_millis(5));
    }
    let partial = format!("{ready}.partial");
    fs::write(&partial, std::process::id().to_string())?;
    fs::rename(partial, ready)?;
    long_sleep()?;
    Ok(0)
}

fn epoll() -> io::Result<()> {
    // SAFETY: no pointers; the descriptor is ours alone.
    let epoll = unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: room for one event.
    check(unsafe { libc::epoll_wait(epoll.as_raw_fd(), &raw mut event, 1, -1) })?;
    Ok(())
}

fn futex() -> io::Result<()> {
    let word = AtomicU32::new(0);
    let wait = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    let forever = std::ptr::null::<libc::timespec>();
    // SAFETY: the word lives as long as the thread.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), wait, 0, forever) };
    Ok(())
}

fn long_sleep() -> io::Result<()> {
    thread::sleep(Duration::from_secs(300));
    Ok(())
}

fn pipe() -> io::Result<()> {
    let (mut reader, _writer) = io::pipe()?;
    reader.read_exact(&mut [0])
}

fn naps() -> io::Result<()> {
    loop {
        let begin = Instant::now();
        thread::sleep(Duration::from_millis(1500));
        writeln!(io::stdout(), "{}", begin.elapsed().as_nanos())?;
    }
}
