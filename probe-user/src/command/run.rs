//! `waitscope run`: the arguments become options, the report goes where it is wanted.

use std::{ffi::OsString, sync::Arc, time::Duration};

use anyhow::Result;

use super::{
    OWN_FAILURE, Outcome, WRONG_USAGE,
    capture::{self, Captured},
    check::{self, Shown},
    destination::Fallback,
    ended_as, origin,
    output::Destinations,
    places::Place,
    progress::Progress,
    top::{self, Watch},
};
use crate::{
    analysis,
    child::streams::Streams,
    cli,
    document::{Document, Exit, Tier},
    observe::{
        self, Observed, Options, Subject, Unobserved,
        recorder::Recording,
        reports::{Make, Wanted, interim},
    },
};

/// Runs the command. The exit code is the traced command's own wherever
/// waitscope did its part.
pub fn run(arguments: &cli::Run) -> (Outcome, Result<()>) {
    match run_to_its_end(arguments) {
        Err(error) if error.is::<Shown>() => (Outcome::Code(WRONG_USAGE), Ok(())),
        result => ended_as(result, OWN_FAILURE),
    }
}

/// What there is when the observation is over.
struct Ended {
    observed: Observed,
    unobserved: Option<Unobserved>,
    destinations: Destinations,
    captured: Option<Captured>,
}

/// Observes, writes the report, and waits for a command that runs on. Returns how it ended.
fn run_to_its_end(arguments: &cli::Run) -> Result<Option<Exit>> {
    // Wrong names and files are reported before anything runs.
    let claims = check::of_report(&arguments.check)?;
    let Ended {
        observed,
        unobserved,
        destinations,
        captured,
    } = observe(arguments)?;
    let Observed {
        mut document,
        recording,
    } = observed;
    let is_sound = check::add_verdicts(&claims, &mut document);
    if document.trace.is_some() {
        document.recording = arguments.record.as_deref().and_then(origin::of);
    }
    // The run is over: better a report of all than none.
    if let Err(error) = destinations.select(&mut document) {
        super::warn(&format!("{error}: the report is of all threads"));
    }
    destinations.name_frames(&mut document);
    let result = seen(&document, arguments.account.delay)
        .and_then(|()| destinations.write(&document, &Progress::start()));
    let result = result.and(recording).and(is_sound);
    let exit = match unobserved {
        Some(unobserved) => unobserved.wait()?,
        None => document.exit,
    };
    if let Some(captured) = captured {
        captured.end();
    }
    result.map(|()| exit)
}

fn observe(arguments: &cli::Run) -> Result<Ended> {
    let recording = arguments.record.iter().map(|path| Place::recording(path));
    let claims = arguments.check.iter().map(|path| Place::input(path));
    let captured = arguments.command_output.as_deref().map(capture::place);
    let others = recording.chain(claims).chain(captured).collect();
    let destinations = Destinations::new(&arguments.output, Fallback::Stderr, others)?;
    let captured = captured_if_watched(arguments)?;
    let mut options = options(arguments, captured.as_ref())?;
    options.analysis.wanted = destinations.wanted();
    let (observed, unobserved) = match arguments.watch {
        true => watch(&options)?,
        false => observe::observe(&options, deliver(destinations.clone()))?,
    };
    Ok(Ended {
        observed,
        unobserved,
        destinations,
        captured,
    })
}

/// Where the output of a command goes while the screen has the terminal.
fn captured_if_watched(arguments: &cli::Run) -> Result<Option<Captured>> {
    if !arguments.watch {
        return Ok(None);
    }
    top::check_screen()?;
    let name = arguments.command_output.as_deref();
    let is_command = !arguments.cmd.is_empty();
    is_command.then(|| Captured::new(name)).transpose()
}

