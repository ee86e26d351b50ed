//! What the guest says of itself, one line each between the programs' own output.

use std::fmt;

use crate::Piece;

/// Begins each such line. A program's last line may lack its end, and then
/// stands before it.
const MARK: &str = "waitscope-guest: ";

/// One line of the guest's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuestLine {
    /// All is mounted; the programs come next.
    Up {
        /// The kernel's release and version.
        kernel: String,
    },
    /// A program starts.
    Begin {
        /// As in the plan.
        name: String,
    },
    /// A program has ended.
    End(Ended),
    /// A part of what a program wrote.
    Output(Piece),
    /// The kernel's taint flags changed while a program ran: it has warned or
    /// worse. Its log follows.
    Tainted {
        /// As in `/proc/sys/kernel/tainted`.
        flags: u64,
    },
    /// The last line: 0 when every program ended with 0 and the kernel stayed
    /// untainted.
    Exit {
        /// Like an exit status.
        status: i32,
    },
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// As in the plan.
    pub name: String,
    /// Its exit status; 128 and the signal's number; 127 when it did not start.
    pub status: i32,
    /// Run time by the guest's clock.
    pub milliseconds: u64,
}

impl fmt::Display for GuestLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(MARK)?;
        match self {
            Self::Up { kernel } => write!(out, "up {kernel}"),
            Self::Begin { name } => write!(out, "begin {name}"),
            Self::End(ended) => {
                let Ended {
                    name,
                    status,
                    milliseconds,
                } = ended;
                write!(out, "end {name} {status} {milliseconds}")
            }
            Self::Output(piece) => write!(out, "output {piece}"),
            Self::Tainted { flags } => write!(out, "tainted {flags}"),
            Self::Exit { status } => write!(out, "exit {status}"),
        }
    }
}

impl GuestLine {
    /// Reads a line of the console; `None` for any other line.
    pub fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once(MARK)?;
        let (verb, rest) = rest.trim_end().split_once(' ')?;
        match verb {
            "up" => Some(Self::Up {
                kernel: rest.to_owned(),
            }),
            "begin" => Some(Self::Begin {
                name: rest.to_owned(),
            }),
            "end" => {
                let mut words = rest.split(' ');
                Some(Self::End(Ended {
                    name: words.next()?.to_owned(),
                    status: words.next()?.parse().ok()?,
                    milliseconds: words.next()?.parse().ok()?,
                }))
            }
            "output" => Some(Self::Output(Piece::parse(rest)?)),
            "tainted" => Some(Self::Tainted {
                flags: rest.parse().ok()?,
            }),
            "exit" => Some(Self::Exit {
                status: rest.parse().ok()?,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_back() {
        let name = || "truth".to_owned();
        let kernel = "6.1.0-50-cloud-amd64 #1 SMP Debian".to_owned();
        let ended = Ended {
            name: name(),
            status: 101,
            milliseconds: 12_345,
        };
        for told in [
            GuestLine::Up { kernel },
            GuestLine::Begin { name: name() },
            GuestLine::End(ended),
            GuestLine::Tainted { flags: 512 },
            GuestLine::Exit { status: -1 },
        ] {
            assert_eq!(GuestLine::parse(&told.to_string()), Some(told));
        }
    }

    #[test]
    fn a_line_without_an_end_may_stand_before() {
        let line = "test result: okwaitscope-guest: exit 0\r";
        assert_eq!(GuestLine::parse(line), Some(GuestLine::Exit { status: 0 }));
    }

    #[test]
    fn other_lines_and_torn_ones_tell_nothing() {
        for line in [
            "",
            "exit 0",
            "waitscope-guest: ",
            "waitscope-guest: exit",
            "waitscope-guest: exit zero",
            "waitscope-guest: exit 0[   12.3] BUG: torn",
            "waitscope-guest: end truth 1",
            "waitscope-guest: later 1",
        ] {
            assert_eq!(GuestLine::parse(line), None, "{line:?}");
        }
    }
}
