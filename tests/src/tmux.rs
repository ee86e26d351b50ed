//! A shell on a screen that can be looked at, typed on and resized: tmux.

use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// How long something may take to appear.
const LIMIT: Duration = Duration::from_secs(20);

/// A tmux server of its own with one shell in it, which ends with this.
pub struct Tmux {
    socket: String,
}

impl Tmux {
    /// A shell in a folder, on a screen of so many columns and lines.
    pub fn shell(name: &str, folder: &Path, columns: u16, lines: u16) -> Result<Tmux> {
        let socket = format!("waitscope-test-{}-{name}", std::process::id());
        let tmux = Tmux { socket };
        let size = [columns.to_string(), lines.to_string()];
        let folder = folder.to_str().context("a folder in UTF-8")?;
        // exec: not every shell that tmux starts it by leaves its place to it.
        let shell = "exec env -u NO_COLOR PS1='shell> ' bash --norc --noprofile";
        let arguments = ["-f", "/dev/null", "new-session", "-d", "-c", folder];
        let size = ["-x", &size[0], "-y", &size[1], shell];
        tmux.run(&[&arguments[..], &size[..]].concat())?;
        tmux.wait_for("shell>")?;
        Ok(tmux)
    }

    /// Types; names of keys are as tmux has them (`Enter`, `C-z`).
    pub fn keys(&self, keys: &[&str]) -> Result<()> {
        self.run(&[&["send-keys"], keys].concat()).map(|_| ())
    }

    /// Types a line of a shell.
    pub fn command(&self, line: &str) -> Result<()> {
        self.keys(&[line, "Enter"])
    }

    /// Another size.
    pub fn resize(&self, columns: u16, lines: u16) -> Result<()> {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        self.run(&["resize-window", "-x", &columns, "-y", &lines])
            .map(|_| ())
    }

    /// What is on the screen.
    pub fn screen(&self) -> Result<String> {
        let output = self.run(&["capture-pane", "-p"])?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Waits until a text is on the screen; returns all that is.
    pub fn wait_for(&self, text: &str) -> Result<String> {
        self.wait_until(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is as it shall be.
    pub fn wait_until(&self, what: &str, is_right: impl Fn(&str) -> bool) -> Result<String> {
        let begin = Instant::now();
        loop {
            let screen = self.screen()?;
            if is_right(&screen) {
                return Ok(screen);
            }
            if begin.elapsed() > LIMIT {
                bail!("no {what:?} on the screen:\n{screen}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The shell.
    pub fn pid(&self) -> Result<u32> {
        let output = self.run(&["display-message", "-p", "#{pane_pid}"])?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new("tmux");
        command.args(["-u", "-L", &self.socket]).args(arguments);
        let output = command.output().context("tmux is needed")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "tmux {arguments:?}: {errors}");
        Ok(output)
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ended = self.run(&["kill-server"]);
    }
}
