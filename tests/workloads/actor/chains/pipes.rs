//! A row of five processes, each of which reads from the next; two that answer
//! each other; and two that do nothing else.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::time::Duration;

use super::{clock, join, process, write_down};

/// Processes behind the first.
const HOPS: u32 = 5;
/// Times that the two answer.
const ROUNDS: u32 = 100;
/// The same where they compute nothing.
const FLOOD_ROUNDS: u32 = 20_000;

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
        write_down(out, &name, "computing", clock::cpu_ns())?;
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
        write_down(out, "b-pong", "computing", clock::cpu_ns())
    })?;
    let ping = process(out, "b-ping", || {
        for _ in 0..ROUNDS {
            clock::compute(Duration::from_millis(1));
            ping_to.write_all(b"x")?;
            ping_from.read_exact(&mut [0])?;
        }
        write_down(out, "b-ping", "computing", clock::cpu_ns())
    })?;
    join(ping)?;
    join(pong)
}

/// `b-flood1` and `b-flood2` answer each other as fast as they can.
pub(super) fn flood(out: &str) -> io::Result<()> {
    let (from_second, to_first) = io::pipe()?;
    let (from_first, to_second) = io::pipe()?;
    // The one that ends first leaves the last byte of the other unread.
    let _open = (from_first.try_clone()?, from_second.try_clone()?);
    let second = process(out, "b-flood2", || {
        bounce(out, "b-flood2", from_first, to_first)
    })?;
    let first = process(out, "b-flood1", || {
        let mut to_second = to_second;
        to_second.write_all(b"x")?;
        bounce(out, "b-flood1", from_second, to_second)
    })?;
    join(first)?;
    join(second)
}

fn bounce(out: &str, name: &str, mut from: PipeReader, mut to: PipeWriter) -> io::Result<()> {
    for _ in 0..FLOOD_ROUNDS {
        from.read_exact(&mut [0])?;
        to.write_all(b"x")?;
    }
    write_down(out, name, "sleeps", clock::sleeps()?)?;
    write_down(out, name, "computing", clock::cpu_ns())
}
