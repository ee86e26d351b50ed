//! Observes a command or running processes: probes on, command released, rings
//! drained until it ends, snapshot, report.
//!
//! Knows nothing of the command line, nor of where reports go.

mod follow;
pub mod host;
mod pipeline;
mod python_scan;
mod queue;
pub mod reports;
mod session;
mod settings;
mod target;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};

use self::reports::{Deliver, Wanted};
use crate::{
    analysis,
    document::{Document, Tier},
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
    /// Measure the time inside the probes.
    pub measure_cost: bool,
    /// Where to keep a recording.
    pub recording: Option<PathBuf>,
    /// When interim reports are wanted.
    pub reports: Wanted,
    /// How the report is made.
    pub analysis: analysis::Settings,
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
    },
    /// Processes that run already.
    Processes {
        /// Their ids.
        pids: Vec<u32>,
        /// Stop after this time.
        duration: Option<Duration>,
    },
}

/// The outcome of an observation.
pub struct Observed {
    /// The report.
    pub document: Document,
    /// Whether the recording, if one was wanted, is complete.
    pub recording: Result<()>,
}

/// Observes until the command or the processes have ended. `deliver` gets the interim
/// reports, in a thread of its own, and the last of them before this returns.
pub fn observe(options: &Options, deliver: Deliver) -> Result<Observed> {
    if let Some(obstacle) = privilege::obstacle() {
        bail!("{obstacle}");
    }
    clock::find_offset()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .context("cannot start the event loop")?;
    runtime.block_on(session::observe(options, deliver))
}
