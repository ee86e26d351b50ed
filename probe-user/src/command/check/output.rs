//! Where verdicts go, and in which format.

use anyhow::Result;

use super::runs::{Command, Inputs};
use crate::{
    cli::{self, CheckFormat, Color},
    command::{
        destination::{ByExtension, Destination, Fallback, destinations, write_to},
        places::Place,
    },
    document::Check,
    view::{json, junit, markdown, table},
};

/// Validated destinations.
pub struct Outputs {
    list: Vec<(Destination, CheckFormat)>,
    color: Color,
}

impl ByExtension for CheckFormat {
    const TABLE: CheckFormat = CheckFormat::Table;
    const EXTENSIONS: &'static [(&'static str, CheckFormat)] = &[
        ("json", CheckFormat::Json),
        ("md", CheckFormat::Markdown),
        ("txt", CheckFormat::Table),
        ("xml", CheckFormat::Junit),
    ];
}

impl Outputs {
    /// Checks names and formats, and that nothing that is read or recorded is in their place.
    pub fn new(arguments: &cli::Check, inputs: &Inputs, commands: &[Command]) -> Result<Outputs> {
        let read = inputs.claims.iter().chain(&arguments.expect);
        let read = read.chain(inputs.runs.iter().map(|(_, path)| path));
        let read = read.map(|path| Place::input(path));
        let recordings = commands
            .iter()
            .filter_map(|command| command.recording.as_deref());
        let others = read.chain(recordings.map(Place::recording)).collect();
        // A command owns stdout.
        let fallback = match commands.is_empty() {
            true => Fallback::Stdout,
            false => Fallback::Stderr,
        };
        let (paths, format) = (&arguments.output, arguments.format);
        Ok(Outputs {
            list: destinations(paths, format, fallback, others)?,
            color: arguments.color,
        })
    }

    /// Writes them everywhere. What cannot be written is shown on stderr, so that it is not
    /// lost.
    pub fn write(&self, check: &Check) -> Result<()> {
        let mut result = Ok(());
        for (destination, format) in &self.list {
            result = result.and(write_to(
                destination,
                &self.render(check, *format, destination),
            ));
        }
        let is_shown = |(place, _): &(Destination, _)| *place == Destination::Stderr;
        if result.is_err() && !self.list.iter().any(is_shown) {
            let table = self.render(check, CheckFormat::Table, &Destination::Stderr);
            write_to(&Destination::Stderr, &table)?;
        }
        result
    }

    fn render(&self, check: &Check, format: CheckFormat, destination: &Destination) -> Vec<u8> {
        match format {
            CheckFormat::Json => json::check(check),
            CheckFormat::Markdown => markdown::check(check),
            CheckFormat::Junit => junit::check(check),
            CheckFormat::Table => {
                let color = destination.is_colored(self.color);
                table::check(check, destination.width(), color).into_bytes()
            }
        }
    }
}
