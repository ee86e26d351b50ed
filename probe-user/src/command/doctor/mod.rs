//! `waitscope doctor`: what this kernel lets waitscope see, and why not more.

mod findings;
mod json;
mod text;

#[cfg(test)]
mod tests;

use anyhow::Result;

use self::findings::examine;
use super::{FAILURE, Outcome, destination::print};
use crate::cli;

/// Runs the command: 1 when `run` cannot work here.
pub fn doctor(arguments: &cli::Doctor) -> (Outcome, Result<()>) {
    let findings = examine();
    let text = match arguments.format {
        cli::DoctorFormat::Text => text::render(&findings, arguments.verbose),
        cli::DoctorFormat::Json => json::render(&findings),
    };
    let written = print("the findings", text.as_bytes());
    let code = if findings.works() && written.is_ok() {
        0
    } else {
        FAILURE
    };
    (Outcome::Code(code), written)
}
