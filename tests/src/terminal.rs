//! A program with a terminal of its own, and a hand on the keyboard.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, ensure};

use crate::live;

/// The running program and the master side of its terminal.
pub struct Session {
    child: Child,
    keyboard: File,
    screen: JoinHandle<Vec<u8>>,
}

impl Session {
    /// Starts the program as leader of a session on a terminal `columns` wide.
    pub fn start(mut command: Command, columns: u16) -> Result<Session> {
        let (master, slave) = open(columns)?;
        let slave_file = File::from(slave);
        command
            .stdin(slave_file.try_clone()?)
            .stdout(slave_file.try_clone()?)
            .stderr(slave_file);
        // SAFETY: both calls are async-signal-safe and touch no memory.
        unsafe {
            command.pre_exec(|| {
                if libc::setsid() == -1 || libc::ioctl(0, libc::TIOCSCTTY, 0) == -1 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn()?;
        // The command keeps the slave side open until it is dropped.
        drop(command);
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone()?;
        let screen = thread::spawn(move || {
            let mut seen = Vec::new();
            // EIO is how a terminal's master side says that all is closed.
            let _ = screen.read_to_end(&mut seen);
            seen
        });
        Ok(Session {
            child,
            keyboard,
            screen,
        })
    }

    /// Types.
    pub fn press(&mut self, keys: &[u8]) -> Result<()> {
        Ok(self.keyboard.write_all(keys)?)
    }

    /// Waits for the end; returns what was on the screen.
    pub fn finish(mut self) -> Result<(ExitStatus, String)> {
        let status = live::wait(&mut self.child)?;
        let screen = self.screen.join().ok().context("the screen's reader")?;
        Ok((status, String::from_utf8_lossy(&screen).into_owned()))
    }
}

fn open(columns: u16) -> Result<(OwnedFd, OwnedFd)> {
    let size = libc::winsize {
        ws_row: 50,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let (mut master, mut slave) = (-1, -1);
    let (no_name, no_modes) = (std::ptr::null_mut(), std::ptr::null());
    // SAFETY: both descriptors are writable, `size` is initialised.
    let opened = unsafe {
        libc::openpty(
            &raw mut master,
            &raw mut slave,
            no_name,
            no_modes,
            &raw const size,
        )
    };
    ensure!(opened == 0, "openpty");
    // SAFETY: openpty made both; nobody else owns them.
    let ends = unsafe { (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
    for end in [&ends.0, &ends.1] {
        // SAFETY: an open descriptor.
        let set = unsafe { libc::fcntl(end.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
        ensure!(set == 0, "close-on-exec");
    }
    Ok(ends)
}
