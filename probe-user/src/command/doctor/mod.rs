//! `waitscope doctor`: what this kernel lets waitscope see, and why not more.

mod findings;
mod json;
mod text;

#[cfg(test)]
mod tests;

use std::io::Write as _;

use anyhow::{Context as _, Result};

use self::findings::examine;
use super::{FAILURE, Outcome};
use crate::cli;

/// Runs the command: 1 when `run` cannot work here.
pub fn doctor(arguments: &cli::Doctor) -> (Outcome, Result<()>) {
    let findings = examine();
    let text = match arguments.format {
        cli::DoctorFormat::Text => text::render(&findings, arguments.verbose),
        cli::DoctorFormat::Json => json::render(&findings),
    };
    let written = std::io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write to stdout");
    let code = if findings.works() && written.is_ok() {
        0
    } else {
        FAILURE
    };
    (Outcome::Code(code), written)
}
