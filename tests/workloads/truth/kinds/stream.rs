//! `socket-recv` and `socket-send` on unix and TCP streams.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use crate::case::{Case, Job, until_done};
use crate::sys::{check, expect_would_block};

/// Loopback delivers a segment in the soft interrupt that ends the sender's
/// own system call.
const LOOPBACK: &[&str] = &["net-rx"];

pub const CASES: &[Case] = &[
    Case {
        name: "recv-unix",
        kind: "socket-recv",
        functions: &[
            "unix_stream_read_generic",
            "unix_stream_data_wait",
            "unix_stream_recvmsg",
        ],
        sources: &["task"],
        has_waker: true,
        prepare: |_| {
            let (reader, writer) = UnixStream::pair()?;
            receive(reader, writer)
        },
    },
    Case {
        name: "recv-tcp",
        kind: "socket-recv",
        functions: &[
            "sk_wait_data",
            "tcp_recvmsg_locked",
            "tcp_recvmsg",
            "tcp_data_wait",
        ],
        sources: LOOPBACK,
        has_waker: true,
        prepare: |_| {
            let (reader, writer) = tcp_pair()?;
            writer.set_nodelay(true)?;
            receive(reader, writer)
        },
    },
    Case {
        name: "send-unix",
        kind: "socket-send",
        functions: &[
            "sock_alloc_send_pskb",
            "sock_wait_for_wmem",
            "unix_stream_sendmsg",
        ],
        sources: &["task"],
        has_waker: true,
        prepare: |_| {
            let (reader, writer) = UnixStream::pair()?;
            small_buffers(&reader)?;
            small_buffers(&writer)?;
            reader.set_nonblocking(true)?;
            send(reader, writer, UNIX_CHUNK)
        },
    },
    Case {
        name: "send-tcp",
        kind: "socket-send",
        functions: &["sk_stream_wait_memory", "tcp_sendmsg_locked", "tcp_sendmsg"],
        sources: LOOPBACK,
        has_waker: true,
        prepare: |_| {
            let (reader, writer) = tcp_pair()?;
            small_buffers(&reader)?;
            small_buffers(&writer)?;
            reader.set_nonblocking(true)?;
            send(reader, writer, TCP_CHUNK)
        },
    },
];

/// What the kernel is asked to buffer on each side; it doubles the number.
const BUFFER: libc::c_int = 32 << 10;
/// A little more than goes through in one go, so that each call blocks once
/// or twice.
const UNIX_CHUNK: usize = 80 << 10;
/// As above: TCP counts the bookkeeping of its packets too.
const TCP_CHUNK: usize = 40 << 10;

fn receive(
    mut reader: impl Read + Send + 'static,
    mut writer: impl Write + Send + 'static,
) -> io::Result<Job> {
    Job::pair(
        move |meter| {
            meter.repeat(|_| reader.read(&mut [0]))?;
            std::mem::forget(reader);
            Ok(())
        },
        move |slot| until_done(slot, || writer.write_all(&[1])),
    )
}

fn send(
    mut reader: impl Read + Send + 'static,
    mut writer: impl Write + Send + 'static,
    chunk: usize,
) -> io::Result<Job> {
    Job::pair(
        move |meter| {
            let chunk = vec![1; chunk];
            meter.repeat(|_| writer.write_all(&chunk))?;
            std::mem::forget(writer);
            Ok(())
        },
        move |slot| {
            let mut buffer = vec![0; 1 << 20];
            until_done(slot, || drain(&mut reader, &mut buffer))
        },
    )
}

/// Takes all there is at the moment.
fn drain(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<()> {
    expect_would_block(reader.read(buffer))
}

/// Fixed buffers also end TCP's own growing of them.
fn small_buffers(socket: &impl AsRawFd) -> io::Result<()> {
    let length = u32::try_from(size_of_val(&BUFFER)).unwrap_or_default();
    for option in [libc::SO_SNDBUF, libc::SO_RCVBUF] {
        // SAFETY: the value is a whole int of `length` bytes.
        check(unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                std::ptr::from_ref(&BUFFER).cast(),
                length,
            )
        })?;
    }
    Ok(())
}

fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    Ok((listener.accept()?.0, near))
}
