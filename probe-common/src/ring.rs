//! The rings of switches: one per CPU, in an array that user space maps.
//!
//! A switch is emitted by one program only, which runs with interrupts off under
//! its CPU's run-queue lock. So each ring has one writer, and needs neither the
//! lock nor the reservation of the kernel's ring buffer, which takes 50 ns of a
//! switch.

/// How far one CPU's ring is written and read. Positions count records since the
/// beginning, and never wrap.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    /// Records written; only the CPU stores it.
    pub written: u64,
    /// When this CPU last went from its idle task to one that is not traced, ns; 0:
    /// not since the probes were attached.
    pub idle_until_ns: u64,
    /// 1 while it runs its idle task.
    pub idle: u64,
    /// Switch records that found no room.
    pub lost: u64,
    /// Zero: writer and reader each have a cache line.
    pub pad: [u64; 4],
    /// Records read; only the reader stores it.
    pub read: u64,
    /// Zero.
    pub pad2: [u64; 7],
}

/// Smallest number of records in a ring.
pub const FEWEST: u32 = 64;
