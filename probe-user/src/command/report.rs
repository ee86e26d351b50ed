//! `waitscope report`: a recording through the same analysis as a live run.

use std::fs::File;

use anyhow::{Context as _, Result};

use super::{
    FAILURE, Outcome, code_of,
    output::{Destinations, Fallback},
};
use crate::{
    analysis::Analysis,
    cli,
    recording::{Item, Reader},
};

/// Runs the command.
pub fn report(arguments: &cli::Report) -> (Outcome, Result<()>) {
    match replay(arguments) {
        Ok(()) => (Outcome::Code(0), Ok(())),
        Err(error) => (Outcome::Code(code_of(&error, FAILURE)), Err(error)),
    }
}

fn replay(arguments: &cli::Report) -> Result<()> {
    let destinations = Destinations::new(&arguments.output, Fallback::Stdout)?;
    let path = &arguments.file;
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let settings = super::analysis_settings(&arguments.output);
    let unreadable = || format!("cannot read {}", path.display());
    let (start, reader) = Reader::open(file).with_context(unreadable)?;
    let mut analysis = Analysis::with(start, &settings).with_context(unreadable)?;
    for item in reader {
        match item {
            Ok(Item::Batch(batch)) => analysis.batch(&batch),
            Ok(Item::End(end)) => analysis.end(end),
            // Everything before the damage is good: show it, with the sentence.
            Err(problem) => {
                super::warn(&format!("{}: {problem}", path.display()));
                analysis.problem(problem.to_string());
            }
        }
    }
    destinations.write(&analysis.document())
}
