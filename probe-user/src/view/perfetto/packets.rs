//! Packets on their way out, one after the other: a trace is nothing else.

use std::io::{self, Write};

use prost::Message as _;

use super::proto::{Data, TracePacket};

/// `Trace.packet`, a message: field 1, length-delimited.
pub(super) const PACKET: u8 = 1 << 3 | 2;

/// Where packets go.
pub struct Packets<'a> {
    out: &'a mut dyn Write,
    bytes: Vec<u8>,
}

impl<'a> Packets<'a> {
    /// The beginning of a trace.
    pub fn new(out: &'a mut dyn Write) -> Packets<'a> {
        let bytes = Vec::new();
        Packets { out, bytes }
    }

    /// Writes one.
    pub fn write(&mut self, packet: &TracePacket) -> io::Result<()> {
        self.bytes.clear();
        self.bytes.push(PACKET);
        packet
            .encode_length_delimited(&mut self.bytes)
            .map_err(io::Error::other)?;
        self.out.write_all(&self.bytes)
    }

    /// Writes one of an instant, ns, that needs nothing else.
    pub fn write_at(&mut self, at_ns: u64, data: Data) -> io::Result<()> {
        self.write(&TracePacket {
            timestamp: Some(at_ns),
            trusted_packet_sequence_id: Some(SEQUENCE),
            data: Some(data),
            ..TracePacket::default()
        })
    }
}

/// All packets are of one sequence.
pub const SEQUENCE: u32 = 1;
