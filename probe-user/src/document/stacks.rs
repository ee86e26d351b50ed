//! What waits were spent in: by stack, and by what was behind them. What flame graphs and
//! profiles are made of; in no JSON, and there only where it was asked for.

use std::sync::Arc;

use super::{Wake, trace::Site};
use crate::vocabulary::{CauseKind, WaitKind};

/// Sums of the waits that the report counts. Those of no length are in none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stacks {
    /// By place and waker.
    pub waits: Vec<Spent>,
    /// By what was behind them.
    pub chains: Vec<Chain>,
}

/// Waits of a thread that were alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Whose: index into [`super::Document::threads`].
    pub thread: usize,
    /// Where, with its stack as far as one was taken.
    pub site: Site,
    /// What ended them, without counts; `None`: one had not ended at the end.
    pub wake: Option<Wake>,
    /// How many.
    pub count: u64,
    /// Their time, ns.
    pub ns: u64,
}

/// Waits of a thread with the same behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Whose: index into [`super::Document::threads`].
    pub thread: usize,
    /// From the wait itself to what ends the chain.
    pub links: Vec<Link>,
    /// Their time, ns.
    pub ns: u64,
}

/// One step of a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// A thread waited.
    Wait {
        /// The name of its group; `None` of the first link.
        group: Option<Arc<str>>,
        /// What for.
        kind: WaitKind,
    },
    /// What ends the chain: as [`super::Blame`] has it.
    Cause(CauseKind, Option<String>),
}
