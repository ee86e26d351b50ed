//! Waits that a signal ended.
//!
//! The kernel adds a signal to those that a thread or its process has pending before it
//! wakes the thread that is to take it, so that the probes see it at the waking
//! ([`Pending`]). But a signal that another thread is about to take is pending as well:
//! that a waking was for one, its waker's stack shows, or else a call that does nothing but
//! send signals. A stopped thread goes on before SIGCONT is added to anything.
//!
//! A fatal signal ends all threads, each with a SIGKILL of its own: the signal is the one
//! that the process ends by. What `exit_group` or an exec ends so, its caller ends, by that
//! call. And the SIGCHLD of a child that exits says no more than that it did.

use nix::libc;
use probe_common::sched::{state, waker};

use super::{
    stack::{Symbol, without_probe},
    thread::Thread,
};
use crate::{
    syscall::Table,
    vocabulary::{SignalSender, WakeSource},
    wire::event::{self, Off, Pending},
};

/// A signal that ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal {
    /// Its number.
    pub number: u8,
    /// What sent it.
    pub sender: SignalSender,
}

/// What is known of a waking without regard to signals.
pub(super) struct Waking<'a> {
    /// Its time, ns.
    pub(super) ts_ns: u64,
    /// Name of the system call that `current` was in.
    pub(super) call: Option<&'a str>,
    /// Who did it.
    pub(super) source: WakeSource,
    /// The waker's stack, as far as it could be named; empty where none was taken.
    pub(super) stack: &'a [&'a Symbol],
}

impl Signal {
    pub(super) fn is_by_task(self) -> bool {
        self.sender == SignalSender::Task
    }
}

impl<'a> Waking<'a> {
    pub(super) fn new(
        wake: &event::Waking,
        source: WakeSource,
        stack: &'a [&'a Symbol],
        table: Table,
    ) -> Waking<'a> {
        // A 32-bit call has a number of another table.
        let is_named = wake.flags & waker::COMPAT == 0;
        Waking {
            ts_ns: wake.ts_ns,
            call: is_named.then(|| table.name(wake.nr)).flatten(),
            source,
            stack,
        }
    }
}

impl Thread {
    /// What ended a sleep: what the waking says by itself, or the signal that it was for.
    pub(super) fn ended_by(&self, off: &Off, waking: &Waking<'_>) -> (WakeSource, Option<Signal>) {
        let pending = self.signals.filter(|&(at_ns, _)| at_ns == waking.ts_ns);
        let pending = pending.map(|(_, pending)| pending);
        let is_stopped = off.state & state::STOPPED != 0;
        match waking.signal(pending, is_stopped) {
            None => (waking.source, None),
            signal => (WakeSource::Signal, signal),
        }
    }
}

