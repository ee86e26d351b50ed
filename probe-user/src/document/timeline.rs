//! What happened in order of time: the critical path of the run, and the timelines
//! of the threads asked for.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{UserStack, Wake};
use crate::vocabulary::{CauseKind, UnknownWord, WaitKind};

/// A thread's life, step by step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeline {
    /// The thread: index into [`super::Document::threads`].
    pub thread: usize,
    /// Its process; `None` when its birth was not seen.
    pub pid: Option<u32>,
    /// Its thread id.
    pub tid: Option<u32>,
    /// Its group's name.
    pub name: Option<String>,
    /// Who made it runnable for the first time; `None` when that was not seen.
    pub born: Option<Wake>,
    /// In order of time, end to end; they add up to its life.
    pub steps: Vec<Step>,
    /// Later steps that are left out for their number.
    pub steps_left_out: u64,
}

/// A part of a thread's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FlatStep", into = "FlatStep")]
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
        site: WaitSite,
        /// Who ended it; its count and time are 0.
        ended: Wake,
        /// What it was really for, largest first: adds up to the step.
        blame: Vec<PathSum>,
    },
    /// A wait that was not finished at the end.
    Open(WaitSite),
}

/// What a wait was for, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitSite {
    /// As [`super::Wait::kind`].
    pub kind: WaitKind,
    /// As [`super::Wait::syscall`].
    pub syscall: Option<String>,
    /// As [`super::Wait::function`].
    pub function: Option<String>,
    /// As [`super::Wait::object`].
    pub object: Option<String>,
    /// Where the program was; `None` where that was not taken.
    pub user_stack: Option<UserStack>,
}

/// A step as it is written: all fields at one level, those it does not have null.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct FlatStep {
    from_ns: u64,
    to_ns: u64,
    /// [`WAITED`], [`OPEN`], or a cause.
    did: Cow<'static, str>,
    detail: Option<String>,
    kind: Option<WaitKind>,
    syscall: Option<String>,
    function: Option<String>,
    object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_stack: Option<UserStack>,
    ended: Option<Wake>,
    blame: Option<Vec<PathSum>>,
}

const WAITED: &str = "waited";
const OPEN: &str = CauseKind::Open.as_str();

impl From<Step> for FlatStep {
    fn from(step: Step) -> FlatStep {
        let Step {
            from_ns,
            to_ns,
            did,
        } = step;
        let own = match did {
            Did::NotWaiting { cause, detail } => FlatStep {
                did: cause.as_str().into(),
                detail,
                ..FlatStep::default()
            },
            Did::Waited { site, ended, blame } => FlatStep {
                ended: Some(ended),
                blame: Some(blame),
                ..FlatStep::at(WAITED, site)
            },
            Did::Open(site) => FlatStep::at(OPEN, site),
        };
        FlatStep {
            from_ns,
            to_ns,
            ..own
        }
    }
}

impl FlatStep {
    fn at(did: &'static str, site: WaitSite) -> FlatStep {
        let WaitSite {
            kind,
            syscall,
            function,
            object,
            user_stack,
        } = site;
        FlatStep {
            did: did.into(),
            kind: Some(kind),
            syscall,
            function,
            object,
            user_stack,
            ..FlatStep::default()
        }
    }
}

impl TryFrom<FlatStep> for Step {
    type Error = UnknownWord;

    fn try_from(flat: FlatStep) -> Result<Step, UnknownWord> {
        let site = WaitSite {
            kind: flat.kind.unwrap_or_default(),
            syscall: flat.syscall,
            function: flat.function,
            object: flat.object,
            user_stack: flat.user_stack,
        };
        let did = match &*flat.did {
            WAITED => Did::Waited {
                site,
                ended: flat.ended.unwrap_or_default(),
                blame: flat.blame.unwrap_or_default(),
            },
            OPEN => Did::Open(site),
            cause => Did::NotWaiting {
                cause: cause.parse()?,
                detail: flat.detail,
            },
        };
        Ok(Step {
            from_ns: flat.from_ns,
            to_ns: flat.to_ns,
            did,
        })
    }
}

/// The chain of causes that ends with the end of the run: every instant of the
/// root process's life is in exactly one hop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CriticalPath {
    /// The first thread of the process whose life it explains: index into
    /// [`super::Document::threads`].
    pub root: usize,
    /// Its start, ns since the start of the run.
    pub from_ns: u64,
    /// The end of the process's last thread, ns since the start of the run.
    pub to_ns: u64,
    /// By cause, over all hops, largest first: they add up to the life.
    pub sums: Vec<PathSum>,
    /// In order of time, end to end unless some are left out.
    pub hops: Vec<Hop>,
    /// Shorter hops that are left out for their number.
    pub hops_left_out: u64,
}

/// What one cause contributed to the critical path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PathSum {
    /// As [`super::Blame::cause`]; `open` is a wait that had not ended.
    pub cause: CauseKind,
    /// As [`super::Blame::detail`]; of `open`, the wait kind.
    pub detail: Option<String>,
    /// Time, ns.
    pub ns: u64,
}

/// A part of the critical path in one thread.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hop {
    /// Its beginning, ns since the start of the run.
    pub from_ns: u64,
    /// Its end, ns since the start of the run.
    pub to_ns: u64,
    /// The thread: index into [`super::Document::threads`].
    pub thread: usize,
    /// Its process; `None` when its birth was not seen.
    pub pid: Option<u32>,
    /// Its thread id.
    pub tid: Option<u32>,
    /// Its group's name.
    pub name: Option<String>,
    /// Kind of the wait that the cause kept the thread in; `None` when it did
    /// not wait.
    pub wait: Option<WaitKind>,
    /// As [`PathSum::cause`].
    pub cause: CauseKind,
    /// As [`PathSum::detail`].
    pub detail: Option<String>,
}
