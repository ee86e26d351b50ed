//! A part of a run (`report --from --to`), cut out of the intervals that the whole run has:
//! what lies on both sides of a border is divided there, to the nanosecond, so that
//! consecutive parts add up to the whole.
//!
//! - It begins as an account behind a delay does ([`World::begin`]).
//! - What a thread did at its end shows only later: that it had been woken by then is in
//!   the record of its next switch-in. So the records behind the end are looked at until each
//!   thread's present interval has ended ([`World::look_back`]), and of that interval the part
//!   before the end is kept, as one that is not finished. Nothing else behind the end is
//!   taken in: no birth, no end, no count.

use probe_common::sched::state;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    World,
    account::WaitKey,
    identity::{ThreadId, Waker},
    interval::{Activity, Interval},
    thread::{State, Thread},
    wait_site::Dictionaries,
};
use crate::wire::event::{Event, Snapshot, What};

/// Which part, ns since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub from_ns: u64,
    /// Its end; `None`: that of the run.
    pub to_ns: Option<u64>,
}

/// A part that is being cut out.
#[derive(Clone, Debug, Default)]
pub struct Excerpt {
    window: Window,
    /// The run's start, ns, once that is known.
    origin_ns: Option<u64>,
    has_ended: bool,
    /// The latest event, ns.
    seen_ns: u64,
    /// The end of the last thread that has ended, ns.
    died_ns: u64,
    /// Who lives behind the end, by tid.
    living: FxHashSet<u32>,
}

/// What is found out behind the end of a window.
#[derive(Clone, Debug, Default)]
pub struct Closed {
    at_ns: u64,
    /// Threads of which it is known what they did at the end, and of those that waited, what for.
    threads: FxHashMap<ThreadId, Option<WaitKey>>,
    /// Of these, those that have ended since.
    gone: FxHashSet<ThreadId>,
    /// What threads do behind the end that took a tid over, by that: the one before may have
    /// events yet.
    successors: FxHashMap<u32, Thread>,
}

impl Excerpt {
    /// Of this part.
    pub fn new(window: Window) -> Excerpt {
        Excerpt {
            window,
            ..Excerpt::default()
        }
    }

    /// The account begins behind a delay: what was before is not of the run.
    pub fn begin_anew(&mut self, world: &mut World) {
        (world.origin_ns, world.closed) = (None, None);
        *self = Excerpt::new(self.window);
    }

    /// Takes in an event. They come in order of time.
    pub fn apply(&mut self, world: &mut World, event: &Event) {
        // The first to show that a thread was runnable may come behind a border.
        self.origin_ns = self.origin_ns.or_else(|| world.begins_with(event));
        self.pass(world, event.ts_ns);
        self.seen_ns = self.seen_ns.max(event.ts_ns);
        if self.has_ended {
            self.follow(event);
            return world.look_back(event);
        }
        world.apply(event);
        if world.origin_ns.is_none() {
            let thread = world.directory.latest(event.tid);
            let start_ns = thread.and_then(|id| world.get(id)?.start_ns);
            let both = self.origin_ns.into_iter().chain(start_ns);
            self.origin_ns = both.min();
        }
    }

    /// Whether the end has been passed.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Everything before an instant, ns, has been taken in.
    pub fn pass(&mut self, world: &mut World, ts_ns: u64) {
        let Some(origin_ns) = self.origin_ns else {
            return;
        };
        let at_ns = |since_ns| origin_ns.saturating_add(since_ns);
        let Window { from_ns, to_ns } = self.window;
        if from_ns > 0 && world.origin_ns.is_none() && ts_ns > at_ns(from_ns) {
            self.died_ns = last_death_ns(world);
            world.begin_part(at_ns(from_ns), origin_ns);
        }
        let to_ns = to_ns.map_or(u64::MAX, at_ns);
        if !self.has_ended && ts_ns > to_ns {
            self.has_ended = true;
            self.died_ns = self.died_ns.max(last_death_ns(world));
            let living = world.threads.iter().filter(|thread| !thread.is_dead());
            self.living = living.map(|thread| thread.tid).collect();
            world.close(to_ns);
        }
    }

