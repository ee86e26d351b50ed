//! The truth: time asleep inside blocking calls.
//!
//! For each call, asleep = (after − before) on `CLOCK_MONOTONIC`, less the
//! CPU time and the run-queue time spent in between. What is left is the time
//! from switch-out to wake-up, and nothing else.
//!
//! Waking takes time, a tenth of a millisecond on an emulated machine: whether
//! it belongs to the sleep or to the run queue is a matter of which end of it
//! is looked at. The waker's clock shows how long it took at the most.
//!
//! The kernel's CPU time is not always right. When a CPU is due to reschedule
//! and another wakes a thread on it, the run queue's clock may stand still
//! until it does (`rq_clock_skip_update`); if the host takes the CPU away just
//! then, the time goes to the woken thread as CPU time, though it was on the
//! run queue. A blocking call needs some µs, so milliseconds betray this.

use std::io;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::case::pause_of;
use crate::clock::{SchedStat, Snapshot, WaitSum, monotonic_ns, thread_cpu_ns, voluntary_switches};
use crate::slot::Slot;
use crate::sys;

/// More CPU time than any of the blocking calls needs, ns.
const PLAUSIBLE_CPU_NS: u64 = 500_000;

/// Measures the calling thread.
pub struct Meter<'a> {
    slot: &'a Slot,
    schedstat: SchedStat,
    wait_sum: WaitSum,
    rounds: u32,
}

impl<'a> Meter<'a> {
    /// Call in the subject's own thread; from then on its tid is known.
    pub fn open(slot: &'a Slot, rounds: u32) -> io::Result<Meter<'a>> {
        let schedstat = SchedStat::open()?;
        slot.opened_ns.store(monotonic_ns(), SeqCst);
        slot.pid.store(std::process::id(), SeqCst);
        slot.tid.store(sys::tid(), SeqCst);
        Ok(Meter {
            slot,
            schedstat,
            wait_sum: WaitSum::open(),
            rounds,
        })
    }

    /// Where the result goes.
    pub fn slot(&self) -> &'a Slot {
        self.slot
    }

    /// Rounds asked for.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Makes the blocking call once per round.
    pub fn repeat<T>(&mut self, mut call: impl FnMut(u32) -> io::Result<T>) -> io::Result<()> {
        for round in 0..self.rounds {
            self.block(|| call(round))?;
        }
        Ok(())
    }

    /// The same with a call that ends by itself after [`pause_of`] the round.
    pub fn repeat_timed<T>(
        &mut self,
        mut call: impl FnMut(u32) -> io::Result<T>,
    ) -> io::Result<()> {
        for round in 0..self.rounds {
            self.block_for(pause_of(round), || call(round))?;
        }
        Ok(())
    }

    /// Makes one blocking call that nothing ends before `pause` is over.
    pub fn block_for<T>(
        &mut self,
        pause: Duration,
        call: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        self.block(|| {
            let pause = u64::from(pause.subsec_nanos());
            self.slot.due_ns.store(monotonic_ns() + pause, SeqCst);
            call()
        })
    }

    /// Makes one blocking call and adds up what it slept.
    pub fn block<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let switches = voluntary_switches();
        let queued = self.wait_sum.ns();
        let before = Snapshot::take(&self.schedstat)?;
        let result = call();
        let after = Snapshot::take(&self.schedstat)?;
        let cpu = after.cpu_ns - before.cpu_ns;
        let delay = after.delay_ns - before.delay_ns;
        let asleep = (after.time_ns - before.time_ns).saturating_sub(cpu + delay);
        self.slot.calls.fetch_add(1, SeqCst);
        if let (Some(before), Some(after)) = (queued, self.wait_sum.ns()) {
            let unaccounted = (after - before).saturating_sub(delay);
            self.slot.unaccounted_ns.fetch_add(unaccounted, SeqCst);
        }
        if cpu > PLAUSIBLE_CPU_NS {
            self.slot.odd_cpu_ns.fetch_add(cpu, SeqCst);
        }
        let switches = voluntary_switches() - switches;
        if switches > 0 {
            self.slot.count.fetch_add(switches, SeqCst);
            self.slot.wait_ns.fetch_add(asleep, SeqCst);
            self.compare_waking(&before, &after, after.time_ns.saturating_sub(cpu + delay));
        }
        result
    }

    /// The kernel's sleep ended at `awake_ns`. A waking from before the call, or
    /// none that is known, shows nothing.
    fn compare_waking(&self, before: &Snapshot, after: &Snapshot, awake_ns: u64) {
        let due_ns = self.slot.due_ns.load(SeqCst);
        if (before.time_ns..after.time_ns).contains(&due_ns) {
            let (waking, stale) = (&self.slot.waking_ns, &self.slot.stale_ns);
            let took_ns = awake_ns.saturating_sub(due_ns);
            waking.fetch_add(took_ns, SeqCst);
            self.slot.longest_waking_ns.fetch_max(took_ns, SeqCst);
            stale.fetch_add(due_ns.saturating_sub(awake_ns), SeqCst);
        }
    }

    /// Leaves the thread's CPU and run-queue time; the last thing it does.
    pub fn finish(self) -> io::Result<()> {
        // What it waits for a CPU on its way out is in nobody's account: let
        // that be nothing. Without the right to do so it may be a little.
        let _refused = sys::run_first();
        let delay = self.schedstat.run_delay_ns()?;
        self.slot.rundelay_ns.store(delay, SeqCst);
        let queued = self.wait_sum.ns().unwrap_or_default();
        self.slot.queued_ns.store(queued, SeqCst);
        self.slot.oncpu_ns.store(thread_cpu_ns(), SeqCst);
        self.slot.left_ns.store(monotonic_ns(), SeqCst);
        Ok(())
    }
}
