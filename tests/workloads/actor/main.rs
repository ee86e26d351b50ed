//! Small programs for the live tests, each with one known behaviour:
//! `actor ACT [ARG…]`.

mod brood;
mod calls;
mod chains;
mod environment;
mod exec;
mod identity;
mod listener;
mod nagle;
mod names;
mod naps;
mod pool;
mod relay;
mod reuse;
mod signals;
mod sleepers;
mod storm;
mod ways;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match perform(&args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "actor {args:?}: {error}");
            ExitCode::from(99)
        }
    }
}

/// The act's exit status.
fn perform(args: &[&str]) -> io::Result<u8> {
    match *args {
        // Ends at once with the status given.
        ["exit", code, ..] => u8::try_from(number(code)?).map_err(io::Error::other),
        ["identity", out] => identity::write(out),
        ["descriptors", out] => identity::write_descriptors(out),
        ["odd-environment", _, ..] => environment::odd(args.get(1..).unwrap_or_default()),
        ["count-signals", out] => signals::count(out),
        ["naps", count, micros] => naps::take(number(count)?, number(micros)?),
        ["sleepers", ready] => sleepers::sleep(ready),
        ["chain", name, out] => chains::run(name, out),
        ["ways", dir, out] => ways::take(dir, out),
        ["calls", out] => calls::make(out),
        ["overflow", out] => listener::overflow(out),
        ["nagle", rounds] => nagle::exchange(number(rounds)?),
        ["storm", count, width, out] => storm::blow(number(count)?, number(width)?, out),
        ["pool", jobs, out] => pool::work(number(jobs)?, out),
        ["contend", rounds] => pool::contend(number(rounds)?),
        ["feed", lines] => pool::feed(number(lines)?),
        ["answer"] => pool::answer(),
        ["brood", count, rounds] => brood::raise(number(count)?, number(rounds)?),
        ["crowd", threads, rounds] => naps::together(number(threads)?, number(rounds)?),
        ["relay", threads, wakes, micros] => {
            relay::run(number(threads)?, number(wakes)?, number(micros)?)
        }
        ["reuse", rounds] => reuse::take_turns(number(rounds)?),
        ["hostile-names"] => names::hostile(),
        ["rename"] => names::rename(),
        ["exec-by-thread"] => exec::by_thread(),
        _ => Err(io::Error::other("no such act")),
    }
}

fn number(text: &str) -> io::Result<u32> {
    text.parse().map_err(io::Error::other)
}

/// `-1` is an error.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
