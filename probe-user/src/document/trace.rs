//! Every interval of every thread, packed: what a page draws. It is in no JSON, and there
//! only where it was asked for.

use serde::Serialize;

use super::{UserStack, WaitSite, Wake};
use crate::{
    leb128::{leb128, read_leb128},
    switch_log::SwitchLog,
    vocabulary::{CauseKind, WaitKind},
};

/// What all threads did, interval by interval. What intervals have in common is said once, in
/// lists that they point into.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// What a thread may have done with an interval.
    pub whats: Vec<What>,
    /// Places to wait at.
    pub sites: Vec<Site>,
    /// What waits are blamed on: as [`super::Blame`] has it.
    pub causes: Vec<(CauseKind, Option<String>)>,
    /// What ends waits: without counts, and without a name where that is of a thread of the
    /// tree.
    pub wakes: Vec<Wake>,
    /// Who held an interpreter lock.
    pub gil: Vec<GilSpan>,
    /// Of each of [`super::Document::threads`].
    pub lanes: Vec<Lane>,
    /// On which CPUs that was; `None` where that was not asked for.
    pub switches: Option<Switches>,
}

/// What the trace of a scheduler has beside intervals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Switches {
    /// Of each of [`super::Document::threads`]; wakers are indices into these, or into
    /// [`Self::tasks`]. Instants are ns since the start of the run.
    pub threads: Vec<ThreadSwitches>,
    /// Wakers outside the tree.
    pub tasks: Vec<OutsideTask>,
}

/// A thread's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThreadSwitches {
    /// Where and how it stopped, was woken and ran.
    pub log: SwitchLog,
    /// Its id before an exec gave it its leader's.
    pub first_tid: Option<u32>,
    /// It had not ended at the end.
    pub lives: bool,
}

/// A task outside the tree that woke threads of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutsideTask {
    /// Thread id.
    pub tid: u32,
    /// Process id; `None` where its name was lost.
    pub pid: Option<u32>,
    /// Its name.
    pub comm: String,
}

/// What a thread did with an interval. Numbers are places in the lists of [`Trace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct What {
    /// Its state.
    pub state: TraceState,
    /// What is behind it, where that is no thread of the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<u32>,
    /// Where it waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<u32>,
    /// What ended the wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake: Option<u32>,
    /// It was waited for a thread of the tree.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by: bool,
}

/// A thread's state in an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TraceState {
    /// On a CPU.
    OnCpu,
    /// Runnable, not running.
    #[serde(rename = "runqueue")]
    RunQueue,
    /// Covered by lost records, or forgotten.
    Unknown,
    /// A finished wait.
    Wait,
    /// A wait that had not ended at the end.
    Open,
    /// Several short intervals.
    Together,
}

/// A place to wait at, as [`super::Wait`] has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Site {
    /// What for.
    pub kind: WaitKind,
    /// System call.
    pub syscall: Option<String>,
    /// Kernel function slept in.
    pub function: Option<String>,
    /// What on.
    pub object: Option<String>,
    /// Of unknown kind: the stack, innermost first.
    pub stack: Vec<String>,
    /// Where the program was; `None` where that was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_stack: Option<UserStack>,
}

impl From<WaitSite> for Site {
    fn from(site: WaitSite) -> Site {
        Site {
            kind: site.kind,
            syscall: site.syscall,
            function: site.function,
            object: site.object,
            stack: Vec::new(),
            user_stack: site.user_stack,
        }
    }
}

/// A thread held its process's interpreter lock while others waited for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GilSpan {
    /// From when, ns since the start of the run.
    pub from_ns: u64,
    /// Until when, ns since the start of the run.
    pub to_ns: u64,
    /// The process, as [`super::Thread::process`].
    pub process: usize,
    /// The thread: index into [`super::Document::threads`].
    pub thread: usize,
}

/// A thread's intervals, end to end: some 7 bytes each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Where the first begins, ns since the start of the run.
    pub from_ns: u64,
    /// How many there are.
    pub count: u64,
    bytes: Vec<u8>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its length, ns.
    pub ns: u64,
    /// Place in [`Trace::whats`].
    pub what: u32,
    /// The thread that is waited for: index into [`super::Document::threads`].
    pub by: Option<u32>,
}

impl Lane {
    /// Without an interval. Its beginning: ns since the start of the run.
    pub fn new(from_ns: u64) -> Lane {
        Lane {
            from_ns,
            ..Lane::default()
        }
    }

    /// Adds the next interval.
    pub fn push(&mut self, interval: Interval) {
        leb128(&mut self.bytes, interval.ns);
        leb128(&mut self.bytes, u64::from(interval.what));
        leb128(
            &mut self.bytes,
            interval.by.map_or(0, |by| u64::from(by) + 1),
        );
        self.count += 1;
    }

    /// All of them, in order.
    pub fn intervals(&self) -> impl Iterator<Item = Interval> + '_ {
        let mut rest = self.bytes.iter();
        std::iter::from_fn(move || {
            let ns = read_leb128(&mut rest)?;
            let what = u32::try_from(read_leb128(&mut rest)?).ok()?;
            let by = read_leb128(&mut rest)?.checked_sub(1);
            let by = by.and_then(|by| u32::try_from(by).ok());
            Some(Interval { ns, what, by })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn trace_intervals_come_back_as_they_were_pushed(
            list in prop::collection::vec((any::<u64>(), any::<u32>(), prop::option::of(0..u32::MAX)), 0..50)
        ) {
            let list: Vec<Interval> = list
                .into_iter()
                .map(|(ns, what, by)| Interval { ns, what, by })
                .collect();
            let mut lane = Lane::default();
            list.iter().for_each(|&interval| lane.push(interval));
            prop_assert_eq!(lane.count, list.len() as u64);
            prop_assert_eq!(lane.intervals().collect::<Vec<_>>(), list);
        }
    }
}
