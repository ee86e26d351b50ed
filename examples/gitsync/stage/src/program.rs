//! Finds other programs, and runs them by argument lists, never through a shell.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// PATH with these directories in front.
pub fn search_path_with(front: &[PathBuf]) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = front.iter().cloned().chain(env::split_paths(&path));
    env::join_paths(directories).context("a directory in PATH has a colon in its name")
}

/// A program's place in PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|program| program.is_file())
}

/// Runs a command that shares our terminal; any end but success is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", Shown(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", Shown(command));
    Ok(())
}

/// Runs a command whose output is wanted; its stderr stays on our terminal.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", Shown(command)))?;
    ensure!(
        output.status.success(),
        "`{}` failed ({})",
        Shown(command),
        output.status
    );
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` did not print UTF-8", Shown(command)))
}

/// Runs a command with `input` on its standard input.
pub(crate) fn feed(command: &mut Command, input: &[u8]) -> Result<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", Shown(command)))?;
    // Dropped after the write, so that the child sees the end of its input.
    let written = child.stdin.take().map(|mut stdin| stdin.write_all(input));
    let status = child.wait()?;
    // The status first: a child that failed early also breaks the pipe.
    ensure!(status.success(), "`{}` failed ({status})", Shown(command));
    written
        .unwrap_or(Ok(()))
        .with_context(|| format!("cannot write to `{}`", Shown(command)))
}

/// A command as one would type it.
pub struct Shown<'a>(pub &'a Command);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(out, self.0.get_program())?;
        for argument in self.0.get_args() {
            out.write_str(" ")?;
            write_word(out, argument)?;
        }
        Ok(())
    }
}

fn write_word(out: &mut fmt::Formatter<'_>, word: &OsStr) -> fmt::Result {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        write!(out, "{text}")
    } else {
        write!(out, "'{}'", text.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_typed_and_harmless() {
        let mut command = Command::new("git");
        command.args(["-C", "a b", "pull", "", "\x1b[31m"]);
        assert_eq!(
            Shown(&command).to_string(),
            r"git -C 'a b' pull '' '\u{1b}[31m'"
        );
    }

    #[test]
    fn a_failure_names_the_command_and_its_end() {
        let mut command = Command::new("false");
        let error = run(&mut command).unwrap_err().to_string();
        assert_eq!(error, "`false` failed (exit status: 1)");
        let error = run(&mut Command::new("/nonexistent")).unwrap_err();
        assert!(
            format!("{error:#}").starts_with("cannot start `/nonexistent`: No such file"),
            "{error:#}"
        );
    }

    #[test]
    fn input_reaches_the_child_and_an_early_end_is_the_childs_failure() {
        feed(Command::new("grep").args(["-q", "needle"]), b"needle\n").unwrap();
        let megabyte = vec![b'x'; 1 << 20];
        let error = feed(&mut Command::new("false"), &megabyte).unwrap_err();
        assert_eq!(error.to_string(), "`false` failed (exit status: 1)");
    }
}
