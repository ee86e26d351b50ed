//! `waitscope report`: a recording through the same analysis as a live run, or a
//! report in JSON read back. What it is shows in its first bytes, not in its name.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use anyhow::{Context as _, Result};

use super::{
    Outcome, ended,
    output::{Destinations, Fallback},
    places::Place,
};
use crate::{
    analysis::Analysis,
    cli,
    document::Document,
    recording::{Item, Reader},
};

/// Runs the command.
pub fn report(arguments: &cli::Report) -> (Outcome, Result<()>) {
    ended(show(arguments))
}

fn show(arguments: &cli::Report) -> Result<()> {
    let path = &arguments.file;
    let input = Place::input(path);
    let destinations = Destinations::new(&arguments.output, Fallback::Stdout, vec![input])?;
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut input = BufReader::new(file);
    let document = match is_object(&mut input) {
        Ok(true) => read_back(input, &arguments.output.explain),
        Ok(false) => replay(input, path, &arguments.output),
        Err(error) => Err(error.into()),
    };
    let document = document.with_context(|| format!("cannot read {}", path.display()))?;
    destinations.write(&document)
}

/// Whether a JSON object begins here. A recording begins with other bytes.
fn is_object(input: &mut impl BufRead) -> std::io::Result<bool> {
    let ahead = input.fill_buf()?;
    let first = ahead.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(first == Some(&b'{'))
}

/// A report in JSON, with the timelines that are wanted, or all it has.
fn read_back(mut input: impl Read, wanted: &[u32]) -> Result<Document> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let mut document = Document::from_json(&bytes)?;
    if let Some(timelines) = &mut document.explained
        && !wanted.is_empty()
    {
        timelines.retain(|timeline| timeline.tid.is_some_and(|tid| wanted.contains(&tid)));
    }
    Ok(document)
}

fn replay(input: impl Read, path: &Path, output: &cli::Output) -> Result<Document> {
    let (start, reader) = Reader::open(input)?;
    let mut analysis = Analysis::with(start, &super::analysis_settings(output))?;
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
    Ok(analysis.document())
}
