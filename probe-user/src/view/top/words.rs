//! A task in words: what stands in the columns and on the pages. Sanitised.

use rustc_hash::FxHashMap;

use crate::document::top::{Because, Interval, LastWaker, Task, TaskState, Tick, WaitsFor, Why};
use crate::view::{behind, sanitize, units};
use crate::vocabulary::{WaitKind, WakeSource};

/// Seconds from which on a wait has no decimals.
const WHOLE_FROM_NS: u64 = 10_000_000_000_000;

/// `12.34 s`, `≥86,400 s`: in one unit, so that times under each other compare.
pub fn age(task: &Task) -> String {
    let bound = if task.age_at_least { "≥" } else { "" };
    if task.age_ns >= WHOLE_FROM_NS {
        return format!("{bound}{} s", units::count(task.age_ns / 1_000_000_000));
    }
    format!("{bound}{} s", units::seconds(task.age_ns))
}

/// What it does, in the words of a report's rows: `futex`, `run queue`, `on cpu`.
pub fn doing(task: &Task) -> &'static str {
    match (task.state, task.kind) {
        (TaskState::Running, _) => "on cpu",
        (TaskState::Runnable, _) => "run queue",
        (_, Some(kind)) => kind.as_str(),
        (TaskState::Blocked | TaskState::Unknown, None) => WaitKind::Unknown.as_str(),
    }
}

/// `tick 12, 1.00 s`: which one, and how long it was.
pub fn tick(tick: &Tick) -> String {
    format!("tick {}, {}", tick.tick, units::time(tick.interval_ns))
}

/// `git 4243 (child)`.
pub fn waits_for(hop: &WaitsFor) -> String {
    let name = sanitize::text(&hop.comm);
    format!("{name} {} ({})", hop.tid, part(hop.why))
}

/// The part that a task plays for the one that waits for it.
pub fn part(why: Why) -> &'static str {
    match why {
        Why::Child => "child",
        Why::LockHolder => "holds the lock",
        Why::GilHolder => "holds the GIL",
        Why::PipeWriter => "writes the pipe",
        Why::PipeReader => "reads the pipe",
        Why::SocketPeer => "socket peer",
        Why::ThreadExit => "joined",
        Why::FileLockHolder => "locked the file",
    }
}

/// `computing git index-pack`.
pub fn because(because: &Because) -> String {
    let text = behind::describe(because.cause, because.detail.as_deref());
    sanitize::text(&text).into_owned()
}

/// `timer`, `git 4243`, `task 4243`.
pub fn waker(waker: &LastWaker) -> String {
    let name = waker.comm.as_deref().map(sanitize::text);
    let tid = waker.tid.map(|tid| format!(" {tid}")).unwrap_or_default();
    match (waker.source, name) {
        (WakeSource::Task, Some(name)) => format!("{name}{tid}"),
        (WakeSource::TaskExit, Some(name)) => format!("exit of {name}{tid}"),
        (source, Some(name)) => format!("{source} by {name}{tid}"),
        (source, None) => format!("{source}{tid}"),
    }
}

/// `17 in nginx-1`: its pid in there, and which container.
pub fn container(task: &Task) -> String {
    let name = task.container.as_deref().map(sanitize::text);
    match (task.ns_pid, name) {
        (Some(pid), Some(name)) => format!("{pid} in {name}"),
        (Some(pid), None) => format!("{pid} inside"),
        (None, Some(name)) => name.into_owned(),
        (None, None) => String::new(),
    }
}

/// The words for those that wait in a circle, or behind one, by tid.
#[derive(Clone, Debug, Default)]
pub struct Deadlocks {
    words: FxHashMap<u32, String>,
}

