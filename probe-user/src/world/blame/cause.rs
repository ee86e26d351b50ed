//! What a wait is blamed on in the end.

use crate::{
    vocabulary::{SignalSender, WaitKind, WakeSource},
    world::{
        account::WakeKey,
        identity::{ThreadId, Waker},
        names::NameId,
        signal::Signal,
    },
};

/// A terminal cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A thread of the tree ran, in the program of its so-manieth exec.
    Computing(ThreadId, u16),
    /// A thread of the tree was runnable and had no CPU.
    RunQueue,
    /// A packet had not come yet; the peer's address where known.
    Network(NameId),
    /// A block device worked; its name where known.
    Disk(NameId),
    /// A time had not come yet.
    Timer,
    /// Another interrupt had not come yet.
    Interrupt,
    /// A task outside the tree had not acted yet.
    Outside(Waker),
    /// A signal had not been sent yet, by a task outside the tree or by the kernel.
    Signal(Signal, Waker),
    /// A cgroup had used up its CPU quota; its name where known.
    CpuQuota(NameId),
    /// Lost records, or a waker that could not be verified.
    Unknown,
    /// What was forgotten: older than the horizon.
    Older,
    /// All that a wait is blamed on that has many causes: a thread's, at this place in its
    /// log. See [`super::IntervalLogs::behind`].
    Behind(ThreadId, u32),
}

/// The cause behind a waking that no thread of the tree did. `which` is the
/// address that the packet came from, or the disk that was at work, where known.
pub fn terminal(wake: &WakeKey, kind: WaitKind, which: NameId) -> Cause {
    let waker = wake.waker;
    match wake.source {
        WakeSource::Timer => Cause::Timer,
        WakeSource::NetRx => Cause::Network(which),
        WakeSource::BlockIo => Cause::Disk(which),
        WakeSource::Irq => Cause::Interrupt,
        // Storage is finished by kernel threads: journals, writeback, dm.
        WakeSource::Kthread if matches!(kind, WaitKind::Disk | WaitKind::Sync | WaitKind::Swap) => {
            Cause::Disk(NameId::NONE)
        }
        WakeSource::Kthread | WakeSource::Task | WakeSource::TaskExit => match waker {
            Waker::External(_) | Waker::UnnamedExternal(_) => Cause::Outside(waker),
            Waker::Thread(_) | Waker::Nobody => Cause::Unknown,
        },
        WakeSource::Signal => wake
            .signal
            .map_or(Cause::Unknown, |signal| by(signal, waker)),
        WakeSource::New | WakeSource::Unverified => Cause::Unknown,
    }
}

/// The cause behind a signal.
fn by(signal: Signal, waker: Waker) -> Cause {
    match (signal.sender, waker) {
        // It only carries on what they say.
        (SignalSender::Timer, _) => Cause::Timer,
        (SignalSender::Interrupt, _) => Cause::Interrupt,
        (SignalSender::Task, Waker::Thread(_) | Waker::Nobody) => Cause::Unknown,
        (SignalSender::Task | SignalSender::Kernel | SignalSender::Terminal, _) => {
            Cause::Signal(signal, waker)
        }
    }
}
