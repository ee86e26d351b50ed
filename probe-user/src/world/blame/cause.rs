//! What a wait is blamed on in the end.

use crate::{
    vocabulary::{WaitKind, WakeSource},
    world::{
        identity::{ThreadId, Waker},
        names::NameId,
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
    /// Lost records, or a waker that could not be verified.
    Unknown,
    /// What was forgotten: older than the horizon.
    Older,
}

/// The cause behind a waking that no thread of the tree did. `which` is the
/// address that the packet came from, or the disk that was at work, where known.
pub fn terminal(source: WakeSource, waker: Waker, kind: WaitKind, which: NameId) -> Cause {
    match source {
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
        WakeSource::New | WakeSource::Unverified => Cause::Unknown,
    }
}
