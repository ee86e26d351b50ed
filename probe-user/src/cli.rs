//! The command line: a typed form, nothing decided yet.

mod check;
pub mod claims;
mod diff;
mod output;
mod record;
pub mod top;
mod values;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub use self::check::{Check, CheckFormat};
pub use self::diff::{Diff, DiffFormat};
pub use self::output::{Analysis, Color, Folded, Format, Output, Waits};
pub use self::record::Record;
use self::values::{duration, name, pause, ring_size};
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
    Run(Box<Run>),
    /// Run a command (or follow running processes) and keep a recording, without a report.
    Record(Box<Record>),
    /// Show the report of a recording made with `record` or `run --record`.
    Report(Report),
    /// Check claims about a run: what is measured proves them, refutes them, or cannot.
    Check(Box<Check>),
    /// Divide the difference of two runs, or of two sides of several, over its causes.
    Diff(Diff),
    /// Show blocked tasks as they are, down to the last cause.
    Top(Box<top::Top>),
    /// Work on claim files.
    #[command(subcommand)]
    Claims(claims::Claims),
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

/// What an account is of, and from when to when.
#[derive(Debug, Args)]
pub struct Account {
    /// Of running processes follow only these, and what they start from now on.
    #[arg(long, requires = "running")]
    pub no_tree: bool,

    /// Begin the account after this time (10s, 500ms, 2m): what was before is not kept.
    #[arg(long, value_name = "TIME", default_value = "0", hide_default_value = true, value_parser = duration)]
    pub delay: Duration,

    /// End the account after this time. A command then runs on, and is waited for.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(
    override_usage = "waitscope run [OPTIONS] -- <CMD> [ARG]...\n       waitscope run [OPTIONS] <--pid <PID>...|--comm <NAME>|--cgroup <PATH>>",
    group = ArgGroup::new("running").args(["pid", "comm", "cgroup"]).multiple(true)
        .conflicts_with_all(["cmd", "user", "as_root", "wait_all"]),
)]
pub struct Run {
    #[command(flatten)]
    pub processes: Processes,

    #[command(flatten)]
    pub account: Account,

    /// Keep a recording of the run (.wsc) for `waitscope report`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,

    /// Check the claims of this file on the run, and show the verdicts at the end of the
    /// report; may be repeated.
    #[arg(long, value_name = "CLAIMS.toml", value_hint = ValueHint::FilePath)]
    pub check: Vec<PathBuf>,

    #[command(flatten)]
    pub output: Output,

    #[command(flatten)]
    pub observation: Observation,

    /// Report again and again, after this time, what has been seen so far. Files are
    /// replaced; tables and lines go to stdout and stderr one behind the other.
    #[arg(long, value_name = "TIME", value_parser = pause, allow_hyphen_values = true)]
    pub every: Option<Duration>,

    /// Report what has been seen so far whenever waitscope gets this signal (USR1, USR2,
    /// HUP, RTMIN+1, …), which then is not passed on to the command.
    #[arg(long, value_name = "NAME", value_parser = own_by_name, allow_hyphen_values = true)]
    pub snapshot_signal: Option<i32>,

    /// Meanwhile show the screen of `waitscope top` for what is observed; `q` leaves it, the
    /// report comes at the end all the same. Keys are the screen's: the command has nothing on
    /// its stdin.
    #[arg(long, conflicts_with_all = ["every", "snapshot_signal"])]
    pub watch: bool,

    /// With --watch, the file for what the command writes to stdout, and to stderr if that is
    /// the terminal [default: waitscope-output-PID.txt].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "watch")]
    pub command_output: Option<PathBuf>,

    /// The command to run.
    #[arg(value_name = "CMD", value_hint = ValueHint::CommandName, last = true, required_unless_present = "running")]
    pub cmd: Vec<OsString>,
}

