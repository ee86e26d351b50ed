//! Very many very short processes.

use std::env;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::thread;
use std::time::{Duration, Instant};

use crate::check;

/// Exit statuses go round from 0 to one less than this.
const STATUSES: u32 = 5;

/// Starts `count` processes, `width` at a time, and writes `pid status` of
/// each as a line.
pub fn blow(count: u32, width: u32, out: &str) -> io::Result<u8> {
    let mut log = BufWriter::new(File::create(out)?);
    let program = own_program()?;
    let mut running = 0;
    for index in 0..count {
        if running == width {
            reap()?;
            running -= 1;
        }
        let status = index % STATUSES;
        let pid = spawn(&program, status)?;
        running += 1;
        writeln!(log, "{pid} {status}")?;
    }
    for _ in 0..running {
        reap()?;
    }
    log.flush()?;
    Ok(0)
}

fn own_program() -> io::Result<CString> {
    Ok(CString::new(env::current_exe()?.as_os_str().as_bytes())?)
}

fn spawn(program: &CString, status: u32) -> io::Result<libc::pid_t> {
    let act = CString::new("exit")?;
    let status = CString::new(status.to_string())?;
    let argv = [
        program.as_ptr(),
        act.as_ptr(),
        status.as_ptr(),
        std::ptr::null(),
    ];
    let none = std::ptr::null();
    let environment: [*mut libc::c_char; 1] = [std::ptr::null_mut()];
    let mut pid = 0;
    // SAFETY: both lists end with a null pointer and outlive the call.
    let error = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            none,
            none.cast(),
            argv.as_ptr().cast(),
            environment.as_ptr(),
        )
    };
    match error {
        0 => Ok(pid),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

fn reap() -> io::Result<()> {
    // SAFETY: the status is not wanted.
    check(unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) })?;
    Ok(())
}

/// So many short processes a second, one behind the other, without end.
pub fn go_on(per_s: u32) -> io::Result<u8> {
    let pause = Duration::from_secs(1) / per_s.max(1);
    let mut next = Instant::now();
    let program = own_program()?;
    loop {
        spawn(&program, 0)?;
        reap()?;
        next += pause;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
