//! How long waitscope takes to begin, and how large it is.

use std::fs;
use std::process::Command;
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::report::{median, observe};
use crate::run::output_of;
use crate::workspace::Workspace;

pub(super) struct Start {
    /// From its start to the command's first instructions, seconds.
    first: Vec<f64>,
    /// All of `run -- true`, seconds.
    whole: Vec<f64>,
    binary_bytes: u64,
}

pub(super) fn measure(workspace: &Workspace, rounds: u32) -> Result<Start> {
    let waitscope = workspace.waitscope();
    let mut start = Start {
        first: Vec::new(),
        whole: Vec::new(),
        binary_bytes: fs::metadata(&waitscope)?.len(),
    };
    for _ in 0..rounds {
        let begin = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let told = output_of(Command::new(&waitscope).args(["run", "--", "date", "+%s.%N"]))?;
        let first: f64 = told.trim().parse().context("reading the time")?;
        start.first.push(first - begin.as_secs_f64());
        let begin = Instant::now();
        observe(Command::new(&waitscope).args(["run", "--", "true"]))?;
        start.whole.push(begin.elapsed().as_secs_f64());
    }
    Ok(start)
}

impl Start {
    pub(super) fn markdown(&self) -> String {
        let ms = |times: &[f64]| median(times.iter().copied()).unwrap_or_default() * 1e3;
        format!(
            "\n## Start and size\n\nFrom waitscope's start to the time that `date` prints under `run`: {:.0} ms. \
             `run -- true` from start to end: {:.0} ms.\nThe binary has {:.1} MB.\n",
            ms(&self.first),
            ms(&self.whole),
            self.binary_bytes as f64 / 1e6
        )
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "first_instruction_s": self.first,
            "run_true_s": self.whole,
            "binary_bytes": self.binary_bytes,
        })
    }
}
