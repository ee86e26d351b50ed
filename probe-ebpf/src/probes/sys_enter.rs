//! System calls as they begin and end. Attached only where nothing shows a
//! task's registers at its switches: a kernel before 5.11 that refuses probe
//! reads.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_common::{loss::Program, sched::flag};

use crate::{
    current::Current,
    emit,
    offsets::{self, known},
    read::field,
    shared::store,
    syscall::USER32_CS,
};

// TP_PROTO(struct pt_regs *regs, long id)
#[btf_tracepoint(function = "sys_enter")]
pub fn sys_enter(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SysEnter);
    let Some(entry) = Current::get().entry() else {
        return 0;
    };
    let regs: *const u8 = ctx.arg(0);
    store!(entry.arg0 = field(regs, &offsets::REGS_ARG0));
    store!(entry.arg1 = field(regs, &offsets::REGS_ARG1));
    let compat = known(&offsets::REGS_CS) && field::<u16>(regs, &offsets::REGS_CS) == USER32_CS;
    store!(entry.nr_flags = if compat { flag::COMPAT } else { 0 });
    store!(entry.nr = ctx.arg::<i64>(1) as i16);
    0
}

// TP_PROTO(struct pt_regs *regs, long ret)
#[btf_tracepoint(function = "sys_exit")]
pub fn sys_exit(_ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SysExit);
    if let Some(entry) = Current::get().entry() {
        store!(entry.nr = -1);
        store!(entry.nr_flags = 0);
    }
    0
}
