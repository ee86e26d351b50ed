//! Who has been woken and not run since, as the probes remember it: no record says that before
//! the thread runs.

use std::{
    ptr,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use anyhow::{Result, anyhow};
use aya::{Ebpf, maps::Map};
use probe_common::entry::{TRIES, TaskEntry, slot};

use super::{switches::Mapping, tables::take};
use crate::wire::session::{OffCpu, Wakings};

/// What the probes know of each task, in our memory.
struct Entries {
    mapping: Mapping<TaskEntry>,
    mask: u32,
}

/// Of a loaded object with so many places for tasks, less one.
pub fn wakings(ebpf: &mut Ebpf, mask: u32) -> Result<Wakings> {
    let Map::Array(map) = take(ebpf, "ENTRIES")? else {
        return Err(anyhow!("the probes' map ENTRIES is no array"));
    };
    let mapping = Mapping::new(map, mask as usize + 1)?;
    let entries = Arc::new(Entries { mapping, mask });
    Ok(Wakings::new(move |tid| entries.off_cpu(tid)))
}

impl Entries {
    /// Only places that a thread may have are looked at: of the others nothing comes into our
    /// memory.
    fn off_cpu(&self, tid: u32) -> Option<OffCpu> {
        let places = (0..TRIES).map(|attempt| slot(tid, attempt, self.mask));
        let mut entries = places.map(|place| self.mapping.at(place as usize));
        entries.find_map(|entry| off_cpu(entry, tid))?
    }
}

/// What the thread with this tid does if it does not run, and if this entry is its own; the
/// kernel may be writing it. Each word is one that it has written, and they are of one sleep where that began
/// at the same time before and behind.
fn off_cpu(entry: *mut TaskEntry, tid: u32) -> Option<Option<OffCpu>> {
    // SAFETY: inside the mapping, aligned, and written by the other side word by word.
    let (off_ns, wake_ns, owner) = unsafe {
        (
            AtomicU64::from_ptr(ptr::addr_of_mut!((*entry).off_ns)),
            AtomicU64::from_ptr(ptr::addr_of_mut!((*entry).wake_ns)),
            AtomicU32::from_ptr(ptr::addr_of_mut!((*entry).tid)),
        )
    };
    if owner.load(Ordering::Acquire) != tid {
        return None;
    }
    let since_ns = off_ns.load(Ordering::Acquire);
    let wake_ns = wake_ns.load(Ordering::Acquire);
    let is_one = since_ns != 0 && off_ns.load(Ordering::Acquire) == since_ns;
    Some(is_one.then_some(OffCpu {
        off_ns: since_ns,
        wake_ns: (wake_ns >= since_ns).then_some(wake_ns),
    }))
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
            assert_eq!(off_cpu(&raw mut entry, 8), None);
            off_cpu(&raw mut entry, 7)
        };
        let since_10 = |wake_ns| {
            Some(Some(OffCpu {
                off_ns: 10,
                wake_ns,
            }))
        };
        assert_eq!(of(10, 12), since_10(Some(12)));
        // It sleeps; a waking of an earlier sleep.
        assert_eq!([of(10, 0), of(10, 9)], [since_10(None); 2]);
        // It runs.
        assert_eq!(of(0, 12), Some(None));
    }
}
