//! Which waits are certainly of a kind, and which may be.
//!
//! - A wait of kind `unknown` may be of any kind.
//! - Where stacks were lost, a row without a function may be in the wrong place: the longest
//!   of its waits, for each lost stack.
//! - Where records of descriptors were lost, kinds that a descriptor distinguishes may be each
//!   other ([`on_descriptor`]).
//! - Where switches were lost, waits that the kernel has added up have no stack: those of
//!   which nobody is known to have ended them may be of any kind.
//! - Where an interpreter lock was not found, a futex wait may be for that.
//!
//! A wait that is not finished counts for as long as it lasts in sums of time: it has begun,
//! and goes on at the end. Its kind is certain where its call decides that by itself
//! ([`is_by_call`]); its stack will only be taken as it ends.

use super::trust::Trust;
use crate::{
    document::{OpenWait, Sums, Wait},
    vocabulary::{WaitKind, WakeSource},
};

/// How a wait stands to a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// It is of it.
    Sure,
    /// It is, if its stack was not lost.
    Shaky,
    /// It may be.
    Maybe,
    /// It is of another.
    No,
    /// It is of another, if its stack was not lost.
    ShakyNo,
}

/// How finished waits of one row stand to a kind; `None`: to any.
pub fn of_row(trust: &Trust, wait: &Wait, kind: Option<WaitKind>) -> Is {
    let Some(kind) = kind else { return Is::Sure };
    let has_no_stack = trust.stacks > 0 && wait.function.is_none();
    match (may_be(trust, wait.kind, kind), wait.kind == kind) {
        (true, _) => Is::Maybe,
        (false, true) if has_no_stack => Is::Shaky,
        (false, true) => Is::Sure,
        (false, false) if has_no_stack => Is::ShakyNo,
        (false, false) => Is::No,
    }
}

/// Whether a wait that is counted as one kind may as well be of another, or that one of it.
fn may_be(trust: &Trust, counted: WaitKind, kind: WaitKind) -> bool {
    use WaitKind::{Futex, Gil, Unknown};
    let mixed_up = trust.objects > 0 && on_descriptor(counted) && on_descriptor(kind);
    let is_lock = matches!((counted, kind), (Futex, Gil | Futex));
    mixed_up || trust.gil_as_futex && is_lock || counted == Unknown && kind != Unknown
}

/// Kinds that only a descriptor distinguishes from each other.
fn on_descriptor(kind: WaitKind) -> bool {
    use WaitKind::{Disk, Event, PipeRead, PipeWrite, SocketRecv, SocketSend, Timer, Tty, Unknown};
    matches!(
        kind,
        Disk | Event | PipeRead | PipeWrite | SocketRecv | SocketSend | Timer | Tty | Unknown
    )
}

/// Time of a row's waits that the kernel has added up, ns, and their number.
pub fn added_up(trust: &Trust, wait: &Wait) -> (u64, u64) {
    if trust.switches == 0 || wait.function.is_some() {
        return (0, 0);
    }
    let nameless = wait.wakes.iter().filter(|wake| {
        wake.source == WakeSource::Unverified && wake.comm.is_none() && !wake.outside
    });
    nameless.fold((0, 0), |(ns, count), wake| {
        (
            ns.saturating_add(wake.wait_ns),
            count.saturating_add(wake.count),
        )
    })
}

/// How a wait that is not finished stands to a kind; `None`: to any.
pub fn of_open(trust: &Trust, open: &OpenWait, kind: Option<WaitKind>) -> Is {
    let Some(kind) = kind else { return Is::Sure };
    let is_certain = open.kind != WaitKind::Unknown && is_by_call(open.kind);
    match (may_be(trust, open.kind, kind), open.kind == kind) {
        (true, _) => Is::Maybe,
        (false, true) if is_certain => Is::Sure,
        (false, false) if is_certain => Is::No,
        (false, _) => Is::Maybe,
    }
}

