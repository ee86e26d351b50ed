//! How far a long work is, on stderr where that is a terminal: nothing in the first second,
//! nothing into a pipe, and nothing of it stays. What is printed meanwhile is printed
//! inside [`Progress::aside`], or behind its end.

use std::{
    env,
    io::{self, IsTerminal as _, Read},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes no longer is not worth a line.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two pictures.
const TICK: Duration = Duration::from_millis(100);
/// Where the length is known, and where it is not.
const OF_BYTES: &str = "{msg} {wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left";
const STEP: &str = "{spinner} {msg}, {elapsed} so far";

/// The progress of one work, step by step. Its end clears what is drawn.
pub struct Progress {
    bar: ProgressBar,
    waits: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// The work begins. What is drawn begins a second later, if it has not ended.
    pub fn start() -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let waits = (io::stderr().is_terminal() && !dumb).then(|| {
            let (ended, end) = channel();
            let bar = bar.clone();
            let waits = thread::spawn(move || {
                if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                    bar.enable_steady_tick(TICK);
                }
            });
            (ended, waits)
        });
        Progress { bar, waits }
    }

    /// Nothing is drawn.
    pub fn none() -> Progress {
        Progress {
            bar: ProgressBar::hidden(),
            waits: None,
        }
    }

    /// A step of which it is known how many bytes it has.
    pub fn bytes(&self, what: &str, len: u64) {
        self.begin(what, OF_BYTES);
        self.bar.set_length(len);
    }

    /// A step of which only that it goes on is known.
    pub fn step(&self, what: &str) {
        self.begin(what, STEP);
        self.bar.unset_length();
    }

    fn begin(&self, what: &str, template: &str) {
        let style = ProgressStyle::with_template(template);
        self.bar
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar
            .set_message(crate::view::sanitize::text(what).into_owned());
        self.bar.set_position(0);
        self.bar.reset_elapsed();
        self.bar.reset_eta();
    }

    /// Counts the bytes that are read.
    pub fn reading<R: Read + Send>(&self, input: R) -> impl Read + Send + use<R> {
        self.bar.wrap_read(input)
    }

    /// Does something while nothing is drawn.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((ended, waits)) = self.waits.take() {
            drop(ended);
            // It draws nothing any more.
            let _ended = waits.join();
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_what_is_read_and_shows_nothing_to_a_pipe() {
        // Whatever stderr is, it is over before anything would be drawn.
        let progress = Progress::start();
        progress.bytes("reading run.wsc", 10);
        let mut text = String::new();
        let mut input = progress.reading(&b"0123456789"[..]);
        input.read_to_string(&mut text).unwrap();
        assert_eq!(text.len() as u64, progress.bar.position());
        progress.step("making the report");
        assert_eq!((progress.bar.position(), progress.bar.length()), (0, None));
        assert_eq!(progress.aside(|| 5), 5);
    }

    #[test]
    fn progress_templates_are_valid() {
        for template in [OF_BYTES, STEP] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
