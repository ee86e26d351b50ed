//! The system call that a task is in, from the registers with which it entered the
//! kernel. They lie at the end of its stack, and stay there as long as it lives.

use aya_ebpf::{bindings::task_struct, helpers};
use probe_common::sched::flag;

use crate::{
    filter::Entry,
    offsets::{self, Constant, known},
    percpu_cache,
    read::{self, Task, field, probe},
    shared::load,
};

/// System call number and first two arguments of a task that is in the kernel.
pub struct Syscall {
    pub nr: i16,
    pub arg0: u64,
    pub arg1: u64,
    pub compat: bool,
}

/// Not in one, or not known.
pub const NONE: Syscall = Syscall {
    nr: -1,
    arg0: 0,
    arg1: 0,
    compat: false,
};

/// `TS_COMPAT` in `thread_info.status` (`arch/x86/include/asm/thread_info.h`).
pub const TS_COMPAT: u32 = 2;
/// `__USER32_CS` (`arch/x86/include/asm/segment.h`): the code segment of a 32-bit
/// program.
pub const USER32_CS: u16 = 0x23;

/// The system call of a task of which nothing is kept. Meaningless for kernel
/// threads: test [`read::is_kernel`] first.
#[inline(always)]
pub fn of(task: Task) -> Syscall {
    if !known(&offsets::REGS_NR) {
        return NONE;
    }
    let compat = is_compat(task);
    if offsets::HAS_TASK_PT_REGS.load() == 0 {
        if !known(&offsets::TASK_STACK) {
            return NONE;
        }
        return on_stack(field(task, &offsets::TASK_STACK), compat);
    }
    if have_place() {
        return behind(percpu_cache::registers(task), compat);
    }
    // SAFETY: `task` is a BTF-typed task pointer, as the helper demands.
    let regs =
        unsafe { helpers::generated::bpf_task_pt_regs(task.cast_mut().cast::<task_struct>()) }
            as *const u8;
    Syscall {
        nr: field::<i32>(regs, &offsets::REGS_NR) as i16,
        arg0: field(regs, &offsets::REGS_ARG0),
        arg1: field(regs, &offsets::REGS_ARG1),
        compat,
    }
}

/// Whether it is in a call of the 32-bit table.
#[inline(always)]
pub fn is_compat(task: Task) -> bool {
    known(&offsets::TASK_COMPAT) && field::<u32>(task, &offsets::TASK_COMPAT) & TS_COMPAT != 0
}

/// Address of the registers of a new task, to be kept in its entry; 0 for a kernel
/// thread.
#[inline(always)]
pub fn registers(task: Task) -> u64 {
    if have_place() && !read::is_kernel(read::flags(task)) {
        percpu_cache::registers(task)
    } else {
        0
    }
}

/// Address of the registers of a task whose entry is given; 0 where they cannot be found.
/// Only where probe reads are allowed.
#[inline(always)]
pub fn registers_of(task: Task, entry: Entry) -> u64 {
    if have_place() {
        let kept = load!(entry.regs);
        return if kept == 0 {
            percpu_cache::registers(task)
        } else {
            kept
        };
    }
    if offsets::HAS_TASK_PT_REGS.load() == 0 {
        if !known(&offsets::TASK_STACK) || !known(&offsets::REGS_FROM_STACK) {
            return 0;
        }
        let stack: u64 = field(task, &offsets::TASK_STACK);
        return stack.wrapping_add(offsets::REGS_FROM_STACK.load());
    }
    // SAFETY: `task` is a BTF-typed task pointer, as the helper demands.
    unsafe { helpers::generated::bpf_task_pt_regs(task.cast_mut().cast::<task_struct>()) as u64 }
}

/// Whether they are kept of a task whose entry has this of them. (As an option the
/// verifier would walk a fifth more.)
#[inline(always)]
pub fn are_kept(regs: u64) -> bool {
    have_place() && regs != 0
}

/// Whether the registers of every task lie in the same place of its stack, from
/// where they can be read without the helper.
#[inline(always)]
fn have_place() -> bool {
    known(&offsets::REGS_NR)
        && offsets::HAS_TASK_PT_REGS.load() != 0
        && known(&offsets::WORD_TYPE)
        && known(&offsets::TASK_STACK)
}

/// The system call in registers at an address.
#[inline(always)]
pub fn behind(regs: u64, compat: bool) -> Syscall {
    Syscall {
        nr: number_behind(regs),
        arg0: probe(regs, &offsets::REGS_ARG0),
        arg1: probe(regs, &offsets::REGS_ARG1),
        compat,
    }
}

/// Its number.
#[inline(always)]
pub fn number_behind(regs: u64) -> i16 {
    probe::<i32>(regs, &offsets::REGS_NR) as i16
}

/// Before 5.15 there is no helper: the registers lie at the end of the stack.
#[inline(always)]
pub fn on_stack(stack: u64, compat: bool) -> Syscall {
    if !known(&offsets::REGS_FROM_STACK) {
        return NONE;
    }
    behind(stack.wrapping_add(offsets::REGS_FROM_STACK.load()), compat)
}

/// The system call that `sys_enter` noted, where nothing shows a task's
/// registers later.
#[inline(always)]
pub fn noted(entry: Entry) -> Syscall {
    Syscall {
        nr: load!(entry.nr),
        arg0: load!(entry.arg0),
        arg1: load!(entry.arg1),
        compat: load!(entry.nr_flags) & flag::COMPAT != 0,
    }
}
