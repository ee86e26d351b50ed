//! Processes to attach to, checked before anything is loaded.

use std::{fs, os::fd::OwnedFd};

use anyhow::{Context as _, Result, bail};
use tokio::io::{Interest, unix::AsyncFd};

use crate::{child::running::pidfd_open, wire::session::Fact};

/// A running process.
pub struct Target {
    /// Its id.
    pub pid: u32,
    /// Readable when it has ended.
    pub ended: AsyncFd<OwnedFd>,
}

/// Opens each process; says which one cannot be followed and why.
pub fn open_all(pids: &[u32]) -> Result<Vec<Target>> {
    pids.iter().map(|&pid| open(pid)).collect()
}

/// Command line of each target, as a fact for the recording.
pub fn arguments(targets: &[Target]) -> Vec<Fact> {
    let argv_of = |pid: u32| -> Vec<String> {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        text.split(|&b| b == 0)
            .map(|arg| String::from_utf8_lossy(arg).into_owned())
            .collect()
    };
    targets
        .iter()
        .map(|t| Fact::Argv {
            pid: t.pid,
            argv: argv_of(t.pid),
        })
        .collect()
}

fn open(pid: u32) -> Result<Target> {
    let status = fs::read(format!("/proc/{pid}/status")).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let tgid = status
        .lines()
        .find_map(|line| line.strip_prefix("Tgid:")?.trim().parse::<u32>().ok());
    match tgid {
        None => bail!("there is no process {pid}"),
        Some(leader) if leader != pid => {
            bail!("{pid} is a thread of process {leader}: use --pid {leader}")
        }
        Some(_) if pid == std::process::id() => bail!("waitscope cannot follow itself"),
        Some(_) => {}
    }
    let pidfd =
        pidfd_open(pid.cast_signed()).with_context(|| format!("cannot watch process {pid}"))?;
    // SAFETY: `pidfd` owns its descriptor and gives it away to nobody.
    let ended = unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }
        .with_context(|| format!("cannot watch process {pid}"))?;
    Ok(Target { pid, ended })
}
