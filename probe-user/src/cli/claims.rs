//! Arguments of `claims`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::Analysis;

/// What `claims` can do.
#[derive(Debug, Subcommand)]
pub enum Claims {
    /// Write a claim file from what recordings show: all of it is CORRECT on each of them.
    Draft(Draft),
}

/// Arguments of `claims draft`.
#[derive(Debug, Args)]
pub struct Draft {
    /// Recordings or reports in JSON, best several of the same command: bounds hold in all
    /// of them.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required = true)]
    pub files: Vec<PathBuf>,

    /// Write the claim file here (.toml), and not to stdout.
    #[arg(short, long, value_name = "CLAIMS.toml", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub analysis: Analysis,
}
