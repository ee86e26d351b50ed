//! Children that all live at once.

use std::env;
use std::io::{self, PipeReader};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

/// `rounds` times `count` children; each lives until all are there, and 100 ms
/// longer.
pub fn raise(count: u32, rounds: u32) -> io::Result<u8> {
    for _ in 0..rounds {
        let (from, to) = io::pipe()?;
        let children: Vec<Child> = (0..count).map(|_| child(&from)).collect::<Result<_, _>>()?;
        thread::sleep(Duration::from_millis(100));
        drop(to);
        for mut child in children {
            child.wait()?;
        }
    }
    Ok(0)
}

/// Ends with its input.
fn child(input: &PipeReader) -> io::Result<Child> {
    let mut actor = Command::new(env::current_exe()?);
    actor.arg("answer").stdin(input.try_clone()?).spawn()
}
