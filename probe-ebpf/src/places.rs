//! Where things lie that are looked at again and again: found once on each CPU,
//! and the same ever after.

use core::hint::cold_path;

use aya_ebpf::{bindings::task_struct, helpers};

use crate::{
    current::Current,
    maps::PLACES,
    offsets::{self, Constant as _},
    read::{Task, field},
};

/// Of one CPU; zero where not known yet.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Places {
    /// Address of its preempt count.
    preempt_count: u64,
    /// From a task's stack to the registers with which it entered the kernel; the
    /// same for every task.
    regs_from_stack: u64,
}

/// Address of this CPU's preempt count. It follows from that of the run queue that
/// the running task hangs on: both are per-CPU variables of one section, and BTF
/// tells their distance. (kallsyms does not list data symbols everywhere.)
#[inline(always)]
pub fn preempt_count(current: Current) -> u64 {
    let Some(places) = PLACES.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: a slot of this CPU, in a preallocated array. An interrupt in between
    // finds the same.
    unsafe {
        if (*places).preempt_count == 0 {
            cold_path();
            let run_queue = current.run_queue();
            if run_queue == 0 {
                return 0;
            }
            // The distance may be negative: then so is the constant, and the sum wraps.
            let distance = offsets::PREEMPT_COUNT_FROM_RQ.load();
            (*places).preempt_count = run_queue.wrapping_add(distance);
        }
        (*places).preempt_count
    }
}

/// Address of the registers with which a task entered the kernel; from 5.15 on.
#[inline(always)]
pub fn registers(task: Task) -> u64 {
    let Some(places) = PLACES.get_ptr_mut(0) else {
        return 0;
    };
    let stack = field::<u64>(task, &offsets::TASK_STACK);
    // SAFETY: as in `preempt_count`; `task` is a BTF-typed task pointer, as the
    // helper demands.
    unsafe {
        if (*places).regs_from_stack == 0 {
            cold_path();
            let task = task.cast_mut().cast::<task_struct>();
            let regs = helpers::generated::bpf_task_pt_regs(task) as u64;
            (*places).regs_from_stack = regs.wrapping_sub(stack);
        }
        stack.wrapping_add((*places).regs_from_stack)
    }
}
