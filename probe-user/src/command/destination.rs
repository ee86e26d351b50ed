//! Where something is written: checked before, written as a whole, as wide and as coloured as
//! the place allows.

use std::{
    env, fmt,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use nix::libc::{STDERR_FILENO, STDOUT_FILENO};
use terminal_size::terminal_size_of;

use super::{
    Usage,
    places::{self, Place, is_stdout},
    replace::{self, folder, replace_by},
    tables,
};
use crate::{child::inherited::was_closed, cli::Color};

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
