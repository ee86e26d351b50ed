//! git as the stage uses it: bare repositories, imports, and settings of its own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::history::{History, TRUNK};
use crate::program::{feed, find_program, output_of, run, search_path_with};

/// The checkout may belong to another user than the one who runs gitsync.
const SETTINGS: &str = "[safe]\n\tdirectory = *\n\
    [user]\n\tname = waitscope demo\n\temail = demo@example.invalid\n";

/// The environment in which git and gitsync run: no settings of the user's or
/// the machine's, and the system's own programs first, since a version manager's
/// shims are scripts and would be profiled as such.
pub struct Surroundings {
    settings: PathBuf,
    search_path: OsString,
}

impl Surroundings {
    /// Writes the settings file into `folder`.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let settings = folder.join("gitconfig");
        fs::write(&settings, SETTINGS)
            .with_context(|| format!("cannot write {}", settings.display()))?;
        let system = ["/usr/bin", "/bin"].map(PathBuf::from);
        Ok(Self {
            settings,
            search_path: search_path_with(&system)?,
        })
    }

    /// Changes a setting of every git from now on.
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        let mut command = self.command("git");
        command.args(["config", "--file"]).arg(&self.settings);
        run(command.args([name, value]))
    }

    /// The variables and their values.
    pub fn variables(&self) -> [(&'static str, &OsStr); 4] {
        [
            ("PATH", &self.search_path),
            ("GIT_CONFIG_GLOBAL", self.settings.as_os_str()),
            ("GIT_CONFIG_NOSYSTEM", OsStr::new("1")),
            ("GIT_TERMINAL_PROMPT", OsStr::new("0")),
        ]
    }

    /// A program in this environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.variables());
        for redirect in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(redirect);
        }
        command
    }

    /// The `git daemon` program itself: behind `git daemon` it would be a
    /// grandchild, out of reach of the guard that ends it.
    pub(crate) fn daemon(&self) -> Result<Command> {
        let folder = output_of(self.command("git").arg("--exec-path"))?;
        let program = Path::new(folder.trim_end()).join("git-daemon");
        let found = program.is_file().then_some(program);
        let program = found.or_else(|| find_program("git-daemon"));
        Ok(self.command(program.context("this git has no `git daemon`")?))
    }
}

/// A bare repository with an invented history.
pub(crate) struct Upstream {
    path: PathBuf,
    history: History,
}

impl Upstream {
    pub(crate) fn create(around: &Surroundings, path: PathBuf, number: u64) -> Result<Self> {
        run(around
            .command("git")
            .args(["init", "--quiet", "--bare"])
            .arg(&path))?;
        let upstream = Self {
            path,
            history: History::new(number),
        };
        // Not `init --initial-branch`, which older versions lack.
        run(upstream.git(around).args(["symbolic-ref", "HEAD", TRUNK]))?;
        upstream.import(around, &upstream.history.beginning())?;
        Ok(upstream)
    }

    /// Adds a round's commits; whether there were any.
    pub(crate) fn move_on(&self, around: &Surroundings, round: u64) -> Result<bool> {
        let moves = self.history.moves_in(round);
        if moves {
            self.import(around, &self.history.continuation(round))?;
        }
        Ok(moves)
    }

    fn import(&self, around: &Surroundings, stream: &[u8]) -> Result<()> {
        feed(self.git(around).args(["fast-import", "--quiet"]), stream)
    }

    fn git(&self, around: &Surroundings) -> Command {
        let mut command = around.command("git");
        command.arg("-C").arg(&self.path);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_accepts_the_history_and_its_continuation() {
        let scratch = tempfile::tempdir().unwrap();
        let around = Surroundings::create(scratch.path()).unwrap();
        let upstream = Upstream::create(&around, scratch.path().join("one.git"), 1).unwrap();
        let commits = || {
            let mut command = upstream.git(&around);
            let count = output_of(command.args(["rev-list", "--count", "HEAD"])).unwrap();
            count.trim().parse::<u64>().unwrap()
        };
        let before = commits();
        assert!((6..16).contains(&before), "{before} commits");
        assert!(upstream.move_on(&around, 1).unwrap());
        assert!((2..=4).contains(&(commits() - before)));
        let branches = output_of(upstream.git(&around).arg("branch")).unwrap();
        assert_eq!(branches.lines().count(), 3, "{branches}");
        run(upstream
            .git(&around)
            .args(["fsck", "--strict", "--no-progress"]))
        .unwrap();
    }
}
