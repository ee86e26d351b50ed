//! The command line: a typed form, nothing decided yet.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::child::signals::own_by_name;

/// Off-CPU profiler: where every nanosecond of every worker went, in which
/// kernel function it slept, and who woke it.
#[derive(Debug, Parser)]
#[command(name = "waitscope", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a command (or follow running processes) and report where its threads waited.
    Run(Run),
    /// Show the report of a recording made with `run --record`.
    Report(Report),
    /// Show what this kernel lets waitscope see, and why not more.
    Doctor(Doctor),
    /// Print a shell's script for completing the command line.
    ///
    /// Shells look for it in /usr/share/bash-completion/completions/waitscope,
    /// /usr/share/zsh/site-functions/_waitscope and
    /// /usr/share/fish/vendor_completions.d/waitscope.fish.
    Completions(Completions),
    /// Print the manual page, or write all pages into a folder.
    Man(Man),
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(
    override_usage = "waitscope run [OPTIONS] -- <CMD> [ARG]...\n       waitscope run [OPTIONS] --pid <PID>... [--duration <TIME>]"
)]
pub struct Run {
    /// Follow these running processes and what they start.
    #[arg(long, value_name = "PID", num_args = 1.., value_delimiter = ',', conflicts_with_all = ["cmd", "user", "as_root"])]
    pub pid: Vec<u32>,

    /// With --pid: stop after this time (10s, 500ms, 2m).
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "cmd")]
    pub duration: Option<Duration>,

    /// Follow all that the command has started until it has ended, too, not only the
    /// command itself.
    #[arg(long, conflicts_with = "pid")]
    pub wait_all: bool,

    /// Keep a recording of the run (.wsc) for `waitscope report`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,

    #[command(flatten)]
    pub output: Output,

    /// Sleeps at least this long carry both kernel stacks.
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = duration)]
    pub stack_threshold: Duration,

    /// Bytes of each CPU's ring of switches, and of the ring of all else, a power of two
    /// [default: by CPU count].
    #[arg(long, value_name = "BYTES", value_parser = ring_size)]
    pub ring_size: Option<u32>,

    /// Threads that can be followed at once.
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(64..=4_194_304))]
    pub max_threads: u32,

    /// Also measure the time inside the probes (which makes them slower).
    #[arg(long)]
    pub cost: bool,

    /// Observe with no more than this tier.
    #[arg(long, value_enum, default_value_t = Tier::Full)]
    pub tier: Tier,

    /// Report again and again, after this time, what has been seen so far. Files are
    /// replaced; tables and lines go to stdout and stderr one behind the other.
    #[arg(long, value_name = "TIME", value_parser = pause, allow_hyphen_values = true)]
    pub every: Option<Duration>,

    /// Report what has been seen so far whenever waitscope gets this signal (USR1, USR2,
    /// HUP, RTMIN+1, …), which then is not passed on to the command.
    #[arg(long, value_name = "NAME", value_parser = own_by_name, allow_hyphen_values = true)]
    pub snapshot_signal: Option<i32>,

    /// Run the command as this user [default: the one who called sudo].
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Username, conflicts_with = "as_root")]
    pub user: Option<String>,

    /// Run the command as root, also under sudo.
    #[arg(long)]
    pub as_root: bool,

    /// The command to run.
    #[arg(value_name = "CMD", value_hint = ValueHint::CommandName, last = true, required_unless_present = "pid")]
    pub cmd: Vec<OsString>,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The recording.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    #[command(flatten)]
    pub output: Output,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Show the verifier's log of each program that it refused.
    #[arg(short, long, conflicts_with = "format")]
    pub verbose: bool,

    /// Format of the findings.
    #[arg(long, value_enum, default_value_t = DoctorFormat::Text)]
    pub format: DoctorFormat,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Write waitscope.1 and a page for each command (waitscope-run.1, …) into this
    /// folder, which is made if there is none.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
}

/// Formats of `doctor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// For people.
    Text,
    /// For programs: schema waitscope.doctor/1, one line.
    Json,
}

/// What may be observed with, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tier {
    /// Switches, wakings, and results of kernel functions.
    Full,
    /// Switches and wakings.
    Tracepoint,
    /// The same as far as a kernel without type information shows it.
    Raw,
}

/// Where the report goes and how it looks.
#[derive(Debug, Args)]
pub struct Output {
    /// Write the report to this file, `-` for stdout; may be repeated. The
    /// format follows the extension (.json, .txt) unless --format is given.
    #[arg(short, long = "output", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Vec<PathBuf>,

    /// Format of the report.
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// List every thread under its group.
    #[arg(long)]
    pub per_thread: bool,

    /// Show the story of the thread with this id, step by step; may be repeated.
    #[arg(long, value_name = "TID")]
    pub explain: Vec<u32>,

    /// Keep up to so many bytes of what was seen in memory, and the rest in a file
    /// without a name in $TMPDIR [default directory: /var/tmp].
    #[arg(long, value_name = "BYTES", default_value = "512M", value_parser = bytes)]
    pub memory: u64,

