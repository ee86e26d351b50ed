//! `pipe-read` from an empty pipe, `pipe-write` to a full one.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;

use crate::case::{Case, Job, until_done};
use crate::sys::{check, expect_would_block};

pub const CASES: &[Case] = &[
    Case {
        name: "pipe-read",
        kind: "pipe-read",
        functions: &[
            "pipe_read",
            "anon_pipe_read",
            "fifo_pipe_read",
            "pipe_wait_readable",
        ],
        sources: &["task"],
        has_waker: true,
        prepare: |_| read(),
    },
    Case {
        name: "pipe-write",
        kind: "pipe-write",
        functions: &[
            "pipe_write",
            "anon_pipe_write",
            "fifo_pipe_write",
            "pipe_wait_writable",
        ],
        sources: &["task"],
        has_waker: true,
        prepare: |_| write(),
    },
];

/// A pipe buffer: what one read must take so that one write goes on.
const PAGE: usize = 4096;

fn read() -> io::Result<Job> {
    let (mut reader, mut writer) = io::pipe()?;
    Job::pair(
        move |meter| {
            meter.repeat(|_| reader.read(&mut [0]))?;
            std::mem::forget(reader);
            Ok(())
        },
        move |slot| until_done(slot, || writer.write_all(&[1])),
    )
}

fn write() -> io::Result<Job> {
    let (mut reader, mut writer) = io::pipe()?;
    fill(&mut writer)?;
    nonblocking(reader.as_raw_fd(), true)?;
    Job::pair(
        move |meter| {
            meter.repeat(|_| writer.write_all(&[1; PAGE]))?;
            std::mem::forget(writer);
            Ok(())
        },
        move |slot| until_done(slot, || drain(&mut reader)),
    )
}

fn drain(reader: &mut PipeReader) -> io::Result<()> {
    expect_would_block(reader.read(&mut [0; PAGE]))
}

fn fill(writer: &mut PipeWriter) -> io::Result<()> {
    nonblocking(writer.as_raw_fd(), true)?;
    while writer.write(&[0; PAGE]).is_ok() {}
    nonblocking(writer.as_raw_fd(), false)
}

fn nonblocking(fd: i32, on: bool) -> io::Result<()> {
    let flags = if on { libc::O_NONBLOCK } else { 0 };
    // SAFETY: `fd` is open; its only settable flag here is O_NONBLOCK.
    check(unsafe { libc::fcntl(fd, libc::F_SETFL, flags) })?;
    Ok(())
}
