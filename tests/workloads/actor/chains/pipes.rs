//! A row of five processes, each of which reads from the next; and two that
//! answer each other.

use std::io::{self, PipeReader, Read, Write};
use std::time::Duration;

use super::{clock, join, process, tell};

/// Processes behind the first.
const HOPS: u32 = 5;
/// Times that the two answer.
const ROUNDS: u32 = 100;

/// `b-hop1` reads from `b-hop2`, and so on; the last one computes first.
pub(super) fn five(out: &str) -> io::Result<()> {
    let (mut from, pid) = hop(1, out)?;
    from.read_exact(&mut [0])?;
    join(pid)
}

fn hop(number: u32, out: &str) -> io::Result<(PipeReader, i32)> {
    let (from, mut to) = io::pipe()?;
    let name = format!("b-hop{number}");
    let pid = process(out, &name, || {
        let next = if number < HOPS {
            let (mut from, pid) = hop(number + 1, out)?;
            from.read_exact(&mut [0])?;
            Some(pid)
        } else {
            None
        };
        clock::compute(Duration::from_millis(40));
        tell(out, &name, "computing", clock::cpu_ns())?;
        to.write_all(b"x")?;
        next.map_or(Ok(()), join)
    })?;
    Ok((from, pid))
}

/// `b-ping` and `b-pong` compute in turns.
pub(super) fn ping_pong(out: &str) -> io::Result<()> {
    let (mut ping_from, mut pong_to) = io::pipe()?;
    let (mut pong_from, mut ping_to) = io::pipe()?;
    let pong = process(out, "b-pong", || {
        for _ in 0..ROUNDS {
            pong_from.read_exact(&mut [0])?;
            clock::compute(Duration::from_millis(2));
            pong_to.write_all(b"x")?;
        }
        tell(out, "b-pong", "computing", clock::cpu_ns())
    })?;
    let ping = process(out, "b-ping", || {
        for _ in 0..ROUNDS {
            clock::compute(Duration::from_millis(1));
            ping_to.write_all(b"x")?;
            ping_from.read_exact(&mut [0])?;
        }
        tell(out, "b-ping", "computing", clock::cpu_ns())
    })?;
    join(ping)?;
    join(pong)
}