impl Deadlocks {
    /// Of all tasks of a tick.
    pub fn of(tick: &Tick) -> Deadlocks {
        let stuck = || tick.tasks.iter().filter(|task| task.deadlock.is_some());
        let next: FxHashMap<u32, u32> = stuck()
            .filter_map(|task| Some((task.tid, task.waits_for.as_ref()?.tid)))
            .collect();
        let words = stuck().filter_map(|task| {
            let first = task.deadlock?;
            let words = match circle(task.tid, &next) {
                Some(others) if others.is_empty() => "deadlock with itself".to_owned(),
                Some(others) => format!("deadlock with {}", tids(&others)),
                None if first == task.tid => "deadlock".to_owned(),
                None => format!("behind the deadlock of {first}"),
            };
            Some((task.tid, words))
        });
        Deadlocks {
            words: words.collect(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// `deadlock with 12, 13`; what else it waits for in the end.
    pub fn because(&self, task: &Task) -> String {
        let words = self.words.get(&task.tid).cloned();
        let end = || task.because.as_ref().map(because);
        words.or_else(end).unwrap_or_default()
    }
}

/// The others of the circle that a task is in.
fn circle(tid: u32, next: &FxHashMap<u32, u32>) -> Option<Vec<u32>> {
    let mut others = Vec::new();
    let mut at = *next.get(&tid)?;
    while at != tid {
        if others.len() > next.len() {
            return None;
        }
        others.push(at);
        at = *next.get(&at)?;
    }
    Some(others)
}

fn tids(tids: &[u32]) -> String {
    let texts: Vec<String> = tids.iter().map(u32::to_string).collect();
    texts.join(", ")
}

/// Sorts of time in the bar of an interval: its letter, and what it is.
pub const SORTS: [(char, &str); 10] = [
    ('█', "on a CPU"),
    ('▒', "on a run queue"),
    ('c', "waiting for children"),
    ('l', "for locks"),
    ('p', "for pipes, terminals and other tasks"),
    ('n', "for sockets"),
    ('e', "for events (epoll, poll, select)"),
    ('d', "for disks and memory"),
    ('t', "for a time"),
    ('s', "stopped, throttled, for signals, unknown"),
];

/// The sort of a wait, as a position in [`SORTS`].
fn sort(kind: WaitKind) -> usize {
    use WaitKind::*;
    match kind {
        ChildExit | Vfork => 2,
        Futex | Gil | KernelLock | FileLock => 3,
        PipeRead | PipeWrite | Tty | Ipc => 4,
        SocketRecv | SocketSend | SocketAccept | SocketConnect => 5,
        Epoll | Poll | Select | Event | IoUring => 6,
        Disk | Sync | PageFault | Swap | Memory => 7,
        Sleep | Timer => 8,
        Signal | Stopped | Throttled | Unknown => 9,
    }
}

/// All time of an interval, ns.
pub fn sum(interval: &Interval) -> u64 {
    let waits = interval.waits.values().copied();
    let all = [interval.on_cpu_ns, interval.runqueue_ns]
        .into_iter()
        .chain(waits);
    all.fold(0, u64::saturating_add)
}

/// An interval in `width` letters, each for its part of the time: `██▒lllllnn`.
pub fn bar(interval: &Interval, width: usize) -> String {
    let mut parts = [0_u64; SORTS.len()];
    parts[0] = interval.on_cpu_ns;
    parts[1] = interval.runqueue_ns;
    for (kind, ns) in &interval.waits {
        let part = &mut parts[sort(*kind)];
        *part = part.saturating_add(*ns);
    }
    let whole: u128 = parts.iter().copied().map(u128::from).sum();
    let mut text = String::with_capacity(width);
    let (mut sum, mut drawn) = (0_u128, 0);
    for ((letter, _), ns) in SORTS.iter().zip(parts) {
        sum += u128::from(ns);
        // By the running sum: the letters never are more or fewer than the width.
        let until = (sum * width as u128 + whole / 2).checked_div(whole);
        let until = usize::try_from(until.unwrap_or(0)).unwrap_or(width);
        text.extend(std::iter::repeat_n(*letter, until.saturating_sub(drawn)));
        drawn = drawn.max(until);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_age_is_in_seconds_and_its_bound_shows() {
        let cases = [
            (0, false, "0.00 s"),
            (12_345_000_000, true, "≥12.35 s"),
            (9_999_000_000_000, false, "9,999.00 s"),
            (86_400_000_000_000, true, "≥86,400 s"),
        ];
        for (age_ns, age_at_least, expect) in cases {
            let task = Task {
                age_ns,
                age_at_least,
                ..Task::default()
            };
            assert_eq!(age(&task), expect);
        }
    }

    #[test]
    fn top_bar_has_a_letter_for_each_part_of_the_interval() {
        let interval = |cpu, queue, waits: &[(WaitKind, u64)]| Interval {
            on_cpu_ns: cpu,
            runqueue_ns: queue,
            waits: waits.iter().copied().collect(),
        };
        let cases = [
            (interval(0, 0, &[]), ""),
            (interval(1, 0, &[]), "██████████"),
            (
                interval(2, 1, &[(WaitKind::Futex, 5), (WaitKind::SocketRecv, 2)]),
                "██▒lllllnn",
            ),
            (
                interval(u64::MAX, u64::MAX, &[(WaitKind::Unknown, u64::MAX)]),
                "███▒▒▒▒sss",
            ),
        ];
        for (interval, expect) in cases {
            assert_eq!(bar(&interval, 10), expect);
        }
    }

    #[test]
    fn top_deadlock_names_the_others_of_the_circle() {
        let task = |tid, to: u32| Task {
            tid,
            deadlock: Some(11),
            waits_for: Some(WaitsFor {
                tid: to,
                ..WaitsFor::default()
            }),
            ..Task::default()
        };
        let tasks = vec![
            task(11, 12),
            task(12, 13),
            task(13, 11),
            task(20, 12),
            task(21, 99),
            task(30, 30),
        ];
        let deadlocks = Deadlocks::of(&Tick {
            tasks: tasks.clone(),
            ..Tick::default()
        });
        let words: Vec<String> = tasks.iter().map(|task| deadlocks.because(task)).collect();
        assert_eq!(
            words,
            [
                "deadlock with 12, 13",
                "deadlock with 13, 11",
                "deadlock with 11, 12",
                "behind the deadlock of 11",
                "behind the deadlock of 11",
                "deadlock with itself",
            ]
        );
    }
}
