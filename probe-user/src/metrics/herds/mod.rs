//! Herds: one event wakes many, and most of them for nothing.
//!
//! A *wasted* wake is one after which a thread waits again at the same place (same
//! system call, same object), has run for less than a short time
//! ([`SHORT_RUN_NS`], a setting) and has nothing to show: it waited nowhere else
//! meanwhile but for a lock or a page, and woke nobody who waited elsewhere; or after
//! which, however long it ran, its `epoll_wait` did not return (known where returns are:
//! the full tier). Any other wake is *useful*. One whose run is not known to its end,
//! because records were lost or the observation ended, is neither and counts nowhere.
//!
//! A *wake context* is what one waker does in one go: it wakes threads of one group that
//! wait at places of one name, each within the time of a short run of the one before,
//! without sleeping in between. Of an interrupt the waker is the cause and the task that it
//! interrupted. A thread that fell asleep after the first was woken belongs to the next
//! context: so one event wakes a thread once. Processes that sleep on epoll instances of
//! their own are one context by this rule, although they sleep on different objects; what
//! they have in common is what woke them.
//!
//! A context is a *herd* if it wakes three threads or more within [`TOGETHER_NS`], more than
//! half of them for nothing, and all of the group that slept there; or more than half of
//! those, if no two wakings were further apart than two fifths of a short run. (One call
//! takes 1 to 10 µs for each, up to 50 where an idle virtual CPU has to be woken. A waker
//! that sends to one after the other may be as fast: but then others of a pool sleep on.)
//! Where herds are less than a tenth of the wakes at a place they are taken for chance, and
//! not reported.
//!
//! What woke them was there for somebody: where none of a herd has anything to show, its
//! longest run counts as useful. So `wasted` is a lower bound also where all that an event
//! asks for is a short run.
//!
//! Not counted: wakes by timers (nearly all are a thread's own), signals, disks and what
//! is not verified; a futex's waiters that one of them wakes (a barrier, or a lock that is
//! handed on); wakings that no switch-in followed. `waker_ns` is the time from the first
//! waking of a context to its last: it leaves out what the waker did before the first
//! and after the last, and has in it what else it did in between, the probes' own work
//! at each waking included. `wasted_cpu_ns` has the interrupts in it that came meanwhile.
//!
//! It follows the one course of all threads. Memory: a wake for each thread, a context
//! for each waker that may go on with it (forgotten when it cannot), a count for each place
//! of a group that accounts have, and a sum for 1024 of these at most, with 64 wakers.

mod context;
mod found;
mod rows;

pub use found::Found;

use rustc_hash::FxHashMap;

use self::{
    context::{Context, Contexts, Follower, Place, Spots, Verdict, Wake},
    found::Object,
};
use super::sweep::{Phase, Step, Turn};
use crate::{
    vocabulary::WaitKind,
    world::{
        World, blame::cause::Cause, by_thread::ByThread, identity::ThreadId, interval::Ended,
        thread::Thread,
    },
};

/// A run that is shorter is short, ns.
pub const SHORT_RUN_NS: u64 = 50_000;

/// So close together a herd's three wakings lie, ns.
const TOGETHER_NS: u64 = 1_000_000;

/// Open contexts that are looked through for old ones.
const OPEN: usize = 64;

/// Follows all wakings.
pub struct Herds<'a> {
    world: &'a World,
    group_of: &'a ByThread<usize>,
    short_ns: u64,
    /// Most between two wakings of one context, ns.
    gap_ns: u64,
    /// Most between two of one call, ns.
    dense_ns: u64,
    /// No return of `epoll_wait` was lost.
    returns_known: bool,
    threads: ByThread<Follower>,
    spots: Spots,
    contexts: Contexts,
    /// The context of each waker that is no thread of the tree and may go on with it.
    open: FxHashMap<Ended, usize>,
    /// With so many, those are looked for that cannot.
    most_open: usize,
    found: Found,
    /// Whether threads wait at a futex that they wake others at.
    peers: FxHashMap<(ThreadId, Place), bool>,
}

