//! What waitscope says of its own cost.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// `overhead` of a report.
pub(super) struct Cost {
    /// Name, runs and nanoseconds of each program.
    pub(super) programs: Vec<(String, f64, f64)>,
    pub(super) switches: f64,
    pub(super) peak_bytes: f64,
    pub(super) lost: f64,
}

impl Cost {
    pub(super) fn read(report: &Path) -> Result<Self> {
        let report: Value = serde_json::from_slice(&fs::read(report)?)?;
        let overhead = &report["overhead"];
        let number = |value: &Value| value.as_f64().context("the report lacks a number");
        let program = |program: &Value| {
            let name = program["program"].as_str().unwrap_or_default().to_owned();
            Ok((name, number(&program["runs"])?, number(&program["ns"])?))
        };
        let programs = overhead["probes"].as_array().into_iter().flatten();
        Ok(Self {
            programs: programs.map(program).collect::<Result<_>>()?,
            switches: number(&overhead["switches"])?,
            peak_bytes: number(&overhead["tool_peak_bytes"])?,
            lost: number(&report["coverage"]["lost_total"])?,
        })
    }

    /// Nanoseconds at switches and wakings for each switch that was recorded.
    pub(super) fn ns_per_switch(&self) -> f64 {
        let every_time = |name: &str| matches!(name, "sched_switch" | "sched_waking");
        let programs = self.programs.iter().filter(|(name, _, _)| every_time(name));
        programs.map(|(_, _, ns)| ns).sum::<f64>() / self.switches.max(1.0)
    }
}

/// Runs waitscope, which must end well; what it says is not wanted.
pub(super) fn observe(command: &mut Command) -> Result<()> {
    let output = command.output().context("cannot start waitscope")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("it said nothing");
    ensure!(
        output.status.success(),
        "waitscope: {}: {last}",
        output.status
    );
    Ok(())
}

pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values.get(values.len().checked_sub(1)? / 2)?;
    Some((upper + lower) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_between_two_or_is_one() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }
}
