//! In which context a wake-up runs. `current` is the waker only in task
//! context: a timer that fires while `cat` runs is not `cat`'s doing.

use probe_common::sched::waker;

use crate::{
    current::Current,
    offsets::{self, Constant, known},
    percpu_cache, read,
};

// include/linux/preempt.h, the same from 5.10 to 7.2. Bit 8 is set while a
// softirq is served; bottom halves merely disabled count from bit 9 up.
const SOFTIRQ_SERVED: u32 = 1 << 8;
const HARDIRQ_OR_NMI: u32 = 0x00ff_0000;

/// Bits of [`waker`] that describe `current` and the context it is in.
#[inline(always)]
pub fn describe(current: Current, flags: u32, tid: u32) -> u16 {
    let mut bits = interrupts(current);
    if tid == 0 {
        bits |= waker::IDLE;
    }
    if flags & read::PF_KTHREAD != 0 {
        bits |= waker::KTHREAD;
    }
    if flags & read::PF_EXITING != 0 {
        bits |= waker::EXITING;
    }
    bits
}

/// Whether a wake-up with these bits was done by an interrupt.
#[inline(always)]
pub fn is_interrupt(bits: u16) -> bool {
    bits & (waker::HARDIRQ | waker::SOFTIRQ | waker::IDLE) != 0
}

/// Whether a hardware interrupt runs, as far as that can be read.
#[inline(always)]
pub fn in_hardirq(current: Current) -> bool {
    interrupts(current) & waker::HARDIRQ != 0
}

/// Reads this CPU's preempt count.
#[inline(always)]
fn interrupts(current: Current) -> u16 {
    if offsets::HAS_PREEMPT_COUNT.load() == 0 || !known(&offsets::TASK_CFS_RQ) {
        return 0;
    }
    // Zero is a count: a kernel that does not count disabled preemption (5.10)
    // clears the last bit when the CPU is due to reschedule.
    let Some(count) = read::probe_checked::<u32>(percpu_cache::preempt_count(current)) else {
        return 0;
    };
    let mut bits = waker::CONTEXT_KNOWN;
    if count & HARDIRQ_OR_NMI != 0 {
        bits |= waker::HARDIRQ;
    }
    if count & SOFTIRQ_SERVED != 0 {
        bits |= waker::SOFTIRQ;
    }
    bits
}
