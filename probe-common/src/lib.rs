//! What the kernel probes and user space agree on: records, settings, counters.
//!
//! No logic, no allocation, no dependency (but for `zerocopy` in user space): `#[repr(C)]` integers with explicit
//! padding, in native byte order. One file per family, in reading order.
#![no_std]

pub mod families;
pub mod header;

pub mod disk;
pub mod fd;
pub mod kernel_return;
pub mod listen;
pub mod sched;
pub mod stack;
pub mod task;

pub mod config;
pub mod constants;
pub mod entry;
pub mod loss;
pub mod loss_sums;
pub mod ring;
pub mod uapi;

/// Version of the record layouts below. Bumped whenever a field of an existing
/// record moves or changes meaning; new record kinds do not bump it.
pub const ABI_VERSION: u16 = 1;
