//! `waitscope record`: a run becomes a recording, and nothing is reported.

use anyhow::{Context as _, Result};

use super::{
    OWN_FAILURE, Outcome, Usage, ended_as,
    places::{self, Place, is_stdout},
    replace,
    run::{command, plain_options},
};
use crate::{
    analysis,
    child::streams::Streams,
    cli,
    document::Exit,
    metrics,
    observe::{
        self, Options, Subject,
        recorder::{Keep, Recording},
        reports::{Wanted, interim},
    },
    recording::output,
    world::connection::Early,
};

/// What is kept in memory at most if that is not said, bytes.
const MOST_IN_MEMORY: u64 = 256 << 20;

/// Runs the command. The exit code is the traced command's own wherever waitscope did its
/// part.
pub fn record(arguments: &cli::Record) -> (Outcome, Result<()>) {
    ended_as(record_to_its_end(arguments), OWN_FAILURE)
}

fn record_to_its_end(arguments: &cli::Record) -> Result<Option<Exit>> {
    // What cannot be written is known before anything runs.
    check(arguments)?;
    let (observed, unobserved) = observe::observe(&options(arguments), interim(|_| {}))?;
    let exit = match unobserved {
        Some(unobserved) => unobserved.wait()?,
        None => observed.document.exit,
    };
    observed.recording.map(|()| exit)
}

fn check(arguments: &cli::Record) -> Result<()> {
    let path = &arguments.output;
    if is_stdout(path) {
        let sentence = "a recording goes to a file: stdout is the command's";
        return Err(Usage(sentence.to_owned()).into());
    }
    places::check([Place::recording(path)])?;
    let is_divided = arguments.max_size.is_some() || arguments.last.is_some();
    let part = output::part(path, output::next_part(path));
    for path in [path, &part].into_iter().take(1 + usize::from(is_divided)) {
        replace::check(path).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn keep(arguments: &cli::Record) -> Keep {
    match (arguments.last, arguments.max_size) {
        (Some(time), max_size) => Keep::Last {
            time,
            max_bytes: max_size.unwrap_or(MOST_IN_MEMORY),
            signal: arguments.signal.unwrap_or(nix::libc::SIGUSR2),
        },
        (None, Some(max_bytes)) => Keep::Parts {
            max_bytes,
            max_files: arguments.max_files.map(usize::from),
        },
        (None, None) => Keep::Whole,
    }
}

fn options(arguments: &cli::Record) -> Options {
    let keep = keep(arguments);
    let signal = match keep {
        Keep::Last { signal, .. } => Some(signal),
        Keep::Whole | Keep::Parts { .. } => None,
    };
    let subject = match arguments.cmd.is_empty() {
        true => Subject::Processes(super::selection(&arguments.processes, !arguments.no_tree)),
        false => command(
            arguments.cmd.clone(),
            &arguments.observation,
            Streams::default(),
        ),
    };
    // Nothing is analysed.
    let analysis = analysis::Settings {
        memory_bytes: 0,
        spill_folder: "/".into(),
        explain: Vec::new(),
        short_run_ns: metrics::SHORT_RUN_NS,
        early: Early::default(),
        keeps_trace: false,
        divides_run_queues: false,
        window: None,
        filter: None,
    };
    Options {
        delay: arguments.delay,
        duration: arguments.duration,
        recording: Some(Recording {
            path: arguments.output.clone(),
            keep,
        }),
        // It is ours, and not the command's.
        reports: Wanted {
            signal,
            ..Wanted::default()
        },
        is_reported: false,
        is_analysed: false,
        ..plain_options(subject, &arguments.observation, analysis)
    }
}
