//! The truth: time asleep inside blocking calls.
//!
//! For each call, asleep = (after − before) on `CLOCK_MONOTONIC`, less the
//! CPU time and the run-queue time spent in between. What is left is the time
//! from switch-out to wake-up, and nothing else.

//!
//! The kernel's CPU time is not always right. When a CPU is due to reschedule
//! and another wakes a thread on it, the run queue's clock may stand still
//! until it does (`rq_clock_skip_update`); if the host takes the CPU away just
//! then, the time goes to the woken thread as CPU time, though it was on the
//! run queue. A blocking call needs some µs, so milliseconds betray this.

use std::io;
use std::sync::atomic::Ordering::SeqCst;

use crate::clock::{SchedStat, Snapshot, thread_cpu_ns, voluntary_switches};
use crate::slot::Slot;
use crate::sys;

/// More CPU time than any of the blocking calls needs, ns.
const PLAUSIBLE_CPU_NS: u64 = 500_000;

/// Measures the calling thread.
pub struct Meter<'a> {
    slot: &'a Slot,
    schedstat: SchedStat,
    rounds: u32,
}

impl<'a> Meter<'a> {
    /// Call in the subject's own thread; from then on its tid is known.
    pub fn open(slot: &'a Slot, rounds: u32) -> io::Result<Meter<'a>> {
        let schedstat = SchedStat::open()?;
        slot.pid.store(std::process::id(), SeqCst);
        slot.tid.store(sys::tid(), SeqCst);
        Ok(Meter {
            slot,
            schedstat,
            rounds,
        })
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

    /// Makes one blocking call and adds up what it slept.
    pub fn block<T>(&mut self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let switches = voluntary_switches();
        let before = Snapshot::take(&self.schedstat)?;
        let result = call();
        let after = Snapshot::take(&self.schedstat)?;
        let cpu = after.cpu_ns - before.cpu_ns;
        let delay = after.delay_ns - before.delay_ns;
        let asleep = (after.time_ns - before.time_ns).saturating_sub(cpu + delay);
        self.slot.calls.fetch_add(1, SeqCst);
        if cpu > PLAUSIBLE_CPU_NS {
            self.slot.odd_cpu_ns.fetch_add(cpu, SeqCst);
        }
        let switches = voluntary_switches() - switches;
        if switches > 0 {
            self.slot.count.fetch_add(switches, SeqCst);
            self.slot.wait_ns.fetch_add(asleep, SeqCst);
        }
        result
    }

    /// Leaves the thread's CPU and run-queue time; the last thing it does.
    pub fn finish(self) -> io::Result<()> {
        // What it waits for a CPU on its way out is in nobody's account: let
        // that be nothing. Without the right to do so it may be a little.
        let _refused = sys::run_first();
        let delay = self.schedstat.run_delay_ns()?;
        self.slot.rundelay_ns.store(delay, SeqCst);
        self.slot.oncpu_ns.store(thread_cpu_ns(), SeqCst);
        Ok(())
    }
}
