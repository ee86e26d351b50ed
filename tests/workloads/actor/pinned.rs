//! Programs that stay on one CPU.

use std::env;
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::mem;
use std::process::{Child, Command};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::{check, number};

/// The act's exit status.
pub fn perform(act: &[&str]) -> io::Result<u8> {
    match *act {
        ["spin", cpu, millis, out] => spin(number(cpu)?, number(millis)?, out),
        ["spin-with-others", until, out] => spin_with_others(until, out),
        ["share", cpu, millis, out] => share(number(cpu)?, number(millis)?, out),
        ["starve", cpu, ready] => starve(number(cpu)?, ready),
        ["bounce", rounds, out] => bounce(number(rounds)?, out),
        _ => Err(io::Error::other("no such act on one CPU")),
    }
}

/// Computes on this CPU for so long, and writes what `schedstat` says of it before and
/// behind that: its time on the CPU and on the run queue, ns.
fn spin(cpu: u32, millis: u32, out: &str) -> io::Result<u8> {
    pin(cpu)?;
    spin_until(now_ms()? + u64::from(millis), out)
}

/// The same from the end of its input on, until then on the monotonic clock.
fn spin_with_others(until_ms: &str, out: &str) -> io::Result<u8> {
    let until_ms = until_ms.parse().map_err(io::Error::other)?;
    io::stdin().read_to_end(&mut Vec::new())?;
    spin_until(until_ms, out)
}

fn spin_until(end_ms: u64, out: &str) -> io::Result<u8> {
    let before = fs::read_to_string("/proc/self/schedstat")?;
    while now_ms()? < end_ms {
        std::hint::spin_loop();
    }
    let behind = fs::read_to_string("/proc/self/schedstat")?;
    fs::write(out, before + &behind)?;
    Ok(0)
}

/// Two processes that compute on this CPU for so long, at the same time.
fn share(cpu: u32, millis: u32, out: &str) -> io::Result<u8> {
    pin(cpu)?;
    let until_ms = (now_ms()? + u64::from(millis)).to_string();
    let (from, to) = io::pipe()?;
    let spinner = |name: &str| -> io::Result<Child> {
        Command::new(env::current_exe()?)
            .args([
                "pinned",
                "spin-with-others",
                &until_ms,
                &format!("{out}/{name}"),
            ])
            .stdin(from.try_clone()?)
            .spawn()
    };
    let spinners = [spinner("a")?, spinner("b")?];
    // Both are there, and have done what comes before.
    thread::sleep(Duration::from_millis(200));
    drop(to);
    for mut spinner in spinners {
        spinner.wait()?;
    }
    Ok(0)
}

/// `CLOCK_MONOTONIC`, ms.
fn now_ms() -> io::Result<u64> {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: there is room for the time.
    check(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) })?;
    u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).map_err(io::Error::other)
}

/// Two threads on two CPUs that answer each other through pipes, and compute before each
/// answer while the other's CPU has nothing to do. Each writes what `schedstat` says of it.
fn bounce(rounds: u32, out: &str) -> io::Result<u8> {
    let (ping_from, pong_to) = io::pipe()?;
    let (pong_from, mut ping_to) = io::pipe()?;
    ping_to.write_all(b"x")?;
    let players = [
        player(("ping", 0), rounds, out, (ping_from, ping_to))?,
        player(("pong", 1), rounds, out, (pong_from, pong_to))?,
    ];
    for player in players {
        let ended = player.join().map_err(|_| io::Error::other("a panic"))?;
        ended?;
    }
    Ok(0)
}

fn player(
    (name, cpu): (&str, u32),
    rounds: u32,
    out: &str,
    (mut from, mut to): (PipeReader, PipeWriter),
) -> io::Result<JoinHandle<io::Result<()>>> {
    let out = format!("{out}/{name}");
    named(name, move || {
        pin(cpu)?;
        for _ in 0..rounds {
            from.read_exact(&mut [0])?;
            busy();
            // The other one may have had its last turn.
            let _gone = to.write_all(b"x");
        }
        fs::copy("/proc/thread-self/schedstat", out)?;
        Ok(())
    })
}

/// Long enough for the other CPU to become idle.
fn busy() {
    let end = Instant::now() + Duration::from_micros(200);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

/// A thread that is woken time and again while an urgent one has its CPU for another 700 ms.
/// Writes a file when that begins, and does not end.
fn starve(cpu: u32, ready: &str) -> io::Result<u8> {
    /// Of SCHED_FIFO, over all that has none.
    const PRIORITY: i32 = 10;
    let (mut from, mut to) = io::pipe()?;
    named("t-starved", move || {
        pin(cpu)?;
        loop {
            from.read_exact(&mut [0])?;
        }
    })?;
    named("t-urgent", move || {
        pin(cpu)?;
        be_urgent(PRIORITY)?;
        loop {
            let end = Instant::now() + Duration::from_millis(800);
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            thread::sleep(Duration::from_millis(400));
        }
    })?;
    fs::write(ready, "")?;
    loop {
        thread::sleep(Duration::from_millis(100));
        to.write_all(b"x")?;
        thread::sleep(Duration::from_millis(1100));
    }
}

fn named(
    name: &str,
    body: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> io::Result<JoinHandle<io::Result<()>>> {
    thread::Builder::new().name(name.to_owned()).spawn(body)
}

fn be_urgent(priority: i32) -> io::Result<()> {
    let parameter = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: the kernel reads the parameter.
    check(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter) })?;
    Ok(())
}

fn pin(cpu: u32) -> io::Result<()> {
    // SAFETY: a set of bits, of which zero is one; the kernel reads so many bytes.
    unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(cpu as usize, &mut set);
        check(libc::sched_setaffinity(
            0,
            size_of_val(&set),
            &raw const set,
        ))?;
    }
    Ok(())
}
