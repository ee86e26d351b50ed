//! What the guest reports on its second serial port: a JSON object a line, between
//! which nothing else writes, neither the kernel nor a program.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The port's device in the guest.
pub const PORT: &str = "/dev/ttyS1";

/// One line. `Display` is how it looks on the console, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestLine {
    /// All is mounted; the programs come next.
    Up {
        /// The kernel's release and version.
        kernel: String,
        /// Since the kernel's start.
        milliseconds: u64,
    },
    /// A program starts.
    Begin {
        /// As in the plan.
        name: String,
    },
    /// A program has ended.
    End(Ended),
    /// The last line: 0 when every program ended with 0 and the kernel stayed
    /// untainted.
    Exit {
        /// Like an exit status.
        status: i32,
    },
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// As in the plan.
    pub name: String,
    /// Its exit status; 128 and the signal's number; 127 when it did not start.
    pub status: i32,
    /// Run time by the guest's clock.
    pub milliseconds: u64,
    /// The kernel's taint flags changed while it ran: the kernel has warned or
    /// worse. Its log is on the console.
    pub tainted: bool,
    /// What it wrote, if that is not on the console.
    pub output: Option<String>,
}

impl fmt::Display for GuestLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("waitscope-guest: ")?;
        match self {
            Self::Up { kernel, .. } => write!(out, "up {kernel}"),
            Self::Begin { name } => write!(out, "begin {name}"),
            Self::End(Ended { name, status, .. }) => write!(out, "end {name} {status}"),
            Self::Exit { status } => write!(out, "exit {status}"),
        }
    }
}
