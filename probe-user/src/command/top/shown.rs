//! Ticks shown on a thread of their own while they are made: on the screen, or one behind the
//! other.

use std::{
    path::PathBuf,
    sync::mpsc::{self, Receiver, Sender},
    thread::{self, JoinHandle},
};

use anyhow::{Result, bail};
use nix::sys::signal::{SigSet, SigmaskHow};

use super::{
    files,
    print::Printer,
    terminal::{self, Control, Source, Wanted},
};
use crate::{cli::Color, command::destination::Destination, document::top::Tick};

/// How ticks are shown.
pub enum Shows {
    /// On the screen.
    Screen {
        /// What they are of.
        source: Source,
        /// A recording that is kept.
        recording: Option<PathBuf>,
    },
    /// One behind the other.
    Prints(Printer),
}

/// How that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// There was a tick.
    pub any: bool,
    /// Those who look at them want no more.
    pub enough: bool,
}

/// The thread that shows ticks.
pub struct Shown {
    thread: JoinHandle<Result<Ending>>,
    control: Control,
}

impl Shown {
    /// Starts it. It shows what is sent until nobody can send any more, or until it is
    /// [enough](Ending::enough) or fails; then it calls `enough`.
    pub fn start(
        shows: Shows,
        enough: impl FnOnce() + Send + 'static,
    ) -> Result<(Shown, Sender<Tick>)> {
        let (sender, receiver) = mpsc::channel();
        let control = Control::default();
        let thread = {
            let control = control.clone();
            beside(move || {
                let ending = shows.all(&receiver, &control);
                if ending.as_ref().map_or(true, |ending| ending.enough) {
                    enough();
                }
                ending
            })?
        };
        Ok((Shown { thread, control }, sender))
    }

    /// Waits until all has been shown and the terminal is given back.
    pub fn end(self) -> Result<Ending> {
        // Nobody makes one any more.
        self.control.over();
        let ending = self.thread.join();
        ending.unwrap_or_else(|_| bail!("what shows the ticks ended unexpectedly"))
    }
}

/// Starts a thread that gets no signal: what observes reads them.
fn beside<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Result<JoinHandle<T>> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let thread = thread::Builder::new().name("show".to_owned()).spawn(body);
    before.thread_set_mask()?;
    Ok(thread?)
}

impl Shows {
    fn all(&self, ticks: &Receiver<Tick>, control: &Control) -> Result<Ending> {
        match self {
            Shows::Prints(printer) => {
                let mut enough = true;
                let until_over = std::iter::from_fn(|| {
                    let tick = ticks.recv().ok();
                    enough = tick.is_some();
                    tick.map(Ok)
                });
                let any = printer.print(until_over)? > 0;
                Ok(Ending { any, enough })
            }
            Shows::Screen { source, recording } => {
                let colors = Destination::Stdout.is_colored(Color::Auto);
                let mut write = |wanted: Wanted<'_>| files::write(&wanted, recording.as_deref());
                terminal::show(ticks, *source, control, colors, &mut write)
            }
        }
    }
}
