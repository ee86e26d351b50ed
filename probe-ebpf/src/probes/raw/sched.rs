//! The switch, from the fields of the classic tracepoint.

use aya_ebpf::{macros::tracepoint, programs::TracePointContext};
use probe_common::{
    loss::Program,
    sched::{Switch, flag, state},
};

use super::{
    fields::{self, field},
    syscall,
    who::Current,
};
use crate::{
    emit,
    filter::{self, Entry},
    probes::switch_record::{self, Out},
    read,
    shared::{self, Shared, load, store},
    syscall::Syscall,
};

// States as `__trace_sched_switch_state` (include/trace/events/sched.h) reports
// them: the highest of the bits that /proc shows as letters (`TASK_REPORT` in
// include/linux/sched.h), the same from 5.10 to 7.2.
const EXIT_DEAD: u32 = 0x10;
const EXIT_ZOMBIE: u32 = 0x20;
/// `TASK_REPORT_IDLE`: an uninterruptible sleep that is no load.
const REPORT_IDLE: u32 = 0x80;
/// `TASK_REPORT_MAX`: was preempted.
const PREEMPTED: u32 = 0x100;

// sched:sched_switch: prev_comm, prev_pid, prev_prio, prev_state, next_comm, next_pid, next_prio
#[tracepoint]
pub fn raw_sched_switch(ctx: TracePointContext) -> u32 {
    emit::ran(Program::SchedSwitch);
    let reported: u32 = field(&ctx, &fields::RAW_SWITCH_PREV_STATE);
    let next_tid: u32 = field(&ctx, &fields::RAW_SWITCH_NEXT_PID);
    // prev is still the running task.
    let prev = Current::get();
    let is_last = reported & (EXIT_DEAD | EXIT_ZOMBIE) != 0;
    let leaving = if is_last {
        prev.last_entry()
    } else {
        prev.entry()
    };
    let arriving = filter::entry_at(u64::from(next_tid));
    if leaving.is_none() {
        shared::one_by_one();
        if arriving.is_none() {
            return 0;
        }
    }
    let ts_ns = read::now();
    let mut out = Out::default();
    let mut dead = None;
    if let Some((key, entry)) = leaving {
        out = switch_out(entry, reported, ts_ns);
        dead = is_last.then_some(key);
    }
    emit_switch(&out, arriving, ts_ns);
    if let Some(key) = dead {
        filter::remove(key);
    }
    0
}

#[inline(always)]
fn emit_switch(out: &Out, arriving: Option<Entry>, ts_ns: u64) {
    let mut flags = out.flags;
    let mut next_half = None;
    if let Some(entry) = arriving {
        flags |= flag::HAS_NEXT;
        if load!(entry.running) == 1 {
            skip(entry);
        }
        next_half = Some(entry);
    }
    emit::switch(flags, ts_ns, |to: Shared<Switch>| {
        switch_record::write(to, out, next_half);
    });
    if let Some(entry) = next_half {
        store!(entry.off_ns = 0);
        store!(entry.wake_ns = 0);
        store!(entry.running = 1);
    }
}

#[inline(always)]
fn switch_out(entry: Entry, reported: u32, ts_ns: u64) -> Out {
    let (task_state, mut flags) = translate(reported);
    let sleeps = task_state != state::RUNNING;
    let call = note_call(entry);
    if load!(entry.running) == 0 {
        skip(entry);
    }
    let seq = load!(entry.seq).wrapping_add(1);
    store!(entry.seq = seq);
    store!(entry.running = 0);
    if sleeps {
        store!(entry.off_ns = ts_ns);
        if load!(entry.on_lock) != 0 {
            flags |= flag::LOCK;
        }
    }
    Out {
        flags: flags | flag::HAS_PREV | compat_flag(&call),
        tid: load!(entry.tid),
        state: task_state,
        nr: call.nr,
        seq,
        arg0: call.arg0,
        arg1: call.arg1,
    }
}

/// Keeps the call for the last look at a sleeper, which cannot read registers.
#[inline(always)]
fn note_call(entry: Entry) -> Syscall {
    let call = syscall::of(entry);
    store!(entry.nr = call.nr);
    store!(entry.arg0 = call.arg0);
    store!(entry.arg1 = call.arg1);
    store!(entry.nr_flags = compat_flag(&call));
    call
}

#[inline(always)]
fn compat_flag(call: &Syscall) -> u16 {
    if call.compat { flag::COMPAT } else { 0 }
}

/// The kernel ran no program at a switch of this task: its number in the
/// sequence is left out, so that user space knows the time around it for lost.
/// (Classic programs do not run while another one, or a map operation of any
/// process, is under way on the same CPU.)
#[inline(always)]
fn skip(entry: Entry) {
    store!(entry.seq = load!(entry.seq).wrapping_add(1));
}

/// The record's own state and flag.
#[inline(always)]
fn translate(reported: u32) -> (u16, u16) {
    if reported & PREEMPTED != 0 {
        (state::RUNNING, flag::PREEMPT)
    } else if reported & (EXIT_DEAD | EXIT_ZOMBIE) != 0 {
        (state::DEAD, 0)
    } else if reported & REPORT_IDLE != 0 {
        (state::UNINTERRUPTIBLE, 0)
    } else {
        (reported as u16, 0)
    }
}

// sched:sched_migrate_task: comm, pid, prio, orig_cpu, dest_cpu
#[tracepoint]
pub fn raw_sched_migrate_task(ctx: TracePointContext) -> u32 {
    emit::ran(Program::SchedMigrateTask);
    let tid: u32 = field(&ctx, &fields::RAW_MIGRATE_PID);
    if let Some(entry) = filter::entry_at(u64::from(tid)) {
        store!(entry.migrations = load!(entry.migrations) + 1);
    }
    0
}
