//! `waitscope record`: a run becomes a recording, and nothing is reported.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};

use super::{
    OWN_FAILURE, Outcome, Usage, WRONG_USAGE,
    check::{Shown, add_verdicts, claims::Claims, of_report},
    ended_as,
    places::{self, Place, is_stdout},
    replace,
    run::{command, plain_options},
};
use crate::{
    analysis,
    child::streams::Streams,
    cli,
    document::{Decision, Document, Exit},
    observe::{
        self, Options, Subject,
        recorder::{Keep, Recording},
        reports::{Wanted, interim},
    },
    recording::output,
};

/// What is kept in memory at most if that is not said, bytes.
const MOST_IN_MEMORY: u64 = 256 << 20;

/// What is analysed for claims is kept in memory up to this, bytes.
const MOST_ANALYSED: u64 = 512 << 20;

/// Runs the command. The exit code is the traced command's own wherever waitscope did its
/// part.
pub fn record(arguments: &cli::Record) -> (Outcome, Result<()>) {
    match record_to_its_end(arguments) {
        Err(error) if error.is::<Shown>() => (Outcome::Code(WRONG_USAGE), Ok(())),
        result => ended_as(result, OWN_FAILURE),
    }
}

fn record_to_its_end(arguments: &cli::Record) -> Result<Option<Exit>> {
    // What cannot be written is known before anything runs.
    check(arguments)?;
    let claims = of_report(&arguments.when)?;
    let asked = Arc::new(AtomicBool::new(false));
    let options = options(arguments, asked.clone());
    let mut wrong = BTreeSet::new();
    let (observed, unobserved) = observe::observe(
        &options,
        interim(move |document| {
            let found = newly_wrong(&claims, document, &mut wrong);
            if !found.is_empty() {
                super::warn(&format!("WRONG by now: {}", found.join(", ")));
                asked.store(true, Ordering::Relaxed);
            }
        }),
    )?;
    let exit = match unobserved {
        Some(unobserved) => unobserved.wait()?,
        None => observed.document.exit,
    };
    observed.recording.map(|()| exit)
}

/// Ids of claims that are WRONG of a report, and have not been of one before.
fn newly_wrong(
    claims: &Option<Claims>,
    document: &mut Document,
    wrong: &mut BTreeSet<String>,
) -> Vec<String> {
    document.asked_so_far = true;
    // What is wrong with the claims themselves has been shown.
    let _is_sound = add_verdicts(claims, document);
    let verdicts = document.claims.iter().flatten();
    let found = verdicts.filter(|verdict| verdict.verdict == Decision::Wrong);
    let new = found.filter(|verdict| wrong.insert(verdict.id.clone()));
    new.map(|verdict| verdict.id.clone()).collect()
}

fn check(arguments: &cli::Record) -> Result<()> {
    let path = &arguments.output;
    if is_stdout(path) {
        let sentence = "a recording goes to a file: stdout is the command's";
        return Err(Usage(sentence.to_owned()).into());
    }
    let claims = arguments.when.iter().map(|path| Place::input(path));
    places::check(claims.chain([Place::recording(path)]))?;
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

/// How often claims are asked about, at most.
const ASK_EVERY: Duration = Duration::from_secs(1);

fn options(arguments: &cli::Record, asked: Arc<AtomicBool>) -> Options {
    let keep = keep(arguments);
    let signal = match keep {
        Keep::Last { signal, .. } => Some(signal),
        Keep::Whole | Keep::Parts { .. } => None,
    };
    let subject = match arguments.cmd.is_empty() {
        true => Subject::Processes(super::selection(
            &arguments.processes,
            !arguments.account.no_tree,
        )),
        false => command(
            arguments.cmd.clone(),
            &arguments.observation,
            Streams::default(),
        ),
    };
    let is_analysed = !arguments.when.is_empty();
    let analysis = analysis::Settings {
        divides_run_queues: is_analysed,
        ..analysis::Settings::new(MOST_ANALYSED, super::spill_folder())
    };
    Options {
        delay: arguments.account.delay,
        duration: arguments.account.duration,
        recording: Some(Recording {
            path: arguments.output.clone(),
            keep,
            asked,
        }),
        // It is ours, and not the command's.
        reports: Wanted {
            signal,
            every: is_analysed.then_some(ASK_EVERY),
            ..Wanted::default()
        },
        is_reported: false,
        is_analysed,
        ..plain_options(subject, &arguments.observation, analysis)
    }
}
