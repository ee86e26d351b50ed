//! `waitscope report`: a recording through the same analysis as a live run, or a
//! report in JSON read back. What it is shows in its first bytes, not in its name.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use anyhow::{Context as _, Result};

use super::{
    Outcome, Usage, WRONG_USAGE,
    check::{self, Shown},
    ended, origin,
    output::{Destinations, Fallback},
    places::Place,
};
use crate::{
    analysis::{Analysis, Settings},
    cli,
    document::Document,
    recording::{Item, Reader},
};

/// Runs the command.
pub fn report(arguments: &cli::Report) -> (Outcome, Result<()>) {
    match show(arguments) {
        Err(error) if error.is::<Shown>() => (Outcome::Code(WRONG_USAGE), Ok(())),
        shown => ended(shown),
    }
}

fn show(arguments: &cli::Report) -> Result<()> {
    let inputs = arguments.check.iter().chain([&arguments.file]);
    let inputs = inputs.map(|path| Place::input(path)).collect();
    let output = &arguments.output;
    let claims = check::of_report(&arguments.check)?;
    let destinations = Destinations::new(output, Fallback::Stdout, inputs)?;
    let settings = Settings {
        keeps_trace: destinations.has_page(),
        ..super::analysis_settings(&output.analysis, &output.explain)
    };
    let mut document = read(&arguments.file, &output.analysis, &settings)?;
    if document.trace.is_some() {
        document.recording = origin::of(&arguments.file);
    }
    let is_sound = check::add_verdicts(&claims, &mut document);
    destinations.write(&document).and(is_sound)
}

/// A recording or a report in JSON.
pub(super) fn read(path: &Path, analysis: &cli::Analysis, settings: &Settings) -> Result<Document> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut input = BufReader::new(file);
    skip_mark(&mut input).with_context(|| format!("cannot read {}", path.display()))?;
    let document = match is_object(&mut input) {
        Ok(true) => {
            refuse_analysis(asked(analysis))?;
            read_back(input, &settings.explain)
        }
        Ok(false) => replay(input, path, settings),
        Err(error) => Err(error.into()),
    };
    document.with_context(|| format!("cannot read {}", path.display()))
}

/// Some editors put the byte order mark of UTF-8 before a text.
fn skip_mark(input: &mut impl BufRead) -> std::io::Result<()> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if input.fill_buf()?.starts_with(MARK) {
        input.consume(MARK.len());
    }
    Ok(())
}

/// Whether a JSON object begins here. A recording begins with other bytes.
fn is_object(input: &mut impl BufRead) -> std::io::Result<bool> {
    let ahead = input.fill_buf()?;
    let first = ahead.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(first == Some(&b'{'))
}

/// The first option that only another analysis could follow.
fn asked(analysis: &cli::Analysis) -> Option<&'static str> {
    let options = [
        ("--short-run", analysis.short_run.is_some()),
        ("--early-end", analysis.early_end.is_some()),
        ("--early-bytes", analysis.early_bytes.is_some()),
    ];
    let mut given = options.iter().filter(|(_, is_given)| *is_given);
    given.next().map(|(option, _)| *option)
}

fn refuse_analysis(asked: Option<&str>) -> Result<()> {
    match asked {
        Some(option) => Err(Usage(format!(
            "{option} is for an analysis, and a report in JSON has been made: give it the recording"
        ))
        .into()),
        None => Ok(()),
    }
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

fn replay(input: impl Read, path: &Path, settings: &Settings) -> Result<Document> {
    let (start, reader) = Reader::open(input)?;
    let mut analysis = Analysis::with(start, settings)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn options_for_an_analysis_are_refused_of_a_report_that_is_made() {
        let check = |options: &[&str], expect: Option<&str>| {
            let line = ["waitscope", "report", "x.json"].iter().chain(options);
            let cli::Command::Report(report) = cli::Cli::parse_from(line).command else {
                panic!("another command");
            };
            let asked = asked(&report.output.analysis);
            assert_eq!(asked, expect);
            let refused = refuse_analysis(asked).err();
            assert_eq!(refused.is_some(), expect.is_some());
            assert!(refused.is_none_or(|error| error.is::<Usage>()));
        };
        check(&["--all", "--memory", "1G"], None);
        check(&["--short-run", "50us"], Some("--short-run"));
        check(&["--early-bytes", "4K"], Some("--early-bytes"));
        check(&["--early-end", "1s"], Some("--early-end"));
    }
}
