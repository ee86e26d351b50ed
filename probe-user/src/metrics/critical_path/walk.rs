//! The chain of causes of a thread, followed backwards.

use std::collections::BinaryHeap;

use crate::{
    metrics::sums,
    vocabulary::WaitKind,
    world::{
        World,
        blame::{cause::Cause, history::Backwards},
        identity::ThreadId,
        interval::{Activity, Ended},
        thread::State,
    },
};

/// A part of the chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
    pub(super) thread: ThreadId,
    pub(super) what: What,
}

/// What a part of the chain was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    /// No wait.
    Passed(Cause),
    /// A wait that leads to no other thread.
    WaitedFor(WaitKind, Cause),
    /// A thread's wait that has not ended.
    Open(ThreadId),
}

impl What {
    /// The same for a sum: what waited for a cause does not matter to that.
    pub(super) fn passed(self) -> What {
        match self {
            What::WaitedFor(_, cause) => What::Passed(cause),
            what => what,
        }
    }
}

/// Where the chain goes on.
enum Before {
    /// In the same thread, before what it did since then.
    Then(u64, What),
    /// In another thread, at the same instant; if that was tried already, as
    /// the first.
    There(ThreadId, u64, What),
}

pub(super) struct Walk<'a> {
    pub(super) world: &'a World,
    logs: Backwards<'a>,
    pub(super) begun_ns: u64,
    pub(super) at_ns: u64,
    thread: ThreadId,
    /// Threads tried at `at_ns`.
    tried: Vec<ThreadId>,
}

impl<'a> Walk<'a> {
    /// Back from the end of `last` to the start of `root`.
    pub(super) fn new(world: &'a World, root: ThreadId, last: ThreadId) -> Option<Walk<'a>> {
        let thread = world.get(last)?;
        let begun_ns = world.get(root)?.start_ns?;
        Some(Walk {
            world,
            logs: world.logs.backwards(),
            begun_ns,
            at_ns: sums::end_ns(world, thread).max(begun_ns),
            thread: last,
            tried: Vec::new(),
        })
    }

    /// Calls `each` with every part of the chain, last part first. How long each group
    /// was on it, ns.
    pub(super) fn each(
        mut self,
        mut on_path: OnPath<impl Fn(ThreadId) -> usize>,
        mut each: impl FnMut(Link),
    ) -> Vec<u64> {
        let mut next: Option<Link> = None;
        while self.at_ns > self.begun_ns {
            let (from_ns, what) = match self.before() {
                Before::There(thread, from_ns, what) if self.may_be_tried(thread) => {
                    // But not a birth.
                    if let What::WaitedFor(..) = what {
                        on_path.waits(self.thread, from_ns, self.at_ns);
                    }
                    self.tried.push(self.thread);
                    self.thread = thread;
                    continue;
                }
                Before::Then(from_ns, what) | Before::There(_, from_ns, what) => (from_ns, what),
            };
            // Back, whatever broken input says.
            let from_ns = from_ns.clamp(self.begun_ns, self.at_ns - 1);
            let to_ns = std::mem::replace(&mut self.at_ns, from_ns);
            self.tried.clear();
            on_path.does(self.thread, from_ns, to_ns);
            match &mut next {
                Some(next) if (next.thread, next.what) == (self.thread, what) => {
                    next.from_ns = from_ns;
                }
                _ => {
                    let link = Link {
                        from_ns,
                        to_ns,
                        thread: self.thread,
                        what,
                    };
                    next.replace(link).into_iter().for_each(&mut each);
                }
            }
        }
        next.into_iter().for_each(each);
        on_path.end(self.begun_ns)
    }

    /// It may also be forgotten.
    fn may_be_tried(&self, thread: ThreadId) -> bool {
        let is_tried = thread == self.thread || self.tried.contains(&thread);
        !is_tried && self.world.get(thread).is_some()
    }

    /// What the thread did until now.
    fn before(&mut self) -> Before {
        let unknown = What::Passed(Cause::Unknown);
        let Some(thread) = self.world.get(self.thread) else {
            return Before::Then(self.begun_ns, unknown);
        };
        if thread.start_ns.is_none_or(|start| start >= self.at_ns) {
            return match thread.creator {
                Some(creator) => Before::There(creator, self.begun_ns, unknown),
                None => Before::Then(self.begun_ns, unknown),
            };
        }
        let Some(lived) = self.logs.until(self.thread, self.at_ns) else {
            return match thread.since_ns {
                since_ns if since_ns < self.at_ns => {
                    Before::Then(since_ns, self.present(&thread.state))
                }
                _ => Before::Then(self.begun_ns, unknown),
            };
        };
        match (lived.activity, lived.waited_for()) {
            (Activity::Wait { key, .. }, Some(Ended::By(waker))) => {
                let circle = What::WaitedFor(key.kind, Cause::Unknown);
                Before::There(waker, lived.from_ns, circle)
            }
            (Activity::Wait { key, .. }, Some(Ended::For(cause, _))) => {
                Before::Then(lived.from_ns, What::WaitedFor(key.kind, cause))
            }
            _ => {
                let cause = lived.cause().unwrap_or(Cause::Unknown);
                Before::Then(lived.from_ns, What::Passed(cause))
            }
        }
    }

    /// What is not finished.
    fn present(&self, state: &State) -> What {
        match state {
            State::Running => What::Passed(Cause::Computing(self.thread, self.execs())),
            State::Runnable => What::Passed(Cause::RunQueue),
            State::Waiting(_) => What::Open(self.thread),
            State::Unknown | State::NotStarted | State::Dead => What::Passed(Cause::Unknown),
        }
    }

    fn execs(&self) -> u16 {
        self.world.get(self.thread).map_or(0, |t| t.execs)
    }
}

/// How long each group was on the path, found backwards.
pub(super) struct OnPath<G> {
    group: G,
    /// By group: its threads that the chain leads through now, and until when it did.
    now: Vec<(u32, u64)>,
    /// By group, ns.
    ns: Vec<u64>,
    /// Waits that the chain is in: when they began, and whose they are.
    waits: BinaryHeap<(u64, usize)>,
}

impl<G: Fn(ThreadId) -> usize> OnPath<G> {
    pub(super) fn new(groups: usize, group: G) -> OnPath<G> {
        OnPath {
            group,
            now: vec![(0, 0); groups],
            ns: vec![0; groups],
            waits: BinaryHeap::new(),
        }
    }

