//! What a report needs to know besides the world.

use std::collections::BTreeMap;

use crate::{
    document::WaitFilter,
    wire::{
        decode::Problems,
        session::{CpuTimes, End, Start, Wakings},
    },
    world::window::Part,
};

/// What a report may have besides sums, each for the views that need it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Every interval.
    pub trace: bool,
    /// And on which CPUs, and what woke them, for the trace.
    pub switches: bool,
    /// What waits were spent in, by stack.
    pub stacks: bool,
    /// And by what was behind them.
    pub chains: bool,
}

/// What is known besides the world.
#[derive(Clone, Debug, Default)]
pub struct RunInfo {
    /// From before the first record.
    pub start: Start,
    /// From after the last one; `None` when the recording was cut.
    pub end: Option<End>,
    /// When the account began, ns, where that was behind a delay.
    pub begun_ns: Option<u64>,
    /// Which part of the run it is about; `None`: all of it.
    pub part: Option<Part>,
    /// Which waits are counted; `None`: all.
    pub filter: Option<WaitFilter>,
    /// Not everything until the end was taken in.
    pub ended_early: bool,
    /// Up to when a recording that was cut says what happened, ns.
    pub cut_ns: Option<u64>,
    /// Lost records by class.
    pub lost: BTreeMap<String, u64>,
    /// Records that could not be decoded.
    pub decoding: Problems,
    /// Records that came too late.
    pub late: u64,
    /// What the machine's CPUs did, at the beginning and at the end.
    pub cpu_times: Vec<CpuTimes>,
    /// Who has been woken and not run since, at the present moment.
    pub wakings: Wakings,
    /// Tids of threads whose timelines are wanted.
    pub explain: Vec<u32>,
    /// What is wanted besides sums.
    pub wanted: Wanted,
    /// A run that is shorter has nothing to show, ns.
    pub short_run_ns: u64,
    /// Sentences about the recording itself.
    pub problems: Vec<String>,
}
