//! A switch record: the task that stops and the one that starts.

use probe_common::sched::Switch;

use crate::{
    filter::Entry,
    shared::{Shared, load, store},
};

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
#[inline(always)]
pub fn write(to: Shared<Switch>, out: &Out, next: Option<Entry>) {
    store!(to.prev_tid = out.tid);
    store!(to.prev_state = out.state);
    store!(to.prev_nr = out.nr);
    store!(to.prev_seq = out.seq);
    store!(to.prev_arg0 = out.arg0);
    store!(to.prev_arg1 = out.arg1);
    match next {
        Some(entry) => write_next(to, entry),
        None => write_no_next(to),
    }
}

#[inline(always)]
fn write_next(to: Shared<Switch>, entry: Entry) {
    store!(to.next_tid = load!(entry.tid));
    store!(to.next_seq = load!(entry.seq));
    store!(to.wake_ns = load!(entry.wake_ns));
    store!(to.waker_tid = load!(entry.waker_tid));
    store!(to.waker_nr = load!(entry.waker_nr));
    store!(to.waker_flags = load!(entry.waker_flags));
}

#[inline(always)]
fn write_no_next(to: Shared<Switch>) {
    store!(to.next_tid = 0);
    store!(to.next_seq = 0);
    store!(to.wake_ns = 0);
    store!(to.waker_tid = 0);
    store!(to.waker_nr = -1);
    store!(to.waker_flags = 0);
}
