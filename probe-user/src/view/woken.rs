//! Who ended a wait, in a few words: one name per source, task and system
//! call. Which process it was is left out, so that 96 `git` are one source.

use crate::document::{Signal, Wake};
use crate::vocabulary::{SignalSender, WakeSource};

/// What kind of thing ended a wait. Waits that different kinds ended are not one
/// number: one for a lock is ended by a sibling, a pause by the thread's own timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waker {
    /// A thread of the same group.
    Sibling,
    /// Another thread of the tree.
    Task,
    /// The end of a thread or process.
    Exit,
    /// The end of the waiting process itself: the wait did not get what it was for.
    OwnEnd,
    /// A signal.
    Signal,
    /// A timer of its own.
    Timer,
    /// A packet.
    Network,
    /// The end of a request to a disk.
    Disk,
    /// Another interrupt, or a kernel thread.
    Kernel,
    /// A task outside the tree.
    Outside,
    /// Not verified.
    Unverified,
    /// Not said, or nobody yet.
    Nobody,
}

/// The words for [`Waker::OwnEnd`].
pub const OWN_END: &str = "own exit";

/// What kind ended waits of a thread in the group of that name.
pub fn waker(wake: &Wake, group: &str) -> Waker {
    match wake.source {
        WakeSource::Task | WakeSource::TaskExit if wake.outside => Waker::Outside,
        WakeSource::TaskExit => Waker::Exit,
        WakeSource::Task if wake.syscall.as_deref() == Some("exit_group") => Waker::OwnEnd,
        WakeSource::Task if wake.comm.as_deref() == Some(group) => Waker::Sibling,
        WakeSource::Task | WakeSource::New => Waker::Task,
        WakeSource::Signal => Waker::Signal,
        WakeSource::Timer => Waker::Timer,
        WakeSource::NetRx => Waker::Network,
        WakeSource::BlockIo => Waker::Disk,
        WakeSource::Irq | WakeSource::Kthread => Waker::Kernel,
        WakeSource::Unverified => Waker::Unverified,
    }
}

/// `siblings (futex)`: other threads of the same group, whose name stands above.
pub fn siblings(wake: &Wake) -> String {
    describe(&Wake {
        comm: Some("siblings".to_owned()),
        ..wake.clone()
    })
}

/// `exit of git`, `python3 (futex)`, `timer`, `outside: sshd (write)`, `SIGTERM by sh (kill)`, …
pub fn describe(wake: &Wake) -> String {
    let comm = wake.comm.as_deref().unwrap_or("unnamed task");
    let outside = if wake.outside { "outside: " } else { "" };
    let task = || match &wake.syscall {
        Some(syscall) => format!("{outside}{comm} ({syscall})"),
        None => format!("{outside}{comm}"),
    };
    match wake.source {
        WakeSource::TaskExit => format!("{outside}exit of {comm}"),
        WakeSource::Task => task(),
        WakeSource::Signal => match &wake.signal {
            Some(Signal { name, sender }) => match sender {
                SignalSender::Task => format!("{name} by {}", task()),
                SignalSender::Kernel => format!("{name} by the kernel"),
                SignalSender::Terminal => format!("{name} from the terminal"),
                SignalSender::Timer => format!("{name} by a timer"),
                SignalSender::Interrupt => format!("{name} by an interrupt"),
            },
            None => "signal".to_owned(),
        },
        WakeSource::Timer => "timer".to_owned(),
        WakeSource::NetRx => "network (softirq)".to_owned(),
        WakeSource::BlockIo => "block I/O".to_owned(),
        WakeSource::Irq => "interrupt".to_owned(),
        // A kernel thread is always outside the tree: saying so adds nothing.
        WakeSource::Kthread => match &wake.comm {
            Some(comm) => format!("kernel thread {comm}"),
            None => "kernel thread".to_owned(),
        },
        WakeSource::New => "first run".to_owned(),
        WakeSource::Unverified => "unverified".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_words() {
        let cases = [
            ("task-exit", Some("git"), None, false, "exit of git"),
            (
                "task-exit",
                Some("sshd"),
                None,
                true,
                "outside: exit of sshd",
            ),
            (
                "task",
                Some("python3 pool"),
                Some("futex"),
                false,
                "python3 pool (futex)",
            ),
            ("task", Some("git"), None, false, "git"),
            ("task", None, None, false, "unnamed task"),
            (
                "task",
                Some("sshd"),
                Some("write"),
                true,
                "outside: sshd (write)",
            ),
            ("timer", None, None, false, "timer"),
            ("net-rx", None, None, false, "network (softirq)"),
            ("block-io", None, None, false, "block I/O"),
            ("irq", None, None, false, "interrupt"),
            (
                "kthread",
                Some("kworker/0:1"),
                None,
                true,
                "kernel thread kworker/0:1",
            ),
            ("kthread", None, None, true, "kernel thread"),
            ("new", None, None, false, "first run"),
            ("unverified", Some("cat"), Some("read"), true, "unverified"),
            ("signal", None, None, false, "signal"),
        ];
        for (source, comm, syscall, outside, expect) in cases {
            let wake = Wake {
                source: source.parse().unwrap(),
                comm: comm.map(str::to_owned),
                syscall: syscall.map(str::to_owned),
                outside,
                ..Wake::default()
            };
            assert_eq!(describe(&wake), expect);
        }
    }

    #[test]
    fn signals_are_named_with_their_senders() {
        let cases = [
            ("task", Some("sh"), "SIGTERM by sh (kill)"),
            ("task", None, "SIGTERM by unnamed task (kill)"),
            ("kernel", None, "SIGTERM by the kernel"),
            ("terminal", None, "SIGTERM from the terminal"),
            ("timer", None, "SIGTERM by a timer"),
            ("interrupt", None, "SIGTERM by an interrupt"),
        ];
        for (sender, comm, expect) in cases {
            let wake = Wake {
                source: WakeSource::Signal,
                comm: comm.map(str::to_owned),
                syscall: Some("kill".to_owned()),
                signal: Some(Signal {
                    name: "SIGTERM".to_owned(),
                    sender: sender.parse().unwrap(),
                }),
                ..Wake::default()
            };
            assert_eq!(describe(&wake), expect);
        }
    }
}
