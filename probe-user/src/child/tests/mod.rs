//! Real children. What would disturb the test process itself (signals, its own
//! death) runs in a fork of it.

mod exec;
mod identity;
mod isolation;
mod signals;

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::libc;
use nix::unistd::{ForkResult, fork};
use tokio::runtime::Runtime;

use super::identity::Identity;
use super::mask::Mask;
use super::running::Running;
use super::spawn::{self, ExecError, Held};
use super::streams::Streams;
use crate::wire::session::Exit;

/// As waitscope's own: one thread.
fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn os(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// With the standard descriptors that we have.
fn spawn_held(words: &[OsString], identity: Option<&Identity>, mask: Mask) -> anyhow::Result<Held> {
    spawn::spawn_held(words, identity, mask, &Streams::default())
}

fn hold(words: &[&str]) -> Held {
    spawn_held(&os(words), None, Mask::EMPTY).unwrap()
}

fn run(words: &[&str]) -> Result<Exit, ExecError> {
    hold(words).release().map(ended)
}

/// Runs a shell script in place of the command.
fn sh(script: &str) -> Exit {
    run(&["sh", "-c", script]).unwrap()
}

fn ended(mut running: Running) -> Exit {
    assert!(
        is_readable(running.pidfd(), 20_000),
        "the child does not end"
    );
    let exit = running.try_wait().unwrap().unwrap();
    assert_eq!(running.try_wait().unwrap(), Some(exit));
    exit
}

fn is_readable(fd: BorrowedFd<'_>, timeout_ms: i32) -> bool {
    use std::os::fd::AsRawFd;
    let mut poll = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one element, and it may be written.
    unsafe { libc::poll(&raw mut poll, 1, timeout_ms) == 1 }
}

/// Waits for the end of a process that need not be our child.
fn is_gone(pid: u32) -> bool {
    match Running::new(pid as i32) {
        Ok(process) => is_readable(process.pidfd().as_fd(), 20_000),
        Err(error) => error.raw_os_error() == Some(libc::ESRCH),
    }
}

fn eventually(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// Runs `body` in a fork and returns how that ended; 101 if it panicked.
fn in_fork(body: impl FnOnce() -> i32) -> Exit {
    // SAFETY: glibc makes its allocator usable in the child, and `body` waits
    // for no other thread.
    match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let code = catch_unwind(AssertUnwindSafe(body)).unwrap_or(101);
            // SAFETY: leaves the test harness's copy alone.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => ended(Running::new(child.as_raw()).unwrap()),
    }
}

/// A directory of its own for each test, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("waitscope-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        // Children of another user write here.
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Written by another process: a child that another test forks meanwhile
    /// would inherit a descriptor open for writing, and then the file could
    /// not be executed (ETXTBSY).
    fn write(&self, name: &str, mode: u32, text: &str) -> String {
        let (text_file, path) = (self.file("text"), self.file(name));
        std::fs::write(&text_file, text).unwrap();
        let mut install = std::process::Command::new("install");
        install.arg(format!("-m{mode:o}")).args([&text_file, &path]);
        assert!(install.status().unwrap().success());
        path.into_os_string().into_string().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
