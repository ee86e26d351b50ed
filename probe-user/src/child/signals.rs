//! Every signal that comes to us: read from a descriptor instead of ending,
//! stopping or passing us by, so that it can be passed on ([`super::relay`]) and the
//! report written.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::{
    io,
    str::FromStr as _,
    sync::atomic::{AtomicBool, Ordering},
};

use nix::libc;
use nix::sys::signal::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::mask::{Mask, is_ignored};

/// Those that may be kept for ourselves.
const FREE: [Signal; 6] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// Reads every signal that can be blocked.
///
/// Of the signals of a fault (SIGSEGV, …) only those that somebody has sent come here:
/// a fault of our own ends us whether or not its signal is blocked.
pub struct Signals {
    fd: AsyncFd<OwnedFd>,
    inherited_mask: Mask,
    ignored: Mask,
}

/// A signal that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub signal: i32,
    /// The process that sent it, 0 for one in another pid namespace; `None`
    /// when the kernel did: a key typed at the terminal, or its hang-up.
    pub sent_by: Option<u32>,
    /// What sigqueue(3) sent with it.
    pub value: Option<u64>,
}

impl Signals {
    /// Blocks the signals in the calling thread. Call it before any other thread
    /// starts: a thread that does not block them would receive them.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn new() -> io::Result<Self> {
        let ignored = (1..=64).filter(|&signal| is_ignored(signal));
        let ignored = ignored.fold(0, |set, signal| set | Mask::of(signal).0);
        let inherited_mask = Mask::ALL.block()?;
        let fd = Mask::ALL.descriptor()?;
        // SAFETY: `fd` owns its descriptor and gives it away to nobody.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?;
        Ok(Self {
            fd,
            inherited_mask,
            ignored: Mask(ignored),
        })
    }

    /// The signals that were blocked when we started.
    pub fn inherited_mask(&self) -> Mask {
        self.inherited_mask
    }

    /// The signals that were ignored when we started. They come all the same: the
    /// command may have a handler for them.
    pub fn ignored(&self) -> Mask {
        self.ignored
    }

    /// Takes no notice of those that have come.
    pub fn skip(&self) {
        while read(self.fd.get_ref()).is_ok() {}
    }

    /// Lets those that come from now on through, in the calling thread.
    pub fn let_through(&self) -> io::Result<()> {
        self.inherited_mask.set().map(|_| ())
    }

    /// The next signal. Nothing is lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> io::Result<Received> {
        loop {
            let mut ready = self.fd.readable().await?;
            if let Ok(received) = ready.try_io(|fd| read(fd.get_ref())) {
                return received;
            }
        }
    }
}

fn read(fd: &OwnedFd) -> io::Result<Received> {
    // SAFETY: all-zero bytes are a valid value.
    let mut info: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
    // SAFETY: there is room for one.
    let bytes = unsafe { libc::read(fd.as_raw_fd(), (&raw mut info).cast(), size_of_val(&info)) };
    if bytes < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Received {
        signal: info.ssi_signo.cast_signed(),
        // What the kernel sends has a code above 0.
        sent_by: (info.ssi_code <= libc::SI_USER).then_some(info.ssi_pid),
        value: (info.ssi_code == libc::SI_QUEUE).then_some(info.ssi_ptr),
    })
}

/// The number of a signal that waitscope may keep for itself, a real-time signal
/// included. By its name: `USR1`, `SIGUSR1`, `RTMIN+3`.
pub fn own_by_name(name: &str) -> Result<i32, String> {
    let short = name.strip_prefix("SIG").unwrap_or(name);
    if let Some(number) = real_time(short) {
        return Ok(number);
    }
    let names = FREE.map(|signal| signal.as_str().trim_start_matches("SIG"));
    let names = names.join(", ");
    match Signal::from_str(&format!("SIG{short}")) {
        Ok(signal) if FREE.contains(&signal) => Ok(signal as i32),
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

/// Makes sure that ended children stay to be waited for; `true` when SIGCHLD
/// was ignored, which reaps them at once and loses their status.
pub(super) fn collect_children() -> bool {
    let ignored = is_ignored(libc::SIGCHLD);
    if ignored {
        // SAFETY: the default disposition runs no code.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    }
    ignored
}

/// A file that may not grow (`ulimit -f`) is an error to report and no reason to die.
pub fn outlive_file_limit() {
    // SAFETY: ignoring a signal runs no code.
    let before = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    WAS_MORTAL.store(before != libc::SIG_IGN, Ordering::Relaxed);
}

/// Whether [`outlive_file_limit`] has changed something, for our children.
pub(super) static WAS_MORTAL: AtomicBool = AtomicBool::new(false);
