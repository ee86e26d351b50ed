//! `epoll`, `poll` and `select`, ended by a writer or by their own time-out.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use crate::case::{Case, Job, Setting, pause_of, until_done};
use crate::sys::{self, check};

const EPOLL: &[&str] = &["ep_poll", "do_epoll_wait", "do_epoll_pwait"];
const POLL: &[&str] = &["do_sys_poll", "do_poll", "poll_schedule_timeout"];
const SELECT: &[&str] = &["do_select", "core_sys_select", "poll_schedule_timeout"];

pub const CASES: &[Case] = &[
    woken("epoll", "epoll", EPOLL, |_| {
        let (reader, writer) = io::pipe()?;
        let epoll = epoll_of(&reader)?;
        pair(reader, writer, move |_| epoll_wait(&epoll, -1))
    }),
    timed("epoll-tmo", "epoll", EPOLL, |_| {
        let (reader, writer) = io::pipe()?;
        let epoll = epoll_of(&reader)?;
        Job::alone(move |meter| {
            let _open = (reader, writer);
            meter.repeat_timed(|round| epoll_wait(&epoll, millis(round)))
        })
    }),
    woken("poll", "poll", POLL, |_| {
        let (reader, writer) = io::pipe()?;
        pair(reader, writer, |reader| poll(reader, -1))
    }),
    timed("poll-tmo", "poll", POLL, |_| {
        let (reader, writer) = io::pipe()?;
        Job::alone(move |meter| {
            let _open = writer;
            meter.repeat_timed(|round| poll(&reader, millis(round)))
        })
    }),
    woken("select", "select", SELECT, |_| {
        let (reader, writer) = io::pipe()?;
        pair(reader, writer, select)
    }),
];

const fn woken(
    name: &'static str,
    kind: &'static str,
    functions: &'static [&'static str],
    prepare: fn(&Setting) -> io::Result<Job>,
) -> Case {
    Case {
        name,
        kind,
        functions,
        sources: &["task"],
        has_waker: true,
        prepare,
    }
}

const fn timed(
    name: &'static str,
    kind: &'static str,
    functions: &'static [&'static str],
    prepare: fn(&Setting) -> io::Result<Job>,
) -> Case {
    Case {
        name,
        kind,
        functions,
        sources: &["timer"],
        has_waker: false,
        prepare,
    }
}

/// Waits until the pipe is readable, empties it, again.
fn pair(
    mut reader: PipeReader,
    mut writer: PipeWriter,
    wait: impl Fn(&PipeReader) -> io::Result<()> + Send + 'static,
) -> io::Result<Job> {
    Job::pair(
        move |meter| {
            for _ in 0..meter.rounds() {
                meter.block(|| wait(&reader))?;
                reader.read_exact(&mut [0])?;
            }
            // The waker may still write: the end it writes to must stay.
            std::mem::forget(reader);
            Ok(())
        },
        move |slot| until_done(slot, || writer.write_all(&[1])),
    )
}

fn millis(round: u32) -> libc::c_int {
    i32::try_from(pause_of(round).as_millis()).unwrap_or(10)
}

fn epoll_of(reader: &PipeReader) -> io::Result<OwnedFd> {
    // SAFETY: no pointers.
    let epoll = sys::own(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    let mut event = libc::epoll_event {
        events: libc::EPOLLIN.unsigned_abs(),
        u64: 0,
    };
    // SAFETY: both descriptors are open, `event` is initialised.
    check(unsafe {
        libc::epoll_ctl(
            epoll.as_raw_fd(),
            libc::EPOLL_CTL_ADD,
            reader.as_raw_fd(),
            &raw mut event,
        )
    })?;
    Ok(epoll)
}

fn epoll_wait(epoll: &OwnedFd, millis: libc::c_int) -> io::Result<()> {
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: room for one event.
    check(unsafe { libc::epoll_wait(epoll.as_raw_fd(), &raw mut event, 1, millis) })?;
    Ok(())
}

fn poll(reader: &PipeReader, millis: libc::c_int) -> io::Result<()> {
    let mut entry = libc::pollfd {
        fd: reader.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one initialised entry.
    check(unsafe { libc::poll(&raw mut entry, 1, millis) })?;
    Ok(())
}

fn select(reader: &PipeReader) -> io::Result<()> {
    let fd = reader.as_raw_fd();
    if usize::try_from(fd).is_ok_and(|fd| fd >= libc::FD_SETSIZE) {
        return Err(io::Error::other("descriptor too large for select"));
    }
    let none = std::ptr::null_mut();
    // SAFETY: `set` is zeroed, `fd` fits into it.
    check(unsafe {
        let mut set: libc::fd_set = std::mem::zeroed();
        libc::FD_SET(fd, &raw mut set);
        libc::select(fd + 1, &raw mut set, none, none, std::ptr::null_mut())
    })?;
    Ok(())
}
