//! What threads did between two instants.

use rustc_hash::FxHashMap;

use super::{
    living,
    present::{Over, Present},
};
use crate::{
    document::top::Interval,
    histogram::Histogram,
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
            let over = present.woken.get(&thread.id).copied();
            let over = over.unwrap_or_else(|| Over {
                kind: present.kind(thread.id).unwrap_or_default(),
                wake_ns: to_ns,
            });
            let interval = course.follow(world, thread, over, from_ns, to_ns);
            course.of.insert(thread.id, interval);
        }
        course
    }

    /// A thread that waits has done so as `over` says.
    fn follow(
        &mut self,
        world: &World,
        thread: &Thread,
        over: Over,
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
            State::Waiting(_) => {
                let runnable_ns = to_ns - over.wake_ns.clamp(from_ns, to_ns);
                found.runqueue_ns += runnable_ns;
                *found.waits.entry(over.kind).or_default() += ns - runnable_ns.min(ns);
            }
            State::Unknown | State::NotStarted | State::Dead => {}
        }
        found
    }
}
