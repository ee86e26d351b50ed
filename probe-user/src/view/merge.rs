//! Waits of one kind made one: their time together, the place where most of it
//! was spent and the source that ended most of it. Divided again where different
//! kinds of wakers ended them.

use std::{cmp::Reverse, collections::BTreeMap};

use super::units;
use super::woken::{self, Waker};
use crate::document::{OpenWait, Wait, Wake};
use crate::vocabulary::WaitKind;

/// Who has ended a wait that is not finished.
pub const NOBODY_YET: &str = "nobody yet";

/// Frames of a stack that a row shows.
const FRAMES: usize = 3;
/// What ended at least one such part of a row's time is worth a row of its own.
const PARTS: u64 = 20;

/// The name that most time belongs to, and how many others there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The dominant one. Not sanitised.
    pub text: String,
    /// Other names that share the row.
    pub more: usize,
}

/// What makes waits one row. A wait of unknown kind is known by its stack
/// alone, so each stack is a row of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Wait kind.
    pub kind: WaitKind,
    /// Innermost frames, for kind `unknown`: `a < b < c`.
    pub stack: Option<String>,
    /// Not finished at the end.
    pub open: bool,
    /// Known to be waits for work.
    pub idle: bool,
}

/// Waits with one [`Key`].
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// Some had begun before the observation or have not ended: the time is a
    /// lower bound.
    pub lower_bound: bool,
    parts: BTreeMap<Waker, Part>,
}

/// Those of them that one kind of waker ended.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// What ended most of the time; `None` if nothing is known of that.
    pub waker: Option<Waker>,
    /// Their time, ns.
    pub ns: u64,
    /// Waits.
    pub count: u64,
    functions: Tally,
    syscalls: Tally,
    sources: Tally,
    tasks: Tally,
}

impl Merged {
    /// All of them.
    pub fn whole(&self) -> Part {
        let parts = self.parts.iter();
        let heaviest = parts.clone().max_by_key(|(_, part)| (part.ns, part.count));
        let mut whole = Part {
            waker: heaviest.map(|(waker, _)| *waker),
            ..Part::default()
        };
        parts.for_each(|(_, part)| whole.add(part));
        whole
    }

    /// Divided by what ended them, where at least two kinds ended a twentieth of
    /// the time; the others are in the largest part. With `all`, where they ended any.
    pub fn divided(&self, all: bool) -> Vec<Part> {
        let whole = self.whole();
        let weighty = |(waker, part): &(&Waker, &Part)| {
            let is_large = all || !units::is_below(part.ns, whole.ns, PARTS);
            **waker != Waker::Nobody && part.ns > 0 && is_large
        };
        let (large, small): (Vec<_>, Vec<_>) = self.parts.iter().partition(weighty);
        if large.len() < 2 {
            return vec![whole];
        }
        let mut parts: Vec<Part> = large.into_iter().map(Part::of).collect();
        parts.sort_by_key(|part| Reverse(part.ns));
        small.into_iter().for_each(|(_, part)| parts[0].add(part));
        parts
    }

    fn add(&mut self, waker: Waker, weight: Weight) -> &mut Part {
        let part = self.parts.entry(waker).or_default();
        part.ns = part.ns.saturating_add(weight.ns);
        part.count = part.count.saturating_add(weight.count);
        part
    }
}

impl Part {
    /// Where most of the time was spent: a kernel function, or else, when no
    /// stack was taken for any of the waits, a system call in parentheses.
    pub fn place(&self) -> Option<Named> {
        self.functions.dominant().or_else(|| {
            let Named { text, more } = self.syscalls.dominant()?;
            Some(Named {
                text: format!("({text})"),
                more,
            })
        })
    }

    /// Who ended most of the time.
    pub fn woken(&self) -> Option<Named> {
        self.sources.dominant()
    }

    /// The task that ended most of the time, and how many others ended a twentieth of it.
    pub fn task(&self) -> Option<Named> {
        let Named { text, .. } = self.tasks.dominant()?;
        let large = self.tasks.0.values();
        let large = large.filter(|weight| !units::is_below(weight.ns, self.ns, PARTS));
        let more = large.count().saturating_sub(1);
        Some(Named { text, more })
    }

