//! The ticks that are kept for stepping back, and what tasks did since the first one.

use std::{collections::VecDeque, rc::Rc};

use rustc_hash::FxHashMap;

use crate::document::top::{Interval, Task, Tick};

/// So many ticks are kept …
const TICKS: usize = 120;
/// … unless that takes more memory than this; the newest is kept whatever its size.
const BYTES: usize = 64 << 20;
/// What a text, or an element of a list or map, takes beyond its own bytes.
const ALLOCATION: usize = 32;

/// The latest ticks.
#[derive(Debug, Default)]
pub struct History {
    kept: VecDeque<Kept>,
    bytes: usize,
    totals: Totals,
}

#[derive(Debug)]
struct Kept {
    tick: Rc<Tick>,
    bytes: usize,
}

/// What each task did, by pid and tid.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    sums: FxHashMap<(u32, u32), Interval>,
}

impl History {
    /// Adds a tick and forgets those that are too many.
    pub fn push(&mut self, tick: Tick) {
        self.totals.add(&tick);
        let bytes = bytes(&tick);
        self.bytes += bytes;
        let tick = Rc::new(tick);
        self.kept.push_back(Kept { tick, bytes });
        while self.kept.len() > TICKS || (self.bytes > BYTES && self.kept.len() > 1) {
            self.bytes -= self.kept.pop_front().map_or(0, |kept| kept.bytes);
        }
        self.totals.forget(self.kept.iter().map(|kept| &*kept.tick));
    }

    /// All that are kept, in their order.
    pub fn all(&self) -> Vec<Rc<Tick>> {
        self.kept.iter().map(|kept| kept.tick.clone()).collect()
    }

    /// The newest tick.
    pub fn newest(&self) -> Option<Rc<Tick>> {
        self.kept.back().map(|kept| kept.tick.clone())
    }

    /// The latest tick before this one that is still kept.
    pub fn before(&self, tick: &Tick) -> Option<Rc<Tick>> {
        let earlier = self
            .kept
            .iter()
            .rev()
            .find(|kept| kept.tick.at_ns < tick.at_ns);
        earlier.map(|kept| kept.tick.clone())
    }

    /// The tick after this one, or the oldest that is kept.
    pub fn after(&self, tick: &Tick) -> Option<Rc<Tick>> {
        let later = self.kept.iter().find(|kept| kept.tick.at_ns > tick.at_ns);
        later.map(|kept| kept.tick.clone())
    }

    /// Kept ticks that are later than this one.
    pub fn later(&self, tick: &Tick) -> usize {
        let kept = self.kept.iter().rev();
        kept.take_while(|kept| kept.tick.at_ns > tick.at_ns).count()
    }

    /// What tasks did until this tick, since the first one that was pushed. Of a tick that is
    /// no longer kept, until the oldest that is.
    pub fn totals(&self, until: &Tick) -> Totals {
        let mut totals = self.totals.clone();
        for kept in self.kept.iter().skip(1).rev() {
            if kept.tick.at_ns <= until.at_ns {
                break;
            }
            totals.subtract(&kept.tick);
        }
        totals
    }
}

impl Totals {
    /// Of one task.
    pub fn of(&self, task: &Task) -> Option<&Interval> {
        self.sums.get(&(task.pid, task.tid))
    }

    fn add(&mut self, tick: &Tick) {
        for task in &tick.tasks {
            let sum = self.sums.entry((task.pid, task.tid)).or_default();
            change(sum, &task.interval, u64::saturating_add);
        }
    }

    fn subtract(&mut self, tick: &Tick) {
        for task in &tick.tasks {
            if let Some(sum) = self.sums.get_mut(&(task.pid, task.tid)) {
                change(sum, &task.interval, u64::saturating_sub);
            }
        }
    }

    /// Those that are in no tick that is kept. Rarely: it looks at every task of them all.
    fn forget<'a>(&mut self, ticks: impl DoubleEndedIterator<Item = &'a Tick> + Clone) {
        let newest = ticks.clone().next_back().map_or(0, |tick| tick.tasks.len());
        if self.sums.len() <= 2 * newest + 1024 {
            return;
        }
        let kept: rustc_hash::FxHashSet<_> = ticks
            .flat_map(|tick| &tick.tasks)
            .map(|task| (task.pid, task.tid))
            .collect();
        self.sums.retain(|task, _| kept.contains(task));
    }
}

