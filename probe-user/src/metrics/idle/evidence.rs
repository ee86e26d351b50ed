//! What the waits at one site say of it. The rule is in the module above.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{chains::Chains, kin::Kin};
use crate::world::{account::ObjectKey, identity::ThreadId};

/// Hundredths of the waits that make a rule.
const MOSTLY: u64 = 95;
/// A submitter has waited once, at most, for so many that it woke.
const WAKES_PER_WAIT: u64 = 20;
/// So many times is no coincidence.
const TIMES: u64 = 3;
/// Who runs for less before it waits again was woken in vain, ns.
pub(super) const IN_VAIN_NS: u64 = 50_000;
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
}

/// What a site is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// A word on which several threads have waited.
    Word,
    /// Words on which one thread each has waited.
    OwnWords,
}

/// The first look at all waits at sites: what each thread did there, and which wakings
/// came to nothing. Of the waits themselves a byte each is kept.
#[derive(Default)]
pub(super) struct Acquaintance {
    /// By site.
    roles: Vec<Roles>,
    /// Of each wait, whether it goes on in its thread's next one on the same object.
    goes_on: Vec<bool>,
    /// When a thread last woke somebody at a site, ns.
    woke: FxHashMap<(usize, ThreadId), u64>,
    /// The last wait of a thread on an object.
    latest: FxHashMap<(ThreadId, ObjectKey), Latest>,
}

struct Latest {
    site: usize,
    /// Its place among all.
    at: usize,
    wait: Waited,
    /// On the CPU before it, ns.
    on_cpu_ns: u64,
}

impl Acquaintance {
    pub(super) fn of(sites: usize) -> Acquaintance {
        let mut new = Acquaintance::default();
        new.roles.resize_with(sites, Roles::default);
        new
    }

    /// Takes in a wait; they come in order of their ends. `on_cpu_ns` is how long its
    /// thread was on the CPU before.
    pub(super) fn add(&mut self, site: usize, mut wait: Waited, on_cpu_ns: u64) {
        let object = (wait.waiter, wait.object);
        if let Some(before) = self.latest.remove(&object) {
            let in_vain = on_cpu_ns - before.on_cpu_ns < IN_VAIN_NS;
            let woke_ns = self.woke.get(&(site, wait.waiter));
            if in_vain && woke_ns.is_none_or(|&woke_ns| woke_ns < before.wait.to_ns) {
                self.goes_on[before.at] = true;
                wait.from_ns = before.wait.from_ns;
            } else {
                self.roles[site].add(&before.wait);
            }
        }
        if let By::Thread(waker) = wait.by {
            self.woke.insert((site, waker), wait.to_ns);
        }
        let latest = Latest {
            site,
            at: self.goes_on.len(),
            wait,
            on_cpu_ns,
        };
        self.latest.insert(object, latest);
        self.goes_on.push(false);
    }
}

/// What a thread did between two instants, ns.
pub(super) trait Past {
    /// Nothing else than pass on why it was woken.
    fn passes_on(&self, thread: ThreadId, from_ns: u64, to_ns: u64) -> bool;
    /// It has not run, or not for long enough to take a lock.
    fn rests(&self, thread: ThreadId, from_ns: u64, to_ns: u64) -> bool;
}

/// The second look at the same waits, in the same order.
pub(super) struct Judge {
    rules: Vec<Rule>,
    roles: Vec<Roles>,
    goes_on: std::vec::IntoIter<bool>,
    /// When waits that go on have begun, ns.
    begun: FxHashMap<(ThreadId, ObjectKey), u64>,
    evidence: Vec<Evidence>,
}

impl Judge {
    /// Of sites by these rules.
    pub(super) fn new(rules: Vec<Rule>, first: Acquaintance) -> Judge {
        let mut roles = first.roles;
        for Latest { site, wait, .. } in first.latest.values() {
            roles[*site].add(wait);
        }
        Judge {
            evidence: rules.iter().map(|_| Evidence::default()).collect(),
            rules,
            roles,
            goes_on: first.goes_on.into_iter(),
            begun: FxHashMap::default(),
        }
    }

    /// Takes in a wait.
    pub(super) fn add(&mut self, site: usize, mut wait: Waited, past: &impl Past, kin: &Kin<'_>) {
        let object = (wait.waiter, wait.object);
        if self.goes_on.next() == Some(true) {
            self.begun.entry(object).or_insert(wait.from_ns);
            return;
        }
        wait.from_ns = self.begun.remove(&object).unwrap_or(wait.from_ns);
        let (roles, evidence) = (&self.roles[site], &mut self.evidence[site]);
        let origin = evidence.origin(&wait, roles, past);
        evidence.chains.add(&wait, origin, roles, past);
        evidence.add(&wait, origin, roles, self.rules[site], kin);
    }

