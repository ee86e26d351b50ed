//! What threads did between two instants.

use rustc_hash::FxHashMap;

use super::{living, present::Present};
use crate::{
    document::top::Interval,
    histogram::Histogram,
    vocabulary::WaitKind,
    world::{
        World,
        identity::ThreadId,
        interval::Activity,
        thread::{State, Thread},
    },
};

/// The course of all threads.
#[derive(Default)]
pub struct Course {
    /// What each did.
    pub of: FxHashMap<ThreadId, Interval>,
    /// Stays on run queues that ended, ns.
    pub run_queue: Histogram,
    /// Waits that ended.
    pub waits: u64,
    /// How long it is, ns.
    pub ns: u64,
}

impl Course {
    /// From one instant to another, ns, which is the present one.
    pub fn of(world: &World, present: &Present, from_ns: u64, to_ns: u64) -> Course {
        let mut course = Course {
            ns: to_ns.saturating_sub(from_ns),
            ..Course::default()
        };
        for thread in living(world) {
            let kind = present.kind(thread.id).unwrap_or_default();
            let interval = course.follow(world, thread, kind, from_ns, to_ns);
            course.of.insert(thread.id, interval);
        }
        course
    }

    /// A thread that waits does so for `kind`.
    fn follow(
        &mut self,
        world: &World,
        thread: &Thread,
        kind: WaitKind,
        from_ns: u64,
        to_ns: u64,
    ) -> Interval {
        let mut found = Interval::default();
        for lived in world.logs.history(thread.id).rev() {
            if lived.to_ns <= from_ns {
                break;
            }
            let ns = lived.to_ns - lived.from_ns.max(from_ns);
            match lived.activity {
                Activity::Cpu(_) => found.on_cpu_ns += ns,
                Activity::RunQueue => {
                    found.runqueue_ns += ns;
                    self.run_queue.add(lived.ns());
                }
                Activity::Wait { key, .. } => {
                    self.waits += 1;
                    *found.waits.entry(key.kind).or_default() += ns;
                }
                Activity::Unknown => {}
            }
        }
        let ns = to_ns.saturating_sub(thread.since_ns.max(from_ns));
        match &thread.state {
            State::Running => found.on_cpu_ns += ns,
            State::Runnable => found.runqueue_ns += ns,
            State::Waiting(_) => *found.waits.entry(kind).or_default() += ns,
            State::Unknown | State::NotStarted | State::Dead => {}
        }
        found
    }
}
