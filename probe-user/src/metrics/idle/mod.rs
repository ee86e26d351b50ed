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
//!   that one too. A lock is not like that: whoever is woken there wakes the
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

mod evidence;
mod kin;

use rustc_hash::FxHashMap;

use self::{
    evidence::{AtFile, By, Roles, Rule, Waited},
    kin::Kin,
};
use super::process::Processes;
use crate::{
    vocabulary::{WaitKind, WakeSource},
    world::{
        World,
        account::{ObjectKey, WaitKey, WaitSum, WakeKey},
        blame::cause::Cause,
        identity::{ThreadId, Waker},
        interval::{Activity, Ended, Interval},
        names::NameId,
    },
};

/// What is known of each thread's waits on each object.
pub struct Idle(FxHashMap<(ThreadId, ObjectKey), bool>);

/// What a thread waits for.
enum On {
    Word(u64),
    File(NameId),
}

/// Futex words that are one site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Words {
    /// One, by process.
    One(usize, u64),
    /// Those of one thread each, by process and group.
    Own(usize, usize),
}

/// Who has waited at each word of each process.
type Waiters = FxHashMap<(usize, u64), Vec<ThreadId>>;

/// What each thread did at each file.
type Files = FxHashMap<NameId, Roles>;

impl Idle {
    /// Judges every site of a world. `group_of` is each thread's group.
    pub fn judge(world: &World, processes: &Processes, group_of: &[usize]) -> Idle {
        let process_of = processes.of_thread.as_slice();
        let kin = Kin::new(world, process_of);
        let (waiters, roles) = gather(world, process_of);
        let mut idle = Idle(FxHashMap::default());
        idle.learn_words(world, process_of, group_of, &waiters, &kin);
        idle.learn_files(world, process_of, &roles, &kin);
        idle
    }

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

    /// There may be many waits at a word, too: they are not kept either.
    fn learn_words(
        &mut self,
        world: &World,
        process_of: &[usize],
        group_of: &[usize],
        waiters: &Waiters,
        kin: &Kin,
    ) {
        let mut numbers: FxHashMap<Words, usize> = FxHashMap::default();
        let mut rules = Vec::new();
        let mut sites: FxHashMap<(usize, u64), usize> = FxHashMap::default();
        for (&(process, word), threads) in waiters {
            let (site, rule) = match threads.as_slice() {
                [one] => {
                    let group = group_of[one.0 as usize];
                    (Words::Own(process, group), Rule::OwnWords)
                }
                _ => (Words::One(process, word), Rule::Word),
            };
            let site = *numbers.entry(site).or_insert_with(|| {
                rules.push(rule);
                rules.len() - 1
            });
            sites.insert((process, word), site);
        }
        let mut threads: Vec<ThreadId> = waiters.values().flatten().copied().collect();
        threads.sort_unstable();
        threads.dedup();
        let life = |id| waits_at_words(world, id);
        let site_of = |wait: &Waited| match wait.object {
            ObjectKey::Futex(word) => sites[&(process_of[wait.waiter.0 as usize], word)],
            object => unreachable!("{object:?} is no word"),
        };
        let passes_on = |id, from_ns, to_ns| passes_on(world, id, from_ns, to_ns);
        let verdicts = evidence::judge(&threads, life, site_of, passes_on, &rules, kin);
        for (at, threads) in waiters {
            let verdict = verdicts[sites[at]];
            let keys = threads.iter().map(|&id| (id, ObjectKey::Futex(at.1)));
            self.0.extend(keys.filter_map(|key| Some((key, verdict?))));
        }
    }

