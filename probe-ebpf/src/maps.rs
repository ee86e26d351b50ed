//! Every map. All are preallocated: the scheduler's tracepoints run with
//! run-queue locks held, where a map that allocates has hung machines.

use crate::{
    current::Running,
    percpu_cache::PerCpuCache,
    probes::{
        fd_table::{self, Seen},
        packet::{self, Delivery},
        user_stack::Addresses,
    },
    shared::Shared,
};
use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, LruHashMap, PerCpuArray, RingBuf},
};
use probe_common::{
    config::most,
    entry::TaskEntry,
    loss::COUNTERS,
    loss_sums::{Key, Sum},
    ring::Position,
    sched::Switch,
};

/// What is known of each traced task ([`crate::filter`]). A power of two; resized
/// by the loader.
#[map]
pub static ENTRIES: Array<TaskEntry> = Array::with_max_entries(65_536, MMAPABLE);

/// Traced tasks by [`TaskEntry::key`]: their place in `ENTRIES`. Resized by the loader.
#[map]
pub static TASKS: HashMap<u64, u32> = HashMap::with_max_entries(65_536, 0);

/// Places in `ENTRIES` that are taken, with the tid they were taken for. Resized
/// by the loader.
#[map]
pub static SLOTS: HashMap<u32, u32> = HashMap::with_max_entries(65_536, 0);

/// Processes that the task iterator shall begin to follow, by tgid. Resized by the
/// loader.
#[map]
pub static TARGETS: HashMap<u32, u32> = HashMap::with_max_entries(1024, 0);

/// Slot 0: what the task iterator shall do ([`probe_common::config::iter_mode`]).
#[map]
pub static CONTROL: Array<u32> = Array::with_max_entries(1, 0);

/// Losses and runs ([`probe_common::loss`]).
#[map]
pub static COUNTERS_BY_CPU: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTERS, 0);

/// Slot 0: the task that runs on this CPU, where nothing else says so.
#[map]
pub static RUNNING: PerCpuArray<Running> = PerCpuArray::with_max_entries(1, 0);

/// Slot 0: what is found once on this CPU.
#[map]
pub static PERCPU_CACHE: PerCpuArray<PerCpuCache> = PerCpuArray::with_max_entries(1, 0);

/// Sums in the place of lost switch records ([`probe_common::loss_sums`]).
#[map]
pub static LOSS_SUMS: HashMap<Key, Sum> = HashMap::with_max_entries(most::LOSS_SUMS, 0);

/// Requests that disks finished last on this CPU: slot 1 in a hardware
/// interrupt, slot 0 elsewhere.
#[map]
pub static COMPLETED: PerCpuArray<Completed> = PerCpuArray::with_max_entries(2, 0);

/// Cgroups that user space knows, by id, with a hash of their quota.
#[map]
pub static CGROUPS: HashMap<u64, u64> = HashMap::with_max_entries(most::CGROUPS, 0);

/// Slot 0: the softirq that this CPU serves.
#[map]
pub static DELIVERY: PerCpuArray<Delivery> = PerCpuArray::with_max_entries(1, 0);

/// Packets in queues and their senders, by a hash of their addresses.
#[map]
pub static QUEUED: Array<u64> = Array::with_max_entries(packet::PLACES, 0);

/// What was last seen of descriptor tables, by a hash of their addresses.
#[map]
pub static FD_TABLES: Array<Seen> = Array::with_max_entries(fd_table::PLACES, 0);

/// Sockets that traced tasks connect, by address.
#[map]
pub static SOCKETS: HashMap<u64, u32> = HashMap::with_max_entries(most::SOCKETS, 0);

/// Sockets that listen and are described, by address.
#[map]
pub static LISTENERS: HashMap<u64, u32> = HashMap::with_max_entries(most::LISTENERS, 0);

/// Slot 0: whether there is a listener whose packets should be looked at.
#[map]
pub static WANTED: Array<u32> = Array::with_max_entries(1, 0);

/// Slot 0: the user stack that is looked at on this CPU. Nothing interrupts a switch.
#[map]
pub static USER_STACK: PerCpuArray<Addresses> = PerCpuArray::with_max_entries(1, 0);

/// How often what is in a user stack was written down, by its hash. Resized by the loader.
#[map]
pub static USER_STACKS: LruHashMap<u64, u32> = LruHashMap::with_max_entries(1, 0);

/// Switches: a ring for each CPU, one behind the other. Resized by the loader.
#[map]
pub static SWITCHES: Array<Switch> = Array::with_max_entries(64, MMAPABLE);

/// How far each of them is written and read, by CPU. Resized by the loader.
#[map]
pub static POSITIONS: Array<Position> = Array::with_max_entries(1, MMAPABLE);

/// Wakers, stacks, objects and every other record of what happens. Resized by the loader.
#[map]
pub static EVENTS: RingBuf = RingBuf::with_byte_size(16 << 20, 0);

/// Births, names, deaths and snapshots: apart, so that a flood of switches
/// can never cost a thread its identity.
#[map]
pub static LIFECYCLE: RingBuf = RingBuf::with_byte_size(4 << 20, 0);

/// `BPF_F_MMAPABLE`. Such an array begins with a page, so that each element of a
/// fitting size begins with a cache line, also where nobody maps it.
const MMAPABLE: u32 = 1 << 10;

/// A value of this CPU. An interrupt here may write it, and where user space cannot
/// map it, no other CPU does.
#[inline(always)]
pub fn of_cpu<T>(map: &PerCpuArray<T>, slot: u32) -> Option<Shared<T>> {
    // SAFETY: all these maps are arrays, which are preallocated, of integers.
    Some(unsafe { Shared::new(map.get_ptr_mut(slot)?) })
}

/// A request that a disk has finished.
#[repr(C)]
pub struct Completed {
    /// When, ns; 0 before the first.
    pub ts_ns: u64,
    /// See [`probe_common::disk::Disk::dev`].
    pub dev: u64,
}
