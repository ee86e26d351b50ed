//! `waitscope run`: the arguments become options, the report goes where it is wanted.

use anyhow::Result;

use super::{
    OWN_FAILURE, Outcome, code_of,
    output::{Destinations, Fallback},
    places::Place,
};
use crate::{
    cli,
    document::{Document, Exit, Tier},
    observe::{
        self, Observed, Options, Subject,
        reports::{Deliver, Wanted},
    },
};

/// Runs the command. The exit code is the traced command's own wherever
/// waitscope did its part.
pub fn run(arguments: &cli::Run) -> (Outcome, Result<()>) {
    let (observed, destinations) = match observe(arguments) {
        Ok(observed) => observed,
        Err(error) => {
            let code = code_of(&error, OWN_FAILURE);
            return (Outcome::Code(code), Err(error));
        }
    };
    let Observed {
        document,
        recording,
    } = observed;
    let result = seen(&document).and_then(|()| destinations.write(&document));
    let result = result.and(recording);
    match (&result, document.exit) {
        (Err(_), _) => (Outcome::Code(OWN_FAILURE), result),
        (Ok(()), None) => (Outcome::Code(0), result),
        (Ok(()), Some(Exit::Code(code))) => (Outcome::Code(code.to_le_bytes()[0]), result),
        (Ok(()), Some(Exit::Signal(signal))) => (Outcome::Signal(signal), result),
    }
}

fn observe(arguments: &cli::Run) -> Result<(Observed, Destinations)> {
    // Wrong names are reported before anything runs.
    let recording = arguments.record.iter().map(|path| Place::recording(path));
    let output = &arguments.output;
    let destinations = Destinations::new(output, Fallback::Stderr, recording.collect())?;
    let deliver = deliver(destinations.clone());
    let observed = observe::observe(&options(arguments), deliver)?;
    Ok((observed, destinations))
}

/// Of processes that were followed there is something to report, unless they were gone
/// before, or are others to the probes.
fn seen(document: &Document) -> Result<()> {
    if !document.threads.is_empty() || document.attached.is_empty() {
        return Ok(());
    }
    let pids: Vec<String> = document.attached.iter().map(u32::to_string).collect();
    anyhow::bail!(
        "nothing was seen of process {}: it ended before it could be followed, or the kernel's \
         probes know it by another number",
        pids.join(", ")
    )
}

/// Where interim reports go: to where the last one goes.
fn deliver(destinations: Destinations) -> Deliver {
    let mut has_failed = false;
    Box::new(move |document| {
        if let Err(error) = destinations.write_everywhere(document)
            && !std::mem::replace(&mut has_failed, true)
        {
            super::warn(&format!("an interim report is missing: {error:#}"));
        }
    })
}

fn options(arguments: &cli::Run) -> Options {
    Options {
        subject: subject(arguments),
        highest_tier: highest(arguments.tier),
        stack_threshold: arguments.stack_threshold,
        ring_bytes: arguments.ring_size,
        max_threads: arguments.max_threads,
        measure_cost: arguments.cost,
        recording: arguments.record.clone(),
        reports: Wanted {
            every: arguments.every,
            signal: arguments.snapshot_signal,
        },
        analysis: super::analysis_settings(&arguments.output),
    }
}

fn subject(arguments: &cli::Run) -> Subject {
    if arguments.cmd.is_empty() {
        return Subject::Processes {
            pids: arguments.pid.clone(),
            duration: arguments.duration,
        };
    }
    Subject::Command {
        words: arguments.cmd.clone(),
        as_root: arguments.as_root,
        user: arguments.user.clone(),
        wait_all: arguments.wait_all,
    }
}

fn highest(tier: cli::Tier) -> Tier {
    match tier {
        cli::Tier::Full => Tier::Full,
        cli::Tier::Tracepoint => Tier::Tracepoint,
        cli::Tier::Raw => Tier::Raw,
    }
}