    fn of((waker, part): (&Waker, &Part)) -> Part {
        Part {
            waker: Some(*waker),
            ..part.clone()
        }
    }

    fn add(&mut self, other: &Part) {
        self.ns = self.ns.saturating_add(other.ns);
        self.count = self.count.saturating_add(other.count);
        let Part {
            waker: _,
            ns: _,
            count: _,
            functions,
            syscalls,
            sources,
            tasks,
        } = other;
        self.functions.add_all(functions);
        self.syscalls.add_all(syscalls);
        self.sources.add_all(sources);
        self.tasks.add_all(tasks);
    }

    fn add_place(&mut self, function: Option<&str>, syscall: Option<&str>, weight: Weight) {
        if let Some(function) = function {
            self.functions.add(function, weight);
        }
        if let Some(syscall) = syscall {
            self.syscalls.add(syscall, weight);
        }
    }
}

/// Finished and open waits of a thread, or of all, in the group of that name, merged.
pub fn merge(waits: &[Wait], open: &[OpenWait], group: &str) -> BTreeMap<Key, Merged> {
    let mut rows: BTreeMap<Key, Merged> = BTreeMap::new();
    for wait in waits {
        let key = Key {
            idle: wait.idle == Some(true),
            ..key(wait.kind, &wait.stack, false)
        };
        let row = rows.entry(key).or_default();
        row.lower_bound |= wait.begun_before > 0;
        add_wait(row, wait, group);
    }
    for wait in open {
        let weight = Weight {
            ns: wait.so_far_ns,
            count: wait.count,
        };
        // Two lower bounds under one name would be two rows that nothing keeps apart.
        let finished = rows.get_mut(&key(wait.kind, &wait.stack, false));
        let row = match finished.filter(|row| row.lower_bound) {
            Some(row) => row,
            None => rows.entry(key(wait.kind, &wait.stack, true)).or_default(),
        };
        let part = row.add(Waker::Nobody, weight);
        part.sources.add(NOBODY_YET, weight);
        let function = function(wait.kind, wait.function.as_ref(), wait.object.as_ref());
        part.add_place(function, wait.syscall.as_deref(), weight);
        row.lower_bound = true;
    }
    // At least nothing says nothing.
    rows.retain(|_, row| !row.lower_bound || row.parts.values().any(|part| part.ns > 0));
    rows
}

/// Each wake with the waits it ended; waits without one are nobody's.
fn add_wait(row: &mut Merged, wait: &Wait, group: &str) {
    let function = function(wait.kind, wait.function.as_ref(), wait.object.as_ref());
    let syscall = wait.syscall.as_deref();
    let mut left = Weight {
        ns: wait.total_ns,
        count: wait.count,
    };
    for wake in &wait.wakes {
        let weight = Weight {
            ns: wake.wait_ns.min(left.ns),
            count: wake.count.min(left.count),
        };
        (left.ns, left.count) = (left.ns - weight.ns, left.count - weight.count);
        let waker = woken::waker(wake, group);
        let part = row.add(waker, weight);
        let source = match waker {
            Waker::Sibling => woken::siblings(wake),
            Waker::OwnEnd => woken::OWN_END.to_owned(),
            _ => woken::describe(wake),
        };
        part.sources.add(&source, wake.into());
        if let Some(comm) = &wake.comm {
            part.tasks.add(comm, wake.into());
        }
        part.add_place(function, syscall, weight);
    }
    let is_known = left == Weight::default() && !wait.wakes.is_empty();
    if !is_known {
        let part = row.add(Waker::Nobody, left);
        part.add_place(function, syscall, left);
    }
}

/// The kernel function of a wait; a wait for CPU quota, which is in none, has its cgroup there.
fn function<'a>(
    kind: WaitKind,
    function: Option<&'a String>,
    object: Option<&'a String>,
) -> Option<&'a str> {
    let cgroup = object.filter(|_| kind == WaitKind::Throttled);
    function.or(cgroup).map(String::as_str)
}

