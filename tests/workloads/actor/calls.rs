//! Calls of which it is known how many there were and what each returned.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use super::check;

/// Children waited for, one blocking call each.
const REAPED: u32 = 20;
/// Calls that find the child still alive.
const NONE_YET: u32 = 5;
/// Calls without a child.
const NO_CHILD: u32 = 3;
/// Calls that deliver an event.
const WITH_EVENT: u32 = 10;
/// Calls that look and do not sleep.
const LOOKS: u32 = 7;
/// Calls that sleep until their time is over.
const TIMEOUTS: u32 = 4;
/// Calls on what is no epoll instance.
const WRONG: u32 = 2;

/// Makes the calls and writes what the kernel answered, as JSON.
pub(crate) fn make(out: &str) -> io::Result<u8> {
    let mut results = Results::default();
    wait_for_children(&mut results)?;
    poll(&mut results)?;
    let Results { wait, epoll } = results;
    let text = serde_json::json!({
        "do_wait": {"calls": wait.sum(), "useful": wait.useful, "empty": wait.empty, "failed": wait.failed},
        "do_epoll_wait": {"calls": epoll.sum(), "useful": epoll.useful, "empty": epoll.empty, "failed": epoll.failed},
    });
    serde_json::to_writer(File::create(out)?, &text)?;
    Ok(0)
}

#[derive(Default)]
struct Results {
    wait: Answers,
    epoll: Answers,
}

/// Calls by their result.
#[derive(Default)]
struct Answers {
    useful: u32,
    empty: u32,
    failed: u32,
}

impl Answers {
    fn take(&mut self, result: i32) -> i32 {
        match result {
            ..0 => self.failed += 1,
            0 => self.empty += 1,
            1.. => self.useful += 1,
        }
        result
    }

    fn sum(&self) -> u32 {
        self.useful + self.empty + self.failed
    }
}

fn wait_for_children(results: &mut Results) -> io::Result<()> {
    for _ in 0..REAPED {
        let child = child(|| 0)?;
        results.wait.take(wait(child, 0));
    }
    let sleeper = child(|| {
        // SAFETY: no precondition.
        unsafe { libc::pause() }
    })?;
    for _ in 0..NONE_YET {
        results.wait.take(wait(sleeper, libc::WNOHANG));
    }
    // SAFETY: plain integers; the child is not reaped yet.
    check(unsafe { libc::kill(sleeper, libc::SIGKILL) })?;
    results.wait.take(wait(sleeper, 0));
    for _ in 0..NO_CHILD {
        results.wait.take(wait(-1, 0));
    }
    Ok(())
}

fn wait(pid: i32, options: i32) -> i32 {
    // SAFETY: the status is not asked for.
    unsafe { libc::waitpid(pid, ptr::null_mut(), options) }
}

/// Forks; the child does `act` and ends.
fn child(act: impl Fn() -> i32) -> io::Result<i32> {
    // SAFETY: this program has one thread, and the child only makes system calls.
    let pid = check(unsafe { libc::fork() })?;
    if pid == 0 {
        // SAFETY: no precondition.
        unsafe { libc::_exit(act()) };
    }
    Ok(pid)
}

fn poll(results: &mut Results) -> io::Result<()> {
    // SAFETY: plain integers.
    let epoll = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    // SAFETY: plain integers.
    let event = owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) })?;
    let mut wanted = libc::epoll_event {
        events: libc::EPOLLIN.cast_unsigned(),
        u64: 0,
    };
    let (add, fd) = (libc::EPOLL_CTL_ADD, event.as_raw_fd());
    // SAFETY: `wanted` is a valid event.
    check(unsafe { libc::epoll_ctl(epoll.as_raw_fd(), add, fd, &raw mut wanted) })?;
    for _ in 0..LOOKS {
        results.epoll.take(epoll_wait(epoll.as_raw_fd(), 0));
    }
    for _ in 0..TIMEOUTS {
        results.epoll.take(epoll_wait(epoll.as_raw_fd(), 5));
    }
    let one = 1_u64;
    // SAFETY: `one` has eight bytes.
    let written = unsafe { libc::write(fd, (&raw const one).cast(), 8) };
    check(i32::try_from(written).map_err(io::Error::other)?)?;
    for _ in 0..WITH_EVENT {
        results.epoll.take(epoll_wait(epoll.as_raw_fd(), 1_000));
    }
    for _ in 0..WRONG {
        results.epoll.take(epoll_wait(fd, 0));
    }
    Ok(())
}

fn epoll_wait(epoll: i32, timeout_ms: i32) -> i32 {
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; 4];
    // SAFETY: `events` has room for four.
    unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), 4, timeout_ms) }
}

fn owned(fd: i32) -> io::Result<OwnedFd> {
    let fd = check(fd)?;
    // SAFETY: just opened, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
