//! `socket-accept` and `socket-connect`.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::case::{Case, Job, until_done};
use crate::sys::{self, check, expect_would_block};

pub const CASES: &[Case] = &[
    Case {
        name: "accept-tcp",
        kind: "socket-accept",
        functions: &["inet_csk_accept", "inet_csk_wait_for_connect"],
        sources: &["net-rx"],
        has_waker: true,
        prepare: |_| accept_tcp(),
    },
    Case {
        name: "connect-unix",
        kind: "socket-connect",
        functions: &["unix_wait_for_peer", "unix_stream_connect"],
        sources: &["task"],
        has_waker: true,
        prepare: |_| connect_unix(),
    },
    // The first SYN meets a full accept queue and is dropped; the second, one
    // second later, is answered.
    Case {
        name: "connect-tcp",
        kind: "socket-connect",
        functions: &["inet_wait_for_connect", "__inet_stream_connect"],
        sources: &["net-rx"],
        has_waker: false,
        prepare: |_| connect_tcp(),
    },
];

fn accept_tcp() -> io::Result<Job> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    Job::pair(
        move |meter| {
            meter.repeat(|_| listener.accept())?;
            std::mem::forget(listener);
            Ok(())
        },
        move |slot| until_done(slot, || TcpStream::connect(address).map(drop)),
    )
}

/// On an abstract address: a connect by path also updates the access time of its
/// file (`unix_find_other`), and then now and then waits for the journal.
fn connect_unix() -> io::Result<Job> {
    let name = format!("truth-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(name)?;
    let listener = UnixListener::bind_addr(&address)?;
    // SAFETY: a bound socket; a second `listen` changes its backlog.
    check(unsafe { libc::listen(listener.as_raw_fd(), 0) })?;
    listener.set_nonblocking(true)?;
    let filler = UnixStream::connect_addr(&address)?;
    Job::pair(
        move |meter| {
            let _filler = filler;
            meter.repeat(|_| UnixStream::connect_addr(&address))
        },
        move |slot| until_done(slot, || expect_would_block(listener.accept())),
    )
}

/// Long enough for the SYN to be dropped, shorter than its repetition.
const QUEUE_FULL: Duration = Duration::from_millis(300);

fn connect_tcp() -> io::Result<Job> {
    let listener = listen_one()?;
    let address = listener.local_addr()?;
    let filler = TcpStream::connect(address)?;
    Job::pair(
        move |meter| {
            let _filler = filler;
            // Making a socket may wait as well, for other reasons.
            let socket = tcp_socket()?;
            let target = loopback(address.port());
            meter.block(|| connect(&socket, &target))
        },
        move |slot| {
            while slot.tid.load(SeqCst) == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(QUEUE_FULL);
            listener.accept()?;
            while !slot.is_done() {
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(())
        },
    )
}

/// A listener whose accept queue is full with one connection.
fn listen_one() -> io::Result<TcpListener> {
    let socket = tcp_socket()?;
    let address = loopback(0);
    let pointer = std::ptr::from_ref(&address).cast();
    // SAFETY: `address` is a whole sockaddr_in of that length.
    check(unsafe { libc::bind(socket.as_raw_fd(), pointer, ADDRESS_BYTES) })?;
    // SAFETY: the socket is bound.
    check(unsafe { libc::listen(socket.as_raw_fd(), 0) })?;
    Ok(TcpListener::from(socket))
}

fn tcp_socket() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    sys::own(unsafe { libc::socket(libc::AF_INET, kind, 0) })
}

fn connect(socket: &OwnedFd, address: &libc::sockaddr_in) -> io::Result<()> {
    let pointer = std::ptr::from_ref(address).cast();
    // SAFETY: `address` is a whole sockaddr_in of that length.
    check(unsafe { libc::connect(socket.as_raw_fd(), pointer, ADDRESS_BYTES) })?;
    Ok(())
}

/// 16, the size of a `sockaddr_in`.
const ADDRESS_BYTES: libc::socklen_t = 16;

fn loopback(port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: u16::try_from(libc::AF_INET).unwrap_or_default(),
        sin_port: port.to_be(),
        sin_addr: libc::in_addr {
            s_addr: u32::from(Ipv4Addr::LOCALHOST).to_be(),
        },
        sin_zero: [0; 8],
    }
}
