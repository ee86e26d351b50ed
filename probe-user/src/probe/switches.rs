//! The rings of switches, one per CPU, in two arrays that are mapped here: see
//! [`probe_common::ring`].

use std::{
    ffi::c_void,
    num::NonZeroUsize,
    os::fd::AsFd as _,
    ptr::{self, NonNull},
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result};
use aya::maps::MapData;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use probe_common::{ring::Position, sched::Switch};

/// The rings.
pub struct Switches {
    records: Mapping<Switch>,
    positions: Mapping<Position>,
    per_cpu: u32,
}

/// An array map's elements in our memory. Lives as long as the map is in use.
pub(super) struct Mapping<T> {
    start: NonNull<T>,
    elements: usize,
    /// Keeps the map in being.
    _map: MapData,
}

// SAFETY: it is owned memory, like a box; the other side of it is the kernel.
unsafe impl<T: Send> Send for Mapping<T> {}
// SAFETY: a reference gives pointers only.
unsafe impl<T: Sync> Sync for Mapping<T> {}

impl Switches {
    /// Maps the rings of as many CPUs as there are positions.
    pub fn new(records: MapData, positions: MapData, cpus: u32, per_cpu: u32) -> Result<Switches> {
        let of_all = cpus as usize * per_cpu as usize;
        Ok(Switches {
            records: Mapping::new(records, of_all)?,
            positions: Mapping::new(positions, cpus as usize)?,
            per_cpu,
        })
    }

    /// CPUs with a ring.
    pub fn cpus(&self) -> usize {
        self.positions.elements
    }

    /// Appends what is there of a CPU. Returns how full its ring was, percent.
    pub fn take(&mut self, cpu: usize, into: &mut Vec<u8>) -> u8 {
        let position = self.positions.at(cpu);
        // SAFETY: inside the mapping, aligned, and used by both sides as atomics.
        let (written, read) = unsafe {
            (
                AtomicU64::from_ptr(&raw mut (*position).written),
                AtomicU64::from_ptr(&raw mut (*position).read),
            )
        };
        let begin = read.load(Ordering::Relaxed);
        let there = written.load(Ordering::Acquire).saturating_sub(begin);
        let taken = there.min(u64::from(self.per_cpu));
        let mask = u64::from(self.per_cpu) - 1;
        let first = cpu * self.per_cpu as usize + (begin & mask) as usize;
        // It may go over the ring's end, and on at its beginning.
        let to_end = (u64::from(self.per_cpu) - (begin & mask)).min(taken);
        self.records.append(first, to_end as usize, into);
        let again = cpu * self.per_cpu as usize;
        self.records.append(again, (taken - to_end) as usize, into);
        read.store(begin + taken, Ordering::Release);
        (taken * 100 / u64::from(self.per_cpu)) as u8
    }
}

impl<T> Mapping<T> {
    pub(super) fn new(map: MapData, elements: usize) -> Result<Mapping<T>> {
        let length = NonZeroUsize::new(elements * size_of::<T>()).context("a map of no size")?;
        // SAFETY: a new mapping, of no memory of ours.
        let start = unsafe {
            mmap(
                None,
                length,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
                MapFlags::MAP_SHARED,
                map.fd().as_fd(),
                0,
            )
        };
        Ok(Mapping {
            start: start.context("mapping a map of the probes")?.cast(),
            elements,
            _map: map,
        })
    }

    /// The element; inside the mapping for whatever index.
    pub(super) fn at(&self, index: usize) -> *mut T {
        let inside = index.min(self.elements - 1);
        // SAFETY: `inside` is.
        unsafe { self.start.as_ptr().add(inside) }
    }
}

impl Mapping<Switch> {
    fn append(&self, first: usize, count: usize, into: &mut Vec<u8>) {
        if count == 0 || first + count > self.elements {
            return;
        }
        let bytes = count * size_of::<Switch>();
        into.reserve(bytes);
        // SAFETY: inside the mapping; the kernel leaves these records alone until
        // it learns that they are read. The vector has room for them.
        unsafe {
            ptr::copy_nonoverlapping(
                self.at(first).cast::<u8>(),
                into.as_mut_ptr().add(into.len()),
                bytes,
            );
            into.set_len(into.len() + bytes);
        }
    }
}

impl<T> Drop for Mapping<T> {
    fn drop(&mut self) {
        let start: NonNull<c_void> = self.start.cast();
        // SAFETY: it was mapped with this length, and nothing refers to it.
        // There is nobody to report a failure to, which only a wrong length can cause.
        let _unmapped = unsafe { munmap(start, self.elements * size_of::<T>()) };
    }
}
