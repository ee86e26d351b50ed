//! The probes' own counters: losses by class, runs by program.

use anyhow::{Context as _, Result};
use aya::maps::{HashMap, MapData, PerCpuArray};
use probe_common::{
    loss::{COUNTERS, LOSS_NAMES, RUNS_BASE},
    loss_sums,
};

use crate::wire::session::LossSum;

/// The counter maps.
pub struct Counters {
    map: PerCpuArray<MapData, u64>,
    loss_sums: HashMap<MapData, [u8; size_of::<loss_sums::Key>()], [u64; 2]>,
}

impl Counters {
    /// Wraps the maps.
    pub fn new(
        map: PerCpuArray<MapData, u64>,
        loss_sums: HashMap<MapData, [u8; size_of::<loss_sums::Key>()], [u64; 2]>,
    ) -> Counters {
        Counters { map, loss_sums }
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
        LOSS_NAMES
            .iter()
            .map(|&(class, name)| Ok((name.to_owned(), self.sum(class as u32)?)))
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
