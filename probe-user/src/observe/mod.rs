//! Observes a command or running processes: probes on, command released, rings
//! drained until it ends, snapshot, report.
//!
//! Knows nothing of the command line, nor of where reports go.

pub mod around;
mod follow;
pub mod host;
mod listening;
mod memory;
mod netstat;
mod pipeline;
mod python_scan;
mod queue;
pub mod recorder;
pub mod reports;
mod rotation;
pub mod select;
mod session;
mod settings;
mod target;

use std::{ffi::OsString, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use tokio::{runtime::Runtime, sync::Notify};

pub use self::session::EndedBy;
use self::{
    follow::Followed,
    recorder::Recording,
    reports::{Make, Wanted},
    select::Selection,
};
use crate::{
    analysis,
    child::{signals::Signals, streams::Streams},
    document::{Document, Exit, Tier},
    probe::{clock, privilege},
};

/// What to observe, and how.
#[derive(Debug)]
pub struct Options {
    /// What to observe.
    pub subject: Subject,
    /// The best tier that may be used.
    pub highest_tier: Tier,
    /// Sleeps at least this long carry both kernel stacks.
    pub stack_threshold: Duration,
    /// Size of each ring, bytes; `None` for one that suits the machine.
    pub ring_bytes: Option<u32>,
    /// Threads that can be followed at once.
    pub max_threads: u32,
    /// Look at descriptor tables behind every system call.
    pub exact_descriptors: bool,
    /// Describe each open descriptor of a table at its last look.
    pub describes_descriptors: bool,
    /// Take the user stack of each sleep.
    pub user_stacks: bool,
    /// Measure the time inside the probes.
    pub measure_cost: bool,
    /// How long after its beginning the observation's account begins.
    pub delay: Duration,
    /// How long the account goes on at most.
    pub duration: Option<Duration>,
    /// What to keep of it, and where.
    pub recording: Option<Recording>,
    /// When interim reports, or what else is made meanwhile, are wanted.
    pub reports: Wanted,
    /// The observation ends when this is notified; a command may run on.
    pub enough: Arc<Notify>,
    /// A report is made in the end.
    pub is_reported: bool,
    /// It is looked at while it runs or in the end; else it is only recorded.
    pub is_analysed: bool,
    /// How the report is made.
    pub analysis: analysis::Settings,
    /// Says a sentence to the user.
    pub notice: fn(&str),
}

/// What is observed.
#[derive(Debug)]
pub enum Subject {
    /// A command, which is run.
    Command {
        /// Program and arguments.
        words: Vec<OsString>,
        /// Run it as root, also under sudo.
        as_root: bool,
        /// Run it as this user.
        user: Option<String>,
        /// Observe until all that it has started has ended.
        wait_all: bool,
        /// What it gets in the place of our standard descriptors.
        streams: Streams,
    },
    /// Processes that run already.
    Processes(Selection),
    /// All that run, and what they start.
    Everything,
}

/// The recording could not be written on, which was said when it happened.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the recording is incomplete")]
pub struct Incomplete;

/// The outcome of an observation.
pub struct Observed {
    /// The report.
    pub document: Document,
    /// Whether the recording, if one was wanted, is complete.
    pub recording: Result<()>,
}

/// A command that runs on when its observation is over.
pub struct Unobserved {
    followed: Followed,
    signals: Signals,
    /// A signal that is ours.
    own: Option<i32>,
    runtime: Runtime,
}

impl Unobserved {
    /// Passes signals on to it until it ends, and says how.
    pub fn wait(mut self) -> Result<Option<Exit>> {
        let until_gone = self.followed.until_gone(&mut self.signals, self.own);
        self.runtime.block_on(until_gone)?;
        Ok(self.followed.exit())
    }
}

/// Observes until the command or the processes have ended, time is up or no more is wanted:
/// then a command may run on. `make` makes what is wanted meanwhile; the last of it is
/// delivered before this returns.
pub fn observe(options: &Options, make: Make) -> Result<(Observed, Option<Unobserved>)> {
    if let Some(obstacle) = privilege::obstacle() {
        bail!("{obstacle}");
    }
    clock::find_offset()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .context("cannot start the event loop")?;
    match runtime.block_on(session::observe(options, make)) {
        Ok((observed, Some((followed, signals)))) => {
            let unobserved = Unobserved {
                followed,
                signals,
                own: options.reports.signal,
                runtime,
            };
            Ok((observed, Some(unobserved)))
        }
        done => {
            // An analysis that was ended may go on for a while.
            runtime.shutdown_background();
            done.map(|(observed, _)| (observed, None))
        }
    }
}
