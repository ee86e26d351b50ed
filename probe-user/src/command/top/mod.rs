//! `waitscope top`: ticks of the machine, of some processes, or of a command.

mod files;
mod keyboard;
mod print;
mod replay;
mod shown;
mod signals;
mod terminal;
mod ticks;

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Result, bail};
use tokio::sync::Notify;

use self::{
    print::Printer,
    shown::{Ending, Shown, Shows},
    terminal::Source,
    ticks::Ticks,
};
use super::{
    FAILURE, OWN_FAILURE, Outcome,
    capture::{self, Captured},
    ended_as, places,
};
use crate::{
    analysis,
    child::streams::Streams,
    cli::top::Top,
    document::Exit,
    observe::{
        self, Options, Subject, host,
        recorder::Recording,
        reports::{self, Make},
        select::{self, Selection},
    },
};

/// Runs the command. The exit code is the traced command's own if there is one and its end was
/// waited for.
pub fn top(arguments: &Top) -> (Outcome, Result<()>) {
    let failure = match arguments.cmd.is_empty() {
        true => FAILURE,
        false => OWN_FAILURE,
    };
    ended_as(show(arguments), failure)
}

fn show(arguments: &Top) -> Result<Option<Exit>> {
    if let Some(file) = &arguments.replay {
        return replay::show(file, arguments).map(|()| None);
    }
    let shows = shows(arguments)?;
    host::keep_little_memory();
    let captured = captured(arguments, &shows)?;
    let enough = Arc::new(Notify::new());
    let options = options(arguments, captured.as_ref(), enough.clone())?;
    let (shown, sender) = Shown::start(shows, move || enough.notify_one())?;
    let make = Ticks::new(arguments.window, sender).make();
    let observed = observe::observe(&options, make);
    let shown = shown.end();
    let (observed, unobserved) = observed?;
    let exit = match unobserved {
        Some(unobserved) => {
            super::warn("the command goes on, and is waited for: Ctrl-C ends it");
            unobserved.wait()?;
            None
        }
        None => observed.document.exit,
    };
    if let Some(captured) = captured {
        captured.end();
    }
    shown.and_then(|ending| seen(ending, arguments))?;
    observed.recording.map(|()| exit)
}

/// There was a tick, unless it was all over before.
fn seen(ending: Ending, arguments: &Top) -> Result<()> {
    match arguments.cmd.is_empty() {
        _ if ending.any || ending.enough => Ok(()),
        true => bail!("it was over before the first tick"),
        false => {
            super::warn("the command ended before the first tick");
            Ok(())
        }
    }
}

fn shows(arguments: &Top) -> Result<Shows> {
    let is_batch = arguments.batch || arguments.once || arguments.format.is_some();
    if !is_batch && io::stdout().is_terminal() {
        terminal::check()?;
        return Ok(Shows::Screen {
            source: match arguments.cmd.is_empty() {
                true => Source::Machine,
                false => Source::Run,
            },
            recording: arguments.record.clone(),
        });
    }
    if !is_batch {
        super::warn("stdout is not a terminal: as with --batch");
    }
    Ok(Shows::Prints(Printer::new(arguments)))
}

/// Where the command's output goes, if not to the terminal or among the tables.
fn captured(arguments: &Top, shows: &Shows) -> Result<Option<Captured>> {
    let name = arguments.command_output.as_deref();
    let is_screen = matches!(shows, Shows::Screen { .. });
    if arguments.cmd.is_empty() || !(is_screen || name.is_some()) {
        return Ok(None);
    }
    places::check(name.map(capture::place))?;
    Captured::new(name).map(Some)
}

/// Whether there is a terminal for a screen.
pub fn check_screen() -> Result<()> {
    Ok(terminal::check()?)
}

/// The screen beside a run, of which all is kept for its report.
pub struct Watch {
    shown: Shown,
}

fn goes_on() {
    super::warn("the run goes on, and its report comes at the end: Ctrl-C ends it");
}

/// The window of a run that is watched, as of `top`.
const WINDOW: Duration = Duration::from_secs(10);
/// Between two ticks of it, as of `top`.
const DELAY: Duration = Duration::from_secs(1);

impl Watch {
    /// Takes the terminal, which has been [checked](check_screen); returns what makes the ticks.
    pub fn start(recording: Option<PathBuf>) -> Result<(Watch, Make)> {
        let source = Source::Run;
        let (shown, sender) = Shown::start(Shows::Screen { source, recording }, goes_on)?;
        let make = Ticks::new(WINDOW, sender).keeping_all().make();
        Ok((Watch { shown }, make))
    }

    /// When they are wanted.
    pub fn wanted() -> reports::Wanted {
        wanted(DELAY)
    }

    /// Gives the terminal back.
    pub fn end(self) -> Result<()> {
        self.shown.end().map(|_| ())
    }
}

/// A tick as soon as can be, and then again and again.
fn wanted(every: Duration) -> reports::Wanted {
    reports::Wanted {
        every: Some(every),
        at_once: true,
        signal: None,
    }
}

/// Twice as many as there are.
fn most_threads() -> u32 {
    const FEWEST: u32 = 65_536;
    const MOST: u32 = 4_194_304;
    let twice = host::threads().unwrap_or(0).saturating_mul(2);
    twice.clamp(FEWEST, MOST)
}

fn options(arguments: &Top, captured: Option<&Captured>, enough: Arc<Notify>) -> Result<Options> {
    let streams = captured.map(Captured::streams).transpose()?;
    Ok(Options {
        subject: subject(arguments, streams.unwrap_or_default())?,
        highest_tier: arguments.tier.into(),
        stack_threshold: arguments.stack_threshold,
        ring_bytes: arguments.ring_size,
        max_threads: arguments.max_threads.unwrap_or_else(most_threads),
        exact_descriptors: false,
        describes_descriptors: false,
        user_stacks: false,
        measure_cost: false,
        delay: Duration::ZERO,
        duration: None,
        recording: arguments.record.clone().map(Recording::whole),
        reports: wanted(arguments.delay),
        enough,
        is_reported: false,
        is_analysed: true,
        analysis: analysis::Settings {
            divides_run_queues: false,
            ..analysis::Settings::new(u64::MAX, "/".into())
        },
        notice: super::warn,
    })
}

fn subject(arguments: &Top, streams: Streams) -> Result<Subject> {
    if !arguments.cmd.is_empty() {
        return Ok(Subject::Command {
            words: arguments.cmd.clone(),
            as_root: arguments.as_root,
            user: None,
            wait_all: false,
            streams,
        });
    }
    let mut selection = super::selection(&arguments.processes, true);
    for user in &arguments.user {
        selection.pids.extend(select::of_user(user)?);
    }
    let is_narrowed = selection
        != Selection {
            tree: true,
            ..Selection::default()
        };
    Ok(match is_narrowed {
        true => Subject::Processes(selection),
        false => Subject::Everything,
    })
}
