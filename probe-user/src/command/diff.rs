//! `waitscope diff`: recordings or reports in JSON, on two sides, become their difference.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{
    OWN_FAILURE, Outcome, Usage, WRONG_USAGE, analysis_settings,
    check::{Shown, claims::show},
    code_of,
    destination::{ByExtension, Destination, Fallback, destinations, write_to},
    places::Place,
    report,
};
use crate::{
    cli::{self, DiffFormat},
    diff::{self, fail_on::FailOn, run::Run},
    document::{
        Document,
        diff::{Diff, Which},
    },
    view::{self, filter, json},
};

/// An expression of `--fail-on` is true.
const FAILED: u8 = 1;
/// None is, but of some it is not certain.
const UNDECIDED: u8 = 3;

impl ByExtension for DiffFormat {
    const TABLE: DiffFormat = DiffFormat::Table;
    const EXTENSIONS: &'static [(&'static str, DiffFormat)] = &[
        ("json", DiffFormat::Json),
        ("md", DiffFormat::Markdown),
        ("txt", DiffFormat::Table),
    ];
}

/// Runs the command.
pub fn diff(arguments: &cli::Diff) -> (Outcome, Result<()>) {
    match compare(arguments) {
        Ok(code) => (Outcome::Code(code), Ok(())),
        Err(error) if error.is::<Shown>() => (Outcome::Code(WRONG_USAGE), Ok(())),
        Err(error) => (Outcome::Code(code_of(&error, OWN_FAILURE)), Err(error)),
    }
}

fn compare(arguments: &cli::Diff) -> Result<u8> {
    // All that can be wrong is reported before anything is read.
    let (a, b) = sides(arguments)?;
    let mut fail_on = expressions(&arguments.fail_on)?;
    let inputs = a.iter().chain(b).map(|path| Place::input(path)).collect();
    let outputs = destinations(
        &arguments.output,
        arguments.format,
        Fallback::Stdout,
        inputs,
    )?;
    let mut read = |side, paths: &[PathBuf]| -> Result<Vec<Run>> {
        let paths = paths.iter();
        paths
            .map(|path| read(path, side, arguments, &mut fail_on))
            .collect()
    };
    let (a, b) = (read(Which::A, a)?, read(Which::B, b)?);
    let diff = diff::diff(a, b, fail_on.decide());
    write(&diff, &outputs, arguments)?;
    Ok(code(&diff))
}

/// Which runs are compared with which.
fn sides(arguments: &cli::Diff) -> Result<(&[PathBuf], &[PathBuf])> {
    let (a, b) = match arguments.files.split_first_chunk::<1>() {
        Some((a, b)) => (a.as_slice(), b),
        None => (arguments.a.as_slice(), arguments.b.as_slice()),
    };
    refuse_twice("A", a)?;
    refuse_twice("B", b)?;
    Ok((a, b))
}

/// One run is one, however often it is named: a test would take it for several that agree.
fn refuse_twice(side: &str, paths: &[PathBuf]) -> Result<()> {
    let mut known: Vec<((u64, u64), &Path)> = Vec::new();
    for path in paths {
        // What cannot be looked at cannot be read either, as is said then.
        let Ok(file) = fs::metadata(path) else {
            continue;
        };
        let identity = (file.dev(), file.ino());
        if let Some((_, first)) = known.iter().find(|(other, _)| *other == identity) {
            let (first, second) = (first.display(), path.display());
            let which = match first.to_string() == second.to_string() {
                true => format!("{first} is given twice"),
                false => format!("{first} and {second} are one file"),
            };
            let sentence = format!("{which}, and the runs of {side} have to be different ones");
            return Err(Usage(sentence).into());
        }
        known.push((identity, path));
    }
    Ok(())
}

/// Reads what may fail; what is wrong with it is shown on stderr.
fn expressions(texts: &[String]) -> Result<FailOn> {
    FailOn::read(texts).map_err(|wrong| {
        for (at, errors) in wrong {
            let text = texts.get(at).map_or("", String::as_str);
            show("--fail-on", text, &errors);
        }
        Shown.into()
    })
}

/// What is compared of a run: no more of it is kept.
fn read(path: &Path, side: Which, arguments: &cli::Diff, fail_on: &mut FailOn) -> Result<Run> {
    let analysis = &arguments.analysis;
    let settings = analysis_settings(analysis, &[]);
    let document: Document = match fail_on.is_empty() {
        true => report::read_any(path, analysis, &settings)?,
        false => report::read(path, analysis, &settings).context("--fail-on cannot be decided")?,
    };
    fail_on.measure(side, &document);
    let filter = document.filter.as_ref().map(filter::counted);
    Ok(Run::new(path.display().to_string(), &document, filter))
}

/// Writes it everywhere. What cannot be written is shown on stderr, so that it is not lost.
fn write(diff: &Diff, outputs: &[(Destination, DiffFormat)], arguments: &cli::Diff) -> Result<()> {
    let mut result = Ok(());
    for (destination, format) in outputs {
        let bytes = render(diff, *format, destination, arguments);
        result = result.and(write_to(destination, &bytes));
    }
    if result.is_err() {
        let table = render(diff, DiffFormat::Table, &Destination::Stderr, arguments);
        write_to(&Destination::Stderr, &table)?;
    }
    result
}

fn render(
    diff: &Diff,
    format: DiffFormat,
    destination: &Destination,
    arguments: &cli::Diff,
) -> Vec<u8> {
    match format {
        DiffFormat::Json => json::diff(diff),
        DiffFormat::Markdown => view::diff::markdown(diff, arguments.all).into_bytes(),
        DiffFormat::Table => {
            let options = view::diff::Options {
                width: destination.width(),
                color: destination.is_colored(arguments.color),
                all: arguments.all,
            };
            view::diff::table(diff, &options).into_bytes()
        }
    }
}

fn code(diff: &Diff) -> u8 {
    let holds = |wanted| diff.fail_on.iter().any(|it| it.holds == wanted);
    match (holds(Some(true)), holds(None)) {
        (true, _) => FAILED,
        (false, true) => UNDECIDED,
        (false, false) => 0,
    }
}
