//! Chains of processes that wait for each other, each link of which writes down
//! what it did: `actor chain NAME OUT`.

mod clock;
mod family;
mod loopback;
mod pipes;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::time::Duration;

use super::check;

/// Every process begins with a sleep of this length.
const HEAD_START: Duration = Duration::from_millis(20);

/// Runs a chain; every process appends lines to `out`.
pub(crate) fn run(name: &str, out: &str) -> io::Result<u8> {
    match name {
        "family" => family::run(out),
        "five" => pipes::five(out),
        "ping-pong" => pipes::ping_pong(out),
        "flood" => pipes::flood(out),
        "loopback" => loopback::run(out),
        _ => Err(io::Error::other("no such chain")),
    }?;
    Ok(0)
}

/// Appends `{"name": …, "what": …, "ns": …}`: one write, so that lines of
/// several processes do not mix.
fn write_down(out: &str, name: &str, what: &str, ns: u64) -> io::Result<()> {
    let mut line = serde_json::json!({"name": name, "what": what, "ns": ns}).to_string();
    line.push('\n');
    let mut file = OpenOptions::new().create(true).append(true).open(out)?;
    file.write_all(line.as_bytes())
}

/// Forks a process with a name of its own that does `act` and ends.
fn process(out: &str, name: &str, act: impl FnOnce() -> io::Result<()>) -> io::Result<i32> {
    // SAFETY: this program has one thread.
    let pid = check(unsafe { libc::fork() })?;
    if pid != 0 {
        return Ok(pid);
    }
    let done = super::names::set(name.as_bytes()).and_then(|()| {
        // What waits for this one is asleep by then.
        write_down(out, name, "timer", clock::sleep(HEAD_START))?;
        act()
    });
    let code = i32::from(done.is_err());
    // SAFETY: no precondition; nothing of the parent's is flushed.
    unsafe { libc::_exit(code) }
}

/// Waits for a process that must end with 0.
fn join(pid: i32) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: `status` is a valid place.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) })?;
    if status == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{pid} ended with status {status}"
    )))
}
