//! Where a report goes: to files, stdout or stderr, in the format asked for.
//! What cannot be written there is shown on stderr, so that it is not lost.

use std::{
    env, fmt,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::libc::{STDERR_FILENO, STDOUT_FILENO};
use terminal_size::terminal_size_of;

use super::{
    Usage,
    places::{self, Place, is_stdout},
    progress::Progress,
    replace::{self, folder, replace_by},
    tables,
};
use crate::{
    child::inherited::was_closed,
    cli::{Color, Folded, Format, Output},
    document::{Document, stacks::Stacks},
    metrics::{Wanted, select::Selection},
    view::{folded, json, markdown, page, perfetto, pprof, table},
};

/// Validated destinations.
#[derive(Clone, Debug)]
pub struct Destinations {
    list: Vec<(Destination, Format)>,
    per_thread: bool,
    all: bool,
    explain: Vec<u32>,
    color: Color,
    html_max: u64,
    folded: Folded,
    selection: Selection,
}

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    Stdout,
    Stderr,
    File(PathBuf),
    /// That tables are added to.
    Folder(PathBuf),
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
        let list = destinations(&output.output, output.format, fallback, others)?;
        check_tables(output, &list)?;
        let selection = Selection::new(&output.group, &output.thread);
        Ok(Destinations {
            list,
            selection,
            per_thread: output.per_thread,
            all: output.all,
            explain: output.explain.clone(),
            color: output.color,
            html_max: output.html_max,
            folded: output.folded,
        })
    }

    /// What the views need besides sums.
    pub fn wanted(&self) -> Wanted {
        let has = |wanted: Format| self.list.iter().any(|(_, format)| *format == wanted);
        let folds = has(Format::Folded);
        Wanted {
            trace: has(Format::Html) || has(Format::Perfetto) || has(Format::Parquet),
            switches: has(Format::Perfetto),
            stacks: has(Format::Pprof) || folds && self.folded == Folded::Stacks,
            chains: folds && self.folded == Folded::Blame,
        }
    }

    /// The first format that needs more than a report in JSON has.
    pub fn needs_recording(&self) -> Option<&'static str> {
        self.list.iter().find_map(|(_, format)| match format {
            Format::Folded => Some("--format folded"),
            Format::Pprof => Some("--format pprof"),
            Format::Perfetto => Some("--format perfetto"),
            Format::Parquet => Some("--format parquet"),
            Format::Table | Format::Json | Format::Html | Format::Markdown => None,
        })
    }

    /// The report of the threads that are wanted alone.
    pub fn select(&self, document: &mut Document) -> Result<()> {
        Ok(self.selection.apply(document)?)
    }

    /// Writes the report everywhere. On failure the rest is still written, and
    /// the table goes to stderr unless it went there anyway.
    pub fn write(&self, document: &Document, progress: &Progress) -> Result<()> {
        let Err(error) = self.write_everywhere(document, progress) else {
            return self.check_explained(document);
        };
        if !self
            .list
            .iter()
            .any(|(destination, _)| *destination == Destination::Stderr)
        {
            progress.aside(|| self.write_one(document, Format::Table, &Destination::Stderr))?;
        }
        Err(error)
    }

    /// Writes the report everywhere that can be written to. On a terminal or in a pipe it
    /// stands behind the one before, in a file in its place.
    pub fn write_everywhere(&self, document: &Document, progress: &Progress) -> Result<()> {
        let mut result = Ok(());
        for (destination, format) in &self.list {
            progress.step(&format!("writing {destination}"));
            let written = progress.aside(|| self.write_one(document, *format, destination));
            result = result.and(written);
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

    fn write_one(
        &self,
        document: &Document,
        format: Format,
        destination: &Destination,
    ) -> Result<()> {
        let bytes = match format {
            Format::Parquet => {
                // Checked before: they go to no other place.
                let Destination::Folder(folder) = destination else {
                    return Ok(());
                };
                return tables::write(document, folder);
            }
            Format::Json => json::render(document),
            Format::Html => page::render(document, self.html_max),
            Format::Folded => {
                let stacks = stacks(document, destination)?;
                folded::render(document, stacks, self.folded, self.per_thread)
            }
            Format::Pprof => pprof::render(document, stacks(document, destination)?),
            Format::Markdown => markdown::report(document, self.all),
            Format::Table => {
                let options = table::Options {
                    width: destination.width(),
                    color: destination.is_colored(self.color),
                    per_thread: self.per_thread,
                    all: self.all,
                };
                table::render(document, &options).into_bytes()
            }
            Format::Perfetto => {
                let sentence = "a trace for Perfetto is made of every switch, which a report in \
                                JSON does not have: give it the recording";
                ensure!(perfetto::has_trace(document), sentence);
                return write_by(destination, &|out| perfetto::write(document, out));
            }
        };
        write_to(destination, &bytes)
    }
}

/// What waits were spent in, for a view that needs it.
fn stacks<'a>(document: &'a Document, destination: &Destination) -> Result<&'a Stacks> {
    document.stacks.as_ref().with_context(|| {
        format!(
            "cannot write {destination}: a report in JSON has no stacks; make it of the recording"
        )
    })
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Destination::Stdout | Destination::Stderr => f.write_str("the report"),
            Destination::File(path) | Destination::Folder(path) => path.display().fmt(f),
        }
    }
}

