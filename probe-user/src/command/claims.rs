//! `waitscope claims`: what makes claim files.

use std::path::Path;

use anyhow::Result;

use super::{
    Outcome, Usage, analysis_settings,
    destination::{ByExtension, Destination, Fallback, destinations, write_to},
    ended,
    places::Place,
    report, warn,
};
use crate::{
    claim::draft::{Source, draft},
    cli::claims::{Claims, Draft},
    document::Document,
};

/// The only format there is.
#[derive(Clone, Copy)]
struct Toml;

impl ByExtension for Toml {
    const TABLE: Toml = Toml;
    const EXTENSIONS: &'static [(&'static str, Toml)] = &[("toml", Toml)];
}

/// Runs the command.
pub fn claims(arguments: &Claims) -> (Outcome, Result<()>) {
    let Claims::Draft(arguments) = arguments;
    ended(write_draft(arguments))
}

fn write_draft(arguments: &Draft) -> Result<()> {
    let destination = destination(arguments)?;
    let settings = analysis_settings(&arguments.analysis, &[]);
    let read = |path| report::read(path, &arguments.analysis, &settings);
    let paths = arguments.files.iter();
    let documents: Vec<Document> = paths.map(|path| read(path)).collect::<Result<_>>()?;
    let names = arguments
        .files
        .iter()
        .map(|path| path.display().to_string());
    let names: Vec<String> = names.collect();
    let sources = names.iter().zip(&documents);
    let sources = sources.map(|(name, document)| Source { name, document });
    let text = draft(&sources.collect::<Vec<_>>())?;
    warn_of_others(&names, &documents);
    write_to(&destination, text.as_bytes())
}

/// Where `check` would find it: its name ends in .toml, and it is no input.
fn destination(arguments: &Draft) -> Result<Destination> {
    let output = arguments.output.as_slice();
    let is_claims =
        |path: &Path| path == Path::new("-") || path.extension() == Some("toml".as_ref());
    if let Some(path) = output.iter().find(|path| !is_claims(path)) {
        let path = path.display();
        let sentence =
            format!("the name of a claim file ends in .toml, and that of {path} does not");
        return Err(Usage(sentence).into());
    }
    let inputs = arguments.files.iter().map(|path| Place::input(path));
    let list = destinations::<Toml>(output, None, Fallback::Stdout, inputs.collect())?;
    let first = list.into_iter().next();
    Ok(first.map_or(Destination::Stdout, |(destination, _)| destination))
}

/// Of different commands little is the same: that may be meant, and more likely is not.
fn warn_of_others(names: &[String], documents: &[Document]) {
    let mut runs = names.iter().zip(documents);
    let Some((first, of_first)) = runs.next() else {
        return;
    };
    if let Some((name, _)) = runs.find(|(_, it)| it.command != of_first.command) {
        warn(&format!(
            "{first} and {name} are of different commands: what is drafted is what they have in common"
        ));
    }
}