impl<'a> Herds<'a> {
    /// Those of a world; what is shorter than `short_ns` is a short run.
    pub fn new(
        world: &'a World,
        group_of: &'a ByThread<usize>,
        short_ns: u64,
        returns_known: bool,
    ) -> Herds<'a> {
        Herds {
            world,
            group_of,
            short_ns,
            gap_ns: short_ns,
            dense_ns: short_ns / 5 * 2,
            returns_known,
            threads: ByThread::default(),
            spots: Spots::default(),
            contexts: Contexts::default(),
            open: FxHashMap::default(),
            most_open: OPEN,
            found: Found::default(),
            peers: FxHashMap::default(),
        }
    }

    /// Follows the course of the run.
    pub fn turn(&mut self, turn: &Turn<'_>) {
        match turn.ended {
            Some(Step {
                wait: Some((_, ended)),
                from_ns,
                ..
            }) => self.woken(turn.thread, turn.at_ns, *from_ns, *ended),
            Some(step) if step.phase == Phase::Running => self.ran(turn.thread, step),
            _ => {}
        }
        match turn.begun {
            Some(step) if matches!(step.phase, Phase::Running | Phase::Queued) => {}
            begun => self.stopped(turn.thread, turn.at_ns, begun),
        }
        if let Some(place) = turn.begun.and_then(|step| self.place(turn.thread, step)) {
            self.falls_asleep(turn.thread, place);
        }
    }

    /// What was found.
    pub fn end(mut self) -> Found {
        let of_threads = self
            .threads
            .iter_mut()
            .filter_map(|thread| thread.open.take());
        let open: Vec<usize> = self
            .open
            .drain()
            .map(|(_, at)| at)
            .chain(of_threads)
            .collect();
        for at in open {
            self.close(at);
        }
        self.found
    }

    /// Where a thread waits in a step.
    fn place(&self, id: ThreadId, step: &Step) -> Option<Place> {
        match &step.wait {
            _ if step.phase != Phase::Blocked => None,
            Some((key, _)) => Some(Place::of(key)),
            None => Place::of_unfinished(self.world, self.world.get(id)?),
        }
    }

    fn falls_asleep(&mut self, id: ThreadId, place: Place) {
        let follower = self.threads.entry(id);
        let spot = match follower.spot {
            Some((before, spot)) if before == place => spot,
            _ => self.spots.of(place, self.group_of[id]),
        };
        follower.spot = Some((place, spot));
        follower.is_asleep = true;
        self.spots[spot] += 1;
    }

    fn woken(&mut self, id: ThreadId, at_ns: u64, from_ns: u64, ended: Ended) {
        self.found.waits += 1;
        let follower = self.threads.entry(id);
        follower.woken_ns = at_ns;
        let Some((place, spot)) = follower.spot.filter(|_| follower.is_asleep) else {
            return;
        };
        follower.is_asleep = false;
        let is_free = follower.wake.is_none();
        let sleepers = self.spots[spot];
        self.spots[spot] -= 1;
        match ended {
            Ended::By(waker) => self.has_woken(waker, place),
            Ended::For(Cause::Network(_) | Cause::Outside(_) | Cause::Interrupt, _) => {}
            Ended::For(cause, _) => {
                self.found.unverified += u64::from(cause == Cause::Unknown);
                return;
            }
        }
        // Else it is still at what it was woken for before.
        if is_free {
            let object = Object {
                place,
                group: self.group_of[id],
                process: self.process(id, place.kind),
            };
            let first = Context::new(object, spot, ended, at_ns, sleepers);
            let context = self.context(first, from_ns);
            self.threads.entry(id).wake = Some(Wake {
                context,
                place,
                ran_ns: 0,
            });
        }
    }

    /// Of a futex, since its address is one of a process's own.
    fn process(&self, id: ThreadId, kind: WaitKind) -> Option<u32> {
        let thread = self.world.get(id).filter(|_| kind == WaitKind::Futex);
        thread.and_then(|thread| thread.pid)
    }

    /// The context that a waking belongs to: `first`, unless its waker goes on with one.
    fn context(&mut self, first: Context, from_ns: u64) -> usize {
        let (by, at_ns) = (first.by, first.first_ns);
        // An interrupt does not sleep.
        let (open, slept_ns) = match by {
            Ended::By(waker) => {
                let waker = self.threads.entry(waker);
                (waker.open, waker.woken_ns)
            }
            Ended::For(..) => (self.open.get(&by).copied(), 0),
        };
        if let Some(at) = open {
            let context = &mut self.contexts[at];
            let goes_on = context.spot == first.spot
                && at_ns - context.last_ns <= self.gap_ns
                && from_ns < context.first_ns
                && slept_ns <= context.last_ns;
            if goes_on {
                context.add(at_ns, first.object.process);
                return at;
            }
            self.close(at);
        }
        let at = self.contexts.open(first);
        match by {
            Ended::By(waker) => self.threads.entry(waker).open = Some(at),
            Ended::For(..) => {
                self.open.insert(by, at);
                if self.open.len() > self.most_open {
                    self.close_old(at_ns);
                }
            }
        }
        at
    }

    /// Closes the contexts that nothing can be added to.
    fn close_old(&mut self, now_ns: u64) {
        let (contexts, gap_ns) = (&self.contexts, self.gap_ns);
        let mut old = Vec::new();
        self.open.retain(|_, at| {
            let is_old = now_ns - contexts[*at].last_ns > gap_ns;
            if is_old {
                old.push(*at);
            }
            !is_old
        });
        for at in old {
            self.close(at);
        }
        self.most_open = OPEN.max(2 * self.open.len());
    }

    /// A thread woke one that waited at `place`.
    fn has_woken(&mut self, waker: ThreadId, place: Place) {
        let Some(follower) = self.threads.get_mut(waker) else {
            return;
        };
        let is_lock = |place: &Place| place.kind == WaitKind::Futex;
        let shows =
            |wake: &mut Wake| wake.place != place && !(is_lock(&wake.place) && is_lock(&place));
        if let Some(wake) = follower.wake.take_if(shows) {
            self.judge(&wake, Verdict::Useful);
        }
    }

    fn ran(&mut self, id: ThreadId, step: &Step) {
        if let Some(wake) = self.threads.get_mut(id).and_then(|t| t.wake.as_mut()) {
            wake.ran_ns += step.to_ns - step.from_ns;
        }
    }

    /// A thread waits again, is over, or what it does is not known.
    fn stopped(&mut self, id: ThreadId, at_ns: u64, begun: Option<&Step>) {
        let Some(follower) = self.threads.get_mut(id) else {
            return;
        };
        let open = follower.open.take_if(|_| begun.is_none());
        let (wake, thread) = (follower.wake.take(), self.world.get(id));
        if let Some(at) = open {
            self.close(at);
        }
        let Some((wake, thread)) = wake.zip(thread) else {
            return;
        };
        match self.verdict(&wake, thread, at_ns, begun) {
            Some(verdict) => self.judge(&wake, verdict),
            None => self.threads.entry(id).wake = Some(wake),
        }
    }

    /// What a wake was for, once that is clear.
    fn verdict(
        &self,
        wake: &Wake,
        thread: &Thread,
        at_ns: u64,
        begun: Option<&Step>,
    ) -> Option<Verdict> {
        let is_short = wake.ran_ns < self.short_ns;
        let is_there_again = match begun {
            None if thread.is_dead() => false,
            None => return Some(Verdict::Unknown),
            Some(step) if step.phase == Phase::Unknown => return Some(Verdict::Unknown),
            Some(step) => match self.place(thread.id, step) {
                Some(place) if place == wake.place => true,
                Some(place) if is_for_lock(place.kind) && is_short => return None,
                _ => false,
            },
        };
        let has_slept_on =
            || self.returns_known && thread.slept_on_ns.binary_search(&at_ns).is_ok();
        let is_wasted = is_there_again && (is_short || has_slept_on());
        Some(if is_wasted {
            Verdict::Wasted
        } else {
            Verdict::Useful
        })
    }

    fn judge(&mut self, wake: &Wake, verdict: Verdict) {
        let context = &mut self.contexts[wake.context];
        context.judge(verdict, wake.ran_ns);
        self.settle(wake.context);
    }

    fn close(&mut self, at: usize) {
        self.contexts[at].is_open = false;
        self.settle(at);
    }

    /// Counts a context to which nothing can be added any more.
    fn settle(&mut self, at: usize) {
        let Some(context) = self.contexts.take_settled(at) else {
            return;
        };
        if context.is_herd(self.dense_ns) && !self.is_among_peers(&context) {
            self.found.add(&context);
        }
    }

    /// Whether a futex's waiters were woken by one of them.
    fn is_among_peers(&mut self, context: &Context) -> bool {
        let place = context.object.place;
        let Ended::By(waker) = context.by else {
            return false;
        };
        if place.kind != WaitKind::Futex {
            return false;
        }
        let world = self.world;
        *self.peers.entry((waker, place)).or_insert_with(|| {
            let waker = world.get(waker);
            let mut keys = waker
                .into_iter()
                .flat_map(|waker| waker.account.waits.keys());
            keys.any(|key| Place::of(key) == place)
        })
    }
}

/// A wait that only keeps a thread from going on: for a lock or a page.
fn is_for_lock(kind: WaitKind) -> bool {
    matches!(
        kind,
        WaitKind::Futex | WaitKind::Gil | WaitKind::KernelLock | WaitKind::PageFault
    )
}
