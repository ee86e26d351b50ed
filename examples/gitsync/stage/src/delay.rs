//! A delay of every connection, by the server's access hook.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How long a server lets each client wait before it serves it.
pub struct Delay {
    time: Duration,
    log: PathBuf,
}

impl Delay {
    /// A delay by `time`; how long each one really was goes into `log`.
    pub fn new(time: Duration, log: PathBuf) -> Self {
        Self { time, log }
    }

    /// How long each connection was really delayed so far: never less than asked
    /// for, and more on a busy machine.
    pub fn delays(&self) -> Result<Vec<Duration>> {
        let log = match fs::read_to_string(&self.log) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            log => log.with_context(|| format!("cannot read {}", self.log.display()))?,
        };
        let ns = |line: &str| line.parse().map(Duration::from_nanos);
        let delays: Result<_, _> = log.lines().map(ns).collect();
        delays.with_context(|| format!("{} has {log:?}", self.log.display()))
    }

    pub(crate) fn apply(&self, daemon: &mut Command) {
        let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join("delay");
        daemon
            .arg(access_hook(&hook))
            .env("GITSYNC_DELAY_S", self.time.as_secs_f64().to_string())
            .env("GITSYNC_DELAY_LOG", &self.log);
    }
}

/// git gives the hook to a shell.
fn access_hook(hook: &Path) -> OsString {
    let quoted = hook.to_string_lossy().replace('\'', r"'\''");
    format!("--access-hook='{quoted}'").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Stage;

    #[test]
    fn a_delayed_server_lets_every_client_wait_and_says_for_how_long() {
        let scratch = tempfile::tempdir().unwrap();
        let stage = Stage::build(scratch.path(), 1).unwrap();
        let time = Duration::from_millis(50);
        let delay = Delay::new(time, scratch.path().join("delays"));
        let server = stage.serve("log", Some(&delay)).unwrap();
        assert_eq!(delay.delays().unwrap(), []);
        let clones = scratch.path().join("clones");
        stage.clone_all(&server, 1, &clones).unwrap();
        stage.clone_all(&server, 1, &clones).unwrap();
        let delays = delay.delays().unwrap();
        assert_eq!(delays.len(), 2, "a clone and a pull");
        assert!(delays.iter().all(|real| *real >= time), "{delays:?}");
    }

    #[test]
    fn a_hook_may_lie_anywhere() {
        let hook = access_hook(Path::new("/it's a b/delay"));
        assert_eq!(hook, r"--access-hook='/it'\''s a b/delay'");
    }
}
