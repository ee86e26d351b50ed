//! Arguments of `record`.

use std::{ffi::OsString, num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, ValueHint};

use super::{
    Account, Observation, Processes,
    values::{bytes, pause},
};
use crate::child::signals::own_by_name;

/// Arguments of `record`.
#[derive(Debug, Args)]
#[command(
    override_usage = "waitscope record [OPTIONS] -o <FILE> -- <CMD> [ARG]...\n       waitscope record [OPTIONS] -o <FILE> <--pid <PID>...|--comm <NAME>|--cgroup <PATH>>",
    group = ArgGroup::new("running").args(["pid", "comm", "cgroup"]).multiple(true)
        .conflicts_with_all(["cmd", "user", "as_root", "wait_all"]),
)]
pub struct Record {
    /// The recording (.wsc), for `waitscope report`. What is there stays until the new one is
    /// whole; until then that is FILE.partial.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,

    /// Divide the recording into files of about this size, FILE.001.wsc and so on, each of
    /// which replays by itself. With --last: what is kept in memory at most [default: 256M].
    #[arg(long, value_name = "BYTES", value_parser = part_size)]
    pub max_size: Option<u64>,

    /// Of these files keep only the newest N.
    #[arg(long, value_name = "N", requires = "max_size", conflicts_with = "last", value_parser = files)]
    pub max_files: Option<NonZeroUsize>,

    /// Keep only the last part of this length, in memory, and write it in the end, and
    /// whenever waitscope gets --signal, then as FILE.001.wsc and so on.
    #[arg(long, value_name = "TIME", value_parser = pause, allow_hyphen_values = true)]
    pub last: Option<Duration>,

    /// With --last, the signal that has it written (USR1, USR2, HUP, RTMIN+1, …); it is not
    /// passed on to the command [default: USR2].
    #[arg(long, value_name = "NAME", value_parser = own_by_name, requires = "last")]
    pub signal: Option<i32>,

    /// With --last, have it written when a claim of this file is WRONG of the run so far, once
    /// for each claim; may be repeated. The run is analysed for that, in some 512M of memory.
    #[arg(long, value_name = "CLAIMS.toml", value_hint = ValueHint::FilePath, requires = "last")]
    pub when: Vec<PathBuf>,

    #[command(flatten)]
    pub processes: Processes,

    #[command(flatten)]
    pub account: Account,

    #[command(flatten)]
    pub observation: Observation,

    /// The command to run.
    #[arg(value_name = "CMD", value_hint = ValueHint::CommandName, last = true, required_unless_present = "running")]
    pub cmd: Vec<OsString>,
}

/// Smaller parts would consist of their beginnings.
const SMALLEST_PART: u64 = 64 << 10;

fn part_size(text: &str) -> Result<u64, String> {
    let size = bytes(text)?;
    let is_enough = size >= SMALLEST_PART;
    is_enough
        .then_some(size)
        .ok_or_else(|| "at least 64K are wanted".to_owned())
}

fn files(text: &str) -> Result<NonZeroUsize, String> {
    let number: Result<NonZeroUsize, _> = text.parse();
    number.map_err(|_| "how many files are kept is a number from 1 on".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    #[test]
    fn record_needs_a_file_and_options_that_fit() {
        let parse = |options: &str| {
            let line = format!("waitscope record {options}");
            Cli::try_parse_from(line.split(' ')).map(|_| ())
        };
        for right in [
            "-o x.wsc -- true",
            "-o x.wsc --pid 1 --duration 1s",
            "-o x.wsc --max-size 64K --max-files 2 -- true",
            "-o x.wsc --last 60s --max-size 1M --signal USR1 -- true",
            "-o x.wsc --last 60s --when c.toml --when d.toml -- true",
        ] {
            assert!(parse(right).is_ok(), "{right}");
        }
        for wrong in [
            "-- true",
            "-o x.wsc",
            "-o x.wsc --pid 1 -- true",
            "-o x.wsc --max-size 63K -- true",
            "-o x.wsc --max-files 2 -- true",
            "-o x.wsc --max-size 64K --max-files 0 -- true",
            "-o x.wsc --last 0s -- true",
            "-o x.wsc --last 1s --max-size 1M --max-files 2 -- true",
            "-o x.wsc --when c.toml -- true",
            "-o x.wsc --signal USR1 -- true",
            "-o x.wsc --last 1s --signal KILL -- true",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