    /// Who lives on behind the end.
    fn follow(&mut self, event: &Event) {
        match &event.what {
            What::Fork(_) => {
                self.living.insert(event.tid);
            }
            What::Exec(exec) if exec.old_tid != event.tid => {
                self.living.remove(&exec.old_tid);
                self.living.insert(event.tid);
            }
            What::Off(off) if off.state & state::DEAD != 0 => {
                self.living.remove(&event.tid);
                self.died_ns = self.died_ns.max(event.ts_ns);
            }
            _ => {}
        }
    }

    /// The latest event of the run so far, ns.
    pub fn seen_ns(&self) -> u64 {
        self.seen_ns
    }

    /// Where it lies in its run. `ended_ns`: the end of the observation, if it is known.
    pub fn part(&self, world: &World, ended_ns: Option<u64>) -> Part {
        let origin_ns = self.origin_ns.unwrap_or(0);
        let lives = match self.has_ended {
            true => !self.living.is_empty(),
            false => world.threads.iter().any(|thread| !thread.is_dead()),
        };
        let died_ns = self.died_ns.max(last_death_ns(world));
        let last_ns = match lives {
            true => ended_ns.unwrap_or(self.seen_ns).max(died_ns),
            false => died_ns,
        };
        let of_ns = last_ns.saturating_sub(origin_ns);
        Part {
            from_ns: self.window.from_ns,
            to_ns: self.window.to_ns.unwrap_or(of_ns).min(of_ns),
            of_ns,
        }
    }
}

/// Where a part lies in its run, ns since the start of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its beginning.
    pub from_ns: u64,
    /// Its end.
    pub to_ns: u64,
    /// The end of the run.
    pub of_ns: u64,
}

/// The end of the last of those that have ended, ns.
fn last_death_ns(world: &World) -> u64 {
    let dead = world.threads.iter().filter(|thread| thread.is_dead());
    dead.map(|thread| thread.since_ns).max().unwrap_or(0)
}

impl World {
    /// Begins the account of a part, up to which all is applied. The root stays the same, or is
    /// another thread of its process; where that is over nothing leads to it.
    fn begin_part(&mut self, at_ns: u64, origin_ns: u64) {
        let first = || {
            let mut threads = self.threads.iter();
            let first = threads.find(|thread| thread.start_ns.is_some());
            first.map(|thread| thread.id)
        };
        let root = self.root.or_else(first);
        let process = root.and_then(|root| Some(self.get(root)?.process));
        self.begin(at_ns, None);
        self.origin_ns = Some(origin_ns);
        let process = process.and_then(|id| self.processes.get(id));
        let others = process
            .iter()
            .flat_map(|it| [it.runs].into_iter().chain(it.threads.clone()));
        let mut there = root
            .into_iter()
            .chain(others)
            .filter(|&id| self.get(id).is_some());
        self.root = there.next().or(root);
    }

    /// When the thread that an event is about began, ns, if that is what the event says.
    fn begins_with(&mut self, event: &Event) -> Option<u64> {
        let known = self.owner(event).and_then(|id| self.get(id).cloned());
        let mut thread = known.unwrap_or_else(|| Thread::unidentified(event.tid));
        let (ts_ns, table) = (event.ts_ns, self.dictionaries.table);
        let (known, ended) = (&mut self.dictionaries, &mut Vec::new());
        match &event.what {
            What::On(on) => thread.switch_in(ts_ns, on, Waker::Nobody, known, ended),
            What::Off(off) => thread.switch_out(ts_ns, off, table, ended),
            What::Snapshot(seen) => thread.apply_snapshot(ts_ns, seen, Waker::Nobody, known, ended),
            _ => {}
        }
        thread.start_ns
    }

