//! Arguments of `top`.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, ValueEnum, ValueHint};

use super::{
    Processes, Tier,
    values::{duration, pause, ring_size},
};

/// Arguments of `top`.
#[derive(Debug, Args)]
#[command(
    override_usage = "waitscope top [OPTIONS]\n       \
                      waitscope top [OPTIONS] <--pid <PID>...|--comm <NAME>|--cgroup <PATH>|--user <NAME>>\n       \
                      waitscope top [OPTIONS] -- <CMD> [ARG]...",
    group = ArgGroup::new("narrowed").args(["pid", "comm", "cgroup", "user"]).multiple(true)
        .conflicts_with_all(["cmd", "as_root"]),
)]
pub struct Top {
    #[command(flatten)]
    pub processes: Processes,

    /// The same of every process of this user now; may be repeated.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Username)]
    pub user: Vec<String>,

    /// Time between two ticks.
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = pause)]
    pub delay: Duration,

    /// End after so many ticks.
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub ticks: Option<u64>,

    /// What happened within this time is charged to its causes.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = pause)]
    pub window: Duration,

    /// Print a table each tick, without a screen.
    #[arg(long)]
    pub batch: bool,

    /// One tick only: --batch -n 1.
    #[arg(long, conflicts_with = "ticks")]
    pub once: bool,

    /// Format of what is printed: implies --batch.
    #[arg(long, value_enum)]
    pub format: Option<TopFormat>,

    /// Show the ticks of this file, which --format json has written, instead of observing.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
        conflicts_with_all = ["narrowed", "cmd"])]
    pub replay: Option<PathBuf>,

    /// Print also tasks that wait for work.
    #[arg(long)]
    pub idle: bool,

    /// Keep a recording (.wsc) of all that is seen, for `waitscope report`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,

    /// Sleeps at least this long carry both kernel stacks.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub stack_threshold: Duration,

    /// Bytes of each CPU's ring of switches, and of the ring of all else, a power of two
    /// [default: by CPU count].
    #[arg(long, value_name = "BYTES", value_parser = ring_size)]
    pub ring_size: Option<u32>,

    /// Threads that can be followed at once [default: twice as many as there are, 65,536 at least].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(64..=4_194_304))]
    pub max_threads: Option<u32>,

    /// Observe with no more than this tier.
    #[arg(long, value_enum, default_value_t = Tier::Full)]
    pub tier: Tier,

    /// Run the command as root, also under sudo.
    #[arg(long)]
    pub as_root: bool,

    /// The file for what the command writes to stdout, and to stderr if that is the terminal
    /// [default: with a screen waitscope-output-PID.txt, else where waitscope writes].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "cmd")]
    pub command_output: Option<PathBuf>,

    /// Run this command, and show what belongs to it.
    #[arg(value_name = "CMD", value_hint = ValueHint::CommandName, last = true)]
    pub cmd: Vec<OsString>,
}

/// Formats of what `top` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TopFormat {
    /// For people.
    Table,
    /// For programs: a line a tick, schema waitscope.top/1.
    Json,
}
