//! Small programs for the live tests, each with one known behaviour:
//! `actor ACT [ARG…]`.

mod blocked;
mod brood;
mod calls;
mod chains;
mod connections;
mod descriptors;
mod entangled;
mod environment;
mod exec;
mod fates;
mod framed;
mod herd;
mod identity;
mod listener;
mod memory;
mod nagle;
mod names;
mod naps;
mod pinned;
mod pool;
mod pthread;
mod quota;
mod relay;
mod reuse;
mod signalled;
mod signals;
mod sleepers;
mod storm;
mod targets;
mod ways;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use proc_stat::Stat;

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
        ["fds", threads, out] => descriptors::fill(number(threads)?, out),
        ["fd-child", of, out] => descriptors::child(number(of)?, out),
        ["targets", out] => targets::open_all(out),
        ["targets-kept", out] => targets::keep_open(out),
        ["target-exec", out] => targets::come_through(out),
        ["odd-environment", _, ..] => environment::odd(args.get(1..).unwrap_or_default()),
        ["count-signals", out] => signals::count(out),
        ["signalled"] => signalled::all(),
        ["quota", procs, millis, how] => quota::compute(procs, number(millis)?, how == "pair"),
        ["fates", procs, wanted] => fates::meet(procs, wanted),
        ["memory", mib, more] => memory::take(number(mib)?, number(more)?),
        ["memory-of", mib] => memory::end_with(number(mib)?),
        ["naps", count, micros] => naps::take(number(count)?, number(micros)?),
        ["framed", count, micros, out] => framed::sleep(number(count)?, number(micros)?, out),
        ["blocked", ready] => blocked::block(ready),
        ["stuck", ready, ref more @ ..] => blocked::get_stuck(ready, !more.is_empty()),
        ["blocked-helper", what] => blocked::help(what),
        ["entangled", ready] => entangled::entangle(ready),
        ["entangled-part", name, ref part @ ..] => entangled::take_part(name, part),
        ["sleepers", ready] => sleepers::sleep(ready),
        ["chain", name, out] => chains::run(name, out),
        ["ways", dir, out] => ways::take(dir, out),
        ["calls", out] => calls::make(out),
        ["overflow", out] => listener::overflow(out),
        ["connections", out] => connections::make(out),
        ["herd", processes, connections, millis, out] => herd::serve(
            number(processes)?,
            number(connections)?,
            number(millis)?,
            out,
        ),
        ["broadcast", workers, rounds, millis] => {
            herd::broadcast(number(workers)?, number(rounds)?, number(millis)?)
        }
        ["nagle", rounds] => nagle::exchange(number(rounds)?),
        ["storm", count, width, out] => storm::blow(number(count)?, number(width)?, out),
        ["churn", per_s] => storm::go_on(number(per_s)?),
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
        ["haunt", zombies, ready] => names::haunt(number(zombies)?, ready),
        ["pinned", ref act @ ..] => pinned::perform(act),
        ["rename"] => names::rename(),
        ["title", title, ready, ..] => names::bear_title(title, ready),
        ["nest", depth] => exec::nest(number(depth)?),
        ["exec-by-thread"] => exec::by_thread(),
        _ => Err(io::Error::other("no such act")),
    }
}

fn number(text: &str) -> io::Result<u32> {
    text.parse().map_err(io::Error::other)
}

/// Threads of a process that are neither asleep nor dead; a caller is one of its own.
fn awake(pid: u32) -> io::Result<usize> {
    let mut awake = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // It may end while it is looked at.
        let stat = Stat::in_folder(task?.path());
        awake += usize::from(stat.is_ok_and(|stat| !matches!(stat.state, 'S' | 'Z')));
    }
    Ok(awake)
}

/// `-1` is an error.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
