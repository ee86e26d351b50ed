//! The system call that a traced task is in, from the registers with which it
//! entered the kernel. They lie at the same place for a task's whole life, which
//! its first system call shows. Noting numbers as calls come and go would not
//! do: from 7.0 on a program is skipped while another task is preempted in it.

use aya_ebpf::{macros::raw_tracepoint, programs::RawTracePointContext};
use probe_common::loss::Program;

use super::who::Current;
use crate::{
    emit,
    filter::Entry,
    read,
    shared::{load, store},
    syscall::{self, Syscall, USER32_CS},
};

/// A part of `struct pt_regs` (arch/x86/include/uapi/asm/ptrace.h): its layout
/// is the kernel's promise to user space.
#[repr(C)]
#[derive(Clone, Copy)]
struct Saved {
    si: u64,
    di: u64,
    orig_ax: u64,
    ip: u64,
    cs: u64,
}

/// Where it begins, bytes.
const SAVED: u64 = 104;

// TP_PROTO(struct pt_regs *regs, long id)
#[raw_tracepoint(tracepoint = "sys_enter")]
pub fn raw_sys_enter(ctx: RawTracePointContext) -> i32 {
    emit::ran(Program::SysEnter);
    if let Some((_, entry)) = Current::get().entry() {
        store!(entry.regs = ctx.arg(0));
    }
    0
}

/// The call of a task that is in the kernel; none outside one, and before its
/// first.
#[inline(always)]
pub fn of(entry: Entry) -> Syscall {
    let regs = load!(entry.regs);
    if regs == 0 {
        return syscall::NONE;
    }
    let saved: Saved = read::probe_at(regs + SAVED);
    // No task runs without a code segment: this could not be read.
    if saved.cs == 0 {
        return syscall::NONE;
    }
    Syscall {
        nr: saved.orig_ax as i16,
        arg0: saved.di,
        arg1: saved.si,
        compat: saved.cs & 0xffff == u64::from(USER32_CS),
    }
}
