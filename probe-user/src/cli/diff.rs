//! Arguments of `diff`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::{Analysis, Color};

/// Arguments of `diff`.
#[derive(Debug, Args)]
#[command(override_usage = "waitscope diff [OPTIONS] <A> <B>\n       \
                      waitscope diff [OPTIONS] --a <FILE>... --b <FILE>...")]
pub struct Diff {
    /// Two recordings or reports in JSON: what B took longer, or less long, than A.
    #[arg(value_names = ["A", "B"], num_args = 2, value_hint = ValueHint::FilePath)]
    #[arg(required_unless_present_any = ["a", "b"], conflicts_with_all = ["a", "b"])]
    pub files: Vec<PathBuf>,

    /// Several runs of A, best made by turns with those of B: from 5 a side on it shows
    /// which differences are more than equal runs have.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "b", value_hint = ValueHint::FilePath)]
    pub a: Vec<PathBuf>,

    /// Several runs of B.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "a", value_hint = ValueHint::FilePath)]
    pub b: Vec<PathBuf>,

    /// Exit with 1 if this is true, with 3 if that is not certain; may be repeated. The
    /// language is that of claims, over the sides: "b:wall > a:wall * 110%".
    #[arg(long, value_name = "EXPRESSION")]
    pub fail_on: Vec<String>,

    /// Write the difference to this file, `-` for stdout; may be repeated. The format follows
    /// the extension (.json, .md, .txt) unless --format is given.
    #[arg(short, long = "output", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Vec<PathBuf>,

    /// Format of the difference.
    #[arg(long, value_enum)]
    pub format: Option<DiffFormat>,

    /// Leave nothing out: every group and row.
    #[arg(long)]
    pub all: bool,

    #[command(flatten)]
    pub analysis: Analysis,

    /// Colours in the table.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// Formats of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people.
    Table,
    /// For programs: schema waitscope.diff/1.
    Json,
    /// Tables in Markdown, for a pull request.
    #[value(alias = "md")]
    Markdown,
}
