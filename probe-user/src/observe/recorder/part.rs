//! A part of a recording as a file.

use std::{fs::File, io, path::PathBuf};

use super::of_facts;
use crate::{
    recording::{
        Writer,
        output::{self, Pending},
    },
    wire::session::{Batch, End, Fact, LossSum, ProgramCost, Start},
};

/// A file being written.
pub struct Part {
    /// Its name, or that which it is to have.
    pub path: PathBuf,
    writer: Writer<File>,
    pending: Pending,
    /// What the counters said as it began.
    before: End,
}

impl Part {
    /// Makes it, or leaves nothing.
    pub fn create(path: PathBuf, start: &Start) -> io::Result<Part> {
        let (file, pending) = output::create(&path)?;
        match Writer::new(file, start) {
            Ok(writer) => Ok(Part {
                path,
                writer,
                pending,
                before: End::default(),
            }),
            Err(error) => {
                // That it could not be written says more.
                let _left = pending.discard();
                Err(error)
            }
        }
    }

    /// Recordings that others have left unfinished beside it.
    pub fn left(&self) -> &[PathBuf] {
        &self.pending.left
    }

    /// Appends one drain of the rings.
    pub fn batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.writer.batch(batch)
    }

    /// Appends facts.
    pub fn facts(&mut self, facts: Vec<Fact>) -> io::Result<()> {
        match facts.is_empty() {
            true => Ok(()),
            false => self.writer.batch(&of_facts(facts)),
        }
    }

    /// Appends frames that were written in memory.
    pub fn frames(&mut self, frames: &[u8]) -> io::Result<()> {
        self.writer.frames(frames)
    }

    /// What counts from here on is its own.
    pub fn counts_from(&mut self, before: End) {
        self.before = before;
    }

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.writer.written()
    }

    /// Appends the final counters, of those of the whole run.
    pub fn end(&mut self, end: &End) -> io::Result<()> {
        self.writer.end(&own(end.clone(), &self.before))
    }

    /// Puts other final counters in the place of those; says whether it could.
    pub fn replace_end(&mut self, end: &End) -> io::Result<bool> {
        self.writer.replace_end(&own(end.clone(), &self.before))
    }

    /// It is whole, and gets its name.
    pub fn finish(&mut self) -> io::Result<()> {
        self.pending.finish()
    }

    /// It could not be written on: what is whole of it stays. Where that is, and whether in the
    /// place of nothing else.
    pub fn give_up(mut self) -> (PathBuf, bool) {
        // What lies behind the last whole frame is passed over by readers, too.
        let _longer = self.writer.trim();
        match self.pending.partial() {
            Some(partial) => (partial.to_owned(), false),
            None => (self.path, true),
        }
    }

    /// Leaves all as it was before.
    pub fn discard(self) -> io::Result<()> {
        self.pending.discard()
    }
}

/// Counters of a part alone, of those of the whole run at its end, and before it.
fn own(mut end: End, before: &End) -> End {
    subtract(&mut end.lost, &before.lost);
    subtract(&mut end.skipped, &before.skipped);
    end.skipped.retain(|&(_, count)| count > 0);
    for sum in &mut end.loss_sums {
        let is_same = |before: &&LossSum| before.is_of(sum);
        if let Some(before) = before.loss_sums.iter().find(is_same) {
            let (count, ns) = (before.count, before.ns);
            sum.count = sum.count.saturating_sub(count);
            sum.ns = sum.ns.saturating_sub(ns);
        }
    }
    end.loss_sums.retain(|sum| sum.count > 0);
    for cost in &mut end.costs {
        let is_same = |before: &&ProgramCost| before.program == cost.program;
        if let Some(before) = before.costs.iter().find(is_same) {
            cost.runs = cost.runs.saturating_sub(before.runs);
            cost.ns = cost.ns.saturating_sub(before.ns);
        }
    }
    end.costs.retain(|cost| cost.runs > 0);
    let before_ns = before.probe_ns.unwrap_or_default();
    end.probe_ns = end.probe_ns.map(|ns| ns.saturating_sub(before_ns));
    end.probe_runs = end.probe_runs.saturating_sub(before.probe_runs);
    end.tool_cpu_ns = end.tool_cpu_ns.saturating_sub(before.tool_cpu_ns);
    end
}

fn subtract(counts: &mut [(String, u64)], before: &[(String, u64)]) {
    for (name, count) in counts {
        let before = before.iter().find(|(before, _)| before == name);
        *count = count.saturating_sub(before.map_or(0, |(_, count)| *count));
    }
}
