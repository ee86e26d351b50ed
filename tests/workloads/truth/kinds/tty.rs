//! `tty`: a read from the slave side of a pseudo terminal. The kernel hands a
//! terminal's input over in a work queue, so a kernel thread wakes the reader.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use crate::case::{Case, Job, until_done};
use crate::sys::{self, check};

pub const CASES: &[Case] = &[Case {
    name: "tty-read",
    kind: "tty",
    functions: &["n_tty_read", "tty_read", "flush_work", "__flush_work"],
    sources: &["kthread"],
    has_waker: false,
    prepare: |_| {
        let (mut master, mut slave) = open_pair()?;
        Job::pair(
            move |meter| {
                meter.repeat(|_| slave.read(&mut [0]))?;
                std::mem::forget(slave);
                Ok(())
            },
            move |slot| until_done(slot, || master.write_all(b"x")),
        )
    },
}];

fn open_pair() -> io::Result<(File, File)> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: no pointers.
    let master = File::from(sys::own(unsafe { libc::posix_openpt(flags) })?);
    let fd = master.as_raw_fd();
    // SAFETY: `fd` is a pty master.
    check(unsafe { libc::grantpt(fd) })?;
    // SAFETY: as above.
    check(unsafe { libc::unlockpt(fd) })?;
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open(slave_name(fd)?)?;
    make_raw(&slave)?;
    Ok((master, slave))
}

fn slave_name(fd: i32) -> io::Result<String> {
    let mut name: [libc::c_char; 64] = [0; 64];
    // SAFETY: `name` has the length given and ends with NUL afterwards.
    match unsafe { libc::ptsname_r(fd, name.as_mut_ptr(), name.len()) } {
        0 => {
            // SAFETY: ptsname_r succeeded, so `name` is NUL-terminated.
            let name = unsafe { CStr::from_ptr(name.as_ptr()) };
            Ok(name.to_string_lossy().into_owned())
        }
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// One byte is one read: no line editing, no echo.
fn make_raw(slave: &File) -> io::Result<()> {
    let fd = slave.as_raw_fd();
    // SAFETY: all-zero bytes are a valid termios.
    let mut state: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: `state` is writable and `fd` a terminal.
    check(unsafe { libc::tcgetattr(fd, &raw mut state) })?;
    // SAFETY: `state` was filled in by the kernel.
    unsafe { libc::cfmakeraw(&raw mut state) };
    // SAFETY: `state` is initialised.
    check(unsafe { libc::tcsetattr(fd, libc::TCSANOW, &raw const state) })?;
    Ok(())
}
