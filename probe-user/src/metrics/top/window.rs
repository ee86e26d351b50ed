//! What the blocked time of the latest part of the observation was for: of finished waits by
//! what their wakers did, of open ones by what those do that they wait for, as far as that is
//! known. The parts add up to the blocked time, to the nanosecond.

use rustc_hash::FxHashMap;

use super::{
    chain::{Chains, EndOf},
    ids,
};
use crate::{
    document::{Blame, top::Window},
    metrics::{
        blame::{ByName, Causes, Name},
        threads::Namer,
    },
    vocabulary::{CauseKind, WaitKind},
    world::{
        World,
        blame::{CauseId, cause::Cause},
        identity::ThreadId,
        thread::State,
    },
};

/// What the waits of one thread were for.
#[derive(Default)]
pub struct Parts {
    logged: FxHashMap<(WaitKind, CauseId), u64>,
    /// What no log has.
    open: Vec<(WaitKind, Name, u64)>,
}

impl Parts {
    fn add_open(&mut self, kind: WaitKind, cause: Name, ns: u64) {
        if ns > 0 {
            self.open.push((kind, cause, ns));
        }
    }
}

/// Of every thread that waited.
pub type Blamed = FxHashMap<ThreadId, Parts>;

/// Since an instant, ns, until the present one.
pub fn of(world: &mut World, chains: &Chains, since_ns: u64, now_ns: u64) -> Blamed {
    let ids: Vec<ThreadId> = ids(world).collect();
    let mut blamed = Blamed::default();
    for id in ids {
        let mut parts = Parts::default();
        let logged = &mut parts.logged;
        world.logs.blame_since(id, since_ns, |kind, cause, ns| {
            *logged.entry((kind, cause)).or_default() += ns;
        });
        let begun_ns = world.get(id).map_or(now_ns, |thread| thread.since_ns);
        if let Some(over) = chains.present.woken.get(&id) {
            // Who woke it, and what that did before, is in the record that is to come.
            let ns = over.wake_ns.saturating_sub(begun_ns.max(since_ns));
            parts.add_open(over.kind, (CauseKind::Unknown, None), ns);
        }
        if let Some(kind) = chains.present.kind(id) {
            charge(
                world,
                chains,
                id,
                kind,
                begun_ns.max(since_ns),
                now_ns,
                &mut parts,
            );
        }
        if !(parts.logged.is_empty() && parts.open.is_empty()) {
            blamed.insert(id, parts);
        }
    }
    blamed
}

/// Threads behind a wait that are charged one by one. What those between them and the last did
/// is unknown: else a chain of thousands would cost their square.
const MOST_CHARGED: usize = 64;

/// Charges an open wait from one instant to another, ns, to whom it is for, and on along the
/// chain from where that waits itself.
fn charge(
    world: &mut World,
    chains: &Chains,
    id: ThreadId,
    kind: WaitKind,
    mut from_ns: u64,
    to_ns: u64,
    parts: &mut Parts,
) {
    if from_ns >= to_ns {
        return;
    }
    if chains.deadlock(id).is_some() {
        let cause = (CauseKind::Unknown, Some("deadlock".to_owned()));
        parts.add_open(kind, cause, to_ns - from_ns);
        return;
    }
    let mut at = id;
    for next in chains.threads_behind(id).take(MOST_CHARGED) {
        let logged = &mut parts.logged;
        from_ns = world.logs.course(next, from_ns, to_ns, |cause, ns| {
            *logged.entry((kind, cause)).or_default() += ns;
        });
        at = next;
    }
    let last = chains.last(id);
    if at != last {
        let end_ns = world.get(last).map_or(to_ns, |thread| thread.since_ns);
        let end_ns = end_ns.clamp(from_ns, to_ns);
        let unknown = (CauseKind::Unknown, None);
        parts.add_open(kind, unknown, end_ns - from_ns);
        from_ns = end_ns;
    }
    let ns = to_ns - from_ns;
    let (cause, detail) = match chains.end_at(world, last) {
        EndOf::Task(task) => {
            let cause = doing(world, task);
            if ns > 0 {
                *parts.logged.entry((kind, cause)).or_default() += ns;
            }
            return;
        }
        EndOf::Cause(cause, detail) => (cause, detail),
        EndOf::Unknown => (CauseKind::Unknown, None),
    };
    parts.add_open(kind, (cause, detail), ns);
}

/// What a thread does that runs, or would.
fn doing(world: &mut World, id: ThreadId) -> CauseId {
    match world.get(id).map(|thread| (&thread.state, thread.execs)) {
        Some((State::Running, execs)) => world.logs.number(Cause::Computing(id, execs)),
        Some(_) => CauseId::RUN_QUEUE,
        None => CauseId::UNKNOWN,
    }
}

/// The same by name.
pub struct Named<'a> {
    blamed: &'a Blamed,
    causes: Causes<'a, Namer<'a>>,
    whole: ByName,
}

impl<'a> Named<'a> {
    /// None is named yet.
    pub fn new(world: &'a World, namer: &'a Namer<'a>, blamed: &'a Blamed) -> Named<'a> {
        Named {
            blamed,
            causes: Causes::new(&world.logs, namer),
            whole: ByName::default(),
        }
    }

    /// Of a thread, largest first.
    pub fn of(&mut self, id: ThreadId) -> Vec<Blame> {
        let Some(parts) = self.blamed.get(&id) else {
            return Vec::new();
        };
        let Named { causes, whole, .. } = self;
        let mut sums = ByName::default();
        let mut add = |kind, name, ns| {
            sums.add(kind, name, ns);
            whole.add(kind, name, ns);
        };
        for (&(kind, cause), &ns) in &parts.logged {
            causes.each_name(cause, ns, |name, ns| add(kind, name, ns));
        }
        for (kind, name, ns) in &parts.open {
            add(*kind, causes.number(name.clone()), *ns);
        }
        causes.rows(&sums)
    }

    /// Of all threads that were asked for, in a window so long, ns.
    pub fn whole(&self, ns: u64) -> Window {
        let blame = self.causes.rows(&self.whole);
        Window {
            ns,
            blocked_ns: blame.iter().map(|row| row.ns).sum(),
            blame,
        }
    }
}
