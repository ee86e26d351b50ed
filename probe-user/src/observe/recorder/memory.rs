//! What is kept in memory of a recording: its last pieces, each with what its records need.

use std::{collections::VecDeque, io, time::Duration};

use super::{Opening, Part};
use crate::{
    recording::Writer,
    wire::session::{Batch, Fact},
};

/// The last pieces.
#[derive(Default)]
pub struct Memory {
    chunks: VecDeque<Chunk>,
}

/// A piece of what is kept.
struct Chunk {
    /// Facts that its records need and do not bring, and its opening.
    opening: Opening,
    /// When it began, monotonic ns; 0 of the run's first.
    opened_ns: u64,
    writer: Writer<Vec<u8>>,
}

impl Memory {
    /// Appends one drain of the rings to the present piece. Returns the bytes of that.
    pub fn batch(&mut self, batch: &Batch) -> io::Result<u64> {
        let Some(chunk) = self.chunks.back_mut() else {
            return Ok(0);
        };
        chunk.writer.batch(batch)?;
        Ok(chunk.writer.written())
    }

    /// Begins a piece with what is known by now. The oldest are given up for want of memory.
    pub fn begin(&mut self, known: Vec<Fact>, max_bytes: u64) -> io::Result<()> {
        self.chunks.push_back(Chunk {
            opening: Opening {
                facts: known,
                ..Opening::default()
            },
            opened_ns: 0,
            writer: Writer::without_header(Vec::new())?,
        });
        while self.chunks.len() > 1 && self.bytes() > max_bytes {
            self.chunks.pop_front();
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.writer.written()).sum()
    }

    /// What the present piece begins with, and when, monotonic ns; what is older than so long
    /// is given up. Returns the bytes that it has by now.
    pub fn opened(&mut self, opening: Opening, time: Duration) -> u64 {
        let at_ns = opening.counted.ended_ns;
        let mut bytes = 0;
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.opened_ns = at_ns;
            chunk.opening.facts.extend(opening.facts);
            chunk.opening.counted = opening.counted;
            bytes = chunk.writer.written();
        }
        // What begins with the second is long enough.
        let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let from_ns = at_ns.saturating_sub(time_ns);
        let is_enough = |second: &Chunk| second.opened_ns <= from_ns;
        while self.chunks.get(1).is_some_and(is_enough) {
            self.chunks.pop_front();
        }
        bytes
    }

    /// Writes all of it, and stays as it is.
    pub fn write_to(&self, part: &mut Part) -> io::Result<()> {
        let Some(first) = self.chunks.front() else {
            return Ok(());
        };
        part.facts(first.opening.facts.clone())?;
        part.counts_from(first.opening.counted.clone());
        for chunk in &self.chunks {
            part.frames(chunk.writer.output())?;
        }
        Ok(())
    }

    /// Puts back what came before.
    pub fn put_back(&mut self, mut older: Memory) {
        older.chunks.append(&mut self.chunks);
        *self = older;
    }
}
