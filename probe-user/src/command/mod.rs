//! The commands: wiring only.

pub mod completions;
pub mod doctor;
#[cfg(feature = "probe-log")]
pub mod log;
pub mod man;
mod output;
mod places;
mod replace;
pub mod report;
pub mod run;

use std::path::PathBuf;

use crate::{analysis, child::spawn::ExecError, cli};

/// How waitscope ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this exit code.
    Code(u8),
    /// As the command did: by this signal.
    Signal(i32),
}

/// `run`: waitscope itself failed (env(1), timeout(1) use the same).
pub const OWN_FAILURE: u8 = 125;
/// Other commands: failure.
pub const FAILURE: u8 = 1;

/// What was asked for makes no sense, whatever the machine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Wrong usage, as clap has it.
pub const WRONG_USAGE: u8 = 2;

/// How the report that is wanted is made.
fn analysis_settings(output: &cli::Output) -> analysis::Settings {
    let folder = std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty());
    analysis::Settings {
        memory_bytes: output.memory,
        spill_folder: folder.map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from),
        explain: output.explain.clone(),
    }
}

/// The end of a command whose code says only whether it worked.
fn ended(result: anyhow::Result<()>) -> (Outcome, anyhow::Result<()>) {
    let code = result
        .as_ref()
        .map_or_else(|error| code_of(error, FAILURE), |()| 0);
    (Outcome::Code(code), result)
}

/// The exit code of an error: `otherwise` unless it says more itself.
fn code_of(error: &anyhow::Error, otherwise: u8) -> u8 {
    if error.is::<Usage>() {
        return WRONG_USAGE;
    }
    error.downcast_ref().map_or(otherwise, ExecError::exit_code)
}

/// A sentence on stderr. A closed stderr is nobody's loss but its own.
pub fn warn(sentence: &str) {
    use std::io::Write as _;
    let text = crate::view::sanitize::text(sentence).into_owned();
    let _closed = writeln!(std::io::stderr(), "waitscope: {text}");
}
