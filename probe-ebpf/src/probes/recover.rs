//! Switches that the kernel does not show.
//!
//! Some kernels run no tracepoint while a protected task is current (seen on a
//! sandboxed 6.18: neither perf nor BPF saw a single switch-out of its init's
//! threads). The task that runs next then has no switch-in, and a task woken
//! from an interrupt there has no waking. The scheduler's own bookkeeping
//! (`sched_info`, on the run queue's clock) still has both times.

use probe_common::sched::{Switch, flag, waker};

use super::{
    loss_sums,
    switch_record::{self, Out},
    throttle, wake,
};
use crate::{
    emit,
    filter::Entry,
    offsets::{self, Constant, known},
    read::{self, Task},
    run_queue,
    shared::{Shared, load, store},
};

/// How long it may take a waker to put a task that is just switching out into the
/// run queue, ns: it may ask another CPU to, which its host lets wait.
const AT_ONCE_NS: u64 = 1_000_000;

/// A task switches out that was not seen to switch in: emits the switch-in,
/// and the waking before it if that was not seen either.
#[inline(always)]
pub fn switch_in(task: Task, entry: Entry, ts_ns: u64) {
    // It was found a moment ago, and how long it has been running is not known.
    let is_new = load!(entry.waker_flags) & waker::NEW != 0;
    let has_slept = load!(entry.off_ns) != 0;
    if load!(entry.since_ns) == 0 && !has_slept && !is_new {
        return;
    }
    let Some(ago_ns) = ago(task, &offsets::TASK_LAST_ARRIVAL) else {
        return;
    };
    let mut on_ns = ts_ns - ago_ns;
    // The run queue's clock lags some microseconds: nobody runs before birth.
    let wake_ns = load!(entry.wake_ns);
    if is_new && on_ns < wake_ns {
        on_ns = wake_ns;
    }
    // One that came while it ran may belong to its next sleep.
    let later = Woken::take_later(entry, on_ns);
    if has_slept && load!(entry.wake_ns) == 0 {
        if throttle::is_noted(entry) {
            throttle::end_before(entry, on_ns, 0);
        } else {
            let queued_ns = run_delay(task).wrapping_sub(load!(entry.run_delay_ns));
            note_waking(entry, on_ns, queued_ns);
        }
    }
    let flags = flag::HAS_NEXT | flag::RECOVERED | run_queue::moves_known(task, entry);
    let mut out = Out::default();
    run_queue::left_by_hidden(&mut out);
    let recorded = emit::switch(flags, on_ns, |to: Shared<Switch>| {
        switch_record::write(to, &out, Some(entry));
    });
    loss_sums::account_in(entry, on_ns, recorded);
    store!(entry.off_ns = 0);
    store!(entry.wake_ns = 0);
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
    fn take_later(entry: Entry, than_ns: u64) -> Woken {
        let mut woken = Woken {
            ns: 0,
            tid: load!(entry.waker_tid),
            nr: load!(entry.waker_nr),
            flags: load!(entry.waker_flags),
        };
        let ns = load!(entry.wake_ns);
        if ns > than_ns {
            woken.ns = ns;
            store!(entry.wake_ns = 0);
        }
        woken
    }

    #[inline(always)]
    fn put(self, entry: Entry) {
        store!(entry.wake_ns = self.ns);
        store!(entry.waker_tid = self.tid);
        store!(entry.waker_nr = self.nr);
        store!(entry.waker_flags = self.flags);
    }
}

/// A sleeper switches in that was not seen to be woken since it went: notes when it
/// came to the run queue.
#[inline(always)]
pub fn waking(task: Task, entry: Entry, ts_ns: u64) {
    let Some(ago_ns) = ago(task, &offsets::TASK_LAST_QUEUED) else {
        return;
    };
    // Who is woken as it goes comes to the run queue at once. Else the waking that was
    // seen meant nothing, and its own was not seen.
    let queued_ns = ts_ns.wrapping_sub(ago_ns);
    let off_ns = load!(entry.off_ns);
    if load!(entry.wake_ns) != 0 && queued_ns < off_ns.wrapping_add(AT_ONCE_NS) {
        return;
    }
    note_waking(entry, ts_ns, ago_ns);
    // The one stack that is taken at a switch: the waking that would have
    // taken it did not run, and this path is as rare as that.
    if offsets::HAS_STACKS.load() != 0
        && (load!(entry.needs_stack) != 0 || ts_ns - off_ns >= offsets::STACK_THRESHOLD_NS.load())
    {
        wake::sleeper_stack(task, load!(entry.tid), ts_ns);
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
fn note_waking(entry: Entry, on_ns: u64, queued_ns: u64) {
    let off_ns = load!(entry.off_ns);
    if on_ns < off_ns || queued_ns > on_ns - off_ns {
        return;
    }
    store!(entry.wake_ns = on_ns - queued_ns);
    store!(entry.waker_tid = 0);
    store!(entry.waker_nr = -1);
    store!(entry.waker_flags = waker::RECOVERED);
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
