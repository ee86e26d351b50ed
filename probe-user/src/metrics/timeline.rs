//! The timelines of threads that were asked for: every step of their lives in
//! order of time, each wait with who ended it and what was behind it.

use std::cmp::Reverse;

use super::{
    blame::NameCause,
    sums::{self, NameWaker},
    threads,
    user_stacks::UserStacks,
    waking,
};
use crate::{
    document::{self, PathSum, Step, Timeline, WaitSite, Wake},
    world::{
        World,
        account::WakeKey,
        blame::{cause::Cause, history::Logged},
        interval::Activity,
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
    user_stacks: &UserStacks,
    namer: &(impl NameWaker + NameCause),
) -> Option<Vec<Timeline>> {
    if tids.is_empty() {
        return None;
    }
    let timelines = Timelines {
        world,
        user_stacks,
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
    user_stacks: &'a UserStacks,
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
                site: WaitSite {
                    user_stack: self.user_stacks.get(lived.stacks.user),
                    ..sums::site_of(self.world, &key)
                },
                ended: self.wake(&waking::of(thread, &key, ended)),
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
            State::Waiting(_) => document::Did::Open(open_site(thread, row, self.user_stacks)?),
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

    fn wake(&self, key: &WakeKey) -> Wake {
        self.namer.name_waker(key)
    }
}

/// Where the wait is that a thread had not ended.
pub fn open_site(
    thread: &Thread,
    row: &document::Thread,
    user_stacks: &UserStacks,
) -> Option<WaitSite> {
    let open = row.sums.open.first()?.clone();
    Some(WaitSite {
        kind: open.kind,
        syscall: open.syscall,
        function: open.function,
        object: open.object,
        user_stack: user_stacks.get(thread.user_stack_of_sleep()),
    })
}