impl Waking<'_> {
    /// The signal that it was for.
    fn signal(&self, pending: Option<Pending>, is_stopped: bool) -> Option<Signal> {
        let pending = pending.or_else(|| is_stopped.then(Pending::default))?;
        let is_killed = pending.own & bit(libc::SIGKILL) != 0;
        let number = if is_stopped && !is_killed {
            self.is_continuing().then_some(libc::SIGCONT)
        } else if !self.is_for_a_signal() {
            None
        } else if is_killed {
            self.fatal(pending.exit_code)
        } else {
            lowest(pending.own).or_else(|| lowest(pending.shared))
        };
        let signal = Signal {
            number: u8::try_from(number?).ok()?,
            sender: self.sender()?,
        };
        (!self.is_end_of_child(signal)).then_some(signal)
    }

    /// The signal that a process ends by; none if a call of its own ends it, or its threads.
    fn fatal(&self, exit_code: u32) -> Option<i32> {
        let number = i32::try_from(exit_code & 0x7f).ok()?;
        (number != 0 && !self.is_exec()).then_some(number)
    }

    fn is_end_of_child(&self, signal: Signal) -> bool {
        self.source == WakeSource::TaskExit && i32::from(signal.number) == libc::SIGCHLD
    }

    /// Whether it was for one of the signals that are pending.
    fn is_for_a_signal(&self) -> bool {
        if self.stack.is_empty() {
            self.is_sending()
        } else {
            self.has_any(WAKES_FOR_SIGNAL)
        }
    }

    /// Whether it lets a stopped thread go on for a SIGCONT: a tracer does so by other ways.
    fn is_continuing(&self) -> bool {
        if self.stack.is_empty() {
            self.is_sending()
        } else {
            self.has_any(SENDS) && !self.has_any(WAKES_FOR_SIGNAL)
        }
    }

    /// Whether `current` was in a call that wakes for nothing else.
    fn is_sending(&self) -> bool {
        let is_in = self.call.is_some_and(|call| CALLS.contains(&call));
        is_in && self.source == WakeSource::Task
    }

    /// An exec ends the other threads of its process.
    fn is_exec(&self) -> bool {
        self.has_any(&["de_thread", "begin_new_exec", "flush_old_exec"])
            || matches!(self.call, Some("execve" | "execveat"))
    }

    /// `None` where that is not verified.
    fn sender(&self) -> Option<SignalSender> {
        match self.source {
            WakeSource::Timer => Some(SignalSender::Timer),
            WakeSource::NetRx | WakeSource::BlockIo | WakeSource::Irq => {
                Some(SignalSender::Interrupt)
            }
            WakeSource::Kthread
                if self.has(|name| name == "isig" || name.starts_with("n_tty_")) =>
            {
                Some(SignalSender::Terminal)
            }
            WakeSource::Kthread => Some(SignalSender::Kernel),
            WakeSource::Task if self.has(|name| name.contains("oom_kill")) => {
                Some(SignalSender::Kernel)
            }
            WakeSource::Task | WakeSource::TaskExit => Some(SignalSender::Task),
            WakeSource::New | WakeSource::Unverified | WakeSource::Signal => None,
        }
    }

    fn has_any(&self, functions: &[&str]) -> bool {
        self.has(|name| functions.contains(&name))
    }

    fn has(&self, is_one: impl Fn(&str) -> bool) -> bool {
        let stack = without_probe(self.stack);
        stack.iter().any(|symbol| is_one(&symbol.name))
    }
}

/// kernel/signal.c, fs/coredump.c: they wake for a signal, and call nothing that wakes
/// for another reason.
const WAKES_FOR_SIGNAL: &[&str] = &[
    "signal_wake_up_state",
    "complete_signal",
    "zap_other_threads",
    "zap_process",
    "zap_threads",
];

/// kernel/signal.c: as they prepare to send SIGCONT, they wake what is stopped.
const SENDS: &[&str] = &[
    "prepare_signal",
    "__send_signal",
    "__send_signal_locked",
    "send_signal_locked",
];

/// Calls that do nothing but send signals.
const CALLS: &[&str] = &[
    "kill",
    "tkill",
    "tgkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "pidfd_send_signal",
];

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

fn lowest(signals: u64) -> Option<i32> {
    let first = i32::try_from(signals.trailing_zeros()).ok()?;
    (signals != 0).then_some(first + 1)
}

#[cfg(test)]
mod tests {
    use super::super::stack::named;
    use super::*;

    const OWN: fn(i32) -> Pending = |signal| Pending {
        own: bit(signal),
        ..Pending::default()
    };
    const SHARED: fn(i32) -> Pending = |signal| Pending {
        shared: bit(signal),
        ..Pending::default()
    };
    /// A process that ends by this, as each of its threads sees it.
    const FATAL: fn(u32) -> Pending = |exit_code| Pending {
        own: 1 << 8,
        shared: 1 << 14,
        exit_code,
    };
    const KILL: &str = "ttwu_do_activate try_to_wake_up signal_wake_up_state complete_signal \
                        __send_signal_locked do_send_sig_info __x64_sys_kill do_syscall_64";

    fn signal(
        pending: Option<Pending>,
        is_stopped: bool,
        (source, call): (WakeSource, &str),
        stack: &str,
    ) -> Option<Signal> {
        let symbols = named(stack);
        let stack: Vec<&Symbol> = symbols.iter().collect();
        let waking = Waking {
            ts_ns: 1,
            call: (!call.is_empty()).then_some(call),
            source,
            stack: &stack,
        };
        waking.signal(pending, is_stopped)
    }

    #[track_caller]
    fn check(pending: Pending, by: (WakeSource, &str), stack: &str, number: i32, sender: &str) {
        let expect = Some(Signal {
            number: number.try_into().unwrap(),
            sender: sender.parse().unwrap(),
        });
        assert_eq!(signal(Some(pending), false, by, stack), expect, "{stack}");
    }

