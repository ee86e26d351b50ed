//! Waits for what a number names that is no descriptor, and for any of several requests.

use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::ptr::{null, null_mut};

use super::{Way, check};

pub(super) fn all() -> Vec<io::Result<Way>> {
    vec![semaphores(), messages(), aio_poll()]
}

fn semaphores() -> io::Result<Way> {
    // SAFETY: no pointers.
    let set = super::super::check(unsafe { libc::semget(libc::IPC_PRIVATE, 1, 0o600) })?;
    let act = move |by: libc::c_short| {
        let mut change = libc::sembuf {
            sem_num: 0,
            sem_op: by,
            sem_flg: 0,
        };
        // SAFETY: one change.
        super::super::check(unsafe { libc::semop(set, &raw mut change, 1) }).map(drop)
    };
    let wait = move || {
        act(-1)?;
        // SAFETY: this command takes no further argument.
        super::super::check(unsafe { libc::semctl(set, 0, libc::IPC_RMID) }).map(drop)
    };
    let object = format!("semaphores {set}");
    Way::new("semaphores", "ipc", Some(object), wait, move || act(1))
}

#[repr(C)]
struct Message {
    kind: libc::c_long,
    text: [u8; 8],
}

fn messages() -> io::Result<Way> {
    // SAFETY: no pointers.
    let queue = super::super::check(unsafe { libc::msgget(libc::IPC_PRIVATE, 0o600) })?;
    let wait = move || {
        let mut message = Message {
            kind: 0,
            text: [0; 8],
        };
        // SAFETY: there is room for eight bytes of text.
        let read = unsafe { libc::msgrcv(queue, (&raw mut message).cast(), 8, 0, 0) };
        check(read as libc::c_long)?;
        // SAFETY: this command takes no buffer.
        super::super::check(unsafe { libc::msgctl(queue, libc::IPC_RMID, null_mut()) }).map(drop)
    };
    let wake = move || {
        let message = Message {
            kind: 1,
            text: [0; 8],
        };
        // SAFETY: eight bytes of text.
        super::super::check(unsafe { libc::msgsnd(queue, (&raw const message).cast(), 8, 0) })
            .map(drop)
    };
    let object = format!("message queue {queue}");
    Way::new("messages", "ipc", Some(object), wait, wake)
}

/// `struct iocb` (aio_abi.h).
#[repr(C)]
#[derive(Default)]
struct Request {
    data: u64,
    key: u32,
    flags: u32,
    opcode: u16,
    priority: i16,
    fd: u32,
    buffer: u64,
    bytes: u64,
    offset: i64,
    reserved: u64,
    more_flags: u32,
    event_fd: u32,
}

/// `IOCB_CMD_POLL`
const POLL: u16 = 5;

/// What it waits for is a pipe, and no disk.
fn aio_poll() -> io::Result<Way> {
    let (reader, mut writer) = io::pipe()?;
    let mut context = 0_u64;
    // SAFETY: `context` takes the number of the new one.
    check(unsafe { libc::syscall(libc::SYS_io_setup, 4, &raw mut context) })?;
    let wait = move || {
        let mut request = Request {
            opcode: POLL,
            fd: reader.as_raw_fd().unsigned_abs(),
            buffer: u64::from(libc::POLLIN.unsigned_abs()),
            ..Request::default()
        };
        let requests = [&raw mut request];
        let mut event = [0_u64; 4];
        // SAFETY: one request, which is not looked at later, and room for one event.
        check(unsafe { libc::syscall(libc::SYS_io_submit, context, 1, requests.as_ptr()) })?;
        let no_time = null::<libc::timespec>();
        // SAFETY: the same.
        check(unsafe {
            libc::syscall(
                libc::SYS_io_getevents,
                context,
                1,
                1,
                event.as_mut_ptr(),
                no_time,
            )
        })?;
        Ok(())
    };
    let wake = move || writer.write_all(&[0]);
    Way::new("aio-poll", "poll", None, wait, wake)
}