/// Adds to, or takes from, each part of a sum. Also used for groups.
pub fn change(sum: &mut Interval, by: &Interval, with: fn(u64, u64) -> u64) {
    let Interval {
        on_cpu_ns,
        runqueue_ns,
        waits,
    } = by;
    sum.on_cpu_ns = with(sum.on_cpu_ns, *on_cpu_ns);
    sum.runqueue_ns = with(sum.runqueue_ns, *runqueue_ns);
    for (kind, ns) in waits {
        let part = sum.waits.entry(*kind).or_default();
        *part = with(*part, *ns);
    }
}

/// The memory of a tick, roughly.
fn bytes(tick: &Tick) -> usize {
    let tasks = tick.tasks.iter().map(task_bytes);
    size_of::<Tick>() + tasks.sum::<usize>()
}

fn task_bytes(task: &Task) -> usize {
    let blame = task.blame.iter().map(|blame| blame.detail.as_deref());
    let waker = task.last_waker.as_ref();
    let texts = [
        task.user.as_deref(),
        task.container.as_deref(),
        Some(&task.comm),
        Some(&task.command),
        task.object.as_deref(),
        task.function.as_deref(),
        task.syscall.as_deref(),
        task.because
            .as_ref()
            .and_then(|because| because.detail.as_deref()),
        waker.and_then(|waker| waker.comm.as_deref()),
        task.waits_for.as_ref().map(|hop| hop.comm.as_str()),
    ];
    let hops = task.chain.iter().map(|hop| Some(hop.comm.as_str()));
    let stack = task
        .stack
        .iter()
        .chain(waker.into_iter().flat_map(|w| w.stack.iter()));
    let stack = stack.map(|function| Some(&**function));
    let texts = texts
        .into_iter()
        .chain(hops)
        .chain(blame)
        .chain(stack)
        .flatten();
    let texts: usize = texts.map(|text| text.len() + ALLOCATION).sum();
    let elements = task.blame.len() + task.chain.len() + task.interval.waits.len();
    size_of::<Task>() + texts + elements * ALLOCATION
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(at: u64, tasks: Vec<Task>) -> Tick {
        Tick {
            at_ns: at,
            tick: at,
            tasks,
            ..Tick::default()
        }
    }

    fn task(tid: u32, cpu: u64, command: &str) -> Task {
        Task {
            tid,
            command: command.into(),
            interval: Interval {
                on_cpu_ns: cpu,
                ..Interval::default()
            },
            ..Task::default()
        }
    }

    #[test]
    fn top_history_is_bounded_in_number_and_memory() {
        let mut history = History::default();
        for at in 1..=1000 {
            history.push(tick(at, vec![task(1, 1, "")]));
        }
        let oldest = history.after(&tick(0, vec![])).unwrap();
        assert_eq!((oldest.at_ns, history.later(&oldest)), (881, TICKS - 1));
        let large = "x".repeat(BYTES / 2);
        for at in 1001..=1003 {
            history.push(tick(at, vec![task(1, 1, &large)]));
        }
        assert_eq!(history.kept.len(), 1);
        assert_eq!(history.newest().unwrap().at_ns, 1003);
    }

    #[test]
    fn top_history_sums_until_each_tick() {
        let mut history = History::default();
        for at in 1..=4 {
            history.push(tick(at, vec![task(1, at, ""), task(at as u32 + 10, 1, "")]));
        }
        for (until, sum) in [(1, 1), (2, 3), (3, 6), (4, 10)] {
            let totals = history.totals(&tick(until, vec![]));
            assert_eq!(totals.of(&task(1, 0, "")).unwrap().on_cpu_ns, sum);
        }
    }

    #[test]
    fn top_history_forgets_tasks_that_no_kept_tick_has() {
        let mut history = History::default();
        for at in 1..=10_000 {
            history.push(tick(at, vec![task(at as u32, 1, "")]));
        }
        assert!(
            history.totals.sums.len() <= 1027,
            "{}",
            history.totals.sums.len()
        );
    }
}