    /// By site: `Some` where it is known.
    pub(super) fn verdicts(&self) -> Vec<Option<bool>> {
        let sites = self.evidence.iter().zip(&self.rules);
        sites.map(|(site, rule)| site.verdict(*rule)).collect()
    }
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
pub(super) enum Role {
    /// It seldom waits there itself.
    Submitter,
    /// It waits there as well.
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
    /// Takes in a wait.
    pub(super) fn add(&mut self, wait: &Waited) {
        let waiter = self.0.entry(wait.waiter).or_default();
        waiter.waits += 1;
        waiter.last_wait_ns = waiter.last_wait_ns.max(wait.from_ns);
        if let By::Thread(waker) = wait.by {
            self.0.entry(waker).or_default().wakes += 1;
        }
    }

    pub(super) fn of_waker(&self, waker: ThreadId, ts_ns: u64) -> Role {
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

/// What is known of a site.
#[derive(Default)]
struct Evidence {
    tally: Tally,
    choices: Choices,
    chains: Chains,
    /// Threads that a submitter has woken here, itself or through others, since when,
    /// ns, and which submitter.
    orders: FxHashMap<ThreadId, (u64, ThreadId)>,
}

impl Evidence {
    /// Who ended a wait; the submitter, where the one who did passes on an order.
    /// Waits come in order of their ends.
    fn origin(&mut self, wait: &Waited, roles: &Roles, past: &impl Past) -> By {
        let is_submitter = |id| roles.of_waker(id, wait.to_ns) == Role::Submitter;
        let origin = match wait.by {
            By::Thread(waker) if !is_submitter(waker) => {
                let order = self.orders.get(&waker);
                let passed = order.filter(|(since, _)| past.passes_on(waker, *since, wait.to_ns));
                passed.map_or(wait.by, |&(_, submitter)| By::Thread(submitter))
            }
            by => by,
        };
        match origin {
            By::Thread(id) if is_submitter(id) => {
                self.orders.insert(wait.waiter, (wait.to_ns, id));
            }
            _ => {
                self.orders.remove(&wait.waiter);
            }
        }
        origin
    }

    /// Takes in a wait, and who ended it at the origin.
    fn add(&mut self, wait: &Waited, origin: By, roles: &Roles, rule: Rule, kin: &Kin<'_>) {
        let may_feed = |waker, waiter| rule == Rule::Word || kin.has_made(waker, waiter);
        let by_origin = Waited {
            by: origin,
            ..*wait
        };
        self.tally.add(&by_origin, roles, may_feed);
        // An order that is passed on says nothing of who sleeps on.
        self.choices.add(wait, roles);
    }

    fn verdict(&self, rule: Rule) -> Option<bool> {
        let Evidence {
            tally,
            choices,
            chains,
            ..
        } = self;
        if tally.mostly(tally.fed) && choices.made.max(chains.made) >= TIMES {
            return Some(true);
        }
        let is_lock = tally.mostly(tally.peers) && tally.peers >= TIMES;
        (is_lock && rule == Rule::Word).then_some(false)
    }
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

/// How often a submitter woke one sleeper and another slept on, until a submitter
/// woke that one too; counted up to [`TIMES`].
#[derive(Default)]
struct Choices {
    made: u64,
    /// When submitters woke somebody while nobody is known to have slept on, ns.
    wakings: VecDeque<u64>,
}

impl Choices {
    /// Takes in a wait; they come in order of their ends.
    fn add(&mut self, wait: &Waited, roles: &Roles) {
        let By::Thread(waker) = wait.by else { return };
        let is_fed = roles.of_waker(waker, wait.to_ns) == Role::Submitter;
        if !is_fed || self.made >= TIMES {
            return;
        }
        let slept_on = |&woken_ns: &u64| woken_ns.saturating_add(SLEPT_ON_NS) <= wait.to_ns;
        let mut ago = self.wakings.partition_point(slept_on);
        // Whoever slept at one of these slept at all that came behind: of so many
        // the last are enough.
        let forgotten = ago.saturating_sub(TIMES as usize);
        self.wakings.drain(..forgotten);
        ago -= forgotten;
        let before = self
            .wakings
            .partition_point(|&woken_ns| woken_ns <= wait.from_ns);
        self.made += self.wakings.drain(before.min(ago)..ago).len() as u64;
        self.wakings.push_back(wait.to_ns);
    }
}
