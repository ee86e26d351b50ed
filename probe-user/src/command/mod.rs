//! The commands: wiring only.

mod capture;
pub mod check;
pub mod claims;
pub mod completions;
mod destination;
pub mod diff;
pub mod doctor;
#[cfg(feature = "probe-log")]
pub mod log;
pub mod man;
mod origin;
mod output;
mod places;
mod progress;
pub mod record;
mod replace;
pub mod report;
pub mod run;
mod tables;
pub mod top;

use std::{path::PathBuf, time::Duration};

use crate::{
    analysis,
    child::spawn::ExecError,
    cli,
    document::{Exit, WaitFilter},
    metrics,
    observe::{EndedBy, Incomplete, select::Selection},
    world::connection::Early,
};

/// How waitscope ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this exit code.
    Code(u8),
    /// As the command did: by this signal.
    Signal(i32),
}

/// `run`: waitscope itself failed (env(1), timeout(1) use the same).
pub const OWN_FAILURE: u8 = 125;
/// Other commands: failure.
pub const FAILURE: u8 = 1;

/// What was asked for makes no sense, whatever the machine.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Wrong usage, as clap has it.
pub const WRONG_USAGE: u8 = 2;

/// Which running processes are meant.
fn selection(processes: &cli::Processes, tree: bool) -> Selection {
    let cli::Processes { pid, comm, cgroup } = processes;
    Selection {
        pids: pid.clone(),
        comms: comm.clone(),
        cgroups: cgroup.clone(),
        tree,
    }
}

/// How the report that is wanted is made.
fn analysis_settings(analysis: &cli::Analysis, explain: &[u32]) -> analysis::Settings {
    let early = Early::default();
    analysis::Settings {
        explain: explain.to_vec(),
        short_run_ns: analysis.short_run.map_or(metrics::SHORT_RUN_NS, ns),
        early: Early {
            within_ns: analysis.early_end.map_or(early.within_ns, ns),
            below_bytes: analysis.early_bytes.unwrap_or(early.below_bytes),
        },
        ..analysis::Settings::new(analysis.memory, spill_folder())
    }
}

/// Where what has no room in memory goes.
fn spill_folder() -> PathBuf {
    let folder = std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty());
    folder.map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from)
}

/// Which waits are counted. Claims, which are about all waits and threads, cannot be `checked`
/// where some are left out.
fn wait_filter(output: &cli::Output, checked: bool) -> anyhow::Result<Option<WaitFilter>> {
    let cli::Waits {
        kind,
        min_wait,
        max_wait,
    } = &output.waits;
    let usage = |sentence: String| anyhow::Error::from(Usage(sentence));
    let selects = [("--group", &output.group), ("--thread", &output.thread)];
    let selects = selects.into_iter().find(|(_, names)| !names.is_empty());
    let of_threads = selects.map(|(option, _)| (option, "threads"));
    let of_waits = output.waits.first_given().map(|option| (option, "waits"));
    if let Some((option, what)) = of_waits.or(of_threads).filter(|_| checked) {
        let sentence = format!("{option} leaves {what} out, and claims are about all of them");
        return Err(usage(sentence));
    }
    if of_waits.is_none() {
        return Ok(None);
    }
    if let (Some(min), Some(max)) = (min_wait, max_wait)
        && min > max
    {
        let sentence =
            format!("no wait takes at least {min:?} (--min-wait) and at most {max:?} (--max-wait)");
        return Err(usage(sentence));
    }
    Ok(Some(WaitFilter {
        kinds: kind.clone(),
        min_ns: min_wait.map(ns),
        max_ns: max_wait.map(ns),
    }))
}

fn ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Help or the version, which somebody wants to read.
pub fn help(asked_for: &clap::Error) -> (Outcome, anyhow::Result<()>) {
    ended(destination::print_by("the help", || asked_for.print()))
}

/// The end of a command that runs another: as that ended, where waitscope did its part.
fn ended_as(result: anyhow::Result<Option<Exit>>, failure: u8) -> (Outcome, anyhow::Result<()>) {
    match result {
        // That was said when it happened.
        Err(error) if error.is::<Incomplete>() => (Outcome::Code(failure), Ok(())),
        Err(error) => match error.downcast_ref() {
            Some(&EndedBy(signal)) => (Outcome::Signal(signal), Err(error)),
            None => (Outcome::Code(code_of(&error, failure)), Err(error)),
        },
        Ok(None) => (Outcome::Code(0), Ok(())),
        Ok(Some(Exit::Code(code))) => (Outcome::Code(code.to_le_bytes()[0]), Ok(())),
        Ok(Some(Exit::Signal(signal))) => (Outcome::Signal(signal), Ok(())),
    }
}

/// The end of a command whose code says only whether it worked.
fn ended(result: anyhow::Result<()>) -> (Outcome, anyhow::Result<()>) {
    let code = result
        .as_ref()
        .map_or_else(|error| code_of(error, FAILURE), |()| 0);
    (Outcome::Code(code), result)
}

/// The exit code of an error: `otherwise` unless it says more itself.
fn code_of(error: &anyhow::Error, otherwise: u8) -> u8 {
    if error.is::<Usage>() {
        return WRONG_USAGE;
    }
    error.downcast_ref().map_or(otherwise, ExecError::exit_code)
}

/// A sentence on stderr. A closed stderr is nobody's loss but its own.
pub fn warn(sentence: &str) {
    use std::io::Write as _;
    let text = crate::view::sanitize::text(sentence).into_owned();
    let _closed = writeln!(std::io::stderr(), "waitscope: {text}");
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn what_is_early_is_as_it_is_asked_for() {
        let early = |options: &[&str]| {
            let line = ["waitscope", "report", "x.wsc"].iter().chain(options);
            let cli::Command::Report(report) = cli::Cli::parse_from(line).command else {
                panic!("another command");
            };
            analysis_settings(&report.output.analysis, &[]).early
        };
        assert_eq!(early(&[]), Early::default());
        let asked_for = Early {
            within_ns: 250_000,
            below_bytes: 65_536,
        };
        let options = ["--early-end", "250us", "--early-bytes", "64K"];
        assert_eq!(early(&options), asked_for);
    }
}
