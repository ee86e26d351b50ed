//! Which threads, at which place, decide a value: what a reader would look at next.

use super::{
    Argument, Metric, Subject,
    kinds::{Is, of_open, of_row},
};
use crate::{
    document::{Blame, OpenWait, Thread, Wait},
    vocabulary::{WaitKind, WakeSource},
};

/// One thread at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Its process; `None` when its birth was not seen.
    pub pid: Option<u32>,
    /// The thread.
    pub tid: u32,
    /// Its name.
    pub comm: String,
    /// A kind of wait, or `on_cpu`, `runqueue`; `None` where it is about something else.
    pub kind: Option<&'static str>,
    /// Kernel function slept in; `None` when no stack was taken.
    pub function: Option<String>,
    /// The stack, innermost first, where it was kept.
    pub stack: Vec<String>,
    /// How often.
    pub count: u64,
    /// Time, ns.
    pub ns: u64,
}

/// At most this many.
pub const MOST: usize = 5;

/// The threads and kernel functions with the most of it, largest first.
pub fn evidence(subject: &Subject<'_>, metric: &Metric, arguments: &[Argument]) -> Vec<Evidence> {
    let mut rows = (metric.evidence)(subject, arguments);
    rows.sort_by(|a, b| (b.ns, b.count, a.tid).cmp(&(a.ns, a.count, b.tid)));
    rows.truncate(MOST);
    rows
}

/// Of a metric that no thread decides.
pub fn none(_: &Subject<'_>, _: &[Argument]) -> Vec<Evidence> {
    Vec::new()
}

/// The largest of many, without keeping all.
struct Largest<T>(Vec<((u64, u64), T)>);

impl<T> Largest<T> {
    fn new() -> Largest<T> {
        Largest(Vec::with_capacity(MOST + 1))
    }

    fn add(&mut self, size: (u64, u64), what: T) {
        if size == (0, 0) || self.0.len() == MOST && self.0[MOST - 1].0 >= size {
            return;
        }
        let place = self.0.partition_point(|(other, _)| *other >= size);
        self.0.insert(place, (size, what));
        self.0.truncate(MOST);
    }

    fn rows(self, row: impl Fn((u64, u64), T) -> Evidence) -> Vec<Evidence> {
        let all = self.0.into_iter();
        all.map(|(size, what)| row(size, what)).collect()
    }
}

fn of(thread: &Thread) -> Evidence {
    Evidence {
        pid: thread.pid,
        tid: thread.tid,
        comm: thread.comm.clone(),
        ..Evidence::default()
    }
}

fn selected<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a Thread> + use<'a> {
    let (threads, all) = (subject.threads, &subject.document.threads);
    threads.iter().map(move |&index| &all[index])
}

/// Threads by a time of theirs, ns.
pub fn of_threads(
    subject: &Subject<'_>,
    kind: Option<&'static str>,
    ns: impl Fn(&Thread) -> u64,
) -> Vec<Evidence> {
    by_time(selected(subject), kind, ns)
}

/// The same of the whole tree.
pub fn of_all_threads(
    subject: &Subject<'_>,
    kind: Option<&'static str>,
    ns: impl Fn(&Thread) -> u64,
) -> Vec<Evidence> {
    by_time(subject.document.threads.iter(), kind, ns)
}

fn by_time<'a>(
    threads: impl Iterator<Item = &'a Thread>,
    kind: Option<&'static str>,
    ns: impl Fn(&Thread) -> u64,
) -> Vec<Evidence> {
    let mut largest = Largest::new();
    threads.for_each(|thread| largest.add((ns(thread), 0), thread));
    largest.rows(|(ns, _), thread| Evidence {
        kind,
        ns,
        ..of(thread)
    })
}

/// Threads by a number of theirs.
pub fn by_count(subject: &Subject<'_>, count: impl Fn(&Thread) -> u64) -> Vec<Evidence> {
    let mut largest = Largest::new();
    selected(subject).for_each(|thread| largest.add((0, count(thread)), thread));
    largest.rows(|(_, count), thread| Evidence {
        count,
        ..of(thread)
    })
}

