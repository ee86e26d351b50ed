//! Runs other programs by argument lists, and prints lines for the user.

use std::fmt;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

pub(crate) use gitsync_stage::program::{Shown, output_of, run};

/// One line to the user; a closed stderr is no reason to stop.
pub(crate) fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// What a look at the system prints; `None` when the program is absent or fails.
pub(crate) fn look(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}
