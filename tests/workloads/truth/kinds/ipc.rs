//! `ipc`: SysV messages and semaphores, POSIX message queues.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::case::{Case, Job, Setting, until_done};
use crate::sys::{self, check, check_long};

pub const CASES: &[Case] = &[
    case("msgrcv", &["do_msgrcv", "ksys_msgrcv"], |_| message()),
    case("semop", &["do_semtimedop", "__do_semtimedop"], |_| {
        semaphore()
    }),
    case("mqueue", &["wq_sleep", "do_mq_timedreceive"], |_| queue()),
];

const fn case(
    name: &'static str,
    functions: &'static [&'static str],
    prepare: fn(&Setting) -> io::Result<Job>,
) -> Case {
    Case {
        name,
        kind: "ipc",
        functions,
        sources: &["task"],
        has_waker: true,
        prepare,
    }
}

/// Owner only, exclusive to this process.
const MODE: libc::c_int = 0o600;

#[repr(C)]
struct Message {
    kind: libc::c_long,
    text: [u8; 1],
}

fn message() -> io::Result<Job> {
    // SAFETY: no pointers.
    let id = check(unsafe { libc::msgget(libc::IPC_PRIVATE, libc::IPC_CREAT | MODE) })?;
    Job::pair(
        move |meter| meter.repeat(|_| receive(id)),
        move |slot| {
            until_done(slot, || send(id))?;
            // SAFETY: removing needs no buffer.
            check(unsafe { libc::msgctl(id, libc::IPC_RMID, std::ptr::null_mut()) }).map(drop)
        },
    )
}

fn receive(id: libc::c_int) -> io::Result<()> {
    let mut message = Message { kind: 0, text: [0] };
    // SAFETY: room for one byte of text.
    let got = unsafe { libc::msgrcv(id, (&raw mut message).cast(), 1, 0, 0) };
    check_long(got.try_into().unwrap_or(-1)).map(drop)
}

fn send(id: libc::c_int) -> io::Result<()> {
    let message = Message { kind: 1, text: [1] };
    // SAFETY: one byte of text is there.
    check(unsafe { libc::msgsnd(id, (&raw const message).cast(), 1, 0) }).map(drop)
}

fn semaphore() -> io::Result<Job> {
    // SAFETY: no pointers.
    let id = check(unsafe { libc::semget(libc::IPC_PRIVATE, 1, libc::IPC_CREAT | MODE) })?;
    Job::pair(
        move |meter| meter.repeat(|_| add(id, -1)),
        move |slot| {
            until_done(slot, || add(id, 1))?;
            // SAFETY: removing needs no argument.
            check(unsafe { libc::semctl(id, 0, libc::IPC_RMID) }).map(drop)
        },
    )
}

fn add(id: libc::c_int, number: i16) -> io::Result<()> {
    let mut operation = libc::sembuf {
        sem_num: 0,
        sem_op: number,
        sem_flg: 0,
    };
    // SAFETY: one operation.
    check(unsafe { libc::semop(id, &raw mut operation, 1) }).map(drop)
}

fn queue() -> io::Result<Job> {
    let (reader, writer) = open_queue()?;
    Job::pair(
        move |meter| {
            meter.repeat(|_| take(&reader))?;
            std::mem::forget(reader);
            Ok(())
        },
        move |slot| until_done(slot, || put(&writer)),
    )
}

/// The writing end does not block: nobody empties the queue at the end.
fn open_queue() -> io::Result<(OwnedFd, OwnedFd)> {
    let name = CString::new(format!("/truth-{}", std::process::id()))?;
    // SAFETY: all-zero bytes are a valid mq_attr.
    let mut limits: libc::mq_attr = unsafe { std::mem::zeroed() };
    limits.mq_maxmsg = 4;
    limits.mq_msgsize = 1;
    let create = libc::O_RDONLY | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC;
    // SAFETY: `name` and `limits` outlive the call.
    let reader =
        sys::own(unsafe { libc::mq_open(name.as_ptr(), create, MODE, &raw const limits) })?;
    let again = libc::O_WRONLY | libc::O_NONBLOCK | libc::O_CLOEXEC;
    // SAFETY: `name` outlives the call.
    let writer = sys::own(unsafe { libc::mq_open(name.as_ptr(), again) });
    // SAFETY: `name` outlives the call; both ends stay open without it.
    check(unsafe { libc::mq_unlink(name.as_ptr()) })?;
    Ok((reader, writer?))
}

fn take(queue: &OwnedFd) -> io::Result<()> {
    let mut byte: libc::c_char = 0;
    // SAFETY: room for a message of the queue's size, one byte.
    let got =
        unsafe { libc::mq_receive(queue.as_raw_fd(), &raw mut byte, 1, std::ptr::null_mut()) };
    check_long(got.try_into().unwrap_or(-1)).map(drop)
}

fn put(queue: &OwnedFd) -> io::Result<()> {
    let byte: libc::c_char = 1;
    // SAFETY: one byte is there.
    let sent = check(unsafe { libc::mq_send(queue.as_raw_fd(), &raw const byte, 1, 0) });
    sys::expect_would_block(sent)
}