    /// The part ends at an instant, ns, up to which all is applied, and nothing behind it.
    fn close(&mut self, at_ns: u64) {
        self.ended.clear();
        (self.now_ns, self.watermark_ns) = (at_ns, 0);
        self.closed = Some(Closed {
            at_ns,
            ..Closed::default()
        });
    }

    /// What a thread waits for that did so as the part ended.
    pub fn key_at_end(&self, id: ThreadId) -> Option<&WaitKey> {
        self.closed.as_ref()?.threads.get(&id)?.as_ref()
    }

    /// Takes of an event behind the end what it says of that.
    fn look_back(&mut self, event: &Event) {
        self.ended.clear();
        match &event.what {
            What::Waker(_) | What::Cgroup(_) => return self.describe(event),
            What::Fork(_) => return self.be_born_later(event.tid),
            // It was running until then, and has another tid from then on.
            What::Exec(exec) if exec.old_tid != event.tid => {
                if let Some(id) = self.directory.latest(exec.old_tid) {
                    self.is_known(id, None);
                }
                return;
            }
            _ => {}
        }
        let Some(id) = self.owner_at_end(event).filter(|&id| !self.is_known_of(id)) else {
            return;
        };
        let ts_ns = event.ts_ns;
        match &event.what {
            What::SleeperStack(_)
            | What::WakerStack(_)
            | What::UserStack(_)
            | What::Disk(_)
            | What::Signals(_) => {
                self.describe(event);
            }
            What::Off(off) => {
                let table = self.dictionaries.table;
                self.find_out(id, |thread, _, ended| {
                    thread.switch_out(ts_ns, off, table, ended);
                });
            }
            What::On(on) => {
                let waker = self.waker(on.wake.as_ref());
                self.find_out(id, |thread, known, ended| {
                    thread.switch_in(ts_ns, on, waker, known, ended);
                });
            }
            What::Snapshot(seen) if seen.last => self.look_back_from(ts_ns, id, seen),
            _ => {}
        }
    }

    fn be_born_later(&mut self, tid: u32) {
        let previous = self.directory.latest(tid);
        let thread = Thread {
            state: State::NotStarted,
            seq: Some(0),
            previous,
            ..Thread::unidentified(tid)
        };
        if let Some(closed) = &mut self.closed {
            closed.successors.insert(tid, thread);
        }
    }

    /// The thread that an event is about, if it was there at the end.
    fn owner_at_end(&mut self, event: &Event) -> Option<ThreadId> {
        let Some(successor) = self.closed.as_ref()?.successors.get(&event.tid) else {
            return self.owner(event);
        };
        let former = successor.previous;
        if let Some(former) = former.filter(|&id| self.is_still_for(id, successor, event)) {
            return Some(former);
        }
        let successor = self.closed.as_mut()?.successors.get_mut(&event.tid)?;
        match &event.what {
            What::On(on) => (successor.state, successor.seq) = (State::Running, Some(on.seq)),
            What::Off(off) => (successor.state, successor.seq) = (State::Runnable, Some(off.seq)),
            _ => {}
        }
        None
    }

    /// The last look at all threads.
    fn look_back_from(&mut self, ts_ns: u64, id: ThreadId, seen: &Snapshot) {
        if seen.off.state & state::DEAD != 0 {
            return;
        }
        self.last_snapshot_ns.get_or_insert(ts_ns);
        let waker = self.waker(seen.wake.as_ref());
        self.find_out(id, |thread, known, ended| {
            thread.apply_snapshot(ts_ns, seen, waker, known, ended);
        });
    }

    /// The observation ended, and with it what can be found out: see [`World::end`]. The
    /// kernel's sums of lost records are of the whole run, and are left out.
    pub fn end_behind(&mut self, ended_ns: u64, snapshot_is_whole: bool) {
        let taken_ns = self.last_snapshot_ns;
        let threads = self.threads.iter().filter(|thread| !thread.is_dead());
        let open: Vec<ThreadId> = threads.map(|thread| thread.id).collect();
        for id in open {
            if self.is_known_of(id) {
                continue;
            }
            self.ended.clear();
            self.find_out(id, |thread, _, ended| {
                thread.settle_unconfirmed(ended);
                let since = taken_ns.is_some_and(|taken_ns| thread.since_ns >= taken_ns);
                if !thread.in_last_snapshot && !since && snapshot_is_whole {
                    thread.be_gone(ended_ns, ended);
                }
            });
        }
    }

