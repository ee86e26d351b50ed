//! Arguments of `check`.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, ValueEnum, ValueHint};

use super::{Analysis, Color, Observation};

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(
    override_usage = "waitscope check [OPTIONS] <CLAIMS.toml>... -- <CMD> [ARG]...\n       \
                      waitscope check [OPTIONS] <CLAIMS.toml>... <FILE>\n       \
                      waitscope check [OPTIONS] <CLAIMS.toml>... <NAME=FILE>...\n       \
                      waitscope check [OPTIONS] <CLAIMS.toml>..."
)]
pub struct Check {
    /// Claim files (.toml), and the recordings or reports in JSON that they are checked on;
    /// of several runs each with its name. Without any, and without a command, the files'
    /// own runs are made.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(required_unless_present_any = ["pack", "list_metrics", "list_packs", "show_pack"])]
    pub files: Vec<PathBuf>,

    /// Check these claims that come with waitscope; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub pack: Vec<String>,

    /// List the claims that come with waitscope.
    #[arg(long, exclusive = true)]
    pub list_packs: bool,

    /// Print them, to be copied and changed.
    #[arg(long, value_name = "NAME", exclusive = true)]
    pub show_pack: Option<String>,

    /// Print what a claim may measure (as text, or with --format json or markdown).
    #[arg(long, conflicts_with_all = ["files", "pack", "cmd", "output", "expect", "record"])]
    pub list_metrics: bool,

    /// Write the verdicts to this file, `-` for stdout; may be repeated. The format follows
    /// the extension (.json, .md, .txt, .xml) unless --format is given.
    #[arg(short, long = "output", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Vec<PathBuf>,

    /// Format of the verdicts.
    #[arg(long, value_enum)]
    pub format: Option<CheckFormat>,

    /// Exit with 0 when every verdict is as in this file (lines `ID = VERDICT`), with 1
    /// otherwise.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub expect: Option<PathBuf>,

    /// Keep a recording of each run that is made (NAME.wsc) in this folder.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub record: Option<PathBuf>,

    #[command(flatten)]
    pub observation: Observation,

    #[command(flatten)]
    pub analysis: Analysis,

    /// Colours in the table.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,

    /// The command to run and to check the claims on.
    #[arg(value_name = "CMD", value_hint = ValueHint::CommandName, last = true)]
    pub cmd: Vec<OsString>,
}

/// Formats of the verdicts of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    Table,
    /// For programs: schema waitscope.check/1.
    Json,
    /// A table in Markdown.
    #[value(alias = "md")]
    Markdown,
    /// JUnit XML, for CI systems.
    Junit,
}
