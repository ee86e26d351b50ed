//! `waitscope check`: claims and runs become verdicts.

pub(super) mod claims;
mod expected;
mod output;
mod runs;
mod scripts;

use std::path::PathBuf;

use anyhow::{Error, Result, bail};

use self::{
    claims::Claims,
    expected::Expected,
    output::Outputs,
    runs::{Inputs, Run},
    scripts::Scripts,
};
use super::{OWN_FAILURE, Outcome, Usage, WRONG_USAGE, code_of, destination::print, ended};
use crate::{
    claim::{
        file::{Given, ONLY_RUN},
        packs::PACKS,
    },
    cli::{self, CheckFormat},
    document::{Check, Decision, Document},
    observe::EndedBy,
    view::metrics,
};

/// Some are WRONG or PARTIAL; or not as expected.
const REFUTED: u8 = 1;
/// None of them, but some are NOT SEEN or CANNOT TELL.
const UNDECIDED: u8 = 3;

/// A file is wrong, as was shown on stderr.
#[derive(Debug, thiserror::Error)]
#[error("a claim file is wrong")]
pub(super) struct Shown;

/// Runs the command.
pub fn check(arguments: &cli::Check) -> (Outcome, Result<()>) {
    if let Some(listed) = list(arguments) {
        return ended(listed);
    }
    let error = match check_to_the_end(arguments) {
        Ok(code) => return (Outcome::Code(code), Ok(())),
        Err(error) => error,
    };
    if error.is::<Shown>() {
        return (Outcome::Code(WRONG_USAGE), Ok(()));
    }
    match error.downcast_ref() {
        Some(&EndedBy(signal)) => (Outcome::Signal(signal), Err(error)),
        None => (Outcome::Code(code(&error)), Err(error)),
    }
}

/// Reads the claims that a report shall end with; `None` where there are none.
pub(super) fn of_report(paths: &[PathBuf]) -> Result<Option<Claims>> {
    let is_wanted = !paths.is_empty();
    let claims = is_wanted.then(|| Claims::read(paths, &[], Given::One));
    claims.transpose()
}

/// Adds the verdicts on them to the report of their run.
pub(super) fn add_verdicts(claims: &Option<Claims>, document: &mut Document) -> Result<()> {
    let Some(claims) = claims else { return Ok(()) };
    let (verdicts, is_sound) = claims.verdicts(&[(ONLY_RUN, document)]);
    document.claims = Some(verdicts);
    is_sound
}

/// What is only asked about claims.
fn list(arguments: &cli::Check) -> Option<Result<()>> {
    if arguments.list_metrics {
        return Some(list_metrics(arguments.format));
    }
    if arguments.list_packs {
        let lines = PACKS
            .iter()
            .map(|pack| format!("{:<22}{}\n", pack.name, pack.about));
        return Some(print("the packs", lines.collect::<String>().as_bytes()));
    }
    let name = arguments.show_pack.as_ref()?;
    Some(runs::pack(name).and_then(|pack| print("the pack", pack.text.as_bytes())))
}

fn list_metrics(format: Option<CheckFormat>) -> Result<()> {
    let list = match format {
        None | Some(CheckFormat::Table) => metrics::text(),
        Some(CheckFormat::Json) => metrics::json(),
        Some(CheckFormat::Markdown) => metrics::markdown(),
        Some(CheckFormat::Junit) => bail!(Usage("a list of metrics is no JUnit XML".to_owned())),
    };
    print("the metrics", list.as_bytes())
}

/// A command that cannot be run is a failure like another.
fn code(error: &Error) -> u8 {
    match error.is::<Usage>() {
        true => code_of(error, OWN_FAILURE),
        false => OWN_FAILURE,
    }
}

fn check_to_the_end(arguments: &cli::Check) -> Result<u8> {
    // All that can be wrong is reported before anything runs.
    let inputs = Inputs::new(arguments)?;
    let names = inputs.names();
    let claims = Claims::read(&inputs.claims, &inputs.packs, inputs.given(&names))?;
    let expected = arguments.expect.as_deref();
    let expected = expected
        .map(|path| Expected::read(path, &claims))
        .transpose()?;
    let mut scripts = Scripts::default();
    let commands = inputs.commands(&claims, arguments, &mut scripts)?;
    let outputs = Outputs::new(arguments, &inputs, &commands)?;

    let runs = runs::all(&inputs, &claims, &commands, arguments)?;
    let named: Vec<(&str, &Document)> = runs.iter().map(Run::named).collect();
    let (verdicts, is_sound) = claims.verdicts(&named);
    let check = Check {
        file: claims.names().next().unwrap_or_default(),
        files: match claims.names().count() {
            1 => Vec::new(),
            _ => claims.names().collect(),
        },
        runs: runs.iter().map(Run::described).collect(),
        claims: verdicts,
    };
    outputs.write(&check)?;
    is_sound?;
    match expected {
        Some(expected) => Ok(expected.compare(&check)),
        None => Ok(code_of_verdicts(&check)),
    }
}

fn code_of_verdicts(check: &Check) -> u8 {
    let codes = check.claims.iter().map(|claim| match claim.verdict {
        Decision::Correct => 0,
        Decision::Partial | Decision::Wrong => REFUTED,
        Decision::NotSeen | Decision::CannotTell => UNDECIDED,
    });
    let codes: Vec<u8> = codes.collect();
    let worst = [REFUTED, UNDECIDED]
        .into_iter()
        .find(|code| codes.contains(code));
    worst.unwrap_or(0)
}