/// Observes while the screen shows it.
fn watch(options: &Options) -> Result<(Observed, Option<Unobserved>)> {
    let recording = options.recording.as_ref();
    let recording = recording.map(|recording| recording.path.clone());
    let (watch, make) = Watch::start(recording)?;
    let observed = observe::observe(options, make);
    let shown = watch.end();
    let observed = observed?;
    // There is a report all the same.
    if let Err(error) = shown {
        super::warn(&format!("the screen failed: {error:#}"));
    }
    Ok(observed)
}

/// There is something to report, unless it was over before the account began. Of
/// processes that were followed, they may also be others to the probes.
fn seen(document: &Document, delay: Duration) -> Result<()> {
    if !document.threads.is_empty() {
        return Ok(());
    }
    let is_command = document.attached.is_empty();
    if !delay.is_zero() {
        let sentence = "nothing was observed: the end came before --delay was over";
        anyhow::ensure!(is_command, sentence);
        super::warn(sentence);
    }
    if is_command {
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
fn deliver(destinations: Destinations) -> Make {
    let mut has_failed = false;
    interim(move |document| {
        // Those that are wanted may be still to come.
        if destinations.select(document).is_err() {
            return;
        }
        destinations.name_frames(document);
        if let Err(error) = destinations.write_everywhere(document, &Progress::none())
            && !std::mem::replace(&mut has_failed, true)
        {
            super::warn(&format!("an interim report is missing: {error:#}"));
        }
    })
}

fn options(arguments: &cli::Run, captured: Option<&Captured>) -> Result<Options> {
    let output = &arguments.output;
    let streams = captured.map(Captured::streams).transpose()?;
    let analysis = analysis::Settings {
        filter: super::wait_filter(output, !arguments.check.is_empty())?,
        ..super::analysis_settings(&output.analysis, &output.explain)
    };
    Ok(Options {
        delay: arguments.account.delay,
        duration: arguments.account.duration,
        recording: arguments.record.clone().map(Recording::whole),
        reports: match arguments.watch {
            true => Watch::wanted(),
            false => Wanted {
                every: arguments.every,
                at_once: false,
                signal: arguments.snapshot_signal,
            },
        },
        ..plain_options(
            subject(arguments, streams.unwrap_or_default()),
            &arguments.observation,
            analysis,
        )
    })
}

/// Without a recording, interim reports, delay and end.
pub(super) fn plain_options(
    subject: Subject,
    observation: &cli::Observation,
    analysis: analysis::Settings,
) -> Options {
    Options {
        subject,
        highest_tier: observation.tier.into(),
        stack_threshold: observation.stack_threshold,
        ring_bytes: observation.ring_size,
        max_threads: observation.max_threads,
        exact_descriptors: observation.fds,
        describes_descriptors: observation.per_fd,
        user_stacks: observation.user_stacks,
        measure_cost: observation.cost,
        delay: Duration::ZERO,
        duration: None,
        recording: None,
        reports: Wanted::default(),
        enough: Arc::default(),
        is_reported: true,
        is_analysed: true,
        analysis,
        notice: super::warn,
    }
}

fn subject(arguments: &cli::Run, streams: Streams) -> Subject {
    if arguments.cmd.is_empty() {
        let selection = super::selection(&arguments.processes, !arguments.account.no_tree);
        return Subject::Processes(selection);
    }
    command(arguments.cmd.clone(), &arguments.observation, streams)
}

/// A command that is to be run.
pub(super) fn command(
    words: Vec<OsString>,
    observation: &cli::Observation,
    streams: Streams,
) -> Subject {
    Subject::Command {
        words,
        as_root: observation.as_root,
        user: observation.user.clone(),
        wait_all: observation.wait_all,
        streams,
    }
}

impl From<cli::Tier> for Tier {
    fn from(tier: cli::Tier) -> Tier {
        match tier {
            cli::Tier::Full => Tier::Full,
            cli::Tier::Tracepoint => Tier::Tracepoint,
            cli::Tier::Raw => Tier::Raw,
        }
    }
}
