//! Records as the probes lay them out in memory: bytes of the `#[repr(C)]`
//! structures that both sides share.

use probe_common::{
    disk::Disk,
    fd::Object,
    header::{Header, kind},
    kernel_return::KernelReturn,
    listen::Request,
    sched::{Switch, Waker},
    stack::Stack,
    task::{Exec, Exit, Fork, Rename, Snapshot},
};

/// A record structure.
pub(crate) trait Record: Copy {
    /// Its number.
    const KIND: u16;
    /// Its header.
    fn header(&mut self) -> &mut Header;
}

macro_rules! records {
    ($($kind:ident $record:ident,)+) => {
        $(impl Record for $record {
            const KIND: u16 = kind::$kind;
            fn header(&mut self) -> &mut Header {
                &mut self.header
            }
        })+
    };
}

records! {
    SWITCH Switch,
    WAKER Waker,
    STACK Stack,
    OBJECT Object,
    FORK Fork,
    EXEC Exec,
    EXIT Exit,
    RENAME Rename,
    SNAPSHOT Snapshot,
    KERNEL_RETURN KernelReturn,
    REQUEST Request,
    DISK Disk,
}

/// The bytes of a record, its kind and size filled in.
pub(crate) fn seal<T: Record>(mut record: T) -> Vec<u8> {
    record.header().kind = T::KIND;
    record.header().size = size_of::<T>() as u16;
    let from = (&raw const record).cast::<u8>();
    // SAFETY: records are `#[repr(C)]` integers whose padding is explicit (sizes
    // are asserted in probe-common), so every one of the bytes is initialised.
    unsafe { std::slice::from_raw_parts(from, size_of::<T>()) }.to_vec()
}

/// A header at an instant.
pub(crate) fn at(ts_ns: u64, cpu: u16, flags: u16) -> Header {
    Header {
        cpu,
        flags,
        ts_ns,
        ..Header::default()
    }
}

/// NUL-padded text.
pub(crate) fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out[..text.len()].copy_from_slice(text);
    out
}
