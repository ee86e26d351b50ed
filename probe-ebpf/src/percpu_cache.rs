//! Addresses that are needed again and again: found once on each CPU, and the same
//! ever after.

use core::hint::cold_path;

use aya_ebpf::{bindings::task_struct, helpers};

use crate::{
    current::Current,
    maps::{self, PERCPU_CACHE},
    offsets::{self, Constant as _},
    read::{Task, chase},
    shared::{load, store},
};

/// Of one CPU; zero where not known yet.
#[repr(C)]
pub struct PerCpuCache {
    /// Address of its preempt count.
    preempt_count: u64,
    /// From a task's stack to the registers with which it entered the kernel; the
    /// same for every task.
    regs_from_stack: u64,
}

/// Address of this CPU's preempt count. It follows from that of the run queue that
/// the running task hangs on: both are per-CPU variables of one section, and BTF
/// gives their distance. (kallsyms does not list data symbols everywhere.)
#[inline(always)]
pub fn preempt_count(current: Current) -> u64 {
    let Some(cache) = maps::of_cpu(&PERCPU_CACHE, 0) else {
        return 0;
    };
    let known = load!(cache.preempt_count);
    if known != 0 {
        return known;
    }
    cold_path();
    let run_queue = current.run_queue();
    if run_queue == 0 {
        return 0;
    }
    // The distance may be negative: then so is the constant, and the sum wraps.
    let found = run_queue.wrapping_add(offsets::PREEMPT_COUNT_FROM_RQ.load());
    // An interrupt in between finds the same.
    store!(cache.preempt_count = found);
    found
}

/// Address of the registers with which a task entered the kernel; from 5.15 on.
#[inline(always)]
pub fn registers(task: Task) -> u64 {
    let Some(cache) = maps::of_cpu(&PERCPU_CACHE, 0) else {
        return 0;
    };
    let stack = chase::<u64>(task, &offsets::TASK_STACK);
    if load!(cache.regs_from_stack) == 0 {
        cold_path();
        store!(cache.regs_from_stack = from_stack(task, stack));
    }
    // Loaded again: to the verifier it is any number then, on either way.
    stack.wrapping_add(load!(cache.regs_from_stack))
}

/// Apart, so that the verifier need not follow what comes after a second time.
#[inline(never)]
fn from_stack(task: Task, stack: u64) -> u64 {
    // SAFETY: `task` is a BTF-typed task pointer, as the helper demands; the other
    // one fills a word.
    unsafe {
        let task = task.cast_mut().cast::<task_struct>();
        let regs = helpers::generated::bpf_task_pt_regs(task) as u64;
        // The verifier lets nothing unknown be subtracted from a pointer; what is
        // read it takes for a number.
        let mut number = 0_u64;
        let _read = helpers::generated::bpf_probe_read_kernel(
            (&raw mut number).cast(),
            size_of::<u64>() as u32,
            (&raw const regs).cast(),
        );
        number.wrapping_sub(stack)
    }
}
