//! `waitscope report`: a recording through the same analysis as a live run, or a
//! report in JSON read back. What it is shows in its first bytes, not in its name.

use std::{
    fs::{File, Metadata},
    io::{BufRead, BufReader, Read},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::{
    Outcome, Usage, WRONG_USAGE,
    check::{self, Shown},
    destination::Fallback,
    ended, origin,
    output::Destinations,
    places::Place,
    progress::Progress,
};
use crate::{
    analysis::{Analysis, Settings},
    cli,
    document::Document,
    recording::{
        Reader,
        ahead::{self, Decoded},
    },
    view::units,
    world::window::Window,
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
        wanted: destinations.wanted(),
        window: window(arguments.from, arguments.to)?,
        filter: super::wait_filter(output, !arguments.check.is_empty())?,
        ..super::analysis_settings(&output.analysis, &output.explain)
    };
    let progress = Progress::start();
    let format = destinations.needs_recording();
    let mut document = read_part(arguments, format, &settings, &progress)?;
    if document.trace.is_some() {
        document.recording = origin::of(&arguments.file);
    }
    if !arguments.check.is_empty() {
        whole(&document)?;
    }
    destinations.select(&mut document)?;
    destinations.name_frames(&mut document);
    let is_sound = progress.aside(|| check::add_verdicts(&claims, &mut document));
    destinations.write(&document, &progress).and(is_sound)
}

/// What is reported, or the part of it that is asked for.
fn read_part(
    arguments: &cli::Report,
    format: Option<&'static str>,
    settings: &Settings,
    progress: &Progress,
) -> Result<Document> {
    let (from, to) = (arguments.from, arguments.to);
    let asked = [("--from", from.is_some()), ("--to", to.is_some())];
    let asked = format
        .or_else(|| first_given(&asked))
        .or_else(|| arguments.output.waits.first_given())
        .or_else(|| asked_of(&arguments.output.analysis));
    let document = read_as(&arguments.file, settings, asked, progress)?;
    match (document.window, from) {
        (Some(window), Some(from)) if window.from_ns > 0 && window.from_ns >= window.of_ns => {
            let lasted = units::time(window.of_ns);
            let sentence =
                format!("--from {from:?} is behind the end of the run, which lasted {lasted}");
            Err(Usage(sentence).into())
        }
        _ => Ok(document),
    }
}

/// The part between two times.
fn window(from: Option<Duration>, to: Option<Duration>) -> Result<Option<Window>> {
    let from_ns = super::ns(from.unwrap_or_default());
    let to_ns = to.map(super::ns);
    if to_ns.is_some_and(|to_ns| to_ns <= from_ns) {
        let from = from.unwrap_or_default();
        let to = to.unwrap_or_default();
        let sentence = format!("nothing lies between --from {from:?} and --to {to:?}");
        return Err(Usage(sentence).into());
    }
    let is_asked = from.is_some() || to.is_some();
    Ok(is_asked.then_some(Window { from_ns, to_ns }))
}

/// A recording or a report in JSON, for claims.
pub(super) fn read(path: &Path, analysis: &cli::Analysis, settings: &Settings) -> Result<Document> {
    let document = read_any(path, analysis, settings)?;
    whole(&document).with_context(|| format!("cannot use {}", path.display()))?;
    Ok(document)
}

/// The same, also where it leaves waits or threads out.
pub(super) fn read_any(
    path: &Path,
    analysis: &cli::Analysis,
    settings: &Settings,
) -> Result<Document> {
    read_as(path, settings, asked_of(analysis), &Progress::start())
}

/// Claims are about all waits, and all threads.
fn whole(document: &Document) -> Result<()> {
    let sentence = "the report leaves waits out (--kind, --min-wait or --max-wait), and claims are \
                    about all of them";
    anyhow::ensure!(document.filter.is_none(), sentence);
    let sentence = "the report leaves threads out (--group or --thread), and claims are about all";
    anyhow::ensure!(document.left_out_threads.is_none(), sentence);
    Ok(())
}

/// `asked`: the first option that only another analysis could follow.
fn read_as(
    path: &Path,
    settings: &Settings,
    asked: Option<&str>,
    progress: &Progress,
) -> Result<Document> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut input = BufReader::new(reading(file, path, progress));
    skip_mark(&mut input).with_context(|| format!("cannot read {}", path.display()))?;
    let document = match is_object(&mut input) {
        Ok(true) => {
            refuse_analysis(asked)?;
            read_back(input, &settings.explain)
        }
        Ok(false) => replay(input, path, settings, progress),
        Err(error) => Err(error.into()),
    };
    document.with_context(|| format!("cannot read {}", path.display()))
}

/// A file as it is read; of a pipe nobody knows how long it is.
fn reading(file: File, path: &Path, progress: &Progress) -> impl Read + Send + use<> {
    let len = file.metadata().ok().filter(Metadata::is_file);
    let what = format!("reading {}", path.display());
    match len.map(|it| it.len()) {
        Some(len) => progress.bytes(&what, len),
        None => progress.step(&what),
    }
    progress.reading(file)
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
fn asked_of(analysis: &cli::Analysis) -> Option<&'static str> {
    let options = [
        ("--short-run", analysis.short_run.is_some()),
        ("--early-end", analysis.early_end.is_some()),
        ("--early-bytes", analysis.early_bytes.is_some()),
    ];
    first_given(&options)
}

fn first_given(options: &[(&'static str, bool)]) -> Option<&'static str> {
    let given = options.iter().find(|(_, is_given)| *is_given);
    given.map(|(option, _)| *option)
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

fn replay(
    input: impl Read + Send,
    path: &Path,
    settings: &Settings,
    progress: &Progress,
) -> Result<Document> {
    let (start, reader) = Reader::open(input)?;
    let mut analysis = Analysis::with(start, settings)?;
    ahead::each(reader, |item| match item {
        Ok(Decoded::Batch(batch)) => analysis.batch(batch),
        Ok(Decoded::End(end)) => analysis.end(end),
        // Everything before the damage is good: show it, with the sentence.
        Err(problem) => {
            progress.aside(|| super::warn(&format!("{}: {problem}", path.display())));
            analysis.problem(problem.to_string());
        }
    });
    progress.step("making the report");
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
            let asked = asked_of(&report.output.analysis);
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
