//! The file's header: what can be read at all, and the [`Start`].

use std::io::{self, Read};

use super::format::{HEADER_BYTES, MAGIC, MAJOR, MAX_JSON, MINOR, ORDER};
use super::payload::StartJson;
use super::problem::Problem;
use super::read::read_up_to;
use crate::wire::session::Start;

const CRC_AT: usize = HEADER_BYTES - 4;

/// The complete header, ready to be written.
pub(super) fn encode(start: &Start) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(&StartJson::from(start))?;
    let length = u32::try_from(json.len())
        .ok()
        .filter(|&length| length <= MAX_JSON)
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the command line is too long to be recorded",
            )
        })?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + json.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&MAJOR.to_le_bytes());
    bytes.extend_from_slice(&MINOR.to_le_bytes());
    bytes.extend_from_slice(&probe_common::ABI_VERSION.to_le_bytes());
    bytes.extend_from_slice(&ORDER.to_ne_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes), &json);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(&json);
    Ok(bytes)
}

/// Reads a header; on success also its size in bytes.
pub(super) fn decode(input: &mut impl Read) -> Result<(Start, u64), Problem> {
    let mut fixed = Vec::with_capacity(HEADER_BYTES);
    read_up_to(input, HEADER_BYTES, &mut fixed)
        .map_err(|error| Problem::Io { at_bytes: 0, error })?;
    let fields = Fields::decode(&fixed)?;
    let mut json = Vec::new();
    read_up_to(input, fields.length as usize, &mut json).map_err(|error| Problem::Io {
        at_bytes: HEADER_BYTES as u64,
        error,
    })?;
    let at_bytes = (HEADER_BYTES + json.len()) as u64;
    if json.len() < fields.length as usize {
        return Err(Problem::HeaderCut { at_bytes });
    }
    if crc32c::crc32c_append(crc32c::crc32c(&fixed[..CRC_AT]), &json) != fields.crc {
        return Err(Problem::HeaderCorrupt {
            what: "its checksum does not match",
        });
    }
    fields.check_records()?;
    let start: StartJson = serde_json::from_slice(&json).map_err(|_| Problem::HeaderCorrupt {
        what: "its JSON is not understood",
    })?;
    Ok((start.into(), at_bytes))
}

struct Fields {
    abi: u16,
    order: [u8; 2],
    length: u32,
    crc: u32,
}

impl Fields {
    fn decode(bytes: &[u8]) -> Result<Self, Problem> {
        let magic = &bytes[..bytes.len().min(MAGIC.len())];
        if magic.is_empty() || !MAGIC.starts_with(magic) {
            return Err(Problem::NotARecording);
        }
        let cut = Problem::HeaderCut {
            at_bytes: bytes.len() as u64,
        };
        // Behind the version, another major may have any layout and length.
        let Some(&[a, b, c, d]) = bytes.get(8..12) else {
            return Err(cut);
        };
        let (major, minor) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        if major != MAJOR {
            return Err(Problem::Version { major, minor });
        }
        let Some(&[a0, a1, o0, o1, l0, l1, l2, l3, c0, c1, c2, c3]) = bytes.get(12..HEADER_BYTES)
        else {
            return Err(cut);
        };
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        if length > MAX_JSON {
            return Err(Problem::HeaderCorrupt {
                what: "it claims an impossible length",
            });
        }
        Ok(Self {
            abi: u16::from_le_bytes([a0, a1]),
            order: [o0, o1],
            length,
            crc: u32::from_le_bytes([c0, c1, c2, c3]),
        })
    }

    /// Only after the checksum: a damaged file is not one from elsewhere.
    fn check_records(&self) -> Result<(), Problem> {
        if self.order != ORDER.to_ne_bytes() {
            return Err(if self.order == ORDER.swap_bytes().to_ne_bytes() {
                Problem::ByteOrder
            } else {
                Problem::HeaderCorrupt {
                    what: "its byte order mark is unknown",
                }
            });
        }
        if self.abi != probe_common::ABI_VERSION {
            return Err(Problem::Abi { found: self.abi });
        }
        Ok(())
    }
}
