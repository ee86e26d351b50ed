//! Reads a recording that may come from anywhere: no length is believed before
//! it is capped, no payload before its checksum.

use std::io::{self, BufReader, Read};

use zstd::bulk::Decompressor;

use super::format::{
    FRAME_BYTES, FrameHeader, MAX_JSON, MAX_PACKED, MAX_RAW, SKIPPABLE, ZSTD, frame_type,
};
use super::header;
use super::payload::{EndJson, FactJson};
use super::problem::Problem;
use crate::wire::session::{Batch, End, Fact, Start};

/// What a recording consists of after its [`Start`].
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// One drain of the rings, or a part of a large one. A watermark of 0 says
    /// nothing about progress.
    Batch(Batch),
    /// The last item of a complete recording.
    End(End),
}

/// Iterates over the items of a recording. A problem is the last thing it
/// gives: everything before it was read whole.
pub struct Reader<R> {
    input: BufReader<R>,
    decompressor: Decompressor<'static>,
    /// Bytes of the file read so far, always between two frames.
    at_bytes: u64,
    /// Facts whose records have not come yet.
    facts: Option<Vec<Fact>>,
    /// What comes after facts that had to be given out alone.
    held_back: Option<Result<Item, Problem>>,
    ended: bool,
    stopped: bool,
}

struct Frame {
    header: FrameHeader,
    at_bytes: u64,
    payload: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    pub fn open(input: R) -> Result<(Start, Self), Problem> {
        let mut input = BufReader::with_capacity(64 << 10, input);
        let (start, at_bytes) = header::decode(&mut input)?;
        let decompressor = Decompressor::new().map_err(|error| Problem::Io { at_bytes, error })?;
        let reader = Self {
            input,
            decompressor,
            at_bytes,
            facts: None,
            held_back: None,
            ended: false,
            stopped: false,
        };
        Ok((start, reader))
    }

    fn advance(&mut self) -> Result<Option<Item>, Problem> {
        while let Some(frame) = self.next_known_frame()? {
            if self.ended {
                return Err(frame.corrupt("it follows the end frame"));
            }
            match frame.header.frame_type {
                frame_type::RECORDS => return self.records(&frame).map(Some),
                frame_type::FACTS => {
                    let facts = self.facts(&frame)?;
                    if let Some(alone) = self.facts.replace(facts) {
                        return Ok(Some(without_records(alone)));
                    }
                }
                _ => return self.end(&frame).map(Some),
            }
        }
        if self.ended {
            return Ok(None);
        }
        Err(Problem::Unfinished {
            at_bytes: self.at_bytes,
        })
    }

    fn next_known_frame(&mut self) -> Result<Option<Frame>, Problem> {
        while let Some(frame) = self.next_frame()? {
            let FrameHeader {
                frame_type, flags, ..
            } = frame.header;
            if frame.header.is_known() {
                return Ok(Some(frame));
            }
            if flags & SKIPPABLE == 0 {
                return Err(Problem::Newer {
                    at_bytes: frame.at_bytes,
                    frame_type,
                    flags,
                });
            }
        }
        Ok(None)
    }

    /// The next frame, whole and with the right checksum.
    fn next_frame(&mut self) -> Result<Option<Frame>, Problem> {
        let at_bytes = self.at_bytes;
        let head = self.read(at_bytes, FRAME_BYTES)?;
        if head.is_empty() {
            return Ok(None);
        }
        let Ok(head) = <[u8; FRAME_BYTES]>::try_from(head.as_slice()) else {
            return Err(Problem::Cut {
                at_bytes: at_bytes + head.len() as u64,
            });
        };
        let mut frame = Frame {
            header: FrameHeader::decode(&head),
            at_bytes,
            payload: Vec::new(),
        };
        let FrameHeader {
            length, raw, crc, ..
        } = frame.header;
        if length > MAX_PACKED || raw > MAX_RAW {
            return Err(frame.corrupt("it claims an impossible length"));
        }
        let payload_at = at_bytes + FRAME_BYTES as u64;
        frame.payload = self.read(payload_at, length as usize)?;
        self.at_bytes = payload_at + frame.payload.len() as u64;
        if frame.payload.len() < length as usize {
            return Err(Problem::Cut {
                at_bytes: self.at_bytes,
            });
        }
        if frame.header.checksum(&frame.payload) != crc {
            return Err(frame.corrupt("its checksum does not match"));
        }
        Ok(Some(frame))
    }