/// Whether the call and its descriptor alone decide that a sleep which a signal may end is of
/// this kind: no stack says otherwise.
fn is_by_call(kind: WaitKind) -> bool {
    use WaitKind as K;
    match kind {
        K::ChildExit | K::Vfork | K::Epoll | K::Poll | K::Select | K::Futex | K::Gil => true,
        K::PipeRead | K::PipeWrite | K::SocketRecv | K::SocketSend => true,
        K::SocketAccept | K::SocketConnect | K::Sleep | K::Timer | K::Event => true,
        K::Signal | K::FileLock | K::Tty | K::IoUring | K::Ipc => true,
        K::Stopped | K::Throttled => true,
        K::Disk | K::Sync | K::PageFault | K::Swap | K::Memory | K::KernelLock => false,
        K::Unknown => false,
    }
}

/// What a thread has of a kind: finished waits, ns and number.
#[derive(Clone, Copy, Debug, Default)]
pub struct OfKind {
    /// Certainly, ns.
    pub sure_ns: u64,
    /// As [`super::tally::Part::shaky`], ns.
    pub shaky_ns: u64,
    /// As [`super::tally::Part::piece`], ns.
    pub piece_ns: u64,
    /// Perhaps, ns.
    pub maybe_ns: u64,
    /// Certainly, number.
    pub sure: u64,
    /// As [`super::tally::Part::shaky`], number.
    pub shaky: u64,
    /// Perhaps, number.
    pub maybe: u64,
    /// The longest of those that are certain, ns.
    pub longest_ns: u64,
    /// The longest of all that may be, ns.
    pub longest_maybe_ns: u64,
    /// One of all that may be had begun before the observation.
    pub begun_before: bool,
}

/// What a thread has of a kind; `None`: of any.
pub fn finished(trust: &Trust, sums: &Sums, kind: Option<WaitKind>) -> OfKind {
    let mut of = OfKind::default();
    for wait in &sums.waits {
        let is = of_row(trust, wait, kind);
        let (added_ns, added) = match kind {
            Some(_) => added_up(trust, wait),
            None => (0, 0),
        };
        let (ns, count) = (
            wait.total_ns.saturating_sub(added_ns),
            wait.count.saturating_sub(added),
        );
        match is {
            Is::Sure => add(&mut of.sure_ns, &mut of.sure, ns, count),
            Is::Shaky => add(&mut of.shaky_ns, &mut of.shaky, ns, count),
            Is::Maybe => add(&mut of.maybe_ns, &mut of.maybe, ns, count),
            Is::No | Is::ShakyNo => {}
        }
        add(&mut of.maybe_ns, &mut of.maybe, added_ns, added);
        if matches!(is, Is::Shaky | Is::ShakyNo) {
            of.piece_ns = of.piece_ns.max(wait.max_ns);
        }
        if is == Is::Sure && added == 0 {
            of.longest_ns = of.longest_ns.max(wait.max_ns);
        }
        // Of those that were added up only the mean is known.
        let longest_ns = wait.max_ns.max(added_ns);
        if is != Is::No || added > 0 {
            of.longest_maybe_ns = of.longest_maybe_ns.max(longest_ns);
            of.begun_before |= wait.begun_before > 0;
        }
    }
    of
}

fn add(sum_ns: &mut u64, sum: &mut u64, ns: u64, count: u64) {
    *sum_ns = sum_ns.saturating_add(ns);
    *sum = sum.saturating_add(count);
}

/// Time of waits of a kind that are not finished: certainly, and perhaps, ns.
pub fn unfinished(trust: &Trust, sums: &Sums, kind: Option<WaitKind>) -> (u64, u64) {
    let mut of = (0_u64, 0_u64);
    for open in &sums.open {
        match of_open(trust, open, kind) {
            Is::Sure | Is::Shaky => of.0 = of.0.saturating_add(open.so_far_ns),
            Is::Maybe => of.1 = of.1.saturating_add(open.so_far_ns),
            Is::No | Is::ShakyNo => {}
        }
    }
    of
}
