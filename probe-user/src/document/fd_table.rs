//! Descriptor tables: who shared which, and how many descriptors were open in it.

use serde::{Deserialize, Serialize};

use super::is_zero;
use crate::vocabulary::{DescriptorKind, TableOrigin};

/// A descriptor table (`files_struct`), from the first thread that used it to the last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FdTable {
    /// In order of appearance.
    pub id: u32,
    /// Processes that used it, ascending.
    pub processes: Vec<u32>,
    /// Groups of the threads that used it, ascending: indices into [`super::Document::groups`].
    pub groups: Vec<usize>,
    /// Most threads that used it at once.
    pub threads_max: usize,
    /// How it came to be.
    pub origin: TableOrigin,
    /// First seen, ns since the start of the run.
    pub from_ns: u64,
    /// Given back by the last thread, or the end, ns since the start of the run.
    pub to_ns: u64,
    /// The soft limit (`RLIMIT_NOFILE`) of the thread that looked last; `None` if not known.
    pub limit: Option<u64>,
    /// The highest share of the soft limit that was open at a look, under the limit in force
    /// then; `None` if not known, or where each look found more open than the limit allows.
    pub limit_share: Option<f64>,
    /// It is larger than what is looked at: what was open, and its share, are lower bounds.
    /// Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// How many were open.
    pub open: FdsOpen,
    /// What they were at the last look (at the last exit or the end); `None` if none came to
    /// that, or it was too large.
    pub by_kind: Option<FdKinds>,
    /// Those that came through the latest exec; `None` without one.
    pub inherited: Option<u32>,
    /// What these are. Written only where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_by_kind: Option<FdKinds>,
    /// What each open descriptor was at the last look (at the last exit or the end), by
    /// number, of up to 256. Written only where that was asked for and is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<FdTarget>>,
    /// Descriptors that were open then and are not among them: further ones, and those of
    /// which the records were lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets_left: Option<u32>,
    /// The same of those that came through the latest exec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_targets: Option<Vec<FdTarget>>,
    /// The same of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_targets_left: Option<u32>,
    /// Descriptors a second by which it grew throughout; `None` where that is no growth
    /// along a line.
    pub growth_per_s: Option<f64>,
    /// Its course: instants, ns since the start of the run, and open descriptors from then on.
    pub series: Vec<(u64, u32)>,
}

/// How many descriptors were open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FdsOpen {
    /// At the first look.
    pub first: u32,
    /// At the last one.
    pub last: u32,
    /// Most at a look.
    pub peak: u32,
    /// When, ns since the start of the run.
    pub peak_ns: u64,
    /// There were never more.
    pub peak_exact: bool,
}

/// An open descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FdTarget {
    /// Its number.
    pub fd: i32,
    /// What it is.
    pub kind: DescriptorKind,
    /// As objects of waits are called: `pipe:[4711]`, `tcp 127.0.0.1:9418`, the last part of a
    /// path.
    pub target: String,
    /// An exec closes it (`O_CLOEXEC`).
    pub cloexec: bool,
}

/// What descriptors are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the kinds are their own names")]
pub struct FdKinds {
    pub socket: u32,
    pub pipe: u32,
    pub file: u32,
    pub tty: u32,
    /// eventfd, signalfd, inotify, fanotify, pidfd, userfaultfd, perf event.
    pub event: u32,
    pub timer: u32,
    pub epoll: u32,
    /// Other devices and anonymous files.
    pub other: u32,
}

/// Over all tables of the tree at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FdOpen {
    /// Most open descriptors.
    pub peak_sum: u64,
    /// When, ns since the start of the run.
    pub at_ns: u64,
    /// Tables in use at most. Written only where there are any.
    #[serde(skip_serializing_if = "is_zero")]
    pub tables_max: usize,
    /// Exact numbers were asked for (`--fds`). Written only then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
}