    #[test]
    fn signal_of_a_task() {
        let by = (WakeSource::Task, "kill");
        check(SHARED(15), by, KILL, 15, "task");
        check(SHARED(15), by, "", 15, "task");
        check(OWN(10), (WakeSource::Task, "tgkill"), "", 10, "task");
        check(
            OWN(64),
            (WakeSource::Task, "rt_sigqueueinfo"),
            "",
            64,
            "task",
        );
        // prctl(PR_SET_PDEATHSIG)
        check(
            SHARED(15),
            (WakeSource::TaskExit, "exit_group"),
            KILL,
            15,
            "task",
        );
    }

    #[test]
    fn signal_of_a_timer_an_interrupt_the_kernel_or_a_terminal() {
        let stack = "signal_wake_up_state complete_signal __send_signal_locked it_real_fn \
                     __hrtimer_run_queues";
        check(SHARED(14), (WakeSource::Timer, ""), stack, 14, "timer");
        check(SHARED(29), (WakeSource::NetRx, ""), KILL, 29, "interrupt");
        check(SHARED(2), (WakeSource::Kthread, ""), KILL, 2, "kernel");
        let stack = "complete_signal __send_signal_locked __kill_pgrp_info kill_pgrp isig \
                     n_tty_receive_char_special n_tty_receive_buf_common flush_to_ldisc kthread";
        check(SHARED(2), (WakeSource::Kthread, ""), stack, 2, "terminal");
        let stack = "signal_wake_up_state complete_signal __send_signal_locked \
                     __oom_kill_process oom_kill_process out_of_memory exc_page_fault";
        check(FATAL(9), (WakeSource::Task, ""), stack, 9, "kernel");
    }

    #[test]
    fn signal_that_ends_a_process_is_the_one_that_it_ends_by() {
        let by = (WakeSource::Task, "kill");
        check(FATAL(15), by, KILL, 15, "task");
        check(FATAL(9), by, "", 9, "task");
        let stack = "signal_wake_up_state zap_process do_coredump get_signal";
        check(FATAL(6), (WakeSource::Task, "tgkill"), stack, 6, "task");
    }

    #[test]
    fn signal_of_no_such_waking() {
        let task = (WakeSource::Task, "futex");
        let elsewhere = "try_to_wake_up wake_up_q futex_wake do_futex";
        let none = |pending, by, stack| {
            assert_eq!(signal(Some(pending), false, by, stack), None, "{stack}");
        };
        // Pending, and another thread takes it.
        none(SHARED(15), task, elsewhere);
        none(SHARED(15), task, "");
        none(SHARED(15), (WakeSource::Timer, "kill"), "");
        // Of a descriptor that is read.
        let signalfd = "try_to_wake_up __wake_up_common __wake_up __send_signal_locked";
        none(SHARED(10), (WakeSource::Task, "kill"), signalfd);
        none(SHARED(17), (WakeSource::TaskExit, "exit_group"), KILL);
        none(SHARED(15), (WakeSource::Unverified, "kill"), KILL);
        let exec = "signal_wake_up_state zap_other_threads de_thread begin_new_exec";
        none(FATAL(0), (WakeSource::Task, "execve"), exec);
        assert_eq!(signal(None, false, (WakeSource::Task, "kill"), KILL), None);
    }

    #[test]
    fn signal_exit_group_is_none() {
        let stack = "signal_wake_up_state zap_other_threads do_group_exit";
        for code in [0, 7 << 8] {
            let by = (WakeSource::Task, "exit_group");
            assert_eq!(signal(Some(FATAL(code)), false, by, stack), None);
        }
    }

    #[test]
    fn signal_sigcont_ends_a_stop_and_a_tracer_does_so_by_itself() {
        let stop = |pending, call, stack| signal(pending, true, (WakeSource::Task, call), stack);
        let expect = |number| {
            Some(Signal {
                number,
                sender: SignalSender::Task,
            })
        };
        let sends = "try_to_wake_up prepare_signal __send_signal_locked do_send_sig_info";
        assert_eq!(stop(None, "kill", sends), expect(18));
        assert_eq!(stop(None, "kill", ""), expect(18));
        // What else is pending matters not.
        assert_eq!(stop(Some(SHARED(15)), "kill", sends), expect(18));
        assert_eq!(stop(Some(FATAL(9)), "kill", KILL), expect(9));
        let seize = "try_to_wake_up signal_wake_up_state ptrace_attach __x64_sys_ptrace";
        assert_eq!(stop(None, "ptrace", seize), None);
        assert_eq!(stop(None, "ptrace", "try_to_wake_up ptrace_resume"), None);
    }
}
