//! `waitscope run`: the arguments become options, the report goes where it is wanted.

use anyhow::Result;

use super::{
    OWN_FAILURE, Outcome, code_of,
    output::{Destinations, Fallback},
};
use crate::{
    cli,
    document::{Exit, Tier},
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
    let result = destinations.write(&document).and(recording);
    match (&result, document.exit) {
        (Err(_), _) => (Outcome::Code(OWN_FAILURE), result),
        (Ok(()), None) => (Outcome::Code(0), result),
        (Ok(()), Some(Exit::Code(code))) => (Outcome::Code(code.to_le_bytes()[0]), result),
        (Ok(()), Some(Exit::Signal(signal))) => (Outcome::Signal(signal), result),
    }
}

fn observe(arguments: &cli::Run) -> Result<(Observed, Destinations)> {
    // Wrong names are reported before anything runs.
    let destinations = Destinations::new(&arguments.output, Fallback::Stderr)?;
    let deliver = deliver(destinations.clone());
    let observed = observe::observe(&options(arguments), deliver)?;
    Ok((observed, destinations))
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
    }
}

fn highest(tier: cli::Tier) -> Tier {
    match tier {
        cli::Tier::Full => Tier::Full,
        cli::Tier::Tracepoint => Tier::Tracepoint,
        cli::Tier::Raw => Tier::Raw,
    }
}
