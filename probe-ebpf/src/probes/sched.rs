//! The switch: one record for the task that stops and the one that starts.

use core::hint::cold_path;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use probe_common::{
    config::{lookup::NONE as NO_LOOKUP, syscall_bits},
    loss::Program,
    sched::{Switch, flag, state},
};

use super::{
    fd, fd_table,
    lookup::{self, Found, Sleep},
    loss_sums, recover,
    switch_record::{self, Out},
    task, throttle,
};
use crate::{
    current, emit,
    filter::{self, Entry},
    offsets::{self, Constant, known},
    read::{self, Task},
    run_queue,
    shared::{self, Shared, load, store},
    syscall::{self, Syscall},
};

// TP_PROTO(bool preempt, struct task_struct *prev, struct task_struct *next,
//          unsigned int prev_state)      -- prev_state since 5.18
#[btf_tracepoint(function = "sched_switch")]
pub fn sched_switch(ctx: BtfTracePointContext) -> i32 {
    emit::ran(Program::SchedSwitch);
    let prev: Task = ctx.arg(1);
    let next: Task = ctx.arg(2);
    current::note_switch(next);
    let prev_entry = filter::entry(prev);
    let next_entry = filter::entry(next);
    if prev_entry.is_none() {
        shared::one_by_one();
        if next_entry.is_none() {
            run_queue::note_untraced(prev, next);
            return 0;
        }
    }
    let ts_ns = read::now();
    let mut flags = 0;
    let mut out = Out::default();
    if let Some(entry) = prev_entry {
        if load!(entry.running) == 0 {
            cold_path();
            recover::switch_in(prev, entry, ts_ns);
        }
        fd_table::at_switch(prev, entry, ts_ns);
        let preempt = ctx.arg::<u64>(0) & 0xff != 0;
        out = switch_out(prev, entry, prev_state(&ctx, prev), preempt, ts_ns);
        flags |= out.flags;
    } else {
        run_queue::left_by(prev, &mut out);
    }
    if let Some(entry) = next_entry {
        let off_ns = load!(entry.off_ns);
        if load!(entry.wake_ns) <= off_ns && off_ns != 0 {
            cold_path();
            find_end(next, entry, ts_ns);
        }
        flags |= flag::HAS_NEXT | run_queue::moves_known(next, entry);
    } else {
        run_queue::note_left_to(next);
    }
    let recorded = emit::switch(flags, ts_ns, |to: Shared<Switch>| {
        switch_record::write(to, &out, next_entry);
    });
    if let Some(entry) = prev_entry {
        loss_sums::account_out(entry, &out, ts_ns, recorded);
    }
    if let Some(entry) = next_entry {
        loss_sums::account_in(entry, ts_ns, recorded);
        store!(entry.off_ns = 0);
        store!(entry.wake_ns = 0);
        store!(entry.running = 1);
    }
    if out.state & state::DEAD != 0 {
        cold_path();
        if let Some(entry) = filter::entry(prev) {
            task::emit_exit(prev, entry, ts_ns);
        }
        filter::forget(prev);
    }
    0
}

/// A task that has waited switches in, and nothing has shown that it might.
#[inline(always)]
fn find_end(next: Task, entry: Entry, ts_ns: u64) {
    if throttle::is_noted(entry) {
        throttle::end(next, entry, ts_ns);
    } else {
        recover::waking(next, entry, ts_ns);
    }
}

#[inline(always)]
fn prev_state(ctx: &BtfTracePointContext, prev: Task) -> u16 {
    let now = read::field::<u32>(prev, &offsets::TASK_STATE) as u16;
    // Running now, under the run queue's lock: a signal was pending, and it
    // never left the queue (`signal_pending_state` in `__schedule`), whatever
    // the fourth argument of kernels before 6.15 says.
    if now == state::RUNNING || offsets::HAS_PREV_STATE_ARG.load() == 0 {
        return now;
    }
    // The value that the scheduler decided on; the field itself may already
    // have been changed by a waker on another CPU.
    ctx.arg::<u64>(3) as u16
}

