//! What the waits at one site say of it. The rule is in the module above.

use rustc_hash::FxHashMap;

use super::kin::Kin;
use crate::world::{account::ObjectKey, identity::ThreadId};

/// Hundredths of the waits that make a rule.
const MOSTLY: u64 = 95;
/// A submitter has waited once, at most, for so many that it woke.
const WAKES_PER_WAIT: u64 = 20;
/// So many times is no coincidence.
const TIMES: u64 = 3;
/// Who runs for less before it waits again was woken in vain, ns.
const IN_VAIN_NS: u64 = 50_000;
/// Who sleeps on for so long was not woken together with the other, ns.
const SLEPT_ON_NS: u64 = 1_000_000;

/// A finished wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waited {
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
    pub(super) waiter: ThreadId,
    pub(super) object: ObjectKey,
    pub(super) by: By,
    /// On the CPU since its thread's wait before on the same object, ns;
    /// `None` for the first.
    pub(super) ran_ns: Option<u64>,
}

/// Waits without the wakings that came to nothing: what such a waking cut in two
/// is one wait.
pub(super) fn whole(mut waits: Vec<Waited>) -> Vec<Waited> {
    let mut wakes: FxHashMap<ThreadId, Vec<u64>> = FxHashMap::default();
    for wait in &waits {
        if let By::Thread(waker) = wait.by {
            wakes.entry(waker).or_default().push(wait.to_ns);
        }
    }
    wakes.values_mut().for_each(|times| times.sort_unstable());
    let woke_between = |thread: ThreadId, from_ns: u64, to_ns: u64| {
        let times = wakes.get(&thread).map_or(&[][..], |times| times);
        let next = times.partition_point(|&time| time < from_ns);
        times.get(next).is_some_and(|&time| time <= to_ns)
    };
    waits.sort_by_key(|wait| (wait.waiter, wait.object, wait.from_ns));
    // `dedup_by` keeps the earlier one, which takes over the later one's end.
    waits.dedup_by(|later, wait| {
        let same = later.waiter == wait.waiter && later.object == wait.object;
        let in_vain = later.ran_ns.is_some_and(|ran_ns| ran_ns < IN_VAIN_NS);
        let joins = same && in_vain && !woke_between(wait.waiter, wait.to_ns, later.from_ns);
        if joins {
            (wait.to_ns, wait.by) = (later.to_ns, later.by);
        }
        joins
    });
    waits
}

/// Who ended it.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    Thread(ThreadId),
    /// Nobody came.
    Timer,
    /// Something that is no thread of the tree, or not known.
    Other,
}

/// What a waker is at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Submitter,
    Peer,
    /// A peer that never waits there again.
    Leaver,
}

/// What each thread did at a site.
#[derive(Default)]
pub(super) struct Roles(FxHashMap<ThreadId, Acts>);

#[derive(Default)]
struct Acts {
    waits: u64,
    wakes: u64,
    last_wait_ns: u64,
}

impl Roles {
    fn of(waits: &[Waited]) -> Roles {
        let mut roles = Roles::default();
        waits.iter().for_each(|wait| roles.add(wait));
        roles
    }

    /// Takes in a wait.
    pub(super) fn add(&mut self, wait: &Waited) {
        let waiter = self.0.entry(wait.waiter).or_default();
        waiter.waits += 1;
        waiter.last_wait_ns = waiter.last_wait_ns.max(wait.from_ns);
        if let By::Thread(waker) = wait.by {
            self.0.entry(waker).or_default().wakes += 1;
        }
    }

    fn of_waker(&self, waker: ThreadId, ts_ns: u64) -> Role {
        match self.0.get(&waker) {
            Some(acts) if acts.waits * WAKES_PER_WAIT > acts.wakes => {
                if ts_ns >= acts.last_wait_ns {
                    Role::Leaver
                } else {
                    Role::Peer
                }
            }
            _ => Role::Submitter,
        }
    }
}

