//! Processes whose memory is known: a large one that runs small programs, and one that grows
//! beyond it behind its exec.

use std::env;
use std::hint::black_box;
use std::io;
use std::process::Command;

/// A step of a page.
const PAGE: usize = 4096;

/// Takes so many MiB, runs a program that takes none, and one that takes more.
pub fn take(mib: u32, more: u32) -> io::Result<u8> {
    let own = touched(mib);
    for wanted in [0, more] {
        let mut actor = Command::new(env::current_exe()?);
        actor.args(["memory-of", &wanted.to_string()]);
        if !actor.status()?.success() {
            return Err(io::Error::other("the program failed"));
        }
    }
    drop(black_box(own));
    Ok(0)
}

/// Takes so many MiB, and ends.
pub fn end_with(mib: u32) -> io::Result<u8> {
    drop(black_box(touched(mib)));
    Ok(0)
}

fn touched(mib: u32) -> Vec<u8> {
    let mut memory = vec![0; (mib as usize) << 20];
    for page in memory.chunks_mut(PAGE) {
        page[0] = 1;
    }
    memory
}
