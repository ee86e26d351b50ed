//! What the kernel says of itself.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, Result};
use nix::sys::utsname::uname;

const UPTIME_FILE: &str = "/proc/uptime";
const TAINT_FILE: &str = "/proc/sys/kernel/tainted";
const LOG_FILE: &str = "/dev/kmsg";
/// The longest record that the kernel gives out is 8 KiB.
const RECORD: usize = 8192;

/// Release and version, as `uname -rv` prints them.
pub(crate) fn version() -> Result<String> {
    let names = uname().context("uname")?;
    let (release, version) = (names.release(), names.version());
    Ok(format!(
        "{} {}",
        release.to_string_lossy(),
        version.to_string_lossy()
    ))
}

/// Milliseconds since the kernel's start.
pub(crate) fn uptime() -> Result<u64> {
    let text = fs::read_to_string(UPTIME_FILE).context(UPTIME_FILE)?;
    let seconds = text.split(' ').next().unwrap_or_default();
    // With two digits behind the point.
    let hundredths: u64 = seconds.replace('.', "").parse().context(UPTIME_FILE)?;
    Ok(hundredths * 10)
}

/// Flags that the kernel raises when it has warned, oopsed, locked up, …
pub(crate) fn taint() -> Result<u64> {
    let text = fs::read_to_string(TAINT_FILE).context(TAINT_FILE)?;
    text.trim().parse().context(TAINT_FILE)
}

/// The kernel's whole log.
pub(crate) fn show_log() -> Result<()> {
    let mut log = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(LOG_FILE)
        .context(LOG_FILE)?;
    let mut record = [0; RECORD];
    loop {
        match log.read(&mut record) {
            Ok(length) => show_record(&record[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            // The record that was next has been overwritten.
            Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
            Err(error) => return Err(error).context(LOG_FILE),
        }
    }
}

/// `PRIORITY,NUMBER,MICROSECONDS,FLAGS;TEXT`, then lines that begin with a space.
fn show_record(record: &[u8]) {
    let text = String::from_utf8_lossy(record);
    let line = text.lines().next().unwrap_or_default();
    let message = line.split_once(';').map_or(line, |(_, message)| message);
    crate::say(format_args!("kernel: {message}"));
}