/// A word on which several threads have waited.
pub(super) fn word(waits: &[Waited]) -> Option<bool> {
    let roles = Roles::of(waits);
    let fed = |_: ThreadId, _: ThreadId| true;
    let tally = Tally::of(waits, &roles, fed);
    if tally.mostly(tally.fed) && chosen(waits, &roles) >= TIMES {
        return Some(true);
    }
    (tally.mostly(tally.peers) && tally.peers >= TIMES).then_some(false)
}

/// Words on which one thread each has waited.
pub(super) fn own_words(waits: &[Waited], kin: &Kin<'_>) -> Option<bool> {
    let roles = Roles::of(waits);
    let tally = Tally::of(waits, &roles, |waker, waiter| kin.has_made(waker, waiter));
    (tally.mostly(tally.fed) && chosen(waits, &roles) >= TIMES).then_some(true)
}

/// One thread's waits on a file.
#[derive(Default)]
pub(super) struct AtFile {
    from_above: Tally,
    from_below: u64,
}

impl AtFile {
    /// Takes in a wait. `roles` are those of all threads there.
    pub(super) fn add(&mut self, wait: &Waited, roles: &Roles, kin: &Kin<'_>) {
        let has_made = |waker, waiter| kin.has_made(waker, waiter);
        self.from_above.add(wait, roles, has_made);
        if matches!(wait.by, By::Thread(waker) if kin.has_made(wait.waiter, waker)) {
            self.from_below += 1;
        }
    }

    /// Whether they are idle.
    pub(super) fn is_idle(&self) -> Option<bool> {
        if self.from_above.mostly(self.from_above.fed) {
            return Some(true);
        }
        self.from_above.mostly(self.from_below).then_some(false)
    }
}

/// Waits by who ended them.
#[derive(Default)]
struct Tally {
    fed: u64,
    peers: u64,
    others: u64,
}

impl Tally {
    /// `may_feed` says which submitters count, by waker and waiter.
    fn of(waits: &[Waited], roles: &Roles, may_feed: impl Fn(ThreadId, ThreadId) -> bool) -> Tally {
        let mut tally = Tally::default();
        waits
            .iter()
            .for_each(|wait| tally.add(wait, roles, &may_feed));
        tally
    }

    fn add(&mut self, wait: &Waited, roles: &Roles, may_feed: impl Fn(ThreadId, ThreadId) -> bool) {
        let waker = match wait.by {
            By::Thread(waker) => waker,
            By::Timer => return,
            By::Other => {
                self.others += 1;
                return;
            }
        };
        match roles.of_waker(waker, wait.to_ns) {
            Role::Submitter if may_feed(waker, wait.waiter) => self.fed += 1,
            Role::Submitter => self.others += 1,
            Role::Peer => self.peers += 1,
            Role::Leaver => {}
        }
    }

    fn mostly(&self, part: u64) -> bool {
        let all = self.fed + self.peers + self.others;
        part > 0 && part * 100 >= all * MOSTLY
    }
}

/// How often a submitter woke one sleeper and another slept on, until a
/// submitter woke that one too.
fn chosen(waits: &[Waited], roles: &Roles) -> u64 {
    let by_submitter = |wait: &&Waited| {
        matches!(wait.by, By::Thread(waker)
            if roles.of_waker(waker, wait.to_ns) == Role::Submitter)
    };
    let mut fed: Vec<&Waited> = waits.iter().filter(by_submitter).collect();
    fed.sort_by_key(|wait| wait.from_ns);
    // Until when the longest of the sleeps slept that had begun by then.
    let mut longest_ns = 0;
    let until: Vec<u64> = fed
        .iter()
        .map(|wait| {
            longest_ns = wait.to_ns.max(longest_ns);
            longest_ns
        })
        .collect();
    let slept_on = |wait: &&&Waited| {
        let begun = fed.partition_point(|other| other.from_ns < wait.to_ns);
        let longest_ns = begun.checked_sub(1).map_or(0, |last| until[last]);
        longest_ns >= wait.to_ns.saturating_add(SLEPT_ON_NS)
    };
    fed.iter().filter(slept_on).count() as u64
}