impl Destination {
    /// Whether what goes there has colours.
    pub fn is_colored(&self, color: Color) -> bool {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal(self) && !is_set("NO_COLOR") && !dumb,
        }
    }

    /// COLUMNS, else the terminal's width.
    pub fn width(&self) -> usize {
        let columns = env::var("COLUMNS")
            .ok()
            .and_then(|text| text.parse().ok())
            .filter(|&n| n > 0);
        columns
            .or_else(|| terminal_width(self))
            .unwrap_or(DEFAULT_WIDTH)
    }
}

impl Fallback {
    fn destination(self) -> Destination {
        match self {
            Fallback::Stderr => Destination::Stderr,
            Fallback::Stdout => Destination::Stdout,
        }
    }
}

/// A format that a file's extension may stand for.
pub trait ByExtension: Copy + 'static {
    /// For people.
    const TABLE: Self;
    /// Extensions, without the dot.
    const EXTENSIONS: &'static [(&'static str, Self)];

    /// It is a folder, and no file.
    fn is_folder(self) -> bool {
        false
    }
}

impl ByExtension for Format {
    const TABLE: Format = Format::Table;
    const EXTENSIONS: &'static [(&'static str, Format)] = &[
        ("folded", Format::Folded),
        ("html", Format::Html),
        ("json", Format::Json),
        ("md", Format::Markdown),
        ("pb.gz", Format::Pprof),
        ("pftrace", Format::Perfetto),
        ("txt", Format::Table),
        ("parquet", Format::Parquet),
    ];

    fn is_folder(self) -> bool {
        self == Format::Parquet
    }
}

/// Tables have a folder to go to, and are of all threads.
fn check_tables(output: &Output, list: &[(Destination, Format)]) -> Result<()> {
    let mut tables = list.iter().filter(|(_, format)| *format == Format::Parquet);
    let Some((first, _)) = tables.next() else {
        return Ok(());
    };
    let is_folder = |(to, _): &(Destination, Format)| matches!(to, Destination::Folder(_));
    if !is_folder(&(first.clone(), Format::Parquet)) || !tables.all(is_folder) {
        let sentence = "Parquet is a folder of tables, which no stream takes: name one with -o";
        bail!(Usage(sentence.to_owned()));
    }
    if !output.group.is_empty() || !output.thread.is_empty() {
        let sentence = "--group and --thread are not for Parquet, whose tables have all threads: \
                        select in the query";
        bail!(Usage(sentence.to_owned()));
    }
    Ok(())
}

