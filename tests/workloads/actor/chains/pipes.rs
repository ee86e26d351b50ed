//! A row of five processes, each of which reads from the next; two that answer
//! each other; and two that do nothing else.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::time::Duration;

use super::{clock, join, process, write_down};

/// The processes behind the first: no numbers, which would make one group of them.
const HOPS: [&str; 5] = ["b-one", "b-two", "b-three", "b-four", "b-five"];
/// Times that the two answer.
const ROUNDS: u32 = 100;
/// The same where they compute nothing.
const FLOOD_ROUNDS: u32 = 20_000;

/// `b-one` reads from `b-two`, and so on; the last one computes first.
pub(super) fn five(out: &str) -> io::Result<()> {
    read_from(&HOPS, out)
}

/// Reads from the first of a row, which reads from the rest.
fn read_from(row: &[&str], out: &str) -> io::Result<()> {
    let [name, rest @ ..] = row else {
        return Ok(());
    };
    let (mut from, mut to) = io::pipe()?;
    let pid = process(out, name, || {
        read_from(rest, out)?;
        clock::compute(Duration::from_millis(40));
        write_down(out, name, "computing", clock::cpu_ns())?;
        to.write_all(b"x")
    })?;
    from.read_exact(&mut [0])?;
    join(pid)
}

/// `b-ping` and `b-pong` compute in turns. As batch tasks (sched(7)), which do not take the
/// CPU when they are woken: else each may find the other's answer there, and never wait.
pub(super) fn ping_pong(out: &str) -> io::Result<()> {
    clock::be_batch()?;
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