    /// Fold nothing: every row, group and step.
    #[arg(long)]
    pub all: bool,

    /// Colours in the table.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// Formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For programs: schema waitscope.report/1.
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `10s`, `500ms`, `2m`, `250us`, `0`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wanted_duration())?;
    let ns_per_unit: u64 = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" | "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" if number == 0 => 1,
        _ => return Err(wanted_duration()),
    };
    number
        .checked_mul(ns_per_unit)
        .map(Duration::from_nanos)
        .ok_or_else(wanted_duration)
}

/// A [`duration`] that is not 0.
fn pause(text: &str) -> Result<Duration, String> {
    let pause = duration(text)?;
    let is_some = (!pause.is_zero()).then_some(pause);
    is_some.ok_or_else(|| "a time greater than 0 is wanted".to_owned())
}

fn wanted_duration() -> String {
    "a whole number with a unit is wanted: 10s, 500ms, 250us, 2m".to_owned()
}

/// `K`, `M` and `G` for KiB, MiB and GiB.
fn bytes(text: &str) -> Result<u64, String> {
    let wanted = || "a whole number of bytes is wanted: 4096, 512K, 16M, 2G".to_owned();
    let unit = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(unit.unwrap_or(text.len()));
    let bytes_per_unit = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err(wanted()),
    };
    let number: u64 = number.parse().map_err(|_| wanted())?;
    number.checked_mul(bytes_per_unit).ok_or_else(wanted)
}

/// A power of two.
fn ring_size(text: &str) -> Result<u32, String> {
    let bytes = bytes(text).and_then(|bytes| u32::try_from(bytes).map_err(|e| e.to_string()));
    bytes
        .ok()
        .filter(|bytes| bytes.is_power_of_two() && (4096..=1 << 30).contains(bytes))
        .ok_or_else(|| "a power of two from 4096 to 1G is wanted: 4096, 512K, 16M".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_form_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "s", "10", "1.5s", "-1s", "10 s", "99999999999h", "1y"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn reports_meanwhile_are_asked_for_with_a_time_and_a_free_signal() {
        let parse = |option: &str, value: &str| {
            let parsed = Cli::try_parse_from(["waitscope", "run", option, value, "--", "true"]);
            parsed.map(|_| ()).map_err(|error| error.to_string())
        };
        for (option, right) in [
            ("--every", "1s"),
            ("--every", "1ns"),
            ("--snapshot-signal", "USR2"),
            ("--snapshot-signal", "SIGHUP"),
            ("--snapshot-signal", "RTMIN+1"),
        ] {
            assert_eq!(parse(option, right), Ok(()), "{option} {right}");
        }
        for (option, wrong, reason) in [
            ("--every", "0", "a time greater than 0 is wanted"),
            ("--every", "0s", "a time greater than 0 is wanted"),
            ("--every", "-1s", "a whole number with a unit is wanted"),
            ("--every", "", "a whole number with a unit is wanted"),
            ("--snapshot-signal", "KILL", "this signal is not free: "),
            ("--snapshot-signal", "STOP", "this signal is not free: "),
            ("--snapshot-signal", "CHLD", "this signal is not free: "),
            ("--snapshot-signal", "SEGV", "this signal is not free: "),
            ("--snapshot-signal", "SIGCONT", "this signal is not free: "),
            (
                "--snapshot-signal",
                "NONE",
                "there is no such signal: INT, TERM, HUP, QUIT, USR1, USR2 and",
            ),
            ("--snapshot-signal", "0", "there is no such signal: "),
            ("--snapshot-signal", "-1", "there is no such signal: "),
            ("--snapshot-signal", "RTMIN-1", "there is no such signal: "),
            ("--snapshot-signal", "RTMIN+99", "there is no such signal: "),
        ] {
            let error = parse(option, wrong).unwrap_err();
            assert!(error.contains(reason), "{option} {wrong}: {error}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes("0"), Ok(0));
        assert_eq!(bytes("512K"), Ok(512 << 10));
        assert_eq!(bytes("3G"), Ok(3 << 30));
        for wrong in ["", "M", "-1", "1.5G", "16m", "1KB", "99999999999999G"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ring_sizes() {
        assert_eq!(ring_size("4096"), Ok(4096));
        assert_eq!(ring_size("16M"), Ok(16 << 20));
        for wrong in ["", "M", "5000", "2048", "2G", "16m", "-4096"] {
            assert!(ring_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_command_or_processes_are_needed_but_not_both() {
        let parse = |args: &str| Cli::try_parse_from(args.split(' '));
        assert!(parse("waitscope run").is_err());
        assert!(parse("waitscope run --pid 1 -- true").is_err());
        assert!(parse("waitscope run --duration 1s -- true").is_err());
        assert!(parse("waitscope run --pid 1 2 --duration 1s").is_ok());
        assert!(parse("waitscope run --as-root -- sh -c true").is_ok());
    }
}