fn key(kind: WaitKind, stack: &[String], open: bool) -> Key {
    let stack = (kind == WaitKind::Unknown && !stack.is_empty())
        .then(|| stack[..stack.len().min(FRAMES)].join(" < "));
    Key {
        kind,
        stack,
        open,
        idle: false,
    }
}

/// Time first: names are ranked by what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    ns: u64,
    count: u64,
}

impl From<&Wake> for Weight {
    fn from(wake: &Wake) -> Weight {
        Weight {
            ns: wake.wait_ns,
            count: wake.count,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Tally(BTreeMap<String, Weight>);

impl Tally {
    fn add(&mut self, name: &str, weight: Weight) {
        let sum = match self.0.get_mut(name) {
            Some(sum) => sum,
            None => self.0.entry(name.to_owned()).or_default(),
        };
        sum.ns = sum.ns.saturating_add(weight.ns);
        sum.count = sum.count.saturating_add(weight.count);
    }

    fn add_all(&mut self, other: &Tally) {
        for (name, weight) in &other.0 {
            self.add(name, *weight);
        }
    }

    /// The heaviest; of equals the first by name.
    fn dominant(&self) -> Option<Named> {
        let (text, _) = self.0.iter().rev().max_by_key(|(_, weight)| **weight)?;
        Some(Named {
            text: text.clone(),
            more: self.0.len() - 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(kind: &str, syscall: &str, function: &str, total_ns: u64) -> Wait {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Wait {
            kind: kind.parse().unwrap(),
            syscall: text(syscall),
            function: text(function),
            count: 1,
            total_ns,
            ..Wait::default()
        }
    }

    fn named(text: &str, more: usize) -> Option<Named> {
        Some(Named {
            text: text.to_owned(),
            more,
        })
    }

    fn only(waits: &[Wait], open: &[OpenWait]) -> (Key, Merged) {
        let rows = merge(waits, open, "own");
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.into_iter().next().unwrap()
    }

    #[test]
    fn the_place_of_a_wait_for_quota_is_its_cgroup() {
        let place = |kind| {
            let wait = Wait {
                object: Some("cgroup batch".to_owned()),
                ..wait(kind, "", "", 10)
            };
            let rows = merge(&[wait], &[], "");
            let row = rows.into_values().next().unwrap();
            let part = row.parts.into_values().next().unwrap();
            part.place().map(|place| place.text)
        };
        assert_eq!(place("throttled").as_deref(), Some("cgroup batch"));
        assert_eq!(place("pipe-read"), None);
    }

    #[test]
    fn the_place_is_the_function_with_most_time() {
        let cases = [
            (vec![wait("futex", "futex", "a", 5)], named("a", 0)),
            (
                vec![
                    wait("futex", "futex", "a", 4),
                    wait("futex", "futex", "b", 5),
                    wait("futex", "futex", "c", 1),
                    wait("futex", "futex", "a", 2),
                ],
                named("a", 2),
            ),
            // Equal times: by name.
            (
                vec![wait("futex", "", "b", 5), wait("futex", "", "a", 5)],
                named("a", 0).map(|n| Named { more: 1, ..n }),
            ),
            // One stack is enough to name a function, whatever the rest took.
            (
                vec![
                    wait("futex", "futex", "", 900),
                    wait("futex", "futex", "a", 1),
                ],
                named("a", 0),
            ),
            (vec![wait("pipe-read", "read", "", 5)], named("(read)", 0)),
            (
                vec![
                    wait("pipe-read", "readv", "", 5),
                    wait("pipe-read", "read", "", 6),
                ],
                named("(read)", 1),
            ),
            (vec![wait("page-fault", "", "", 5)], None),
        ];
        for (waits, expect) in cases {
            assert_eq!(only(&waits, &[]).1.whole().place(), expect, "{waits:?}");
        }
    }

    #[test]
    fn merge_an_unknown_wait_is_known_by_its_innermost_frames() {
        let stack = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        let with_stack = Wait {
            stack,
            ..wait("unknown", "ioctl", "a", 5)
        };
        let (key, _) = only(std::slice::from_ref(&with_stack), &[]);
        assert_eq!(key.stack.as_deref(), Some("a < b < c"));
        let bare = wait("unknown", "ioctl", "", 5);
        let rows = merge(&[with_stack, bare], &[], "own");
        assert_eq!(rows.len(), 2, "stacks are kept apart");
    }

    #[test]
    fn open_waits_and_waits_begun_before_are_lower_bounds() {
        let open = OpenWait {
            kind: WaitKind::Futex,
            count: 3,
            so_far_ns: 7,
            ..OpenWait::default()
        };
        let (key, row) = only(&[], &[open.clone(), open]);
        assert!(key.open && row.lower_bound);
        let whole = row.whole();
        assert_eq!((whole.ns, whole.count), (14, 6));
        let seen_late = Wait {
            begun_before: 1,
            ..wait("futex", "", "a", 5)
        };
        assert!(
            only(&[wait("futex", "", "a", 5), seen_late], &[])
                .1
                .lower_bound
        );
        assert!(!only(&[wait("futex", "", "a", 5)], &[]).1.lower_bound);
    }

    fn wake(source: &str, comm: &str, wait_ns: u64) -> Wake {
        Wake {
            source: source.parse().unwrap(),
            comm: (!comm.is_empty()).then(|| comm.to_owned()),
            count: 1,
            wait_ns,
            ..Wake::default()
        }
    }

    #[test]
    fn the_source_is_the_one_that_ended_most_time() {
        let waits = [Wait {
            wakes: vec![
                wake("task-exit", "git", 4),
                wake("timer", "", 6),
                wake("task-exit", "git", 3),
            ],
            ..wait("child-exit", "wait4", "do_wait", 13)
        }];
        assert_eq!(only(&waits, &[]).1.whole().woken(), named("exit of git", 1));
    }

    fn lock(function: &str, wakes: &[Wake]) -> Wait {
        let total_ns = wakes.iter().map(|wake| wake.wait_ns).sum();
        Wait {
            count: wakes.len() as u64,
            wakes: wakes.to_vec(),
            ..wait("futex", "futex", function, total_ns)
        }
    }

    /// Who woke, where, ns and count of each part.
    fn check_parts(waits: &[Wait], all: bool, expect: &[(&str, &str, u64, u64)]) {
        let parts = only(waits, &[]).1.divided(all);
        let text = |named: Option<Named>| named.map_or(String::new(), |n| n.text);
        let shown = parts
            .iter()
            .map(|part| (text(part.woken()), text(part.place()), part.ns, part.count));
        let expect = expect
            .iter()
            .map(|&(woken, place, ns, count)| (woken.to_owned(), place.to_owned(), ns, count));
        assert_eq!(shown.collect::<Vec<_>>(), expect.collect::<Vec<_>>());
    }

    #[test]
    fn merge_waits_are_divided_by_what_kind_of_waker_ended_them() {
        let sibling = wake("task", "own", 334);
        // A pause in another place than the lock.
        let pause = lock("pause", &[wake("timer", "", 31)]);
        check_parts(
            &[lock("lock", std::slice::from_ref(&sibling)), pause],
            false,
            &[("siblings", "lock", 334, 1), ("timer", "pause", 31, 1)],
        );
        // A twentieth is enough, less is not; with --all any is.
        let of = |ns| {
            lock(
                "lock",
                &[wake("task", "own", 1000 - ns), wake("timer", "", ns)],
            )
        };
        check_parts(
            &[of(50)],
            false,
            &[("siblings", "lock", 950, 1), ("timer", "lock", 50, 1)],
        );
        check_parts(&[of(49)], false, &[("siblings", "lock", 1000, 2)]);
        check_parts(
            &[of(1)],
            true,
            &[("siblings", "lock", 999, 1), ("timer", "lock", 1, 1)],
        );
        // Of one kind there may be many.
        check_parts(
            &[lock(
                "lock",
                &[wake("task", "a", 500), wake("task", "b", 400)],
            )],
            true,
            &[("a", "lock", 900, 2)],
        );
        // What nobody is known to have ended is in the largest part.
        let mut short = lock("lock", &[sibling, wake("timer", "", 300)]);
        (short.total_ns, short.count) = (1000, 5);
        check_parts(
            &[short],
            false,
            &[("siblings", "lock", 700, 4), ("timer", "lock", 300, 1)],
        );
    }
}
