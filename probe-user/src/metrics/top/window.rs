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
            parts.open.push((over.kind, (CauseKind::Unknown, None), ns));
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
    let mut at = id;
    let hops = match chains.deadlock(id) {
        Some(_) => Vec::new(),
        None => chains.threads_behind(id),
    };
    for next in hops {
        let logged = &mut parts.logged;
        from_ns = world.logs.course(next, from_ns, to_ns, |cause, ns| {
            *logged.entry((kind, cause)).or_default() += ns;
        });
        at = next;
    }
    if from_ns >= to_ns {
        return;
    }
    let ns = to_ns - from_ns;
    let (cause, detail) = match chains.deadlock(id) {
        Some(_) => (CauseKind::Unknown, Some("deadlock".to_owned())),
        None => match chains.end_at(world, at) {
            EndOf::Task(task) => {
                let cause = doing(world, task);
                *parts.logged.entry((kind, cause)).or_default() += ns;
                return;
            }
            EndOf::Cause(cause, detail) => (cause, detail),
            EndOf::Unknown => (CauseKind::Unknown, None),
        },
    };
    parts.open.push((kind, (cause, detail), ns));
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
