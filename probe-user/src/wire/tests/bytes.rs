//! Records as the probes lay them out in memory: bytes of the `#[repr(C)]`
//! structures that both sides share.

use probe_common::{families::Record, header::Header};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The bytes of a record, its kind and size filled in.
pub(crate) fn seal<T: Record + IntoBytes + Immutable>(record: T) -> Vec<u8> {
    let mut bytes = record.as_bytes().to_vec();
    let Header {
        cpu, flags, ts_ns, ..
    } = Header::read_from_prefix(&bytes).unwrap().0;
    T::header(cpu, flags, ts_ns)
        .write_to_prefix(&mut bytes)
        .unwrap();
    bytes
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
