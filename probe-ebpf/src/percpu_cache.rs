//! Addresses that are needed again and again: found once on each CPU, and the same
//! ever after.

use core::hint::cold_path;

use aya_ebpf::{bindings::task_struct, helpers};

use crate::{
    current::Current,
    maps::PERCPU_CACHE,
    offsets::{self, Constant as _},
    read::{Task, chase},
};

/// Of one CPU; zero where not known yet.
#[repr(C)]
#[derive(Clone, Copy)]
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
    let Some(cache) = PERCPU_CACHE.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: a slot of this CPU, in a preallocated array. An interrupt in between
    // finds the same.
    unsafe {
        if (*cache).preempt_count == 0 {
            cold_path();
            let run_queue = current.run_queue();
            if run_queue == 0 {
                return 0;
            }
            // The distance may be negative: then so is the constant, and the sum wraps.
            let distance = offsets::PREEMPT_COUNT_FROM_RQ.load();
            (*cache).preempt_count = run_queue.wrapping_add(distance);
        }
        (*cache).preempt_count
    }
}

/// Address of the registers with which a task entered the kernel; from 5.15 on.
#[inline(always)]
pub fn registers(task: Task) -> u64 {
    let Some(cache) = PERCPU_CACHE.get_ptr_mut(0) else {
        return 0;
    };
    let stack = chase::<u64>(task, &offsets::TASK_STACK);
    // SAFETY: as in `preempt_count`.
    unsafe {
        if (*cache).regs_from_stack == 0 {
            cold_path();
            (*cache).regs_from_stack = from_stack(task, stack);
        }
        stack.wrapping_add((&raw const (*cache).regs_from_stack).read_volatile())
    }
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
