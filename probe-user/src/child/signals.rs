//! Signals that are meant for the command: read from a descriptor instead of
//! killing waitscope, so that they can be passed on and the report written.
//!
//! SIGTSTP and SIGCONT stay as they are: job control stops and continues both
//! of us. SIGWINCH is ignored by default.

use std::{
    io, ptr,
    str::FromStr as _,
    sync::atomic::{AtomicBool, Ordering},
};

use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

const FORWARDED: [Signal; 6] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// Reads the signals that would otherwise have ended waitscope.
pub struct Signals {
    fd: AsyncFd<SignalFd>,
    inherited_mask: SigSet,
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub signal: i32,
    /// The process that sent it, 0 for one in another pid namespace; `None`
    /// when the kernel did: a key typed at the terminal, or its hang-up.
    pub sent_by: Option<u32>,
}

impl Signals {
    /// Blocks the signals in the calling thread, and `also` this one. Call it before
    /// any other thread starts: a thread that does not block them would receive them.
    /// Signals that are ignored (`nohup`) stay ignored, but for `also`.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn new(also: Option<i32>) -> io::Result<Self> {
        let mut wanted = SigSet::empty();
        for signal in FORWARDED {
            if !is_ignored(signal)? {
                wanted.add(signal);
            }
        }
        let wanted = also.map_or(wanted, |also| with(&wanted, also));
        let inherited_mask = SigSet::thread_get_mask()?;
        wanted.thread_block()?;
        let fd = SignalFd::with_flags(&wanted, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        // SAFETY: `fd` owns its descriptor and gives it away to nobody.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?;
        Ok(Self { fd, inherited_mask })
    }

    /// The signals that were blocked when we started.
    pub fn inherited_mask(&self) -> &SigSet {
        &self.inherited_mask
    }

    /// The next signal. Nothing is lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> io::Result<Received> {
        loop {
            let mut ready = self.fd.readable().await?;
            let read = ready.try_io(|fd| {
                fd.get_ref()
                    .read_signal()?
                    .ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            if let Ok(info) = read {
                return info.map(|info| Received {
                    signal: info.ssi_signo as i32,
                    sent_by: (info.ssi_code != libc::SI_KERNEL).then_some(info.ssi_pid),
                });
            }
        }
    }
}

/// The number of a signal that waitscope may keep for itself: one that it could pass
/// on, or a real-time signal. By its name: `USR1`, `SIGUSR1`, `RTMIN+3`.
pub fn own_by_name(name: &str) -> Result<i32, String> {
    let short = name.strip_prefix("SIG").unwrap_or(name);
    if let Some(number) = real_time(short) {
        return Ok(number);
    }
    let names = FORWARDED.map(|signal| signal.as_str().trim_start_matches("SIG"));
    let names = names.join(", ");
    match Signal::from_str(&format!("SIG{short}")) {
        Ok(signal) if FORWARDED.contains(&signal) => Ok(signal as i32),
        Ok(_) => Err(format!(
            "this signal is not free: {names} and RTMIN to RTMAX are"
        )),
        Err(_) => Err(format!(
            "there is no such signal: {names} and RTMIN to RTMAX can be had"
        )),
    }
}

/// `RTMIN`, `RTMIN+3`, `RTMAX-3`.
fn real_time(name: &str) -> Option<i32> {
    let (first, last) = (libc::SIGRTMIN(), libc::SIGRTMAX());
    let from_first = name.strip_prefix("RTMIN").map(|rest| (first, rest));
    let (base, rest) = from_first.or(name.strip_prefix("RTMAX").map(|rest| (last, rest)))?;
    let offset: i32 = match rest {
        "" => 0,
        _ if rest.starts_with(['+', '-']) => rest.parse().ok()?,
        _ => return None,
    };
    let number = base.checked_add(offset)?;
    (first..=last).contains(&number).then_some(number)
}

/// A set with one more signal, which may be a real-time one.
fn with(set: &SigSet, signal: i32) -> SigSet {
    let mut raw = *set.as_ref();
    // SAFETY: `raw` is an initialised set; a number that is no signal is an error.
    unsafe {
        libc::sigaddset(&raw mut raw, signal);
        SigSet::from_sigset_t_unchecked(raw)
    }
}

/// Whether the process `child` did not get this signal yet. A Ctrl-C typed at
/// the terminal went to the whole foreground process group, the child
/// included. So did a signal that the child, or a process under it, sent to
/// its own group (`kill 0` in a shell's trap): passed on it would come back for
/// ever.
pub fn should_forward(received: &Received, child: u32) -> bool {
    match received.sent_by {
        None => !matches!(received.signal, libc::SIGINT | libc::SIGQUIT),
        Some(sender) => !descends_from(sender, child),
    }
}

/// Whether `pid` is `ancestor` or lives below it. A process that has been
/// reaped meanwhile is taken for one outside of it.
fn descends_from(pid: u32, ancestor: u32) -> bool {
    /// More than the depth of any real tree, and an end if pids are reused.
    const MAX_DEPTH: usize = 128;
    std::iter::successors(Some(pid), |&pid| parent(pid))
        .take(MAX_DEPTH)
        .any(|pid| pid == ancestor)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // `pid (comm) state ppid …`; comm may contain anything.
    let after_comm = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let fields = str::from_utf8(stat.get(after_comm..)?).ok()?;
    let parent = fields.split_ascii_whitespace().nth(1)?.parse().ok()?;
    (parent != 0).then_some(parent)
}

/// Makes sure that ended children stay to be waited for; `true` when SIGCHLD
/// was ignored, which reaps them at once and loses their status.
pub(super) fn collect_children() -> io::Result<bool> {
    let ignored = is_ignored(Signal::SIGCHLD)?;
    if ignored {
        // SAFETY: the default disposition runs no code.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    }
    Ok(ignored)
}

/// A file that may not grow (`ulimit -f`) is an error to report and no reason to die.
pub fn outlive_file_limit() {
    // SAFETY: ignoring a signal runs no code.
    let before = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    WAS_MORTAL.store(before != libc::SIG_IGN, Ordering::Relaxed);
}

/// Whether [`outlive_file_limit`] has changed something, for our children.
pub(super) static WAS_MORTAL: AtomicBool = AtomicBool::new(false);

fn is_ignored(signal: Signal) -> io::Result<bool> {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: changes nothing; `action` may be written.
    if unsafe { libc::sigaction(signal as i32, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded and filled it.
    Ok(unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN)
}
