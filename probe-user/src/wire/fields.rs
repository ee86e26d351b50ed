//! Reading a record: its header, then integers one after the other.

use probe_common::header;

use super::event::{Event, What};

/// A record's header.
pub(super) struct Head {
    pub(super) kind: u16,
    pub(super) size: usize,
    pub(super) cpu: u16,
    pub(super) flags: u16,
    pub(super) ts_ns: u64,
}

impl Head {
    /// `None` when the rest is too short for what it says it is.
    pub(super) fn read(bytes: &[u8]) -> Option<Head> {
        let mut fields = Fields {
            record: bytes,
            at: 0,
        };
        if bytes.len() < size_of::<header::Header>() {
            return None;
        }
        let head = Head {
            kind: fields.u16(),
            size: usize::from(fields.u16()),
            cpu: fields.u16(),
            flags: fields.u16(),
            ts_ns: fields.u64(),
        };
        let whole = head.size >= size_of::<header::Header>() && head.size <= bytes.len();
        whole.then_some(head)
    }

    /// The record's event about a thread.
    pub(super) fn event(&self, tid: u32, what: What) -> Event {
        Event {
            ts_ns: self.ts_ns,
            cpu: self.cpu,
            tid,
            what,
        }
    }
}

/// Reads integers one after the other. Reads past the end give zero; the decoder
/// checks each record's length before it reads.
pub(super) struct Fields<'a> {
    record: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of something that has no header.
    pub(super) fn of(record: &'a [u8]) -> Fields<'a> {
        Fields { record, at: 0 }
    }

    /// The fields behind a record's header.
    pub(super) fn behind_header(record: &'a [u8]) -> Fields<'a> {
        Fields {
            record,
            at: size_of::<header::Header>(),
        }
    }

    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        if let Some(from) = self.record.get(self.at..self.at + N) {
            out.copy_from_slice(from);
        }
        self.at += N;
        out
    }
    pub(super) fn u8(&mut self) -> u8 {
        self.take::<1>()[0]
    }
    pub(super) fn u16(&mut self) -> u16 {
        u16::from_ne_bytes(self.take())
    }
    pub(super) fn i16(&mut self) -> i16 {
        i16::from_ne_bytes(self.take())
    }
    pub(super) fn u32(&mut self) -> u32 {
        u32::from_ne_bytes(self.take())
    }
    pub(super) fn i32(&mut self) -> i32 {
        i32::from_ne_bytes(self.take())
    }
    pub(super) fn u64(&mut self) -> u64 {
        u64::from_ne_bytes(self.take())
    }
    /// Text of at most `N` bytes, up to the first NUL.
    pub(super) fn text<const N: usize>(&mut self) -> Box<[u8]> {
        let bytes = self.take::<N>();
        let len = bytes.iter().position(|&b| b == 0).unwrap_or(N);
        bytes[..len].into()
    }
    pub(super) fn bytes(&mut self, len: usize) -> &'a [u8] {
        self.record.get(self.at..self.at + len).unwrap_or_default()
    }
}
