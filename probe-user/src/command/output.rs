//! Where a report goes: to files, stdout or stderr, in the format asked for.
//! What cannot be written there is shown on stderr, so that it is not lost.

use anyhow::{Context as _, Result, bail, ensure};

use super::{
    Usage,
    destination::{ByExtension, Destination, Fallback, destinations, write_by, write_to},
    places::Place,
    progress::Progress,
    tables,
};
use crate::{
    cli::{Color, Folded, Format, Output},
    document::Document,
    metrics::{Wanted, select::Selection},
    symbol,
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
    looks_up_symbols: bool,
    selection: Selection,
}

/// What [`Destinations::needs_recording`] is asked for before anything is read.
const NOT_OF_JSON: &str = "a report in JSON has not what this format needs: give it the recording";

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
            looks_up_symbols: !output.no_symbols,
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

    /// Names the functions of user stacks, where files of this machine have them.
    pub fn name_frames(&self, document: &mut Document) {
        if self.looks_up_symbols {
            symbol::user::name(&mut document.user_frames);
        }
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
                let stacks = document.stacks.as_ref().context(NOT_OF_JSON)?;
                match self.folded {
                    Folded::Stacks => folded::by_stack(document, &stacks.waits, self.per_thread),
                    Folded::Blame => folded::by_blame(document, &stacks.chains, self.per_thread),
                }
            }
            Format::Pprof => {
                let stacks = document.stacks.as_ref().context(NOT_OF_JSON)?;
                pprof::render(document, stacks)
            }
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
                ensure!(perfetto::has_trace(document), NOT_OF_JSON);
                return write_by(destination, &|out| perfetto::write(document, out));
            }
        };
        write_to(destination, &bytes)
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
