//! What the task iterator does in the other tiers: begins to follow threads
//! that were there before us, and collects at the end what no switch has
//! carried yet. Facts come from /proc and from the probes' own table, and go
//! the way of all records.

use anyhow::Result;
use probe_common::{
    entry::{RUNNING_UNKNOWN, TaskEntry},
    families::Record as _,
    sched::{flag, state},
    task::{Snapshot, snapshot},
};
use zerocopy::IntoBytes as _;

use super::{
    procfs::{self, Stat},
    tasks::Tasks,
};
use crate::probe::clock::monotonic_ns;

/// Starts following a thread that is not followed yet; its record goes to `into`.
pub fn seed(tasks: &mut Tasks, pid: u32, tid: u32, held: bool, into: &mut Vec<u8>) -> Result<()> {
    let living = |stat: &Stat| stat.state & state::DEAD == 0;
    if tasks.get(tid).is_some() {
        return Ok(());
    }
    let Some(first) = procfs::stat(pid, tid).filter(living) else {
        return Ok(());
    };
    if !tasks.insert(tid, &fresh(pid, tid, &first))? {
        return Ok(());
    }
    // Followed before it is looked at for good: what happens in between is then
    // in the ring as well, and the world knows the order.
    let ts_ns = monotonic_ns();
    let Some(stat) = procfs::stat(pid, tid).filter(living) else {
        // Gone in the meantime, perhaps with its entry.
        tasks.remove(tid);
        return Ok(());
    };
    put(into, &seeded(ts_ns, pid, tid, held, &stat));
    Ok(())
}

/// The first entry of a thread. Where its registers lie is not known before the
/// next system call it enters.
fn fresh(pid: u32, tid: u32, stat: &Stat) -> TaskEntry {
    let asleep = stat.state != state::RUNNING;
    TaskEntry {
        off_ns: if asleep { monotonic_ns() } else { 0 },
        tid,
        tgid: pid,
        ppid: stat.ppid,
        running: RUNNING_UNKNOWN,
        ..TaskEntry::FRESH
    }
}

pub(super) fn seeded(ts_ns: u64, pid: u32, tid: u32, held: bool, stat: &Stat) -> Snapshot {
    let mut flags = 0;
    if held {
        flags |= snapshot::HELD;
    }
    // Or on a run queue: then its next event is a switch-in, and the time until
    // there is reported as not known.
    if stat.state == state::RUNNING {
        flags |= snapshot::ON_CPU;
    }
    let call = procfs::call(pid, tid).filter(|_| stat.state != state::RUNNING);
    Snapshot {
        header: Snapshot::header(0, flags, ts_ns),
        tid,
        tgid: pid,
        ppid: stat.ppid,
        state: stat.state,
        nr: call.map_or(-1, |call| call.nr),
        arg0: call.map_or(0, |call| call.arg0),
        arg1: call.map_or(0, |call| call.arg1),
        comm: stat.comm,
        ..Snapshot::default()
    }
}

/// Records of every traced thread as it is now.
pub fn last_look(tasks: &Tasks) -> Vec<u8> {
    let mut records = Vec::new();
    for tid in tasks.tids() {
        if let Some(taken) = look(tasks, tid) {
            put(&mut records, &taken);
        }
    }
    records
}

/// The same as if they were followed from now on.
pub fn look_again(tasks: &Tasks) -> Vec<u8> {
    let mut records = Vec::new();
    for tid in tasks.tids() {
        let Some(mut taken) = look(tasks, tid) else {
            continue;
        };
        taken.header.flags &= !snapshot::FINAL;
        // The call of one that has been in it since before the probes.
        let is_asleep = taken.header.flags & snapshot::ON_CPU == 0;
        if let Some(call) = procfs::call(taken.tgid, tid).filter(|_| taken.nr < 0 && is_asleep) {
            (taken.nr, taken.arg0, taken.arg1) = (call.nr, call.arg0, call.arg1);
        }
        put(&mut records, &taken);
    }
    records
}

/// `None` for a thread that is gone, or whose id has a new owner.
fn look(tasks: &Tasks, tid: u32) -> Option<Snapshot> {
    let before = tasks.get(tid)?;
    let ts_ns = monotonic_ns();
    let stat = procfs::stat(before.tgid, tid)?;
    let entry = tasks.get(tid)?;
    Some(last(ts_ns, &entry, &stat))
}

pub(super) fn last(ts_ns: u64, entry: &TaskEntry, stat: &Stat) -> Snapshot {
    // A dead thread that has an entry is still on its way to its last switch-out.
    let task_state = match stat.state {
        state::DEAD => state::RUNNING,
        other => other,
    };
    let on_cpu = match entry.running {
        RUNNING_UNKNOWN => task_state == state::RUNNING,
        running => running == 1,
    };
    let mut flags = snapshot::FINAL | entry.nr_flags;
    if on_cpu {
        flags |= snapshot::ON_CPU;
    }
    if entry.on_lock != 0 {
        flags |= flag::LOCK;
    }
    Snapshot {
        header: Snapshot::header(0, flags, ts_ns),
        tid: entry.tid,
        tgid: entry.tgid,
        ppid: stat.ppid,
        migrations: entry.migrations,
        state: task_state,
        nr: entry.nr,
        seq: entry.seq,
        waker_flags: entry.waker_flags,
        arg0: entry.arg0,
        arg1: entry.arg1,
        wake_ns: entry.wake_ns,
        waker_tid: entry.waker_tid,
        waker_nr: entry.waker_nr,
        comm: stat.comm,
        ..Snapshot::default()
    }
}

pub(super) fn put(into: &mut Vec<u8>, record: &Snapshot) {
    into.extend_from_slice(record.as_bytes());
}
