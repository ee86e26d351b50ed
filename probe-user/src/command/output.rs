//! Where a report goes: to files, stdout or stderr, in the format asked for.
//! What cannot be written there is shown on stderr, so that it is not lost.

use std::{
    env,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use nix::libc::{STDERR_FILENO, STDOUT_FILENO};
use terminal_size::terminal_size_of;

use super::{
    Usage,
    places::{self, Place, is_stdout},
    replace::{folder, replace},
};
use crate::{
    child::inherited::was_closed,
    cli::{Color, Format, Output},
    document::Document,
    view::{json, table},
};

/// Validated destinations.
#[derive(Clone, Debug)]
pub struct Destinations {
    list: Vec<(Destination, Format)>,
    per_thread: bool,
    all: bool,
    explain: Vec<u32>,
    color: Color,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Destination {
    Stdout,
    Stderr,
    File(PathBuf),
}

/// Where a report goes when no file is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The traced command owns stdout.
    Stderr,
    /// Reports on recordings are data.
    Stdout,
}

/// Columns when the width is not known.
const DEFAULT_WIDTH: usize = 100;

impl Destinations {
    /// Checks names and formats before anything is run, and that no report overwrites
    /// another one, nor one of `others`.
    pub fn new(output: &Output, fallback: Fallback, others: Vec<Place>) -> Result<Destinations> {
        let mut list = Vec::new();
        for path in &output.output {
            list.push(destination(path, output.format)?);
        }
        let reports = output.output.iter().map(|path| Place::report(path));
        places::check(reports.chain(others))?;
        if list.is_empty() {
            let place = match fallback {
                Fallback::Stderr => Destination::Stderr,
                Fallback::Stdout => Destination::Stdout,
            };
            list.push((place, output.format.unwrap_or(Format::Table)));
        }
        Ok(Destinations {
            list,
            per_thread: output.per_thread,
            all: output.all,
            explain: output.explain.clone(),
            color: output.color,
        })
    }

    /// Writes the report everywhere. On failure the rest is still written, and
    /// the table goes to stderr unless it went there anyway.
    pub fn write(&self, document: &Document) -> Result<()> {
        let Err(error) = self.write_everywhere(document) else {
            return self.check_explained(document);
        };
        if !self
            .list
            .iter()
            .any(|(destination, _)| *destination == Destination::Stderr)
        {
            let table = self.render(document, Format::Table, &Destination::Stderr);
            write_to(&Destination::Stderr, &table)?;
        }
        Err(error)
    }

    /// Writes the report everywhere that can be written to. On a terminal or in a pipe it
    /// stands behind the one before, in a file in its place.
    pub fn write_everywhere(&self, document: &Document) -> Result<()> {
        let mut result = Ok(());
        for (destination, format) in &self.list {
            let bytes = self.render(document, *format, destination);
            result = result.and(write_to(destination, &bytes));
        }
        result
    }

    /// A thread that was asked for and is not there is an error, but only when all
    /// the rest is written.
    fn check_explained(&self, document: &Document) -> Result<()> {
        let is_there = |tid: &u32| document.threads.iter().any(|t| t.tid == *tid);
        let timelines = document.explained.iter().flatten();
        let explained: Vec<u32> = timelines.filter_map(|timeline| timeline.tid).collect();
        let missing = self.explain.iter().filter(|tid| !explained.contains(tid));
        let (known, unknown): (Vec<u32>, Vec<u32>) = missing.partition(|tid| is_there(tid));
        let list = |tids: &[u32]| {
            let tids: Vec<String> = tids.iter().map(u32::to_string).collect();
            tids.join(", ")
        };
        if !unknown.is_empty() {
            bail!(
                "cannot explain tid {}: no such thread is in the report (--per-thread lists them)",
                list(&unknown)
            );
        }
        if !known.is_empty() {
            bail!(
                "cannot explain tid {}: a report in JSON has the timelines only of threads that \
                 it was made with --explain for; a recording has those of all",
                list(&known)
            );
        }
        Ok(())
    }

    fn render(&self, document: &Document, format: Format, destination: &Destination) -> Vec<u8> {
        match format {
            Format::Json => json::render(document),
            Format::Table => {
                let options = table::Options {
                    width: width(destination),
                    color: self.colored(destination),
                    per_thread: self.per_thread,
                    all: self.all,
                };
                table::render(document, &options).into_bytes()
            }
        }
    }

    fn colored(&self, destination: &Destination) -> bool {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal(destination) && !is_set("NO_COLOR") && !dumb,
        }
    }
}

fn destination(path: &Path, format: Option<Format>) -> Result<(Destination, Format)> {
    if is_stdout(path) {
        return Ok((Destination::Stdout, format.unwrap_or(Format::Table)));
    }
    let by_extension = match path.extension().and_then(|e| e.to_str()) {
        Some("json") => Some(Format::Json),
        Some("txt") => Some(Format::Table),
        _ => None,
    };
    let Some(format) = format.or(by_extension) else {
        bail!(Usage(format!(
            "cannot tell the format of {} from its name: end it in .json or .txt, or add --format",
            path.display()
        )));
    };
    let folder = folder(path);
    if !folder.is_dir() {
        bail!(
            "cannot write {}: there is no folder {}",
            path.display(),
            folder.display()
        );
    }
    Ok((Destination::File(path.to_owned()), format))
}

fn write_to(destination: &Destination, bytes: &[u8]) -> Result<()> {
    match destination {
        Destination::Stdout => print("the report", bytes),
        Destination::Stderr if was_closed(STDERR_FILENO) => {
            bail!("cannot write the report to stderr: it is closed")
        }
        Destination::Stderr => {
            let written = io::stderr().lock().write_all(bytes);
            to_a_reader(written).context("cannot write the report to stderr")
        }
        Destination::File(path) => to_a_reader(replace(path, bytes))
            .with_context(|| format!("cannot write the report to {}", path.display())),
    }
}

/// Writes to stdout.
pub fn print(what: &str, bytes: &[u8]) -> Result<()> {
    if was_closed(STDOUT_FILENO) {
        bail!("cannot write {what} to stdout: it is closed");
    }
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    to_a_reader(written).with_context(|| format!("cannot write {what} to stdout"))
}

/// A reader that has gone (`| head`) has seen what it wanted.
fn to_a_reader(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn is_terminal(destination: &Destination) -> bool {
    match destination {
        Destination::Stdout => io::stdout().is_terminal(),
        Destination::Stderr => io::stderr().is_terminal(),
        Destination::File(_) => false,
    }
}

/// COLUMNS, else the terminal's width.
fn width(destination: &Destination) -> usize {
    let columns = env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|&n| n > 0);
    columns
        .or_else(|| terminal_width(destination))
        .unwrap_or(DEFAULT_WIDTH)
}

fn terminal_width(destination: &Destination) -> Option<usize> {
    let size = match destination {
        Destination::Stdout => terminal_size_of(io::stdout()),
        Destination::Stderr => terminal_size_of(io::stderr()),
        Destination::File(_) => None,
    };
    size.map(|(width, _)| usize::from(width.0))
}