/// Where to write, and in which format; checks that it can be written there, and that none
/// of `others` is in its place.
pub fn destinations<F: ByExtension>(
    paths: &[PathBuf],
    format: Option<F>,
    fallback: Fallback,
    others: Vec<Place>,
) -> Result<Vec<(Destination, F)>> {
    let list = paths.iter().map(|path| destination(path, format));
    let mut list = list.collect::<Result<Vec<_>>>()?;
    places::check(paths.iter().map(|path| Place::report(path)).chain(others))?;
    if list.is_empty() {
        list.push((fallback.destination(), format.unwrap_or(F::TABLE)));
    }
    Ok(list)
}

fn destination<F: ByExtension>(path: &Path, format: Option<F>) -> Result<(Destination, F)> {
    if is_stdout(path) {
        if was_closed(STDOUT_FILENO) {
            bail!("cannot write the report to stdout: it is closed");
        }
        return Ok((Destination::Stdout, format.unwrap_or(F::TABLE)));
    }
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let has = |extension: &str| name.ends_with(format!(".{extension}").as_bytes());
    let mut known = F::EXTENSIONS.iter().filter(|(name, _)| has(name));
    let by_extension = known.next().map(|(_, format)| *format);
    let Some(format) = format.or(by_extension) else {
        bail!(Usage(format!(
            "cannot tell the format of {} from its name: end it in {}, or add --format",
            path.display(),
            extensions::<F>()
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
    if format.is_folder() {
        tables::check(path).with_context(|| format!("cannot write {}", path.display()))?;
        return Ok((Destination::Folder(path.to_owned()), format));
    }
    replace::check(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok((Destination::File(path.to_owned()), format))
}

/// `.json or .txt`.
fn extensions<F: ByExtension>() -> String {
    let names = F::EXTENSIONS.iter().map(|(name, _)| format!(".{name}"));
    let names: Vec<String> = names.collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}

/// Writes bytes to one place.
pub fn write_to(destination: &Destination, bytes: &[u8]) -> Result<()> {
    write_by(destination, &|out| out.write_all(bytes))
}

/// Has something written to one place, piece by piece.
pub fn write_by(
    destination: &Destination,
    write: &dyn Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    match destination {
        Destination::Stdout => print_by("the report", || {
            let mut out = BufWriter::new(io::stdout().lock());
            write(&mut out)?;
            out.flush()
        }),
        Destination::Stderr if was_closed(STDERR_FILENO) => {
            bail!("cannot write the report to stderr: it is closed")
        }
        Destination::Stderr => {
            let mut out = BufWriter::new(io::stderr().lock());
            let written = write(&mut out).and_then(|()| out.flush());
            to_a_reader(written).context("cannot write the report to stderr")
        }
        Destination::File(path) | Destination::Folder(path) => to_a_reader(replace_by(path, write))
            .with_context(|| format!("cannot write the report to {}", path.display())),
    }
}

/// Writes to stdout.
pub fn print(what: &str, bytes: &[u8]) -> Result<()> {
    print_by(what, || io::stdout().write_all(bytes))
}

/// Has something written to stdout.
pub fn print_by(what: &str, write: impl FnOnce() -> io::Result<()>) -> Result<()> {
    if was_closed(STDOUT_FILENO) {
        bail!("cannot write {what} to stdout: it is closed");
    }
    let written = write().and_then(|()| io::stdout().flush());
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
        Destination::File(_) | Destination::Folder(_) => false,
    }
}

fn terminal_width(destination: &Destination) -> Option<usize> {
    let size = match destination {
        Destination::Stdout => terminal_size_of(io::stdout()),
        Destination::Stderr => terminal_size_of(io::stderr()),
        Destination::File(_) | Destination::Folder(_) => None,
    };
    size.map(|(width, _)| usize::from(width.0))
}