    fn read(&mut self, at_bytes: u64, wanted: usize) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        read_up_to(&mut self.input, wanted, &mut bytes).map_err(|error| Problem::Io {
            at_bytes: at_bytes + bytes.len() as u64,
            error,
        })?;
        Ok(bytes)
    }

    /// The payload as it was before compression.
    fn unpack(&mut self, frame: &Frame, limit: u32) -> Result<Vec<u8>, Problem> {
        let raw = frame.header.raw;
        if raw > limit {
            return Err(frame.corrupt("it claims an impossible length"));
        }
        let unpacked = if frame.header.flags & ZSTD == 0 {
            frame.payload.clone()
        } else {
            // `raw` bounds what is allocated and what is written.
            self.decompressor
                .decompress(&frame.payload, raw as usize)
                .map_err(|_| frame.corrupt("it does not decompress"))?
        };
        if unpacked.len() != raw as usize {
            return Err(frame.corrupt("it has another length than it claims"));
        }
        Ok(unpacked)
    }

    fn records(&mut self, frame: &Frame) -> Result<Item, Problem> {
        let mut records = self.unpack(frame, MAX_RAW)?;
        let Some(watermark) = records.first_chunk().copied() else {
            return Err(frame.corrupt("it is too short for records"));
        };
        records.drain(..watermark.len());
        Ok(Item::Batch(Batch {
            watermark_ns: u64::from_le_bytes(watermark),
            facts: self.facts.take().unwrap_or_default(),
            records,
        }))
    }

    fn facts(&mut self, frame: &Frame) -> Result<Vec<Fact>, Problem> {
        let facts: Vec<FactJson> = serde_json::from_slice(&self.unpack(frame, MAX_JSON)?)
            .map_err(|_| frame.corrupt("its facts are not understood"))?;
        Ok(facts.into_iter().filter_map(FactJson::known).collect())
    }

    fn end(&mut self, frame: &Frame) -> Result<Item, Problem> {
        let end: EndJson = serde_json::from_slice(&self.unpack(frame, MAX_JSON)?)
            .map_err(|_| frame.corrupt("its counters are not understood"))?;
        self.ended = true;
        Ok(Item::End(end.into()))
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Item, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(outcome) = self.held_back.take() {
            return Some(outcome);
        }
        if self.stopped {
            return None;
        }
        let outcome = self.advance().transpose();
        self.stopped = !matches!(outcome, Some(Ok(_)));
        match self
            .facts
            .take_if(|_| !matches!(outcome, Some(Ok(Item::Batch(_)))))
        {
            // The file ends, or is damaged, between facts and their records.
            Some(alone) => {
                self.held_back = outcome;
                Some(Ok(without_records(alone)))
            }
            None => outcome,
        }
    }
}

impl Frame {
    fn corrupt(&self, what: &'static str) -> Problem {
        Problem::Corrupt {
            at_bytes: self.at_bytes,
            what,
        }
    }
}

fn without_records(facts: Vec<Fact>) -> Item {
    Item::Batch(Batch {
        watermark_ns: 0,
        facts,
        records: Vec::new(),
    })
}

/// Appends up to `wanted` bytes; fewer at the end of the input. Memory grows
/// with what is really there, not with what was claimed.
pub(super) fn read_up_to(
    input: &mut impl Read,
    wanted: usize,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    input
        .by_ref()
        .take(wanted as u64)
        .read_to_end(bytes)
        .map(drop)
}
