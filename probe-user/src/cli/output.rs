//! Where a report goes, how it looks, and how what was seen is analysed.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, ValueHint};

use super::values::{bytes, duration, kind};
use crate::vocabulary::WaitKind;

/// Where the report goes and how it looks.
#[derive(Debug, Args)]
pub struct Output {
    /// Write the report to this file, `-` for stdout; may be repeated. The format follows
    /// the extension (.folded, .html, .json, .md, .parquet (a folder), .pb.gz, .pftrace, .txt)
    /// unless --format is given.
    #[arg(short, long = "output", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Vec<PathBuf>,

    /// Format of the report.
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// The most that an .html may take: short intervals are drawn together until it fits.
    #[arg(long, value_name = "BYTES", default_value = "12M", value_parser = bytes)]
    pub html_max: u64,

    /// What a .folded is by.
    #[arg(long, value_enum, value_name = "BY", default_value_t = Folded::Stacks)]
    pub folded: Folded,

    /// List every thread under its group.
    #[arg(long)]
    pub per_thread: bool,

    /// Show the story of the thread with this id, step by step; may be repeated.
    #[arg(long, value_name = "TID")]
    pub explain: Vec<u32>,

    /// Look up no names of functions in user stacks: frames are file and place, and the same on
    /// every machine.
    #[arg(long)]
    pub no_symbols: bool,

    #[command(flatten)]
    pub analysis: Analysis,

    #[command(flatten)]
    pub waits: Waits,

    /// List only groups of this name; `*` and `?` stand for others; may be repeated.
    #[arg(long, value_name = "GLOB")]
    pub group: Vec<String>,

    /// List only the thread with this id, or threads of this name; may be repeated.
    #[arg(long, value_name = "TID|GLOB")]
    pub thread: Vec<String>,

    /// Fold nothing: every row, group and step.
    #[arg(long)]
    pub all: bool,

    /// Colours in the table.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// Which waits are counted. What is left out is a sum in every budget.
#[derive(Debug, Args)]
pub struct Waits {
    /// Count only waits of this kind (see docs/reading-a-report.md); may be repeated.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind(), hide_possible_values = true)]
    pub kind: Vec<WaitKind>,

    /// Count only waits that took at least so long.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub min_wait: Option<Duration>,

    /// Count only waits that took no longer.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub max_wait: Option<Duration>,
}

impl Waits {
    /// The first option that is given.
    pub fn first_given(&self) -> Option<&'static str> {
        let options = [
            ("--kind", !self.kind.is_empty()),
            ("--min-wait", self.min_wait.is_some()),
            ("--max-wait", self.max_wait.is_some()),
        ];
        let given = options.into_iter().find(|(_, is_given)| *is_given);
        given.map(|(option, _)| option)
    }
}

/// How what was seen is analysed.
#[derive(Debug, Args)]
pub struct Analysis {
    /// Keep up to so many bytes of what was seen in memory, and the rest in a file
    /// without a name in $TMPDIR [default directory: /var/tmp].
    #[arg(long, value_name = "BYTES", default_value = "512M", value_parser = bytes)]
    pub memory: u64,

    /// A thread that was woken and waits for the same again was woken for nothing if it
    /// ran for less than this [default: 50us].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub short_run: Option<Duration>,

    /// The peer ended a connection early if it did so within this time from its beginning
    /// [default: 1s] …
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub early_end: Option<Duration>,

    /// … and before it had sent so many bytes [default: 4K].
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub early_bytes: Option<u64>,
}

/// Formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[value(alias = "text", alias = "txt")]
    Table,
    /// For programs: schema waitscope.report/1.
    Json,
    /// To look at: one file for a browser, with a timeline.
    Html,
    /// To paste into a pull request.
    #[value(alias = "md")]
    Markdown,
    /// For flame graphs: a line for each stack, with its time in ns.
    Folded,
    /// For `go tool pprof` and what else reads its profiles.
    Pprof,
    /// For ui.perfetto.dev and its trace processor.
    Perfetto,
    /// For DuckDB, Spark, ClickHouse: a folder of tables, to which each run adds its own.
    Parquet,
}

/// What waits are folded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Folded {
    /// The kernel's functions that they slept in.
    Stacks,
    /// What was behind them: who was waited for, and what for that waited.
    Blame,
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
