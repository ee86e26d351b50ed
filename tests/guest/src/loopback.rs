//! Brings the interface `lo` up; the kernel then gives it its address by itself.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

const NAME: &[u8] = b"lo";

pub(crate) fn bring_up() -> io::Result<()> {
    // Any socket serves to name the network; an unconnected one needs no route.
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: ifreq is plain data, for which all zeroes is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(NAME) {
        *place = byte.cast_signed();
    }
    // SAFETY: the request lives across the call, and the kernel writes a short into it.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) })?;
    // SAFETY: the kernel has just filled this member of the union.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | up();
    // SAFETY: the request lives across the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) })
}

fn up() -> libc::c_short {
    // The flag is 1; the kernel's member for flags is a short.
    libc::IFF_UP as libc::c_short
}

fn check(result: libc::c_int) -> io::Result<()> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