#[inline(always)]
fn switch_out(prev: Task, entry: Entry, task_state: u16, preempt: bool, ts_ns: u64) -> Out {
    let mut flags = flag::HAS_PREV;
    let sleeps = !preempt && task_state != state::RUNNING;
    let mut call = call_of(prev, entry, &mut flags);
    let seq = load!(entry.seq).wrapping_add(1);
    store!(entry.seq = seq);
    store!(entry.running = 0);
    if preempt {
        flags |= flag::PREEMPT;
    }
    if sleeps {
        if io_wait(prev) {
            flags |= flag::IOWAIT;
        }
        if load!(entry.on_lock) != 0 {
            flags |= flag::LOCK;
        }
        let sleep = Sleep {
            task: prev,
            entry,
            ts_ns,
            is_current: true,
        };
        flags |= prepare_sleep(&sleep, &mut call, flags, task_state);
        store!(entry.off_ns = ts_ns);
        store!(entry.run_delay_ns = recover::run_delay(prev));
    } else {
        let mut throttled = 0;
        if throttle::is_throttled(prev) {
            cold_path();
            throttled = throttle::begin(prev, entry, &mut call, ts_ns);
        }
        // Written down and read again, as in `slept_on`.
        store!(entry.sleep_flags = throttled);
        flags |= load!(entry.sleep_flags);
    }
    Out {
        flags,
        tid: load!(entry.tid),
        state: task_state,
        nr: call.nr,
        seq,
        arg0: call.arg0,
        arg1: call.arg1,
    }
}

/// The system call of a user task; sets `KERNEL` or `COMPAT`.
#[inline(always)]
pub fn call_of(task: Task, entry: Entry, flags: &mut u16) -> Syscall {
    let regs = load!(entry.regs);
    let call = if syscall::are_kept(regs) {
        syscall::behind(regs, syscall::is_compat(task))
    } else if read::is_kernel(read::flags(task)) {
        *flags |= flag::KERNEL;
        return syscall::NONE;
    } else if current::is_tabled() {
        syscall::noted(entry)
    } else {
        syscall::of(task)
    };
    if call.compat {
        *flags |= flag::COMPAT;
    }
    call
}

#[inline(always)]
pub fn io_wait(task: Task) -> bool {
    known(&offsets::TASK_IOWAIT)
        && read::field::<u8>(task, &offsets::TASK_IOWAIT) & offsets::IOWAIT_MASK.load() as u8 != 0
}

/// Notes whether the coming waking must take a stack, and finds out what is slept on.
/// Returns the flags of what user space now knows.
#[inline(always)]
fn prepare_sleep(sleep: &Sleep, call: &mut Syscall, flags: u16, task_state: u16) -> u16 {
    let bits = bits_of(call, flags);
    let found = slept_on(sleep, call, bits);
    // In numbers rather than branches: the verifier would walk each way to the end.
    let described = (found / flag::OBJECT) as u8 & 1;
    let undescribed = bits & syscall_bits::FD & !described;
    let unsettled = (bits / syscall_bits::NEEDS_STACK) & 1;
    let uninterruptible = !(task_state & state::INTERRUPTIBLE) as u8 & 1;
    let entry = sleep.entry;
    store!(entry.needs_stack = undescribed | unsettled | uninterruptible);
    found
}

/// What the table of system calls says of this one.
#[inline(always)]
pub fn bits_of(call: &Syscall, flags: u16) -> u8 {
    if flags & (flag::KERNEL | flag::COMPAT) != 0 {
        syscall_bits::NEEDS_STACK
    } else {
        offsets::bits_of(call.nr)
    }
}

/// Describes the descriptor slept on, and looks for what else the call's bits in the
/// table name.
#[inline(always)]
pub fn slept_on(sleep: &Sleep, call: &mut Syscall, bits: u8) -> u16 {
    let Sleep {
        task, entry, ts_ns, ..
    } = *sleep;
    let mut found = Found::default();
    if bits & syscall_bits::FD != 0 {
        found.fd = call.arg0 as i32;
    }
    let what = bits >> syscall_bits::LOOKUP_SHIFT;
    if what != NO_LOOKUP {
        cold_path();
        lookup::find(sleep, call, what, &mut found);
        if found.second >= 0 && fd::describe_second(task, entry, found.second, ts_ns) {
            found.flags |= flag::SECOND_OBJECT;
        }
        // Written down and read again: to the verifier they are any numbers then, and it
        // goes on once for all the ways that lead here.
        store!(entry.found = found.flags);
        store!(entry.found_fd = found.fd);
        found.flags = load!(entry.found);
        found.fd = load!(entry.found_fd);
    }
    if found.fd >= 0 && fd::describe(task, entry, found.fd, ts_ns) {
        found.flags |= flag::OBJECT;
    }
    found.flags
}
