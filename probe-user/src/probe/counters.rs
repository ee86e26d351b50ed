//! The probes' own counters: losses by class, runs by program.

use anyhow::{Context as _, Result};
use aya::maps::{MapData, PerCpuArray};
use probe_common::loss::{LOSS_NAMES, PROGRAMS, RUNS_BASE};

/// The counter map.
pub struct Counters {
    map: PerCpuArray<MapData, u64>,
}

impl Counters {
    /// Wraps the map.
    pub fn new(map: PerCpuArray<MapData, u64>) -> Counters {
        Counters { map }
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
        (RUNS_BASE..RUNS_BASE + PROGRAMS)
            .map(|slot| self.sum(slot))
            .sum()
    }

    fn sum(&self, slot: u32) -> Result<u64> {
        let values = self
            .map
            .get(&slot, 0)
            .context("reading the probes' counters")?;
        Ok(values.iter().sum())
    }
}
