//! A parent waits for a child that computes, sleeps, and reads a pipe that a
//! grandchild feeds when it has computed.

use std::io::{self, Read, Write};
use std::time::Duration;

use super::{clock, join, process, write_down};

pub(super) fn run(out: &str) -> io::Result<()> {
    let child = process(out, "b-child", || child(out))?;
    join(child)
}

fn child(out: &str) -> io::Result<()> {
    clock::compute(Duration::from_millis(300));
    let slept = clock::sleep(Duration::from_millis(200));
    let (mut from, mut to) = io::pipe()?;
    let grandchild = process(out, "b-grandchild", || {
        clock::compute(Duration::from_millis(100));
        write_down(out, "b-grandchild", "computing", clock::cpu_ns())?;
        to.write_all(b"x")
    })?;
    from.read_exact(&mut [0])?;
    join(grandchild)?;
    write_down(out, "b-child", "timer", slept)?;
    write_down(out, "b-child", "computing", clock::cpu_ns())
}
