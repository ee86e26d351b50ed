//! Settings that reach the probes: names of the loader's globals are those of
//! the statics in `probe-ebpf/src/offsets.rs`; tables are described here.

/// Size of the table that describes system calls to the probes, by number.
pub const SYSCALL_SLOTS: usize = 1024;

/// Bits of a system-call table entry.
pub mod syscall_bits {
    /// The first argument is a descriptor: identify the file behind it.
    pub const FD: u8 = 1 << 0;
    /// Number and descriptor do not settle what a sleep in this call waits
    /// for: take the stack however short the sleep was.
    pub const NEEDS_STACK: u8 = 1 << 1;
    /// From here on: which of [`super::lookup`] it is.
    pub const LOOKUP_SHIFT: u8 = 2;
}

/// What else than two arguments says what a call sleeps on.
pub mod lookup {
    /// Nothing.
    pub const NONE: u8 = 0;
    /// The second argument is another descriptor.
    pub const DESCRIPTOR_1: u8 = 1;
    /// The third argument is another descriptor.
    pub const DESCRIPTOR_2: u8 = 2;
    /// The third argument counts instead of the second.
    pub const THIRD: u8 = 3;
    /// What lies where the third argument points counts instead of the second.
    pub const BEHIND_THIRD: u8 = 4;
    /// The first argument points to as many `struct pollfd` as the second says.
    pub const POLL: u8 = 5;
    /// The first argument is the size of the sets of descriptors to which the next
    /// three point.
    pub const SELECT: u8 = 6;
    /// The first argument points to as many `struct futex_waitv` as the second says.
    pub const FUTEXES: u8 = 7;
}

/// Most entries of the hashes of fixed size, which user space adds up what memory they take.
pub mod most {
    /// Sums in the place of lost switch records.
    pub const LOSS_SUMS: u32 = 16_384;
    /// Cgroups with a quota.
    pub const CGROUPS: u32 = 1024;
    /// Sockets that traced tasks connect.
    pub const SOCKETS: u32 = 32_768;
    /// Sockets that listen and are described.
    pub const LISTENERS: u32 = 4096;
}

/// An offset that could not be resolved: the feature behind it is off.
pub const NO_OFFSET: u32 = u32::MAX;

/// The number that calls of `bpf_rdonly_cast` bear in the compiled probes: that of
/// no helper. The loader puts the function's own in its place.
pub const RDONLY_CAST: u32 = 0x7761_6974;

/// Modes of the task iterator, in slot 0 of its control map.
pub mod iter_mode {
    /// Start following the tasks of the processes in `TARGETS`.
    pub const SEED: u32 = 1;
    /// As [`SEED`], for the root of a `run`, which is held back.
    pub const SEED_HELD: u32 = 2;
    /// Report every traced task as it is now.
    pub const FINAL: u32 = 3;
    /// The same as [`SEED`] does it: the trace begins.
    pub const AGAIN: u32 = 4;
}
