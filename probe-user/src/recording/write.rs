//! Appends to a recording, one write per frame: a crash of waitscope leaves
//! whole frames behind it.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};

use zstd::bulk::Compressor;

use super::format::{
    FRAME_BYTES, FrameHeader, MAX_JSON, MAX_PACKED, MAX_RAW, SPLIT, ZSTD, frame_type,
};
use super::header;
use super::payload::{EndJson, FactJson};
use crate::wire::session::{Batch, End, Fact, Start};

/// Fast enough for the drain loop; records shrink about as well as at 3.
const LEVEL: i32 = 1;

/// Writes a recording. After its first error it writes nothing more and
/// reports nothing more: the caller warns the user once and goes on, and what
/// is in the file stays readable.
pub struct Writer<W: Write = File> {
    output: W,
    compressor: Compressor<'static>,
    /// The frame being built; kept for its capacity.
    frame: Vec<u8>,
    /// Its payload before compression; kept for its capacity.
    raw: Vec<u8>,
    failed: bool,
    /// Bytes that were written.
    written: u64,
    /// Where the end was written.
    end_at: Option<u64>,
}

impl Writer<File> {
    /// Puts other final counters in the place of those that were appended. Says whether
    /// it could: a pipe has them already.
    pub fn replace_end(&mut self, end: &End) -> io::Result<bool> {
        let Some(at) = self.end_at.filter(|_| !self.failed) else {
            return Ok(false);
        };
        if !self.output.metadata()?.is_file() {
            return Ok(false);
        }
        self.written = self.output.seek(SeekFrom::Start(at))?;
        self.end(end)?;
        self.output.set_len(self.written)?;
        Ok(true)
    }
}

impl Writer<File> {
    /// Takes a frame back that was not written whole.
    pub fn trim(&mut self) -> io::Result<()> {
        match self.output.metadata()?.is_file() {
            true => self.output.set_len(self.written),
            false => Ok(()),
        }
    }
}

impl<W: Write> Writer<W> {
    /// Writes the header to `output`.
    pub fn new(mut output: W, start: &Start) -> io::Result<Self> {
        let header = header::encode(start)?;
        output.write_all(&header)?;
        output.flush()?;
        let mut writer = Self::without_header(output)?;
        writer.written = header.len() as u64;
        Ok(writer)
    }

    /// Frames alone, for [`Writer::frames`] of another one.
    pub fn without_header(output: W) -> io::Result<Self> {
        Ok(Self {
            output,
            compressor: Compressor::new(LEVEL)?,
            frame: Vec::new(),
            raw: Vec::new(),
            failed: false,
            written: 0,
            end_at: None,
        })
    }

    /// Bytes that were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Where they were written to.
    pub fn output(&self) -> &W {
        &self.output
    }

    /// Appends frames that another one has written.
    pub fn frames(&mut self, frames: &[u8]) -> io::Result<()> {
        self.unless_failed(|writer| {
            writer.output.write_all(frames)?;
            writer.written += frames.len() as u64;
            Ok(())
        })
    }

