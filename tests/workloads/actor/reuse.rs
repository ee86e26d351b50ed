//! A descriptor and the file behind it that become something else.

use std::fs::File;
use std::io::{self, Read, Write};
use std::mem;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::thread;
use std::time::Duration;

use super::check;

const PAUSE: Duration = Duration::from_millis(1);

/// Waits in turns on an eventfd and on a timerfd of the same number, and as often on
/// one socket that is connected to two addresses in turns.
pub fn take_turns(rounds: u32) -> io::Result<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(PAUSE))?;
    for _ in 0..rounds {
        let number = on_event()?;
        if on_timer()? != number {
            return Err(io::Error::other("another number"));
        }
        for peer in ["127.0.0.2:9", "127.0.0.3:9"] {
            socket.connect(peer)?;
            // Nobody answers.
            let _timeout = socket.recv(&mut [0; 1]);
        }
    }
    Ok(0)
}

fn on_event() -> io::Result<i32> {
    // SAFETY: no pointers.
    let mut event = own(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) })?;
    let mut writer = event.try_clone()?;
    let waker = thread::spawn(move || {
        thread::sleep(PAUSE);
        writer.write_all(&1_u64.to_ne_bytes())
    });
    event.read_exact(&mut [0; 8])?;
    waker.join().map_err(|_| io::Error::other("panic"))??;
    Ok(event.as_raw_fd())
}

fn on_timer() -> io::Result<i32> {
    // SAFETY: no pointers.
    let mut timer = own(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) })?;
    // SAFETY: zeros are a timer that is not armed.
    let mut spec: libc::itimerspec = unsafe { mem::zeroed() };
    spec.it_value.tv_nsec = i64::from(PAUSE.subsec_nanos());
    let none = std::ptr::null_mut();
    // SAFETY: `spec` is initialised; the old value is not wanted.
    check(unsafe { libc::timerfd_settime(timer.as_raw_fd(), 0, &raw const spec, none) })?;
    timer.read_exact(&mut [0; 8])?;
    Ok(timer.as_raw_fd())
}

fn own(fd: libc::c_int) -> io::Result<File> {
    // SAFETY: just opened, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(check(fd)?) }.into())
}