/// Which running processes.
#[derive(Debug, Args)]
pub struct Processes {
    /// Follow these running processes, what they have started and what they start.
    #[arg(long, value_name = "PID", num_args = 1.., value_delimiter = ',')]
    pub pid: Vec<u32>,

    /// The same of every process that has this name now (of which the kernel keeps 15
    /// bytes); may be repeated.
    #[arg(long, value_name = "NAME", value_parser = name())]
    pub comm: Vec<OsString>,

    /// The same of every process that is in this control group now, or in one below it, a
    /// container's: its folder, or its path below /sys/fs/cgroup; may be repeated.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub cgroup: Vec<PathBuf>,
}

/// How a run is observed, and how its command is run.
#[derive(Debug, Args)]
pub struct Observation {
    /// Follow all that the command has started until it has ended, too, not only the
    /// command itself.
    #[arg(long)]
    pub wait_all: bool,

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

    /// Count open descriptors exactly: look at the table behind every system call, not
    /// once in a millisecond (every system call of the machine then costs some 100 ns more).
    #[arg(long)]
    pub fds: bool,

    /// Report what each open descriptor is: of the tables at execs, at the end of their
    /// processes, and at the end of the run.
    #[arg(long)]
    pub per_fd: bool,

    /// Take the program's stack at each sleep, by frame pointers (a sleep then takes some
    /// 1 µs more). Shown by flame graphs, profiles, pages, traces, tables and --explain.
    #[arg(long)]
    pub user_stacks: bool,

    /// Also measure the time inside the probes (which makes them slower).
    #[arg(long)]
    pub cost: bool,

    /// Observe with no more than this tier.
    #[arg(long, value_enum, default_value_t = Tier::Full)]
    pub tier: Tier,

    /// Run the command as this user [default: the one who called sudo].
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Username, conflicts_with = "as_root")]
    pub user: Option<String>,

    /// Run the command as root, also under sudo.
    #[arg(long)]
    pub as_root: bool,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The recording.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,

    /// Check the claims of this file on the run, and show the verdicts at the end of the
    /// report; may be repeated.
    #[arg(long, value_name = "CLAIMS.toml", value_hint = ValueHint::FilePath)]
    pub check: Vec<PathBuf>,

    /// Report only what was from this time on, since the start of the run (120ms, 10s).
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub from: Option<Duration>,

    /// Report only what was until this time, since the start of the run.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub to: Option<Duration>,

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
    /// folder; it and the folders above it are made where there are none.
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_form_is_consistent() {
        Cli::command().debug_assert();
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
    fn a_command_or_processes_are_needed_but_not_both() {
        let parse = |args: &str| Cli::try_parse_from(args.split(' '));
        assert!(parse("waitscope run").is_err());
        assert!(parse("waitscope run --pid 1 -- true").is_err());
        for running in ["--pid 1", "--comm x", "--cgroup x", "--pid 1 --comm x"] {
            for wrong in ["-- true", "--wait-all", "--user x", "--as-root"] {
                let wrong = format!("waitscope run {running} {wrong}");
                assert!(parse(&wrong).is_err(), "{wrong}");
            }
        }
        for command in ["run", "top"] {
            let empty = Cli::try_parse_from(["waitscope", command, "--comm", ""]);
            assert!(empty.unwrap_err().to_string().contains("a name is wanted"));
        }
        assert!(parse("waitscope run --no-tree -- true").is_err());
        assert!(parse("waitscope run --no-tree").is_err());
        assert!(parse("waitscope run --delay 1s --duration 1s -- true").is_ok());
        assert!(parse("waitscope run --pid 1 2 --duration 1s").is_ok());
        assert!(parse("waitscope run --pid 1,2 --pid 3 --comm a --comm b --cgroup c").is_ok());
        assert!(parse("waitscope run --comm x --no-tree --delay 1s").is_ok());
        assert!(parse("waitscope run --as-root -- sh -c true").is_ok());
    }
}
