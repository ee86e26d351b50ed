//! Signals to a screen: those that end or stop waitscope let it give the terminal back first.

use std::{io, mem::MaybeUninit, thread};

use nix::{
    libc,
    sys::signal::{
        SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, kill, pthread_sigmask, raise,
        sigaction,
    },
    unistd::Pid,
};

use super::terminal::Control;

const ENDING: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// Has signals end, suspend and redraw the screen. Call it before any other thread starts: one
/// that does not block them would receive them. What observes reads signals itself and has no
/// need of this.
pub fn follow(control: &Control) -> io::Result<()> {
    let mut set = SigSet::empty();
    for signal in ENDING.into_iter().chain([Signal::SIGTSTP, Signal::SIGCONT]) {
        set.add(signal);
    }
    set.thread_block()?;
    keep_sizes_out()?;
    let control = control.clone();
    let wait = move || {
        while let Ok(signal) = set.wait() {
            match signal {
                Signal::SIGTSTP => control.stop(),
                Signal::SIGCONT => control.resume(),
                _ => control.end(),
            }
        }
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(wait)?;
    Ok(())
}

/// Whether a signal that ends us waits for somebody to read it: behind an observation nobody
/// does.
pub(super) fn would_end() -> bool {
    let mut pending = MaybeUninit::uninit();
    // SAFETY: there is room for a set, which is looked at only if it was written.
    unsafe {
        libc::sigpending(pending.as_mut_ptr()) == 0
            && ENDING
                .iter()
                .any(|&signal| libc::sigismember(pending.as_ptr(), signal as i32) == 1)
    }
}

/// Lets no SIGWINCH through, in this thread and those that it will start.
pub(super) fn keep_sizes_out() -> io::Result<()> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGWINCH);
    Ok(set.thread_block()?)
}

/// Sends a signal to the process group, as the terminal does for a key.
pub(super) fn send_group(signal: Signal) -> io::Result<()> {
    Ok(kill(Pid::from_raw(0), signal)?)
}

/// Stops waitscope until something continues it, as Ctrl-Z does to a program that leaves that
/// key to the terminal: where no shell would continue it, the kernel does not stop it.
pub(super) fn stop_here() -> io::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    let mut stop = SigSet::empty();
    stop.add(Signal::SIGTSTP);
    // SAFETY: the default disposition runs no code.
    let before = unsafe { sigaction(Signal::SIGTSTP, &default) }?;
    let mask = SigSet::thread_get_mask()?;
    stop.thread_block()?;
    // Both this one and one that came to the whole group wait until they are let through; what
    // continues us takes back the other.
    let stopped = raise(Signal::SIGTSTP);
    pthread_sigmask(SigmaskHow::SIG_UNBLOCK, Some(&stop), None)?;
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
    // SAFETY: what was there before is put back.
    unsafe { sigaction(Signal::SIGTSTP, &before) }?;
    Ok(stopped?)
}
