//! Ticks on stdout, one behind the other: tables, or lines of JSON.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use terminal_size::terminal_size_of;

use crate::{
    cli::{
        Color,
        top::{Top, TopFormat},
    },
    command::destination::Destination,
    document::top::Tick,
    view::top::{batch, filter::Filter},
};

/// What is printed, and how often.
pub struct Printer {
    format: TopFormat,
    table: batch::Options,
    most: usize,
}

impl Printer {
    /// As it is asked for.
    pub fn new(arguments: &Top) -> Printer {
        let width = terminal_size_of(io::stdout());
        let width = width.map_or(batch::WIDTH, |(width, _)| width.0.into());
        let color = Destination::Stdout.is_colored(Color::Auto);
        let most = if arguments.once {
            Some(1)
        } else {
            arguments.ticks
        };
        Printer {
            format: arguments.format.unwrap_or(TopFormat::Table),
            table: batch::Options::new(width, color, Filter::default(), arguments.idle),
            most: most.map_or(usize::MAX, |most| {
                usize::try_from(most).unwrap_or(usize::MAX)
            }),
        }
    }

    /// Prints each of them, up to so many; says how many. A reader that has gone away wants no
    /// more.
    pub fn print(&self, ticks: impl Iterator<Item = Result<Tick>>) -> Result<usize> {
        let mut out = io::stdout().lock();
        let mut printed = 0;
        for tick in ticks.take(self.most) {
            let text = match self.format {
                TopFormat::Json => serde_json::to_string(&tick?)? + "\n",
                TopFormat::Table => batch::tick(tick?, &self.table),
            };
            match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(printed),
                written => written.context("cannot write to stdout")?,
            }
            printed += 1;
        }
        Ok(printed)
    }
}
