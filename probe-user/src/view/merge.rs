//! Waits of one kind made one: their time together, the place where most of it
//! was spent and the source that ended most of it.

use std::collections::BTreeMap;

use super::woken;
use crate::document::{OpenWait, Wait, Wake};
use crate::vocabulary::WaitKind;

/// Who has ended a wait that is not finished.
pub const NOBODY_YET: &str = "nobody yet";

/// Frames of a stack that a row shows.
const FRAMES: usize = 3;

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
    /// Their time, ns.
    pub ns: u64,
    /// Waits.
    pub count: u64,
    /// Some had begun before the observation or have not ended: `ns` is a
    /// lower bound.
    pub lower_bound: bool,
    functions: Tally,
    syscalls: Tally,
    sources: Tally,
}

impl Merged {
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

    fn add_place(&mut self, function: Option<&str>, syscall: Option<&str>, weight: Weight) {
        if let Some(function) = function {
            self.functions.add(function, weight);
        }
        if let Some(syscall) = syscall {
            self.syscalls.add(syscall, weight);
        }
        self.ns = self.ns.saturating_add(weight.ns);
        self.count = self.count.saturating_add(weight.count);
    }
}

/// Finished and open waits, merged.
pub fn merge(waits: &[Wait], open: &[OpenWait]) -> BTreeMap<Key, Merged> {
    let mut rows: BTreeMap<Key, Merged> = BTreeMap::new();
    for wait in waits {
        let key = Key {
            idle: wait.idle == Some(true),
            ..key(wait.kind, &wait.stack, false)
        };
        let row = rows.entry(key).or_default();
        let weight = Weight {
            ns: wait.total_ns,
            count: wait.count,
        };
        row.add_place(wait.function.as_deref(), wait.syscall.as_deref(), weight);
        row.lower_bound |= wait.begun_before > 0;
        for wake in &wait.wakes {
            row.sources.add(&woken::describe(wake), wake.into());
        }
    }
    for wait in open {
        let weight = Weight {
            ns: wait.so_far_ns,
            count: wait.count,
        };
        // Two lower bounds under one name would be two rows that nothing keeps apart.
        let finished = rows.get_mut(&key(wait.kind, &wait.stack, false));
        let row = match finished.filter(|row| row.lower_bound) {
            Some(row) => {
                row.sources.add(NOBODY_YET, weight);
                row
            }
            None => rows.entry(key(wait.kind, &wait.stack, true)).or_default(),
        };
        row.add_place(wait.function.as_deref(), wait.syscall.as_deref(), weight);
        row.lower_bound = true;
    }
    // At least nothing says nothing.
    rows.retain(|_, row| row.ns > 0 || !row.lower_bound);
    rows
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
        let rows = merge(waits, open);
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.into_iter().next().unwrap()
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
            assert_eq!(only(&waits, &[]).1.place(), expect, "{waits:?}");
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
        let rows = merge(&[with_stack, bare], &[]);
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
        assert_eq!((row.ns, row.count), (14, 6));
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

    #[test]
    fn the_source_is_the_one_that_ended_most_time() {
        let wake = |source: &str, comm: &str, wait_ns| Wake {
            source: source.parse().unwrap(),
            comm: Some(comm.to_owned()),
            count: 1,
            wait_ns,
            ..Wake::default()
        };
        let waits = [Wait {
            wakes: vec![
                wake("task-exit", "git", 4),
                wake("timer", "", 6),
                wake("task-exit", "git", 3),
            ],
            ..wait("child-exit", "wait4", "do_wait", 13)
        }];
        assert_eq!(only(&waits, &[]).1.woken(), named("exit of git", 1));
    }
}
