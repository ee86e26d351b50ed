//! What happened in order of time: the critical path of the run, and the timelines
//! of the threads asked for.

use super::Wake;
use crate::vocabulary::{CauseKind, WaitKind};

/// A thread's life, step by step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// The thread: index into [`super::Document::threads`].
    pub thread: usize,
    /// Who made it runnable for the first time; `None` when that was not seen.
    pub born: Option<Wake>,
    /// In order of time, end to end; they add up to its life.
    pub steps: Vec<Step>,
    /// Later steps that are left out for their number.
    pub left_out: u64,
}

/// A part of a thread's life.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its beginning, ns since the start of the run.
    pub from_ns: u64,
    /// Its end, ns since the start of the run.
    pub to_ns: u64,
    /// What the thread did.
    pub did: Did,
}

/// What a thread did with a part of its life.
#[derive(Clone, Debug, PartialEq)]
pub enum Did {
    /// No wait: `computing`, `starting`, `run-queue`, `unknown`.
    NotWaiting {
        /// What it did.
        cause: CauseKind,
        /// As [`super::Blame::detail`].
        detail: Option<String>,
    },
    /// A finished wait.
    Waited {
        /// What for, and where.
        place: Place,
        /// Who ended it; its count and time are 0.
        ended: Wake,
        /// What it was really for, largest first: adds up to the step.
        blame: Vec<PathSum>,
    },
    /// A wait that was not finished at the end.
    Open(Place),
}

/// What a wait was for, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// As [`super::Wait::kind`].
    pub kind: WaitKind,
    /// As [`super::Wait::syscall`].
    pub syscall: Option<String>,
    /// As [`super::Wait::function`].
    pub function: Option<String>,
    /// As [`super::Wait::object`].
    pub object: Option<String>,
}

/// The chain of causes that ends with the end of the run: every instant of the
/// root's life is in exactly one hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// The thread whose life it explains: index into [`super::Document::threads`].
    pub root: usize,
    /// Its start, ns since the start of the run.
    pub from_ns: u64,
    /// Its end, ns since the start of the run.
    pub to_ns: u64,
    /// By cause, over all hops, largest first: they add up to the life.
    pub sums: Vec<PathSum>,
    /// In order of time, end to end unless some are left out.
    pub hops: Vec<Hop>,
    /// Shorter hops that are left out for their number.
    pub left_out: u64,
}

/// What one cause contributed to the critical path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathSum {
    /// As [`super::Blame::cause`]; `open` is a wait that had not ended.
    pub cause: CauseKind,
    /// As [`super::Blame::detail`]; of `open`, the wait kind.
    pub detail: Option<String>,
    /// Time, ns.
    pub ns: u64,
}

/// A part of the critical path in one thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Its beginning, ns since the start of the run.
    pub from_ns: u64,
    /// Its end, ns since the start of the run.
    pub to_ns: u64,
    /// The thread: index into [`super::Document::threads`].
    pub thread: usize,
    /// Kind of the wait that the cause kept the thread in; `None` when it did
    /// not wait.
    pub wait: Option<WaitKind>,
    /// As [`PathSum::cause`].
    pub cause: CauseKind,
    /// As [`PathSum::detail`].
    pub detail: Option<String>,
}