    /// The thread waits from then on; what it waits for comes next.
    fn waits(&mut self, thread: ThreadId, from_ns: u64, at_ns: u64) {
        let group = (self.group)(thread);
        self.enter(group, at_ns);
        self.waits.push((from_ns, group));
    }

    /// The thread does what the hop says.
    fn does(&mut self, thread: ThreadId, from_ns: u64, to_ns: u64) {
        let group = (self.group)(thread);
        self.enter(group, to_ns);
        self.until(from_ns);
        self.leave(group, from_ns);
    }

    /// Back to that instant.
    fn until(&mut self, at_ns: u64) {
        while let Some(&(from_ns, group)) = self.waits.peek()
            && from_ns >= at_ns
        {
            self.waits.pop();
            self.leave(group, from_ns);
        }
    }

    /// The beginning of the path. Waits may have begun before.
    fn end(mut self, begun_ns: u64) -> Vec<u64> {
        self.until(begun_ns);
        while let Some((_, group)) = self.waits.pop() {
            self.leave(group, begun_ns);
        }
        self.ns
    }

    fn enter(&mut self, group: usize, at_ns: u64) {
        let (threads, until_ns) = &mut self.now[group];
        if *threads == 0 {
            *until_ns = at_ns;
        }
        *threads += 1;
    }

    fn leave(&mut self, group: usize, at_ns: u64) {
        let (threads, until_ns) = &mut self.now[group];
        *threads -= 1;
        if *threads == 0 {
            self.ns[group] += until_ns.saturating_sub(at_ns);
        }
    }
}
