//! Processes that compute with a CPU quota.

use std::fs;
use std::hint;
use std::io;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use crate::check;

/// Threads of a pair.
const PAIR: usize = 2;

/// A child joins the cgroup of this file and computes for so long; with `pair`, two threads of
/// it do.
pub fn compute(procs: &str, millis: u32, pair: bool) -> io::Result<u8> {
    // SAFETY: this program has one thread.
    let child = check(unsafe { libc::fork() })?;
    if child == 0 {
        let done = in_child(procs, Duration::from_millis(millis.into()), pair);
        process::exit(i32::from(done.is_err()));
    }
    let mut status = 0;
    // SAFETY: `status` is writable.
    check(unsafe { libc::waitpid(child, &raw mut status, 0) })?;
    Ok(u8::from(status != 0))
}

fn in_child(procs: &str, time: Duration, pair: bool) -> io::Result<()> {
    // SAFETY: the name is NUL-terminated.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, c"q-computes".as_ptr()) })?;
    fs::write(procs, "0")?;
    if !pair {
        spin(time);
        return Ok(());
    }
    let spinners: Vec<_> = (0..PAIR)
        .map(|_| thread::spawn(move || spin(time)))
        .collect();
    for spinner in spinners {
        spinner.join().map_err(|_| io::Error::other("panicked"))?;
    }
    Ok(())
}

fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        hint::spin_loop();
    }
}
