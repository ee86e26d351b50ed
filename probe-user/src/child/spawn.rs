//! Forks the command and holds it back until the probes are attached.

use std::ffi::OsString;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::{fmt, io};

use anyhow::{Context, bail};
use nix::libc;
use nix::sys::socket::{MsgFlags, send};
use nix::unistd::{ForkResult, fork};

use super::forked::{self, Child};
use super::identity::Identity;
use super::image::Image;
use super::mask::Mask;
use super::running::Running;
use super::signals;
use super::streams::Streams;

/// A child that waits to become the command. Dropped without
/// [`release`](Held::release) it is killed; if waitscope dies it exits. In
/// neither case does anything of the command run.
pub struct Held {
    guard: KillGuard,
    running: Running,
    control: UnixStream,
    image: Image,
    program: OsString,
}

/// Why the command could not be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecError {
    /// As it was given.
    pub program: OsString,
    /// The system's error number.
    pub errno: i32,
    /// What it comes down to.
    pub kind: ExecErrorKind,
}

/// Classes of [`ExecError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecErrorKind {
    /// There is no such file.
    NotFound,
    /// There is one, but it is no program or not for this user.
    NotExecutable,
    /// Anything else: too many arguments, no memory, …
    Other,
}

/// Forks a child that will run `command` (as execvp(3): PATH is searched, a
/// script without `#!` goes to `/bin/sh`) and returns when it waits, its
/// identity changed. It keeps every descriptor that is not close-on-exec, but for those in
/// whose place `streams` has others, and `mask` becomes its signal mask:
/// [`signals::Signals::inherited_mask`].
pub fn spawn_held(
    command: &[OsString],
    identity: Option<&Identity>,
    mask: Mask,
    streams: &Streams,
) -> anyhow::Result<Held> {
    let mut image = Image::prepare(command, identity)?;
    let program = command.first().cloned().unwrap_or_default();
    // Both ends are close-on-exec; the child's is closed by its exec.
    let (control, childs_control) =
        UnixStream::pair().context("cannot make a socket pair for the child")?;
    let ignore_sigchld = signals::collect_children();
    let child = Child {
        image: &mut image,
        identity,
        mask,
        streams: streams.numbers(),
        ignore_sigchld,
        control: childs_control.as_raw_fd(),
        parents_control: control.as_raw_fd(),
    };
    // SAFETY: the child calls only what is async-signal-safe, see `forked`.
    let pid = match unsafe { fork() }.context("cannot fork")? {
        // SAFETY: this is the child, just forked.
        ForkResult::Child => unsafe { child.run() },
        ForkResult::Parent { child } => child.as_raw(),
    };
    drop(childs_control);
    let guard = KillGuard { pid, armed: true };
    let running = Running::new(pid).context("cannot watch the child (pidfd_open)")?;
    let mut held = Held {
        guard,
        running,
        control,
        image,
        program,
    };
    held.until_ready(identity)?;
    Ok(held)
}

impl Held {
    /// Process id.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Lets the child become the command; returns when it has, or cannot. A
    /// child that was killed while it waited is returned like one that was
    /// killed right after its exec: its exit shows it.
    pub fn release(self) -> Result<Running, ExecError> {
        let Self {
            mut guard,
            running,
            mut control,
            image,
            program,
        } = self;
        // An error means that the child is dead, see above.
        let _ = send(control.as_raw_fd(), &[1], MsgFlags::MSG_NOSIGNAL);
        let Some((_, errno)) = receive(&mut control) else {
            guard.armed = false;
            return Ok(running);
        };
        Err(ExecError {
            program,
            errno,
            kind: kind(errno, &image),
        })
    }

    fn until_ready(&mut self, identity: Option<&Identity>) -> anyhow::Result<()> {
        let (step, errno) = match receive(&mut self.control) {
            Some((forked::READY, _)) => return Ok(()),
            Some(failure) => failure,
            None => bail!("the child was killed before it could run the command"),
        };
        let call = match step {
            forked::SETGROUPS => "setgroups",
            forked::SETGID => "setresgid",
            forked::SETUID => "setresuid",
            _ => "an unknown step",
        };
        let name = identity.map_or("", |identity| &identity.name);
        Err(io::Error::from_raw_os_error(errno))
            .with_context(|| format!("cannot run the command as user {name:?} ({call})"))
    }
}

fn kind(errno: i32, image: &Image) -> ExecErrorKind {
    match errno {
        libc::ENOENT if !image.exists() => ExecErrorKind::NotFound,
        libc::ENOENT
        | libc::EACCES
        | libc::EPERM
        | libc::ENOEXEC
        | libc::ENOTDIR
        | libc::EISDIR
        | libc::ELIBBAD => ExecErrorKind::NotExecutable,
        _ => ExecErrorKind::Other,
    }
}

/// The child's next message; `None` when it closed its end, by exec or death.
fn receive(control: &mut UnixStream) -> Option<(i32, i32)> {
    let mut message = [0; forked::MESSAGE_BYTES];
    control.read_exact(&mut message).ok()?;
    let [a, b, c, d, e, f, g, h] = message;
    Some((
        i32::from_ne_bytes([a, b, c, d]),
        i32::from_ne_bytes([e, f, g, h]),
    ))
}

impl ExecError {
    /// The shell's convention: 127 not found, 126 anything else.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ExecErrorKind::NotFound => 127,
            ExecErrorKind::NotExecutable | ExecErrorKind::Other => 126,
        }
    }
}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program.to_string_lossy();
        match self.kind {
            ExecErrorKind::NotFound => write!(f, "command {program:?} was not found"),
            ExecErrorKind::NotExecutable if self.errno == libc::ENOENT => write!(
                f,
                "command {program:?} cannot be executed: its interpreter or loader does not exist"
            ),
            ExecErrorKind::NotExecutable | ExecErrorKind::Other => {
                let reason = nix::errno::Errno::from_raw(self.errno).desc();
                write!(f, "command {program:?} cannot be executed: {reason}")
            }
        }
    }
}

impl std::error::Error for ExecError {}

/// Kills and reaps a child that did not become the command.
struct KillGuard {
    pid: libc::pid_t,
    armed: bool,
}

impl Drop for KillGuard {
    fn drop(&mut self) {
        if self.armed {
            // SAFETY: our own child, not yet reaped: the pid is still its own.
            unsafe {
                libc::kill(self.pid, libc::SIGKILL);
                libc::waitpid(self.pid, std::ptr::null_mut(), 0);
            }
        }
    }
}
