//! The full tier: exact calls and results of functions that a switch only
//! passes through. Each hook exists twice, as function entry or exit and as
//! kernel probe, for kernels that refuse the former.

use aya_ebpf::{
    macros::{fentry, fexit, kprobe, kretprobe},
    programs::{FEntryContext, FExitContext, ProbeContext, RetProbeContext},
};
use probe_common::{
    kernel_return::{KernelReturn, function},
    loss::{Loss, Program},
};

use crate::{
    current::Current,
    emit,
    maps::EVENTS,
    read,
    shared::{Shared, load, store},
};

// static long do_wait(struct wait_opts *wo)
#[fentry]
pub fn do_wait_fentry(_ctx: FEntryContext) -> i32 {
    entered(Program::DoWait)
}

#[kprobe]
pub fn do_wait_kprobe(_ctx: ProbeContext) -> i32 {
    entered(Program::DoWait)
}

#[fexit]
pub fn do_wait_fexit(ctx: FExitContext) -> i32 {
    returned(Program::DoWait, function::DO_WAIT, ctx.arg::<i64>(1) as i32)
}

#[kretprobe]
pub fn do_wait_kretprobe(ctx: RetProbeContext) -> i32 {
    returned(Program::DoWait, function::DO_WAIT, ctx.ret::<i64>() as i32)
}

// static int ep_poll(struct eventpoll *ep, struct epoll_event __user *events,
//                    int maxevents, struct timespec64 *timeout)
// static int do_epoll_wait(int epfd, struct epoll_event __user *events,
//                          int maxevents, struct timespec64 *to)
#[fentry]
pub fn epoll_fentry(_ctx: FEntryContext) -> i32 {
    entered(Program::Epoll)
}

#[kprobe]
pub fn epoll_kprobe(_ctx: ProbeContext) -> i32 {
    entered(Program::Epoll)
}

#[fexit]
pub fn epoll_fexit(ctx: FExitContext) -> i32 {
    returned(Program::Epoll, function::EPOLL, ctx.arg::<i64>(4) as i32)
}

#[kretprobe]
pub fn epoll_kretprobe(ctx: RetProbeContext) -> i32 {
    returned(Program::Epoll, function::EPOLL, ctx.ret::<i64>() as i32)
}

#[inline(always)]
fn entered(program: Program) -> i32 {
    emit::ran(program);
    if let Some(entry) = Current::get().entry() {
        // Still inside an earlier one: its return went by unseen, as happens
        // to kernel probes when more tasks sleep in a function than they have
        // slots for.
        if load!(entry.call_ns) != 0 {
            emit::lost(Loss::KernelReturn);
        }
        store!(entry.call_ns = read::now());
    }
    0
}

#[inline(always)]
fn returned(program: Program, function: u16, result: i32) -> i32 {
    emit::ran(program);
    let Some(entry) = Current::get().entry() else {
        return 0;
    };
    emit::record(
        &EVENTS,
        function,
        read::now(),
        |to: Shared<KernelReturn>| {
            store!(to.tid = load!(entry.tid));
            store!(to.result = result);
            store!(to.entered_ns = load!(entry.call_ns));
        },
    );
    store!(entry.call_ns = 0);
    0
}
