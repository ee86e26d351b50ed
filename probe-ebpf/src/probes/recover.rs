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
    loss_sums,
    switch_record::{self, Out},
    wake,
};
use crate::{
    emit,
    offsets::{self, Constant, known},
    read::{self, Task},
};

/// How long it may take a waker to put a task that is just switching out into the
/// run queue, ns: it may ask another CPU to, which its host lets wait.
const AT_ONCE_NS: u64 = 1_000_000;

/// A task switches out that was not seen to switch in: emits the switch-in,
/// and the waking before it if that was not seen either.
#[inline(always)]
pub fn switch_in(task: Task, entry: &mut TaskEntry, ts_ns: u64) {
    // It was found a moment ago, and how long it has been running is not known.
    let is_new = entry.waker_flags & waker::NEW != 0;
    if entry.since_ns == 0 && entry.off_ns == 0 && !is_new {
        return;
    }
    let Some(ago_ns) = ago(task, &offsets::TASK_LAST_ARRIVAL) else {
        return;
    };
    let mut on_ns = ts_ns - ago_ns;
    // The run queue's clock lags some microseconds: nobody runs before birth.
    if is_new && on_ns < entry.wake_ns {
        on_ns = entry.wake_ns;
    }
    // One that came while it ran may belong to its next sleep.
    let later = Woken::take_later(entry, on_ns);
    if entry.off_ns != 0 && entry.wake_ns == 0 {
        let queued_ns = run_delay(task).wrapping_sub(entry.run_delay_ns);
        note_waking(entry, on_ns, queued_ns);
    }
    let flags = flag::HAS_NEXT | flag::RECOVERED;
    let recorded = emit::switch(flags, on_ns, |to: *mut Switch| {
        // SAFETY: `to` is a reserved record.
        unsafe { switch_record::write(to, &Out::default(), Some(&*entry)) };
    });
    loss_sums::account_in(entry, on_ns, recorded);
    entry.off_ns = 0;
    entry.wake_ns = 0;
    if later.ns != 0 {
        later.put(entry);
    }
}

/// A waking, as an entry has it.
#[derive(Clone, Copy)]
struct Woken {
    ns: u64,
    tid: u32,
    nr: i16,
    flags: u16,
}

impl Woken {
    /// Takes the waking out of the entry if it came later; else nothing.
    #[inline(always)]
    fn take_later(entry: &mut TaskEntry, than_ns: u64) -> Woken {
        let mut woken = Woken {
            ns: 0,
            tid: entry.waker_tid,
            nr: entry.waker_nr,
            flags: entry.waker_flags,
        };
        if entry.wake_ns > than_ns {
            woken.ns = core::mem::take(&mut entry.wake_ns);
        }
        woken
    }

    #[inline(always)]
    fn put(self, entry: &mut TaskEntry) {
        entry.wake_ns = self.ns;
        entry.waker_tid = self.tid;
        entry.waker_nr = self.nr;
        entry.waker_flags = self.flags;
    }
}

/// A sleeper switches in that was not seen to be woken since it went: notes when it
/// came to the run queue.
#[inline(always)]
pub fn waking(task: Task, entry: &mut TaskEntry, ts_ns: u64) {
    let Some(ago_ns) = ago(task, &offsets::TASK_LAST_QUEUED) else {
        return;
    };
    // Who is woken as it goes comes to the run queue at once. Else the waking that was
    // seen meant nothing, and its own was not seen.
    let queued_ns = ts_ns.wrapping_sub(ago_ns);
    if entry.wake_ns != 0 && queued_ns < entry.off_ns.wrapping_add(AT_ONCE_NS) {
        return;
    }
    note_waking(entry, ts_ns, ago_ns);
    // The one stack that is taken at a switch: the waking that would have
    // taken it did not run, and this path is as rare as that.
    if offsets::HAS_STACKS.load() != 0
        && (entry.needs_stack != 0 || ts_ns - entry.off_ns >= offsets::STACK_THRESHOLD_NS.load())
    {
        wake::sleeper_stack(task, entry.tid, ts_ns);
    }
}

/// Time on run queues so far; 0 where the kernel does not count it.
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