    /// Whether a thread has ended behind the end.
    pub(super) fn has_gone(&self, id: ThreadId) -> bool {
        let closed = self.closed.as_ref();
        closed.is_some_and(|closed| closed.gone.contains(&id))
    }

    fn is_known_of(&self, id: ThreadId) -> bool {
        let closed = self.closed.as_ref();
        closed.is_some_and(|closed| closed.threads.contains_key(&id))
    }

    /// It is known what a thread did at the end.
    fn is_known(&mut self, id: ThreadId, waits_for: Option<WaitKey>) {
        if let Some(closed) = &mut self.closed {
            closed.threads.entry(id).or_insert(waits_for);
        }
    }

    /// Changes a thread as an event behind the end does, and keeps of that what was before it.
    fn find_out(
        &mut self,
        id: ThreadId,
        change: impl FnOnce(&mut Thread, &mut Dictionaries, &mut Vec<Interval>),
    ) {
        let at_ns = self.closed.as_ref().map_or(u64::MAX, |it| it.at_ns);
        let before = self.threads[id].clone();
        let thread = &mut self.threads[id];
        change(thread, &mut self.dictionaries, &mut self.ended);
        let has_begun_later = before.start_ns.is_none() && thread.start_ns >= Some(at_ns);
        let crosses = |interval: &Interval| interval.to_ns > at_ns;
        let crossing = match self.ended.iter().position(crosses) {
            Some(first) => self.ended.drain(first..).next(),
            None => None,
        };
        if let Some(switches) = &mut self.switches_kept {
            switches.woken(&self.ended, 0);
        }
        if !has_begun_later && crossing.is_none() {
            thread.migrations = before.migrations;
            return self.logs.settle(thread, &self.ended);
        }
        let after = std::mem::replace(thread, before);
        let mut waits_for = None;
        match crossing {
            _ if has_begun_later => self.ended.clear(),
            Some(interval) => {
                thread.be_at(&interval, &after, !self.ended.is_empty());
                if let Activity::Wait { key, .. } = interval.activity {
                    waits_for = Some(key);
                }
            }
            None => {}
        }
        self.logs.settle(thread, &self.ended);
        self.is_known(id, waits_for);
        self.leave(id, after);
    }

    /// What a thread did at the end is known; `after` is itself behind that.
    fn leave(&mut self, id: ThreadId, after: Thread) {
        let is_latest = self.directory.latest(after.tid) == Some(id);
        let Some(closed) = &mut self.closed else {
            return;
        };
        if after.is_dead() {
            closed.gone.insert(id);
        }
        if is_latest && after.previous.is_some() {
            closed.successors.entry(after.tid).or_insert(after);
        }
    }
}

impl Thread {
    /// It is in an interval that goes on behind the end. `after` is itself behind that; it
    /// `has_moved` if it was in another one before.
    fn be_at(&mut self, interval: &Interval, after: &Thread, has_moved: bool) {
        let was_runnable = self.state == State::Runnable;
        let was_born = self.start_ns.is_some();
        self.start_ns = after.start_ns;
        self.since_ns = interval.from_ns;
        if has_moved {
            self.execed_ns.clear();
        }
        match interval.activity {
            Activity::Cpu(_) => self.state = State::Running,
            Activity::Unknown => self.state = State::Unknown,
            Activity::RunQueue => self.state = State::Runnable,
            Activity::Wait { .. } => {}
        }
        if interval.activity == Activity::RunQueue && !was_runnable {
            self.account.runqueue_count += 1;
            if !was_born {
                self.account.first_wakeups = after.account.first_wakeups.clone();
            }
        }
    }
}