    /// Appends one drain of the rings.
    pub fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.unless_failed(|writer| {
            writer.facts(&batch.facts)?;
            writer.records(batch.watermark_ns, &batch.records)
        })
    }

    /// Appends the final counters. Nothing may follow.
    pub fn end(&mut self, end: &End) -> io::Result<()> {
        self.unless_failed(|writer| {
            writer.raw.clear();
            serde_json::to_writer(&mut writer.raw, &EndJson::from(end))?;
            writer.end_at = Some(writer.written);
            writer.append(frame_type::END, MAX_JSON)
        })
    }

    fn unless_failed(
        &mut self,
        append: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.failed {
            return Ok(());
        }
        let outcome = append(self).and_then(|()| self.output.flush());
        self.failed = outcome.is_err();
        outcome
    }

    fn facts(&mut self, facts: &[Fact]) -> io::Result<()> {
        let mut facts = facts.iter().peekable();
        while facts.peek().is_some() {
            self.raw.clear();
            self.raw.push(b'[');
            while let Some(fact) = facts.next() {
                serde_json::to_writer(&mut self.raw, &FactJson::from(fact))?;
                if self.raw.len() >= SPLIT || facts.peek().is_none() {
                    break;
                }
                self.raw.push(b',');
            }
            self.raw.push(b']');
            self.append(frame_type::FACTS, MAX_JSON)?;
        }
        Ok(())
    }

    fn records(&mut self, watermark_ns: u64, records: &[u8]) -> io::Result<()> {
        let mut rest = records;
        loop {
            let (now, later) = rest.split_at(whole_records(rest, SPLIT));
            let watermark_ns = if later.is_empty() { watermark_ns } else { 0 };
            self.raw.clear();
            self.raw.extend_from_slice(&watermark_ns.to_le_bytes());
            self.raw.extend_from_slice(now);
            self.append(frame_type::RECORDS, MAX_RAW)?;
            if later.is_empty() {
                return Ok(());
            }
            rest = later;
        }
    }

    /// Writes `self.raw` as one frame.
    fn append(&mut self, frame_type: u16, max_raw: u32) -> io::Result<()> {
        let raw = below(self.raw.len(), max_raw)?;
        self.frame.clear();
        self.frame.resize(
            FRAME_BYTES + zstd::zstd_safe::compress_bound(self.raw.len()),
            0,
        );
        let packed = self
            .compressor
            .compress_to_buffer(&self.raw, &mut self.frame[FRAME_BYTES..])?;
        let flags = if packed < self.raw.len() {
            self.frame.truncate(FRAME_BYTES + packed);
            ZSTD
        } else {
            self.frame.truncate(FRAME_BYTES);
            self.frame.extend_from_slice(&self.raw);
            0
        };
        let (head, payload) = self.frame.split_at_mut(FRAME_BYTES);
        let mut header = FrameHeader {
            length: below(payload.len(), MAX_PACKED)?,
            frame_type,
            flags,
            raw,
            crc: 0,
        };
        header.crc = header.checksum(payload);
        head.copy_from_slice(&header.encode());
        self.output.write_all(&self.frame)?;
        self.written += self.frame.len() as u64;
        Ok(())
    }
}

fn below(length: usize, limit: u32) -> io::Result<u32> {
    u32::try_from(length)
        .ok()
        .filter(|&length| length <= limit)
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "a batch is too large to be recorded",
            )
        })
}

/// Size of the longest prefix that ends between two records and is not larger
/// than `limit`. Bytes that are no records have no place to split: all of them.
fn whole_records(records: &[u8], limit: usize) -> usize {
    if records.len() <= limit {
        return records.len();
    }
    let mut end = 0;
    while let Some(size) = record_size(&records[end..]) {
        if end + size > limit {
            break;
        }
        end += size;
    }
    if end == 0 { records.len() } else { end }
}

/// Size of the record that `records` begins with; `None` when it is none.
fn record_size(records: &[u8]) -> Option<usize> {
    // `probe_common::header::Header`: kind, then size, in native order.
    let &[_, _, s0, s1] = records.first_chunk()?;
    let size = usize::from(u16::from_ne_bytes([s0, s1]));
    (size_of::<probe_common::header::Header>()..=records.len())
        .contains(&size)
        .then_some(size)
}

#[cfg(test)]
mod tests {
    use super::whole_records;

    #[test]
    fn a_batch_is_split_between_records_only() {
        let record = |size: u16| {
            let mut bytes = vec![7; usize::from(size)];
            bytes[2..4].copy_from_slice(&size.to_ne_bytes());
            bytes
        };
        let records = [record(64), record(280), record(16)].concat();
        for (limit, expect) in [(360, 360), (359, 344), (344, 344), (343, 64), (64, 64)] {
            assert_eq!(whole_records(&records, limit), expect, "limit {limit}");
        }
        // No place to split: shorter than a header, over the end, all zero.
        assert_eq!(whole_records(&records, 63), 360);
        assert_eq!(whole_records(&[0; 100], 50), 100);
        assert_eq!(whole_records(&[record(64), vec![1, 2]].concat(), 65), 64);
    }
}
