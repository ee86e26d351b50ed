//! Upstream repositories in a folder, their servers, and gitsync's clones.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::daemon::GitDaemon;
use crate::delay::Delay;
use crate::git::{Surroundings, Upstream};
use crate::program::output_of;

/// Where gitsync is.
pub fn gitsync() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("gitsync")
}

/// Repositories that move on and can be served.
pub struct Stage {
    folder: PathBuf,
    around: Surroundings,
    upstreams: Vec<Upstream>,
}

impl Stage {
    /// Makes this many repositories in a folder that is there and empty.
    pub fn build(folder: &Path, repositories: u64) -> Result<Self> {
        let mut stage = Self {
            folder: folder.to_owned(),
            around: Surroundings::create(folder)?,
            upstreams: Vec::new(),
        };
        let served = stage.served();
        fs::create_dir(&served).with_context(|| format!("cannot create {}", served.display()))?;
        for number in 0..repositories {
            let path = served.join(repository_name(number));
            let upstream = Upstream::create(&stage.around, path, number)?;
            stage.upstreams.push(upstream);
        }
        Ok(stage)
    }

    /// Where everything is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The environment for everything that runs git.
    pub fn around(&self) -> &Surroundings {
        &self.around
    }

    /// Adds a round's commits (1, 2, …) to the repositories that it moves.
    pub fn move_on(&self, round: u64) -> Result<()> {
        for upstream in &self.upstreams {
            upstream.move_on(&self.around, round)?;
        }
        Ok(())
    }

    /// Serves every repository. The server's complaints go to a log of this name.
    pub fn serve(&self, log: &str, delay: Option<&Delay>) -> Result<GitDaemon> {
        GitDaemon::start(&self.around, &self.served(), &self.folder.join(log), delay)
    }

    /// gitsync's first run: clones everything that the server has. Its last line,
    /// which sums up.
    pub fn clone_all(&self, server: &GitDaemon, jobs: u64, clones: &Path) -> Result<String> {
        let list = self.folder.join("urls");
        let names = (0..).map(repository_name).take(self.upstreams.len());
        let urls: Vec<String> = names.map(|name| server.url(&name)).collect();
        fs::write(&list, urls.join("\n"))
            .with_context(|| format!("cannot write {}", list.display()))?;
        let mut command = self.around.command(gitsync());
        command.arg("--jobs").arg(jobs.to_string());
        let printed = output_of(command.arg("--list").arg(list).arg(clones))?;
        Ok(printed.lines().last().unwrap_or_default().to_owned())
    }

    fn served(&self) -> PathBuf {
        self.folder.join("upstream")
    }
}

fn repository_name(number: u64) -> String {
    format!("repo-{:02}.git", number + 1)
}
