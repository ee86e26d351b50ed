//! Idle or blocked: a worker that waits for its next job, distinguished from one that
//! waits for a resource, by who ended its waits.
//!
//! A thread is *idle* while it waits for the next item of a queue that others
//! fill. No kernel knows queues; what shows one is who waits and who wakes on
//! the same object, over the whole run. Every finished wait is `idle`, not idle
//! (`blocked`), or which of the two is not known.
//!
//! **Not idle** is every wait that is no wait on a queue by its kind (a child's
//! end, a lock of the kernel or of Python's interpreter, a disk, a time, …);
//! and one for events or a socket (`epoll`, `poll`, `select`, `socket-recv`,
//! `socket-accept`) that was only ever ended by timers, packets, disks or tasks
//! outside of the tree: it waits for them. An event loop with nothing to do is
//! therefore not idle by this rule, and neither is a server without clients.
//!
//! **Futexes.** A site is a word of a process on which two threads or more have
//! waited; or else, together, all words of the threads of one group in a process
//! on which only one thread has waited (parked threads sleep each on a word of
//! its own). At a site a *submitter* has never waited, or once for 20 times that
//! it woke somebody; all others that wake there are *peers*. What a peer wakes
//! after its own last wait there counts for nothing: it passes on an order to
//! stop. Nor does a waking in vain: the woken thread ran for less than 50 µs,
//! woke nobody there, and waited there again. The waits before and behind it
//! count as one (Python's queue wakes one worker more than it has items). A waking
//! counts as the submitter's that was *passed on*: by a thread that a submitter had
//! woken there, itself or in the same way, and that ran for less than 1 ms since and
//! waited for nothing but Python's interpreter lock (whoever takes an item from
//! Python's queue wakes the next worker).
//!
//! - The site is a *queue* if at least 95 % of its waits were ended by
//!   submitters and if it was so at least three times that one sleeper was
//!   woken while another one slept on for at least 1 ms, until a submitter woke
//!   that one too; or if as often what a submitter began was passed on, and it had not
//!   run for 50 µs between the waking before that and the moment at which the first of
//!   the sleepers fell asleep: it cannot have held a lock then (as many items as workers
//!   for Python's queue). A lock is not like that: a thread woken there wakes the
//!   next. Nor is a barrier or a condition that is broadcast: there all wake up
//!   together. Waits on words of one thread each must, besides, have been ended
//!   by a thread that made the sleeper, or made its maker, and so on: a thread
//!   that waits for an answer sleeps on such a word too. Waits at a queue are
//!   idle, also those that a timer ended.
//! - A word is a *lock* if at least 95 % of its waits, and three at least, were
//!   ended by peers. Waits at it are not idle.
//! - Otherwise it is not known: with one worker a queue looks like a lock that
//!   somebody holds for long.
//!
//! **Pipes, sockets, eventfds** (`pipe-read`, `socket-recv`, `event`). A wait is
//! idle if at least 95 % of the thread's waits there were ended by submitters
//! that made it: a thread that is its maker, its maker's maker, …, or any
//! thread of another process that one of these belongs to. It is not idle if
//! 95 % were ended by threads that it made itself in that sense: it waits for
//! what it has ordered. Between siblings it is not known: two that talk to
//! each other look the same from both sides. eventfds have no names of their
//! own, so all are one site, on which too many rather than too few count as
//! peers.
//!
//! So of a pair that plays ping-pong the child is idle and its parent is not, and
//! of siblings neither is said to be.
//!
//! What it cannot see: that a child asks its parent something and waits for the
//! answer (it has handed in a result and waits for the next job, as far as a
//! pipe shows); waits on objects that are not known; items that come through an
//! epoll or io_uring instance; `accept` of workers that share a listener. Waits
//! not finished at the end are neither.

mod chains;
mod evidence;
mod kin;
mod sites;

use rustc_hash::FxHashMap;

use crate::{
    vocabulary::{WaitKind, WakeSource},
    world::{
        account::{ObjectKey, WaitKey, WaitSum, WakeKey},
        identity::{ThreadId, Waker},
    },
};

pub use self::sites::Sites;

/// What is known of each thread's waits on each object.
pub struct Idle(FxHashMap<(ThreadId, ObjectKey), bool>);

impl Idle {
    /// Whether a thread's waits of one key are idle; `None` where that is
    /// not known.
    pub fn of(&self, thread: ThreadId, key: &WaitKey, sum: &WaitSum) -> Option<bool> {
        let at_site = || self.0.get(&(thread, key.object)).copied();
        match manner(key.kind) {
            Manner::NeverIdle => Some(false),
            Manner::Site => at_site(),
            Manner::Socket => at_site().or_else(|| for_the_world(sum)),
            Manner::Events => for_the_world(sum),
            Manner::Untold => None,
        }
    }
}

/// How waits of a kind are judged.
enum Manner {
    /// Whatever is waited for is no job.
    NeverIdle,
    /// By its object.
    Site,
    /// By its object, or else by who ended it.
    Socket,
    /// By who ended it.
    Events,
    /// Not at all.
    Untold,
}

fn manner(kind: WaitKind) -> Manner {
    use WaitKind::*;
    match kind {
        Futex | PipeRead | Event => Manner::Site,
        SocketRecv => Manner::Socket,
        Epoll | Poll | Select | SocketAccept => Manner::Events,
        Tty | IoUring | Ipc | Signal | Unknown => Manner::Untold,
        ChildExit | Vfork | Gil | PipeWrite | SocketSend | SocketConnect | Sleep | Timer | Disk
        | Sync | PageFault | Swap | Memory | KernelLock | FileLock | Stopped | Throttled => {
            Manner::NeverIdle
        }
    }
}

/// Not idle, if none of the waits was ended by a thread of the tree, or by what
/// could not be verified.
fn for_the_world(sum: &WaitSum) -> Option<bool> {
    let from_outside = |wake: &WakeKey| match wake.source {
        WakeSource::Timer | WakeSource::BlockIo | WakeSource::Irq => true,
        // Delivered by its sender, or else from outside.
        WakeSource::NetRx => !matches!(wake.waker, Waker::Thread(_)),
        WakeSource::Task | WakeSource::TaskExit | WakeSource::Kthread => {
            matches!(wake.waker, Waker::External(_) | Waker::UnnamedExternal(_))
        }
        WakeSource::Signal => !matches!(wake.waker, Waker::Thread(_)),
        WakeSource::New | WakeSource::Unverified => false,
    };
    sum.wakes.keys().all(from_outside).then_some(false)
}

#[cfg(test)]
mod tests;
