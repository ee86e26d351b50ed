//! Who has been woken and not run since, as the probes remember it: no record says that before
//! the thread runs.

use std::{
    ptr,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
};

use anyhow::{Result, anyhow};
use aya::{Ebpf, maps::Map};
use probe_common::entry::TaskEntry;

use super::{switches::Mapping, tables::take};
use crate::wire::session::Woken;

/// What the probes know of each task, in our memory.
pub struct Entries(Mapping<TaskEntry>);

impl Entries {
    /// Takes them out of a loaded object.
    pub(super) fn take(ebpf: &mut Ebpf, elements: usize) -> Result<Entries> {
        match take(ebpf, "ENTRIES")? {
            Map::Array(map) => Mapping::new(map, elements).map(Entries),
            _ => Err(anyhow!("the probes' map ENTRIES is no array")),
        }
    }

    /// Those that are woken now.
    pub fn woken(&self) -> Vec<Woken> {
        self.0.all().filter_map(woken).collect()
    }
}

/// Of an entry that the kernel may be writing. Each word is one that it has written, and they
/// are of one sleep where that began at the same time before and behind.
fn woken(entry: *mut TaskEntry) -> Option<Woken> {
    // SAFETY: inside the mapping, aligned, and written by the other side word by word.
    let (off_ns, wake_ns, tid) = unsafe {
        (
            AtomicU64::from_ptr(ptr::addr_of_mut!((*entry).off_ns)),
            AtomicU64::from_ptr(ptr::addr_of_mut!((*entry).wake_ns)),
            AtomicU32::from_ptr(ptr::addr_of_mut!((*entry).tid)),
        )
    };
    let since_ns = off_ns.load(Ordering::Acquire);
    if since_ns == 0 {
        return None;
    }
    let woken = Woken {
        wake_ns: wake_ns.load(Ordering::Acquire),
        tid: tid.load(Ordering::Acquire),
        off_ns: since_ns,
    };
    (woken.wake_ns >= since_ns && off_ns.load(Ordering::Acquire) == since_ns).then_some(woken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_woken_sleep_and_have_been_woken_since() {
        let of = |off_ns, wake_ns| {
            let mut entry = TaskEntry {
                off_ns,
                wake_ns,
                tid: 7,
                ..TaskEntry::FRESH
            };
            woken(&raw mut entry)
        };
        let one = Woken {
            tid: 7,
            off_ns: 10,
            wake_ns: 12,
        };
        assert_eq!(of(10, 12), Some(one));
        // It runs; it sleeps; a waking of an earlier sleep.
        assert_eq!([of(0, 12), of(10, 0), of(10, 9)], [None; 3]);
    }
}
