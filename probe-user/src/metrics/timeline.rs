//! The timelines of threads that were asked for: every step of their lives in
//! order of time, each wait with who ended it and what was behind it.

use std::{cmp::Reverse, mem::discriminant};

use super::{
    blame::NameCause,
    sums::{self, NameWaker},
    threads,
};
use crate::{
    document::{self, PathSum, Step, Timeline, WaitSite, Wake},
    vocabulary::WakeSource,
    world::{
        World,
        account::{ObjectKey, WaitKey, WakeKey},
        blame::{
            cause::{Cause, terminal},
            history::Logged,
        },
        identity::Waker,
        interval::{Activity, Ended},
        names::NameId,
        thread::{State, Thread},
    },
};

/// Steps of one thread that a document keeps.
const MOST_STEPS: usize = 100_000;

/// The timelines of all threads with one of these tids, in the world's order;
/// `None` when nobody was asked for. `rows` are in the world's order.
pub fn of(
    world: &World,
    tids: &[u32],
    rows: &[document::Thread],
    namer: &(impl NameWaker + NameCause),
) -> Option<Vec<Timeline>> {
    if tids.is_empty() {
        return None;
    }
    let timelines = Timelines {
        world,
        namer,
        origin_ns: threads::origin_ns(world),
    };
    let lives = world.threads.iter().zip(rows).enumerate();
    let wanted = lives.filter(|(_, (thread, _))| tids.contains(&thread.tid));
    Some(
        wanted
            .map(|(index, (thread, row))| Timeline {
                thread: index,
                ..timelines.timeline(thread, row)
            })
            .collect(),
    )
}

struct Timelines<'a, N> {
    world: &'a World,
    namer: &'a N,
    origin_ns: u64,
}

impl<N: NameWaker + NameCause> Timelines<'_, N> {
    fn timeline(&self, thread: &Thread, row: &document::Thread) -> Timeline {
        let lived = self.world.logs.history(thread.id);
        let mut lived = lived.filter(|lived| lived.to_ns > lived.from_ns);
        let kept = lived.by_ref().take(MOST_STEPS);
        let mut steps: Vec<Step> = kept.map(|lived| self.step(thread, &lived)).collect();
        let mut left_out = lived.count();
        match self.present(thread, row) {
            Some(step) if steps.len() < MOST_STEPS => steps.push(step),
            Some(_) => left_out += 1,
            None => {}
        }
        Timeline {
            born: thread
                .account
                .first_wakeups
                .keys()
                .next()
                .map(|key| self.wake(key)),
            steps,
            steps_left_out: left_out as u64,
            ..Timeline::default()
        }
    }

    fn step(&self, thread: &Thread, lived: &Logged<'_>) -> Step {
        let did = match lived.activity {
            Activity::Wait { key, ended, .. } => document::Did::Waited {
                site: sums::site_of(self.world, &key),
                ended: self.ended(thread, &key, ended),
                blame: self.causes(&lived.blame()),
            },
            _ => self.not_waiting(lived.cause().unwrap_or(Cause::Unknown)),
        };
        Step {
            from_ns: lived.from_ns.saturating_sub(self.origin_ns),
            to_ns: lived.to_ns.saturating_sub(self.origin_ns),
            did,
        }
    }

    fn not_waiting(&self, cause: Cause) -> document::Did {
        let (cause, detail) = self.namer.name_cause(cause);
        document::Did::NotWaiting { cause, detail }
    }

    /// What had not ended at the end.
    fn present(&self, thread: &Thread, row: &document::Thread) -> Option<Step> {
        let did = match thread.state {
            State::Running => self.not_waiting(Cause::Computing(thread.id, thread.execs)),
            State::Runnable => self.not_waiting(Cause::RunQueue),
            State::Unknown => self.not_waiting(Cause::Unknown),
            State::Waiting(_) => document::Did::Open(open_site(row)?),
            State::NotStarted | State::Dead => return None,
        };
        let from_ns = thread.since_ns.saturating_sub(self.origin_ns);
        (from_ns < row.end_ns).then_some(Step {
            from_ns,
            to_ns: row.end_ns,
            did,
        })
    }

    fn causes(&self, blame: &[(Cause, u64)]) -> Vec<PathSum> {
        let mut causes: Vec<PathSum> = Vec::new();
        for &(cause, ns) in blame {
            let (cause, detail) = self.namer.name_cause(cause);
            match causes
                .iter_mut()
                .find(|sum| (sum.cause, &sum.detail) == (cause, &detail))
            {
                Some(sum) => sum.ns += ns,
                None => causes.push(PathSum { cause, detail, ns }),
            }
        }
        causes.sort_by_key(|sum| Reverse(sum.ns));
        causes
    }

    /// Who ended a wait. How (by which call, by its exit) is kept in the
    /// account only, by place: it is known where all such wakings were alike.
    fn ended(&self, thread: &Thread, key: &WaitKey, ended: Ended) -> Wake {
        let waits = &thread.account.waits;
        let sum = waits.get(key).or_else(|| {
            waits.get(&WaitKey {
                object: ObjectKey::None,
                ..*key
            })
        });
        let wakes = sum.into_iter().flat_map(|sum| sum.wakes.keys());
        let mut fitting: Vec<WakeKey> = wakes
            .filter(|wake| fits(wake, key, ended))
            .copied()
            .collect();
        fitting.sort_unstable();
        let alike = fitting
            .into_iter()
            .reduce(|one, other| one_of(&one, &other));
        self.wake(&alike.unwrap_or_else(|| unseen(ended)))
    }

    fn wake(&self, key: &WakeKey) -> Wake {
        self.namer.name_waker(key)
    }
}

/// What two wakings have in common.
fn one_of(one: &WakeKey, other: &WakeKey) -> WakeKey {
    WakeKey {
        source: match one.source {
            // Not only by exits.
            WakeSource::TaskExit if other.source != one.source => WakeSource::Task,
            source => source,
        },
        waker: if one.waker == other.waker {
            one.waker
        } else {
            Waker::Nobody
        },
        nr: if one.nr == other.nr { one.nr } else { -1 },
        signal: one.signal,
    }
}

fn open_site(row: &document::Thread) -> Option<WaitSite> {
    let open = row.sums.open.first()?.clone();
    Some(WaitSite {
        kind: open.kind,
        syscall: open.syscall,
        function: open.function,
        object: open.object,
    })
}

fn fits(wake: &WakeKey, key: &WaitKey, ended: Ended) -> bool {
    match ended {
        Ended::By(thread) => wake.waker == Waker::Thread(thread),
        Ended::For(cause, _) => {
            let would_be = terminal(wake, key.kind, NameId::NONE);
            match cause {
                Cause::Outside(_) | Cause::Signal(..) => would_be == cause,
                _ => discriminant(&would_be) == discriminant(&cause),
            }
        }
    }
}

/// A waking that the account does not have.
fn unseen(ended: Ended) -> WakeKey {
    let (source, waker, signal) = match ended {
        Ended::By(thread) => (WakeSource::Task, Waker::Thread(thread), None),
        Ended::For(Cause::Outside(waker), _) => (WakeSource::Task, waker, None),
        Ended::For(Cause::Signal(signal, waker), _) => (WakeSource::Signal, waker, Some(signal)),
        Ended::For(..) => (WakeSource::Unverified, Waker::Nobody, None),
    };
    WakeKey {
        source,
        waker,
        nr: -1,
        signal,
    }
}
