//! Threads with names that would harm a terminal, and one that changes its
//! name.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::check;

/// Colour, window title, bell, line break, direction override, a C1 control,
/// bytes that are no UTF-8.
const HOSTILE: &[&[u8]] = &[
    b"\x1b[31mred",
    b"\x1b]0;owned\x07",
    b"be\x07ll",
    b"two\nlines",
    b"\xe2\x80\xaeoverride",
    b"\xc2\x9b31mc1",
    b"\xff\xfe\x80",
    b"\rreturn",
];

const NAP: Duration = Duration::from_millis(30);

/// One sleeping thread per name, then one process with each as argument.
pub fn hostile() -> io::Result<u8> {
    let threads: Vec<_> = HOSTILE
        .iter()
        .map(|name| {
            thread::spawn(move || {
                set(name)?;
                thread::sleep(NAP);
                Ok::<(), io::Error>(())
            })
        })
        .collect();
    for thread in threads {
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("panicked")))?;
    }
    for name in HOSTILE {
        let status = Command::new(env::current_exe()?)
            .args([OsStr::new("exit"), OsStr::new("0"), OsStr::from_bytes(name)])
            .status()?;
        if !status.success() {
            return Err(io::Error::other("the child failed"));
        }
    }
    Ok(0)
}

/// A thread asleep under each name, and so many children that are dead and not waited for;
/// creates `ready`; then waits to be killed, five minutes at most.
pub fn haunt(zombies: u32, ready: &str) -> io::Result<u8> {
    const LONG: Duration = Duration::from_secs(300);
    for name in HOSTILE {
        thread::spawn(move || set(name).map(|()| thread::sleep(LONG)));
    }
    let mut children = Vec::new();
    for _ in 0..zombies {
        children.push(Command::new("true").spawn()?);
    }
    for child in &children {
        let stat = || proc_stat::Stat::of_process(child.id());
        while stat().is_ok_and(|stat| stat.state != 'Z') {
            thread::sleep(Duration::from_millis(1));
        }
    }
    fs::write(ready, b"")?;
    thread::sleep(LONG);
    Ok(0)
}

/// A thread called `first`, then `second`, then `third`, asleep as each. Says
/// how long these sleeps took, in ns.
pub fn rename() -> io::Result<u8> {
    let thread = thread::spawn(|| {
        let mut slept = Duration::ZERO;
        for name in ["first", "second", "third"] {
            set(name.as_bytes())?;
            let begin = Instant::now();
            thread::sleep(NAP);
            slept += begin.elapsed();
        }
        Ok::<Duration, io::Error>(slept)
    });
    let slept = thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("panicked")))?;
    writeln!(io::stdout(), "{}", slept.as_nanos())?;
    Ok(0)
}

/// Writes a title over its arguments, as far as they reach, and NULs behind it; creates
/// `ready`; then waits to be killed, five minutes at most.
pub fn bear_title(title: &str, ready: &str) -> io::Result<u8> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // `arg_start` and `arg_end`, the 48th and 49th; the name in parentheses is the second.
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = behind_name.split_whitespace().skip(45);
    let mut address = || fields.next().and_then(|field| field.parse::<usize>().ok());
    let (start, end) = address()
        .zip(address())
        .ok_or_else(|| io::Error::other("no arguments"))?;
    let mut bytes = vec![0; end - start];
    let kept = title.len().min(bytes.len() - 1);
    bytes[..kept].copy_from_slice(&title.as_bytes()[..kept]);
    let into = std::ptr::with_exposed_provenance_mut::<u8>(start);
    // SAFETY: that memory is the process's own, and nobody looks at it any more.
    unsafe { into.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    fs::write(ready, b"")?;
    thread::sleep(Duration::from_secs(300));
    Ok(0)
}

/// Gives the calling thread a name, cut at 15 bytes.
pub fn set(name: &[u8]) -> io::Result<()> {
    let mut bytes = [0u8; 16];
    let kept = name.len().min(15);
    bytes[..kept].copy_from_slice(&name[..kept]);
    // SAFETY: `bytes` is NUL-terminated and outlives the call.
    check(unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr()) })?;
    Ok(())
}
