//! The probes' own counters: losses by class, runs by program.

use anyhow::{Context as _, Result};
use aya::maps::{HashMap, MapData, PerCpuArray};
use probe_common::{
    loss::{COUNTERS, LOSS_NAMES, Loss, RUNS_BASE},
    loss_sums,
};

use crate::wire::session::LossSum;

/// The counter maps.
pub struct Counters {
    map: PerCpuArray<MapData, u64>,
    loss_sums: HashMap<MapData, [u8; size_of::<loss_sums::Key>()], [u64; 2]>,
    /// Losses that do not count any more, in the order of the classes.
    before: [u64; LOSS_NAMES.len()],
}

impl Counters {
    /// Wraps the maps.
    pub fn new(
        map: PerCpuArray<MapData, u64>,
        loss_sums: HashMap<MapData, [u8; size_of::<loss_sums::Key>()], [u64; 2]>,
    ) -> Counters {
        Counters {
            map,
            loss_sums,
            before: [0; LOSS_NAMES.len()],
        }
    }

    /// Begins anew. What is not followed stays so.
    pub fn begin(&mut self) -> Result<()> {
        let mut before = self.before;
        for (&(class, _), before) in LOSS_NAMES.iter().zip(&mut before) {
            if class != Loss::TaskTable {
                *before = self.sum(class as u32)?;
            }
        }
        self.before = before;
        let keys: Vec<_> = self.loss_sums.keys().filter_map(Result::ok).collect();
        for key in keys {
            // Nobody else takes one away.
            let _absent = self.loss_sums.remove(&key);
        }
        Ok(())
    }

    /// Tasks that could not be followed.
    pub fn not_followed(&self) -> Result<u64> {
        self.sum(Loss::TaskTable as u32)
    }

    /// What was added up of lost switch records.
    pub fn loss_sums(&self) -> Result<Vec<LossSum>> {
        let sums = self.loss_sums.iter();
        sums.map(|sum| sum.map(|(key, sum)| LossSum::decode(key, sum)))
            .collect::<Result<_, _>>()
            .context("reading what was added up of lost records")
    }

    /// Lost records so far, by class name.
    pub fn lost(&self) -> Result<Vec<(String, u64)>> {
        let classes = LOSS_NAMES.iter().zip(&self.before);
        classes
            .map(|(&(class, name), &before)| {
                let lost = self.sum(class as u32)?.saturating_sub(before);
                Ok((name.to_owned(), lost))
            })
            .collect()
    }

    /// Runs of all probes so far.
    pub fn runs(&self) -> Result<u64> {
        (RUNS_BASE..COUNTERS).map(|slot| self.sum(slot)).sum()
    }

    fn sum(&self, slot: u32) -> Result<u64> {
        let values = self
            .map
            .get(&slot, 0)
            .context("reading the probes' counters")?;
        Ok(values.iter().sum())
    }
}
