//! The 16 bytes that open every record, and the record kinds.

/// Opens every record.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// One of [`kind`].
    pub kind: u16,
    /// Size of the whole record in bytes, this header included.
    pub size: u16,
    /// CPU that wrote the record.
    pub cpu: u16,
    /// Bits whose meaning depends on the kind, see the record's own file.
    pub flags: u16,
    /// `CLOCK_MONOTONIC` at the event, ns (`bpf_ktime_get_ns`).
    pub ts_ns: u64,
}

/// Record kinds. Append-only: a number is never reused.
pub mod kind {
    /// [`crate::sched::Switch`]
    pub const SWITCH: u16 = 1;
    /// [`crate::sched::Waker`]
    pub const WAKER: u16 = 2;
    /// [`crate::stack::Stack`]
    pub const STACK: u16 = 3;
    /// [`crate::fd::Object`]
    pub const OBJECT: u16 = 4;
    /// [`crate::task::Fork`]
    pub const FORK: u16 = 5;
    /// [`crate::task::Exec`]
    pub const EXEC: u16 = 6;
    /// [`crate::task::Exit`]
    pub const EXIT: u16 = 7;
    /// [`crate::task::Rename`]
    pub const RENAME: u16 = 8;
    /// [`crate::task::Snapshot`]
    pub const SNAPSHOT: u16 = 9;
    /// [`crate::kernel_return::KernelReturn`]
    pub const KERNEL_RETURN: u16 = 10;
    /// [`crate::listen::Request`]
    pub const REQUEST: u16 = 11;
    /// [`crate::disk::Disk`]
    pub const DISK: u16 = 12;
}
