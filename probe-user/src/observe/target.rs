//! Processes to attach to, checked before anything is loaded.

use std::{collections::BTreeSet, fs, os::fd::OwnedFd};

use anyhow::{Context as _, Result, bail};
use proc_stat::Stat;
use tokio::io::{Interest, unix::AsyncFd};

use super::select::Selection;
use crate::child::running::pidfd_open;

/// A running process.
pub struct Target {
    /// Its id.
    pub pid: u32,
    /// Readable when it has ended.
    pub ended: AsyncFd<OwnedFd>,
}

/// Opens each process that is meant, once; says which of those that were named by their
/// ids cannot be followed and why. Of the others some may be gone by now.
pub fn open_all(selection: &Selection) -> Result<Vec<Target>> {
    let found = selection.found()?;
    let mut known = BTreeSet::new();
    let named = selection.pids.iter().filter(|&&pid| known.insert(pid));
    let mut targets: Vec<Target> = named.map(|&pid| open(pid)).collect::<Result<_>>()?;
    let found = found.iter().filter(|&&pid| known.insert(pid));
    targets.extend(found.filter_map(|&pid| open(pid).ok()));
    if targets.is_empty() {
        bail!("the processes that were found have all ended already");
    }
    Ok(targets)
}

fn open(pid: u32) -> Result<Target> {
    let own = std::process::id();
    match look(pid) {
        Seen::Nothing => bail!("there is no process {pid}"),
        Seen::Hidden => bail!(
            "process {pid} is hidden from this user (/proc is mounted with hidepid): run waitscope \
             as root or as the process's user"
        ),
        Seen::Thread(leader) => {
            bail!("{pid} is a thread of process {leader}: use --pid {leader}")
        }
        Seen::Ended(parent) => bail!(
            "process {pid} has ended already, and its parent {parent} has not waited for it yet"
        ),
        Seen::Kernel => {
            bail!("{pid} is a thread of the kernel, and waitscope follows programs")
        }
        Seen::Process if pid == own => bail!("waitscope cannot follow itself"),
        Seen::Process => {}
    }
    let pidfd =
        pidfd_open(pid.cast_signed()).with_context(|| format!("cannot watch process {pid}"))?;
    // SAFETY: `pidfd` owns its descriptor and gives it away to nobody.
    let ended = unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }
        .with_context(|| format!("cannot watch process {pid}"))?;
    Ok(Target { pid, ended })
}

/// What a number stands for.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Process,
    /// It runs no program.
    Kernel,
    Nothing,
    Hidden,
    /// Of this process.
    Thread(u32),
    /// All its threads have; its parent is this process.
    Ended(u32),
}

fn look(pid: u32) -> Seen {
    let status = fs::read(format!("/proc/{pid}/status")).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let mut lines = status.lines();
    let leader = lines.find_map(|line| line.strip_prefix("Tgid:")?.trim().parse::<u32>().ok());
    match leader {
        Some(leader) if leader != pid => return Seen::Thread(leader),
        Some(_) => {}
        None if pid != 0 && pidfd_open(pid.cast_signed()).is_ok() => return Seen::Hidden,
        None => return Seen::Nothing,
    }
    if Stat::of_process(pid).is_ok_and(|stat| stat.is_kernel) {
        return Seen::Kernel;
    }
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let mut tasks = tasks.into_iter().flatten().flatten();
    let lives = |task: fs::DirEntry| {
        Stat::in_folder(task.path()).is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X'))
    };
    match tasks.any(lives) {
        true => Seen::Process,
        false => Seen::Ended(Stat::of_process(pid).map_or(0, |stat| stat.ppid)),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_cannot_be_followed_is_distinguished() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        assert_eq!(look(pid), Seen::Process);
        drop(child.stdin.take());
        while look(pid) == Seen::Process {
            std::thread::yield_now();
        }
        assert_eq!(look(pid), Seen::Ended(std::process::id()));
        child.wait().unwrap();
        assert_eq!(look(pid), Seen::Nothing);
        assert_eq!(look(0), Seen::Nothing);
        // SAFETY: no precondition.
        let thread = unsafe { nix::libc::gettid() }.unsigned_abs();
        assert_eq!(look(thread), Seen::Thread(std::process::id()));
    }
}
