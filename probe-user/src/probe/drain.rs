//! Ring → bytes. Copies and hands off, nothing else: the analysis runs in a
//! thread of its own.

use anyhow::Result;
use aya::maps::{MapData, RingBuf};

use super::clock::monotonic_ns;
use super::switches::Switches;
use crate::wire::session::Batch;

/// A batch of about this many bytes is handed over before the drain goes on.
const BATCH_BYTES: usize = 16 << 20;

/// How long a record may take from reading the clock to being submitted, ns. A
/// virtual CPU may lose its core in between.
pub const SETTLE_NS: u64 = 100_000_000;

/// All rings.
pub struct Drain {
    switches: Switches,
    hot: Ring,
    cold: Ring,
}

/// A ring buffer of the kernel's kind.
pub struct Ring {
    /// Its records.
    pub map: RingBuf<MapData>,
    /// Its size.
    pub bytes: u32,
}

impl Drain {
    /// Wraps the rings.
    pub fn new(switches: Switches, hot: Ring, cold: Ring) -> Drain {
        Drain {
            switches,
            hot,
            cold,
        }
    }

    /// Hands over all that is in the rings now, in batches of which the last has the
    /// watermark, and of what comes meanwhile no more than the rings hold, so that a
    /// flood cannot keep a round from ending. A batch has the births of every thread in
    /// it. Returns how full the fullest ring was, percent.
    pub fn round(&mut self, mut each: impl FnMut(Batch) -> Result<()>) -> Result<u8> {
        let before = monotonic_ns();
        let mut batch = Batch::default();
        let mut fullest = 0;
        for cpu in 0..self.switches.cpus() {
            fullest = fullest.max(self.switches.take(cpu, &mut batch.records));
            if batch.records.len() >= BATCH_BYTES {
                self.cold.round().take(&mut batch.records, usize::MAX);
                each(std::mem::take(&mut batch))?;
            }
        }
        let mut hot = self.hot.round();
        while hot.take(&mut batch.records, BATCH_BYTES) {
            self.cold.round().take(&mut batch.records, usize::MAX);
            each(std::mem::take(&mut batch))?;
        }
        let mut cold = self.cold.round();
        cold.take(&mut batch.records, usize::MAX);
        fullest = fullest.max(hot.percent()).max(cold.percent());
        batch.watermark_ns = before.saturating_sub(SETTLE_NS);
        each(batch)?;
        Ok(fullest)
    }
}

/// Once through a ring: as many bytes as it holds at most.
struct Round<'a> {
    ring: &'a mut Ring,
    taken: usize,
}

impl Ring {
    fn round(&mut self) -> Round<'_> {
        Round {
            ring: self,
            taken: 0,
        }
    }
}

impl Round<'_> {
    /// Appends what is there to `into`. Says whether that has `limit` bytes before
    /// the round is over.
    fn take(&mut self, into: &mut Vec<u8>, limit: usize) -> bool {
        while self.taken < self.ring.bytes as usize {
            if into.len() >= limit {
                return true;
            }
            let Some(record) = self.ring.map.next() else {
                break;
            };
            self.taken += record.len();
            into.extend_from_slice(&record);
        }
        false
    }

    /// How full the ring was.
    fn percent(&self) -> u8 {
        let bytes = self.ring.bytes.max(1) as usize;
        (self.taken * 100 / bytes).min(100) as u8
    }
}
