//! The probes' table of traced tasks, from this side; how it is laid out is said
//! in `probe-ebpf/src/filter.rs`. Keys are tids in the raw tier.

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, Pod,
    maps::{Array, HashMap, MapData, MapError},
};
use probe_common::entry::{TRIES, TaskEntry, slot};

use crate::probe::tables;

/// `BPF_NOEXIST` (include/uapi/linux/bpf.h)
const NOEXIST: u64 = 1;

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Entry(TaskEntry);

// SAFETY: integers only, without padding between them.
unsafe impl Pod for Entry {}

/// The table.
pub struct Tasks {
    places: HashMap<MapData, u64, u32>,
    slots: HashMap<MapData, u32, u32>,
    entries: Array<MapData, Entry>,
}

impl Tasks {
    /// Takes its maps out of a loaded object.
    pub fn take(ebpf: &mut Ebpf) -> Result<Tasks> {
        Ok(Tasks {
            places: HashMap::try_from(tables::take(ebpf, "TASKS")?)?,
            slots: HashMap::try_from(tables::take(ebpf, "SLOTS")?)?,
            entries: Array::try_from(tables::take(ebpf, "ENTRIES")?)?,
        })
    }

    /// What the probes know of a thread now.
    pub fn get(&self, tid: u32) -> Option<TaskEntry> {
        let slot = self.places.get(&u64::from(tid), 0).ok()?;
        let Entry(entry) = self.entries.get(&slot, 0).ok()?;
        Some(entry)
    }

    /// Every thread in it.
    pub fn tids(&self) -> Vec<u32> {
        // A key that goes away meanwhile ends in an error or in a new beginning:
        // threads that die meanwhile have said so themselves.
        let keys = self.places.keys().filter_map(Result::ok);
        keys.filter_map(|key| u32::try_from(key).ok()).collect()
    }

    /// Begins to follow a thread; returns whether there was no entry yet.
    ///
    /// Its entry keeps the key of nobody, so that the probes ask `TASKS` for it: a
    /// key written from here might overtake the rest of the entry.
    pub fn insert(&mut self, tid: u32, entry: &TaskEntry) -> Result<bool> {
        let slot = self.claim(tid)?;
        let naming = "naming a thread to the probes";
        self.entries.set(slot, Entry(*entry), 0).context(naming)?;
        let inserted = absent(self.places.insert(u64::from(tid), slot, NOEXIST)).context(naming);
        if !matches!(inserted, Ok(true)) {
            // Cannot fail for an element that is there, and nobody else takes it away.
            let _released = self.slots.remove(&slot);
        }
        inserted
    }

    /// Stops following a thread.
    pub fn remove(&mut self, tid: u32) {
        // It may have gone by itself, with its entry.
        let Ok(slot) = self.places.get(&u64::from(tid), 0) else {
            return;
        };
        if self.places.remove(&u64::from(tid)).is_ok() {
            let _released = self.slots.remove(&slot);
        }
    }

    fn claim(&mut self, tid: u32) -> Result<u32> {
        let mask = self.entries.len() - 1;
        for attempt in 0..TRIES {
            let slot = slot(tid, attempt, mask);
            if absent(self.slots.insert(slot, tid, NOEXIST)).context("claiming a place")? {
                return Ok(slot);
            }
        }
        anyhow::bail!(
            "there are too many threads for the table of traced ones: raise --max-threads"
        )
    }
}

/// Whether there was no such element yet.
fn absent(result: Result<(), MapError>) -> Result<bool, MapError> {
    match result {
        Ok(()) => Ok(true),
        Err(MapError::SyscallError(call))
            if call.io_error.raw_os_error() == Some(nix::libc::EEXIST) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
