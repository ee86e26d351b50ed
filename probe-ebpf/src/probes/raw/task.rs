//! Birth, naming and death, from the fields of the classic tracepoints.

use aya_ebpf::{macros::tracepoint, programs::TracePointContext};
use probe_common::{
    entry::TaskEntry,
    loss::Program,
    task::{Exec, Exit, Fork, Rename, exit},
    uapi::{CLONE_PARENT, CLONE_THREAD},
};

use super::{
    fields::{self, Comm, field},
    who::{Current, retire},
};
use crate::{
    emit,
    filter::{self, Entry},
    maps::{LIFECYCLE, TARGETS},
    read,
    shared::{Shared, load, store, store_words},
};

/// Who makes a new task.
struct Creator {
    tid: u32,
    tgid: u32,
    ppid: u32,
}

// task:task_newtask: pid, comm, clone_flags, oom_score_adj
#[tracepoint]
pub fn raw_task_newtask(ctx: TracePointContext) -> u32 {
    emit::ran(Program::TaskNewtask);
    let tid: u32 = field(&ctx, &fields::RAW_NEWTASK_PID);
    retire(tid, tid);
    let Some(creator) = creator() else {
        return 0;
    };
    let clone_flags: u64 = field(&ctx, &fields::RAW_NEWTASK_FLAGS);
    let entry = newborn(tid, clone_flags, &creator);
    if !filter::insert(u64::from(tid), tid, &raw const entry) {
        return 0;
    }
    let ts_ns = read::now();
    emit::record(&LIFECYCLE, 0, ts_ns, |to: Shared<Fork>| {
        let comm: Comm = field(&ctx, &fields::RAW_NEWTASK_COMM);
        store!(to.creator_tid = creator.tid);
        store!(to.tid = tid);
        store!(to.tgid = entry.tgid);
        store!(to.ppid = entry.ppid);
        store!(to.clone_flags = clone_flags);
        store!(to.start_ns = ts_ns);
        store_words!(to.comm = comm);
    });
    0
}

/// The running task, if what it makes is followed: it is traced, or it is a
/// thread of a target that the seeding has not reached yet.
#[inline(always)]
fn creator() -> Option<Creator> {
    let Current { tid, tgid } = Current::get();
    if let Some((_, entry)) = Current::get().entry() {
        return Some(Creator {
            tid: load!(entry.tid),
            tgid,
            ppid: load!(entry.ppid),
        });
    }
    let target = TARGETS.get_ptr(tgid)?;
    // SAFETY: a slot of a preallocated map.
    let ppid = unsafe { target.read_volatile() };
    Some(Creator { tid, tgid, ppid })
}

#[inline(always)]
fn newborn(tid: u32, clone_flags: u64, creator: &Creator) -> TaskEntry {
    let same_process = clone_flags & CLONE_THREAD != 0;
    let same_parent = clone_flags & (CLONE_THREAD | CLONE_PARENT) != 0;
    TaskEntry {
        tid,
        tgid: if same_process { creator.tgid } else { tid },
        ppid: if same_parent {
            creator.ppid
        } else {
            creator.tgid
        },
        ..TaskEntry::FRESH
    }
}

// sched:sched_process_exec: filename, pid, old_pid
#[tracepoint]
pub fn raw_sched_process_exec(ctx: TracePointContext) -> u32 {
    emit::ran(Program::SchedProcessExec);
    let Current { tid, .. } = Current::get();
    let old_pid: u32 = field(&ctx, &fields::RAW_EXEC_OLD_PID);
    let Some(entry) = filter::entry_at(u64::from(old_pid)) else {
        return 0;
    };
    let old_tid = load!(entry.tid);
    if tid != old_pid {
        take_leaders_id(entry, tid, old_pid);
    }
    emit::record(&LIFECYCLE, 0, read::now(), |to: Shared<Exec>| {
        // The bytes of `argv` keep what the ring held; user space reads `argv_len` only.
        store!(to.tid = tid);
        store!(to.old_tid = old_tid);
        store_words!(to.comm = read::current_comm());
        store!(to.argv_len = 0);
        store!(to.pad = 0);
    });
    0
}

/// Another thread than the leader called: it bears the leader's id since
/// `de_thread`, and what it did under that id until now was taken for nobody's
/// doing. The gap in its sequence says so.
#[inline(always)]
fn take_leaders_id(entry: Entry, tid: u32, old_pid: u32) {
    retire(tid, old_pid);
    store!(entry.tid = tid);
    store!(entry.seq = load!(entry.seq).wrapping_add(1));
    filter::insert(u64::from(tid), tid, entry.as_ptr());
    filter::remove(u64::from(old_pid));
}

// sched:sched_process_exit: comm, pid, prio   -- and group_dead since 6.16
#[tracepoint]
pub fn raw_sched_process_exit(_ctx: TracePointContext) -> u32 {
    emit::ran(Program::SchedProcessExit);
    let Some((_, entry)) = Current::get().entry() else {
        return 0;
    };
    store!(entry.exiting = 1);
    emit::record(
        &LIFECYCLE,
        exit::STATUS_UNKNOWN,
        read::now(),
        |to: Shared<Exit>| {
            store!(to.tid = load!(entry.tid));
            store!(to.exit_code = 0);
            store!(to.migrations = load!(entry.migrations));
            store!(to.pad = 0);
        },
    );
    0
}

// task:task_rename: pid, oldcomm, newcomm, oom_score_adj   -- no pid in 6.14 and 6.15
#[tracepoint]
pub fn raw_task_rename(ctx: TracePointContext) -> u32 {
    emit::ran(Program::TaskRename);
    let tid: u32 = field(&ctx, &fields::RAW_RENAME_PID);
    let Some(entry) = filter::entry_at(u64::from(tid)) else {
        return 0;
    };
    emit::record(&LIFECYCLE, 0, read::now(), |to: Shared<Rename>| {
        let comm: Comm = field(&ctx, &fields::RAW_RENAME_COMM);
        store!(to.tid = load!(entry.tid));
        store!(to.pad = 0);
        store_words!(to.comm = comm);
    });
    0
}