/// Processes that selected threads made, by how long these lived.
pub fn of_children(subject: &Subject<'_>) -> Vec<Evidence> {
    let mut largest = Largest::new();
    for process in subject.children().unwrap_or_default() {
        let leader = &subject.document.threads[subject.prepared.leader(process)];
        let (from_ns, to_ns) = subject.prepared.life(process);
        largest.add((to_ns.saturating_sub(from_ns), 0), leader);
    }
    largest.rows(|(ns, _), thread| Evidence { ns, ..of(thread) })
}

enum Row<'a> {
    Finished(&'a Wait),
    Open(&'a OpenWait),
}

fn of_row_at((ns, count): (u64, u64), (thread, row): (&Thread, Row<'_>)) -> Evidence {
    let (kind, function, stack) = match row {
        Row::Finished(wait) => (wait.kind, &wait.function, &wait.stack),
        Row::Open(open) => (open.kind, &open.function, &open.stack),
    };
    Evidence {
        kind: Some(kind.as_str()),
        function: function.clone(),
        stack: stack.clone(),
        count,
        ns,
        ..of(thread)
    }
}

/// Waits of a kind, or of any.
pub fn of_waits(subject: &Subject<'_>, kind: Option<WaitKind>) -> Vec<Evidence> {
    let trust = subject.prepared.trust();
    let is_one = |is: Is| !matches!(is, Is::No | Is::ShakyNo);
    let mut largest = Largest::new();
    for thread in selected(subject) {
        for wait in &thread.sums.waits {
            if is_one(of_row(trust, wait, kind)) {
                largest.add((wait.total_ns, wait.count), (thread, Row::Finished(wait)));
            }
        }
        for open in &thread.sums.open {
            if is_one(of_open(trust, open, kind)) {
                largest.add((open.so_far_ns, open.count), (thread, Row::Open(open)));
            }
        }
    }
    largest.rows(of_row_at)
}

/// The longest waits of a kind, or of any.
pub fn of_longest(subject: &Subject<'_>, kind: Option<WaitKind>) -> Vec<Evidence> {
    let mut largest = Largest::new();
    let is_one = |of: WaitKind| kind.is_none_or(|kind| kind == of);
    for thread in selected(subject) {
        for wait in thread.sums.waits.iter().filter(|wait| is_one(wait.kind)) {
            largest.add((wait.max_ns, 1), (thread, Row::Finished(wait)));
        }
        for open in thread.sums.open.iter().filter(|open| is_one(open.kind)) {
            largest.add((open.so_far_ns, 1), (thread, Row::Open(open)));
        }
    }
    largest.rows(of_row_at)
}

/// Waits for work.
pub fn of_idle(subject: &Subject<'_>) -> Vec<Evidence> {
    waits_that(subject, |wait| match wait.idle {
        Some(true) => (wait.total_ns, wait.count),
        Some(false) | None => (0, 0),
    })
}

/// Waits that a source ended.
pub fn of_wakes(subject: &Subject<'_>, source: Option<WakeSource>) -> Vec<Evidence> {
    waits_that(subject, |wait| {
        let wakes = wait.wakes.iter().filter(|wake| Some(wake.source) == source);
        wakes.fold((0, 0), |(ns, count), wake| {
            let ns = wake.wait_ns.saturating_add(ns);
            (ns, wake.count.saturating_add(count))
        })
    })
}

/// Waits in a system call.
pub fn in_call(subject: &Subject<'_>, name: &str) -> Vec<Evidence> {
    waits_that(subject, |wait| {
        match wait.syscall.as_deref() == Some(name) {
            true => (wait.total_ns, wait.count),
            false => (0, 0),
        }
    })
}

fn waits_that(subject: &Subject<'_>, size: impl Fn(&Wait) -> (u64, u64)) -> Vec<Evidence> {
    let mut largest = Largest::new();
    for thread in selected(subject) {
        for wait in &thread.sums.waits {
            largest.add(size(wait), (thread, Row::Finished(wait)));
        }
    }
    largest.rows(of_row_at)
}

/// Threads by what is blamed so.
pub fn of_blame(subject: &Subject<'_>, is_one: impl Fn(&Blame) -> bool) -> Vec<Evidence> {
    let mut largest = Largest::new();
    for thread in selected(subject) {
        for row in thread.sums.blame.iter().filter(|row| is_one(row)) {
            largest.add((row.ns, 0), (thread, row.kind));
        }
    }
    largest.rows(|(ns, _), (thread, kind)| Evidence {
        kind: Some(kind.as_str()),
        ns,
        ..of(thread)
    })
}
