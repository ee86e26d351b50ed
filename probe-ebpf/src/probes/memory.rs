//! The peak of a process's memory, as its last thread exits, and what it was before the
//! program that it runs: `signal->maxrss` goes through an exec, and is of the old memory there
//! (`exec_mmap`).

use probe_common::memory::{BEFORE, Peak};

use crate::{
    emit,
    filter::Entry,
    maps::LIFECYCLE,
    offsets::{self, Constant, known},
    read::{self, Task, probe},
    shared::{Shared, load, store},
};

/// Emits it for the last thread, for which `do_exit` has just noted the peak.
#[inline(always)]
pub fn at_exit(task: Task, entry: Entry, ts_ns: u64) {
    if !known(&offsets::SIGNAL_MAXRSS) {
        return;
    }
    let signal: u64 = read::chase(task, &offsets::TASK_SIGNAL);
    if probe::<u32>(signal, &offsets::SIGNAL_LIVE) != 0 {
        return;
    }
    emit_peak(task, entry, ts_ns, 0);
}

/// Emits what the process had before its program: behind an exec, or as it is found.
#[inline(always)]
pub fn before_program(task: Task, entry: Entry, ts_ns: u64) {
    if known(&offsets::SIGNAL_MAXRSS) {
        emit_peak(task, entry, ts_ns, BEFORE);
    }
}

#[inline(always)]
fn emit_peak(task: Task, entry: Entry, ts_ns: u64, flags: u16) {
    let signal: u64 = read::chase(task, &offsets::TASK_SIGNAL);
    let pages: u64 = probe(signal, &offsets::SIGNAL_MAXRSS);
    emit::record(&LIFECYCLE, flags, ts_ns, |to: Shared<Peak>| {
        store!(to.tid = load!(entry.tid));
        store!(to.kernel_stack = kernel_stack(task));
        store!(to.rss_bytes = pages << offsets::PAGE_SHIFT.load());
    });
}

#[inline(always)]
fn kernel_stack(task: Task) -> u32 {
    if !known(&offsets::TASK_STACK_AREA) {
        return 0;
    }
    let area: u64 = read::chase(task, &offsets::TASK_STACK_AREA);
    let pages: u32 = probe(area, &offsets::AREA_PAGES);
    pages << offsets::PAGE_SHIFT.load()
}
