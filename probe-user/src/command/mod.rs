//! The commands: wiring only.

pub mod doctor;
mod output;
pub mod report;
pub mod run;

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

/// A sentence on stderr. A closed stderr is nobody's loss but its own.
pub fn warn(sentence: &str) {
    use std::io::Write as _;
    let text = crate::view::sanitize::text(sentence).into_owned();
    let _closed = writeln!(std::io::stderr(), "waitscope: {text}");
}
