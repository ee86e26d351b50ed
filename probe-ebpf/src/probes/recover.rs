//! Switches that the kernel does not show.
//!
//! Some kernels run no tracepoint while a protected task is current (seen on a
//! sandboxed 6.18: neither perf nor BPF saw a single switch-out of its init's
//! threads). The task that runs next then has no switch-in, and a task woken
//! from an interrupt there has no waking. The scheduler's own bookkeeping
//! (`sched_info`, on the run queue's clock) still has both times.

use probe_common::{
    entry::TaskEntry,
    sched::{Switch, flag, waker},
};

use super::{
    fold,
    halves::{self, Out},
    wake,
};
use crate::{
    emit,
    offsets::{self, Constant, known},
    read::{self, Task},
};

/// A task switches out that was not seen to switch in: tells the switch-in,
/// and the waking before it if that was not seen either.
#[inline(always)]
pub fn switch_in(task: Task, entry: &mut TaskEntry, ts_ns: u64) {
    let Some(ago_ns) = ago(task, &offsets::TASK_LAST_ARRIVAL) else {
        return;
    };
    let mut on_ns = ts_ns - ago_ns;
    // The run queue's clock lags some microseconds: nobody runs before birth.
    if entry.waker_flags & waker::NEW != 0 && on_ns < entry.wake_ns {
        on_ns = entry.wake_ns;
    }
    if entry.off_ns != 0 && entry.wake_ns == 0 {
        let queued_ns = run_delay(task).wrapping_sub(entry.run_delay_ns);
        note_waking(entry, on_ns, queued_ns);
    }
    let flags = flag::HAS_NEXT | flag::RECOVERED;
    let told = emit::switch(flags, on_ns, |to: *mut Switch| {
        // SAFETY: `to` is a reserved record.
        unsafe { halves::write(to, &Out::default(), Some(&*entry)) };
    });
    fold::came(entry, on_ns, told);
    entry.off_ns = 0;
    // A later one came while it ran, and may belong to its next sleep.
    if entry.wake_ns <= on_ns {
        entry.wake_ns = 0;
    }
}

/// A sleeper switches in that was not seen to be woken: notes when it came to
/// the run queue.
#[inline(always)]
pub fn waking(task: Task, entry: &mut TaskEntry, ts_ns: u64) {
    let Some(ago_ns) = ago(task, &offsets::TASK_LAST_QUEUED) else {
        return;
    };
    note_waking(entry, ts_ns, ago_ns);
    // The one stack that is taken at a switch: the waking that would have
    // taken it did not run, and this path is as rare as that.
    if offsets::HAS_STACKS.load() != 0
        && (entry.needs_stack != 0 || ts_ns - entry.off_ns >= offsets::STACK_THRESHOLD_NS.load())
    {
        wake::sleeper_stack(task, entry.tid, ts_ns);
    }
}

/// Time on run queues so far; 0 where the kernel does not tell.
#[inline(always)]
pub fn run_delay(task: Task) -> u64 {
    if !known(&offsets::RQ_CLOCK) {
        return 0;
    }
    read::field(task, &offsets::TASK_RUN_DELAY)
}

/// The sleep ended `queued_ns` before the switch-in.
#[inline(always)]
fn note_waking(entry: &mut TaskEntry, on_ns: u64, queued_ns: u64) {
    if on_ns < entry.off_ns || queued_ns > on_ns - entry.off_ns {
        return;
    }
    entry.wake_ns = on_ns - queued_ns;
    entry.waker_tid = 0;
    entry.waker_nr = -1;
    entry.waker_flags = waker::RECOVERED;
}

/// How long ago a time of `sched_info` was, on the clock of this run queue, ns.
#[inline(always)]
fn ago(task: Task, stamp: &impl Constant) -> Option<u64> {
    if !known(&offsets::RQ_CLOCK) || !known(&offsets::TASK_CFS_RQ) {
        return None;
    }
    let cfs_rq = read::chase(task, &offsets::TASK_CFS_RQ);
    let rq = read::chase(cfs_rq, &offsets::CFS_RQ_RQ);
    let clock: u64 = read::chase(rq, &offsets::RQ_CLOCK);
    let then: u64 = read::field(task, stamp);
    (then != 0 && then <= clock).then(|| clock - then)
}
