//! Layout of a recording. The rules here are final: they let every later
//! waitscope distinguish what it can read from what it must refuse.
//!
//! ```text
//! file   = header frame*
//! header = magic[8] major:u16 minor:u16 abi:u16 order:u16 length:u32 crc:u32 json[length]
//! frame  = length:u32 type:u16 flags:u16 raw:u32 crc:u32 payload[length]
//! ```
//!
//! Integers are little-endian, except inside wire records: those are in the
//! byte order of the machine that recorded, and so is `order`, which shows it.
//! `crc` is CRC-32C over all bytes of its header or frame, itself left out.
//!
//! - Magic, major and minor stay where they are for ever. A reader refuses
//!   another major, and reads what it knows of a newer minor: JSON keys and
//!   facts that it does not know are ignored.
//! - `abi` is the layout version of the wire records; a reader refuses others.
//! - A frame of an unknown type, or with an unknown flag, is skipped when it
//!   carries [`SKIPPABLE`]; otherwise reading stops in front of it.
//! - `raw` is the payload's size after decompression.
//! - A batch is an optional facts frame and a records frame. A batch too large
//!   for one frame becomes several; all but the last have the watermark 0,
//!   which is no progress. Facts with no records frame behind them are a batch
//!   without records.
//! - A part of a divided recording is a file of its own: facts that user space found before it,
//!   then the begin of its account as behind a delay, and every task as it was then. No reader
//!   needs to know that it is one.
//! - Nothing but skippable frames follows the end frame. A file without an end
//!   frame was cut.

/// Opens every recording. As PNG's: not text, and damaged by whatever
/// converts line ends or strips the eighth bit.
pub const MAGIC: [u8; 8] = *b"\x89WSC\r\n\x1a\n";

/// Incremented when an older reader would misunderstand the file.
pub const MAJOR: u16 = 1;

/// Incremented when something is added that an older reader may ignore.
///
/// 1: descriptor tables. 2: the host's name. 3: user stacks.
pub const MINOR: u16 = 3;

/// Written in the byte order of the recording machine.
pub const ORDER: u16 = 0x0102;

/// Size of the fixed part of the file's header, bytes.
pub const HEADER_BYTES: usize = 24;

/// Size of the fixed part of a frame, bytes.
pub const FRAME_BYTES: usize = 16;

/// Largest payload as it stands in the file, bytes.
pub const MAX_PACKED: u32 = 64 << 20;

/// Largest payload after decompression, bytes.
pub const MAX_RAW: u32 = 256 << 20;

/// Largest JSON text, bytes; lower because parsed JSON is larger than its text.
pub const MAX_JSON: u32 = 64 << 20;

/// Payloads are split so as to stay near this size before compression, bytes.
pub const SPLIT: usize = 4 << 20;

/// Flag: the payload is one zstd frame. Without it, it is stored as it is.
pub const ZSTD: u16 = 1 << 0;

/// Flag: a reader that does not know the frame may go on behind it.
pub const SKIPPABLE: u16 = 1 << 15;

/// Frame types. Append-only: a number is never reused.
pub mod frame_type {
    /// `watermark_ns:u64`, then wire records back to back.
    pub const RECORDS: u16 = 1;
    /// A JSON array of facts, valid before the records that follow.
    pub const FACTS: u16 = 2;
    /// The final counters, a JSON object.
    pub const END: u16 = 3;
}

/// The fixed part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Size of the payload in the file, bytes.
    pub length: u32,
    /// One of [`frame_type`].
    pub frame_type: u16,
    /// Bits [`ZSTD`] and [`SKIPPABLE`].
    pub flags: u16,
    /// Size of the payload after decompression, bytes.
    pub raw: u32,
    /// CRC-32C, see [`FrameHeader::checksum`].
    pub crc: u32,
}

impl FrameHeader {
    /// From the bytes of a file; any bytes will do.
    pub fn decode(bytes: &[u8; FRAME_BYTES]) -> Self {
        let [
            l0,
            l1,
            l2,
            l3,
            t0,
            t1,
            f0,
            f1,
            r0,
            r1,
            r2,
            r3,
            c0,
            c1,
            c2,
            c3,
        ] = *bytes;
        Self {
            length: u32::from_le_bytes([l0, l1, l2, l3]),
            frame_type: u16::from_le_bytes([t0, t1]),
            flags: u16::from_le_bytes([f0, f1]),
            raw: u32::from_le_bytes([r0, r1, r2, r3]),
            crc: u32::from_le_bytes([c0, c1, c2, c3]),
        }
    }

    /// To the bytes of a file.
    pub fn encode(&self) -> [u8; FRAME_BYTES] {
        let mut bytes = [0; FRAME_BYTES];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..6].copy_from_slice(&self.frame_type.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.flags.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.raw.to_le_bytes());
        bytes[12..].copy_from_slice(&self.crc.to_le_bytes());
        bytes
    }

    /// What `crc` must be for this header and `payload`.
    pub fn checksum(&self, payload: &[u8]) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.encode()[..12]), payload)
    }

    /// This reader knows the frame's type and all of its flags.
    pub fn is_known(&self) -> bool {
        let known_type = matches!(
            self.frame_type,
            frame_type::RECORDS | frame_type::FACTS | frame_type::END
        );
        known_type && self.flags & !(ZSTD | SKIPPABLE) == 0
    }
}
