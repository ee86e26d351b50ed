//! A switch record: the task that stops and the one that starts.

use probe_common::{entry::TaskEntry, sched::Switch};

/// The half of the record that belongs to the task that stops.
#[derive(Default)]
pub struct Out {
    pub flags: u16,
    pub tid: u32,
    pub state: u16,
    pub nr: i16,
    pub seq: u16,
    pub arg0: u64,
    pub arg1: u64,
}

/// Writes every field behind the header.
///
/// SAFETY: `to` is a reserved record.
#[inline(always)]
pub unsafe fn write(to: *mut Switch, out: &Out, next: Option<&TaskEntry>) {
    // SAFETY: the caller's promise.
    unsafe {
        (&raw mut (*to).prev_tid).write(out.tid);
        (&raw mut (*to).prev_state).write(out.state);
        (&raw mut (*to).prev_nr).write(out.nr);
        (&raw mut (*to).prev_seq).write(out.seq);
        (&raw mut (*to).prev_arg0).write(out.arg0);
        (&raw mut (*to).prev_arg1).write(out.arg1);
        match next {
            Some(entry) => write_next(to, entry),
            None => write_no_next(to),
        }
    }
}

/// SAFETY: `to` is a reserved record.
#[inline(always)]
unsafe fn write_next(to: *mut Switch, entry: &TaskEntry) {
    // SAFETY: the caller's promise.
    unsafe {
        (&raw mut (*to).next_tid).write(entry.tid);
        (&raw mut (*to).next_seq).write(entry.seq);
        (&raw mut (*to).wake_ns).write(entry.wake_ns);
        (&raw mut (*to).waker_tid).write(entry.waker_tid);
        (&raw mut (*to).waker_nr).write(entry.waker_nr);
        (&raw mut (*to).waker_flags).write(entry.waker_flags);
    }
}

/// SAFETY: `to` is a reserved record.
#[inline(always)]
unsafe fn write_no_next(to: *mut Switch) {
    // SAFETY: the caller's promise.
    unsafe {
        (&raw mut (*to).next_tid).write(0);
        (&raw mut (*to).next_seq).write(0);
        (&raw mut (*to).wake_ns).write(0);
        (&raw mut (*to).waker_tid).write(0);
        (&raw mut (*to).waker_nr).write(-1);
        (&raw mut (*to).waker_flags).write(0);
    }
}
