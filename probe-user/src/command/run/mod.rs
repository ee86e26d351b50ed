//! `waitscope run`: probes on, command off its leash, drain until it ends,
//! snapshot, report.

mod follow;
pub mod host;
mod lookout;
mod pipeline;
mod session;
mod target;

use anyhow::{Context as _, Result, bail};

use super::{
    OWN_FAILURE, Outcome, code_of,
    output::{Default, Destinations},
};
use crate::{
    cli,
    document::{Document, Exit},
    probe::privilege,
};

/// Runs the command. The exit code is the traced command's own wherever
/// waitscope did its part.
pub fn run(arguments: &cli::Run) -> (Outcome, Result<()>) {
    // Wrong names are told before anything runs.
    let observed = Destinations::new(&arguments.output, Default::Stderr)
        .and_then(|destinations| Ok((observe(arguments)?, destinations)));
    let ((document, recording), destinations) = match observed {
        Ok(observed) => observed,
        Err(error) => {
            let code = code_of(&error, OWN_FAILURE);
            return (Outcome::Code(code), Err(error));
        }
    };
    let result = destinations.write(&document).and(recording);
    match (&result, document.exit) {
        (Err(_), _) => (Outcome::Code(OWN_FAILURE), result),
        (Ok(()), None) => (Outcome::Code(0), result),
        (Ok(()), Some(Exit::Code(code))) => (Outcome::Code(code.to_le_bytes()[0]), result),
        (Ok(()), Some(Exit::Signal(signal))) => (Outcome::Signal(signal), result),
    }
}

/// The report, and whether the recording (if any) is complete.
fn observe(arguments: &cli::Run) -> Result<(Document, Result<()>)> {
    if let Some(obstacle) = privilege::obstacle() {
        bail!("{obstacle}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .context("cannot start the event loop")?;
    runtime.block_on(session::observe(arguments))
}