    /// There may be many waits on a file, and `roles` says what matters of all:
    /// they are looked at once more, and not kept.
    fn learn_files(&mut self, world: &World, process_of: &[usize], roles: &Files, kin: &Kin) {
        let waiters = (0..process_of.len() as u32).map(ThreadId);
        for waiter in waiters {
            let mut own: FxHashMap<NameId, AtFile> = FxHashMap::default();
            for lived in world.logs.history(waiter) {
                if let Some((On::File(name), waited)) = told(&lived, waiter)
                    && let Some(roles) = roles.get(&name)
                {
                    own.entry(name).or_default().add(&waited, roles, kin);
                }
            }
            let verdicts = own.iter().filter_map(|(&name, at)| {
                let key = (waiter, ObjectKey::File(name));
                Some((key, at.is_idle()?))
            });
            self.0.extend(verdicts);
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
        WakeSource::New | WakeSource::Unverified => false,
    };
    sum.wakes.keys().all(from_outside).then_some(false)
}

/// Who has waited at which words, and at each file what each thread did there.
fn gather(world: &World, process_of: &[usize]) -> (Waiters, Files) {
    let mut words = Waiters::default();
    let mut files = Files::default();
    for (waiter, &process) in (0..).map(ThreadId).zip(process_of) {
        for lived in world.logs.history(waiter) {
            match told(&lived, waiter) {
                Some((On::File(name), waited)) => files.entry(name).or_default().add(&waited),
                Some((On::Word(word), _)) => {
                    let threads = words.entry((process, word)).or_default();
                    if threads.last() != Some(&waiter) {
                        threads.push(waiter);
                    }
                }
                None => {}
            }
        }
    }
    (words, files)
}

/// A thread's finished waits at futex words, in order of time.
fn waits_at_words(world: &World, waiter: ThreadId) -> impl Iterator<Item = Waited> {
    let mut on_cpu_ns = 0;
    // On the CPU before the latest wait on each object.
    let mut before: FxHashMap<ObjectKey, u64> = FxHashMap::default();
    world.logs.history(waiter).filter_map(move |lived| {
        if let Activity::Cpu(_) = lived.activity {
            on_cpu_ns += lived.to_ns - lived.from_ns;
        }
        let Some((On::Word(_), mut waited)) = told(&lived, waiter) else {
            return None;
        };
        let so_far_ns = before.insert(waited.object, on_cpu_ns);
        waited.ran_ns = so_far_ns.map(|so_far_ns| on_cpu_ns - so_far_ns);
        Some(waited)
    })
}

/// CPU time of a thread that passes on what it was woken for, at most, ns.
const PASSES_ON_NS: u64 = 1_000_000;

/// Whether a thread has done nothing in between but pass on why it was woken.
fn passes_on(world: &World, id: ThreadId, from_ns: u64, to_ns: u64) -> bool {
    let mut cpu_ns = to_ns.saturating_sub(world.logs.end_ns(id).max(from_ns));
    for lived in world.logs.history_before(id, to_ns) {
        if lived.to_ns <= from_ns || cpu_ns > PASSES_ON_NS {
            break;
        }
        match lived.activity {
            Activity::Cpu(_) => {
                cpu_ns += lived.to_ns.min(to_ns) - lived.from_ns.max(from_ns);
            }
            Activity::Wait { key, .. } if key.kind != WaitKind::Gil => return false,
            _ => {}
        }
    }
    cpu_ns <= PASSES_ON_NS
}

fn told(lived: &Interval, waiter: ThreadId) -> Option<(On, Waited)> {
    let Activity::Wait { key, ended, .. } = &lived.activity else {
        return None;
    };
    let on = match (manner(key.kind), key.object) {
        (Manner::Site | Manner::Socket, ObjectKey::Futex(word)) => On::Word(word),
        (Manner::Site | Manner::Socket, ObjectKey::File(name)) => On::File(name),
        _ => return None,
    };
    let by = match ended {
        Ended::By(thread) => By::Thread(*thread),
        Ended::For(Cause::Timer) => By::Timer,
        Ended::For(_) => By::Other,
    };
    let waited = Waited {
        from_ns: lived.from_ns,
        to_ns: lived.to_ns,
        waiter,
        object: key.object,
        by,
        ran_ns: None,
    };
    Some((on, waited))
}

#[cfg(test)]
mod tests;
