//! Passing signals on: what comes to us goes to the command, unless it has it already.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use nix::libc::{
    self, SIGCHLD, SIGCONT, SIGINT, SIGPIPE, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGXCPU,
    SIGXFSZ,
};
use proc_stat::Stat;

use super::mask::{Mask, suffer};
use super::running::Running;
use super::signals::Received;
use super::witness::Witness;

/// Where a signal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The command has it already, or it is about us.
    Nowhere,
    /// To the command.
    Command,
    /// To its process group, as the terminal would have sent it there.
    Group,
}

/// Who sent a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The kernel: a key typed at the terminal, a timer of ours, …
    Kernel,
    /// We. The kernel signs a failed write of ours so.
    Ourselves,
    /// The command, or a process below it.
    Tree,
    /// Anybody else.
    Other,
}

/// Where a signal goes. What was typed at the terminal went to our whole process
/// group, a command that is still in it included. So did a signal that the command, or a
/// process under it, sent to its own group (`kill 0` in a shell's trap): passed on it
/// would come back for ever.
pub fn route(signal: i32, sender: Sender, in_our_group: bool) -> Route {
    match (sender, signal) {
        (Sender::Tree, _)
        | (Sender::Ourselves, SIGPIPE | SIGXFSZ)
        | (Sender::Kernel, SIGCHLD | SIGXCPU | SIGTTIN | SIGTTOU) => Route::Nowhere,
        // A screen of ours that has the keyboard does as the terminal would.
        (Sender::Kernel | Sender::Ourselves, SIGINT | SIGQUIT | SIGTSTP | SIGWINCH) => {
            match in_our_group {
                true => Route::Nowhere,
                false => Route::Group,
            }
        }
        (Sender::Kernel | Sender::Ourselves | Sender::Other, _) => Route::Command,
    }
}

/// Passes signals on, and stops when the command is stopped by a signal that came
/// through us: a shell with job control, which waits for us, sees what it would see of
/// the command.
#[derive(Debug, Default)]
pub struct Relay {
    /// Knows what was sent to our whole group.
    witness: Option<Witness>,
    /// We stop by this signal as soon as the command has stopped.
    stop: Option<i32>,
    /// The latest stop went to the command's group, so the way on goes there too.
    group_stopped: bool,
}

impl Relay {
    /// With a witness of what our group is sent.
    pub fn new(witness: Option<Witness>) -> Relay {
        Relay {
            witness,
            ..Relay::default()
        }
    }

    /// Nothing is passed on any more.
    pub fn dismiss_witness(&mut self) {
        self.witness = None;
    }

    /// Takes a signal for the command, which may have ended: then nobody needs it.
    pub fn receive(&mut self, received: &Received, command: &Running) -> io::Result<()> {
        let pid = command.pid();
        let in_our_group = in_our_group(pid);
        let sender = sender(received, pid);
        let mut route = route(received.signal, sender, in_our_group);
        if route != Route::Nowhere && self.was_for_our_group(received) && in_our_group {
            // A stop that was passed on may have come behind the way on.
            let must_go_on = received.signal == SIGCONT && command.is_stopped();
            route = if must_go_on { route } else { Route::Nowhere };
        }
        match received.signal {
            signal if is_stop(signal) => {
                // A screen that has sent it stops us itself, once the terminal is given back.
                self.stop = (sender != Sender::Ourselves).then_some(signal);
                self.group_stopped = route == Route::Group;
            }
            SIGCONT => {
                self.stop = None;
                if std::mem::take(&mut self.group_stopped) && route == Route::Command {
                    route = Route::Group;
                }
            }
            _ => {}
        }
        match (route, received.value) {
            (Route::Nowhere, _) => {}
            (Route::Command, None) => command.signal(received.signal)?,
            (Route::Command, Some(value)) => command.queue(received.signal, value)?,
            (Route::Group, _) => command.signal_group(received.signal)?,
        }
        self.stop_with(command);
        Ok(())
    }

    /// Whether it was sent to all of our group, the command included.
    fn was_for_our_group(&mut self, received: &Received) -> bool {
        let asked = self.witness.as_mut().map(|it| it.has_seen(received));
        if let Some(Err(_)) = asked {
            self.witness = None;
        }
        matches!(asked, Some(Ok(true)))
    }

    /// SIGCHLD says when the command has stopped, and may come first.
    fn stop_with(&mut self, command: &Running) {
        if let Some(signal) = self.stop
            && command.is_stopped()
        {
            self.stop = None;
            stop(signal);
        }
    }
}

/// Stops this process in the place of [`stop`].
type Stopper = Box<dyn Fn() + Send>;

/// Who has the terminal, and gives it back before it stops us.
static STOPPER: Mutex<Option<Stopper>> = Mutex::new(None);

/// Has this stop the process from now on, or nobody else.
pub fn leave_stops_to(stopper: Option<Stopper>) {
    *STOPPER.lock().unwrap_or_else(PoisonError::into_inner) = stopper;
}

/// Stops this process; returns when it continues, or where nobody could continue it. Where
/// somebody has the terminal, it returns at once, and that stops us.
pub fn stop(signal: i32) {
    if let Some(stopper) = &*STOPPER.lock().unwrap_or_else(PoisonError::into_inner) {
        return stopper();
    }
    suffer(signal);
    let _wrong_number = Mask::of(signal).block();
}

/// What stops a process for its shell.
const STOPS: Mask = Mask(Mask::of(SIGTSTP).0 | Mask::of(SIGTTIN).0 | Mask::of(SIGTTOU).0);

/// Does something while nobody reads signals. A stop must not wait for that: the command
/// has it already, is stopped, and perhaps waited for. Start no thread in it.
pub fn stoppable<T>(work: impl FnOnce() -> T) -> T {
    let _infallible = STOPS.unblock();
    let done = work();
    let _infallible = STOPS.block();
    done
}

/// Whether a process without a handler goes on when this signal comes, or it says only
/// what a call of ours has said already: a closed pipe, a file that may not grow.
pub fn is_harmless(received: &Received) -> bool {
    let by_kernel = matches!(sender(received, 0), Sender::Kernel | Sender::Ourselves);
    match received.signal {
        SIGCHLD | SIGCONT | libc::SIGURG | SIGWINCH => true,
        SIGPIPE | SIGXFSZ => by_kernel,
        _ => false,
    }
}

/// Whether a process without handlers that ignores these would end by this signal, or stop.
pub fn ends_us(received: &Received, ignored: Mask) -> bool {
    !ignored.contains(received.signal) && !is_harmless(received)
}

/// Whether this signal stops a process without a handler.
pub fn is_stop(signal: i32) -> bool {
    STOPS.contains(signal)
}

fn sender(received: &Received, command: u32) -> Sender {
    match received.sent_by {
        None => Sender::Kernel,
        Some(pid) if pid == std::process::id() => Sender::Ourselves,
        Some(pid) if descends_from(pid, command) => Sender::Tree,
        Some(_) => Sender::Other,
    }
}

/// A command that is gone is taken for one that never left.
fn in_our_group(command: u32) -> bool {
    // SAFETY: integers only.
    let groups = unsafe { [libc::getpgid(command.cast_signed()), libc::getpgid(0)] };
    groups[0] < 0 || groups[0] == groups[1]
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
    let stat = Stat::of_process(pid).ok()?;
    (stat.ppid != 0).then_some(stat.ppid)
}
