//! What the kernel probes and user space agree on: records, settings, counters.
//!
//! No logic, no allocation, no dependency (but for `zerocopy` in user space): `#[repr(C)]` integers with explicit
//! padding, in native byte order. One file per family, in reading order.
#![no_std]

/// A structure that goes through a ring as it lies in memory; user space reads it where it lies.
macro_rules! record {
    ($record:item) => {
        #[repr(C)]
        #[cfg_attr(
            feature = "zerocopy",
            derive(
                zerocopy::FromBytes,
                zerocopy::IntoBytes,
                zerocopy::Immutable,
                zerocopy::KnownLayout
            )
        )]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $record
    };
}

pub mod families;
pub mod header;

pub mod cgroup;
pub mod connection;
pub mod disk;
pub mod fd;
pub mod fd_table;
pub mod kernel_return;
pub mod listen;
pub mod memory;
pub mod oom;
pub mod sched;
pub mod signal;
pub mod stack;
pub mod task;
pub mod user_stack;

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
