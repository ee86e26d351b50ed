//! The system call that a traced task is in. The raw tracepoints pass the
//! registers; their layout is the kernel's promise to user space.

use aya_ebpf::{macros::raw_tracepoint, programs::RawTracePointContext};
use probe_common::{loss::Program, sched::flag};

use super::who::Current;
use crate::{emit, read};

// struct pt_regs (arch/x86/include/uapi/asm/ptrace.h), bytes
const SI: u64 = 104;
const DI: u64 = 112;
const CS: u64 = 136;
/// `__USER32_CS` (arch/x86/include/asm/segment.h): a 32-bit task.
const USER32_CS: u64 = 0x23;

// TP_PROTO(struct pt_regs *regs, long id)
#[raw_tracepoint(tracepoint = "sys_enter")]
pub fn raw_sys_enter(ctx: RawTracePointContext) -> i32 {
    emit::ran(Program::SysEnter);
    let Some((_, entry)) = Current::get().entry() else {
        return 0;
    };
    let regs: u64 = ctx.arg(0);
    let cs: u64 = read::probe_at(regs + CS);
    entry.nr_flags = if cs & 0xffff == USER32_CS {
        flag::COMPAT
    } else {
        0
    };
    entry.nr = ctx.arg::<i64>(1) as i16;
    entry.arg0 = read::probe_at(regs + DI);
    entry.arg1 = read::probe_at(regs + SI);
    0
}

// TP_PROTO(struct pt_regs *regs, long ret)
#[raw_tracepoint(tracepoint = "sys_exit")]
pub fn raw_sys_exit(_ctx: RawTracePointContext) -> i32 {
    emit::ran(Program::SysExit);
    if let Some((_, entry)) = Current::get().entry() {
        entry.nr = -1;
    }
    0
}
