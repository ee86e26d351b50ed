//! The main job on real input: gitsync pulls from a local server under waitscope.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::build;
use crate::daemon::GitDaemon;
use crate::git::{Surroundings, Upstream};
use crate::privilege::Privilege;
use crate::run::{output_of, run, say};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many repositories to serve
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=999))]
    repos: u64,
    /// How many gitsync pulls at a time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: u64,
    /// Also keep each run's recording, as DIR/gitsync-MODE.wsc
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
}

/// One run of gitsync.
struct Scene {
    /// Names the recording.
    name: &'static str,
    arguments: &'static [&'static str],
    /// What the report should show.
    about: &'static str,
}

const SCENES: [Scene; 4] = [
    Scene {
        name: "threads",
        arguments: &["--mode", "threads"],
        about: "each worker thread sits in waitpid until its git exits",
    },
    Scene {
        name: "processes",
        arguments: &["--mode", "processes"],
        about: "the same, one process per worker",
    },
    Scene {
        name: "asyncio",
        arguments: &["--mode", "asyncio"],
        about: "one thread waits for every git in epoll",
    },
    Scene {
        name: "threads-capture",
        arguments: &["--mode", "threads", "--capture"],
        about: "each worker thread polls the pipes of its git",
    },
];

pub(crate) fn show(workspace: &Workspace, options: &Options) -> Result<()> {
    let privilege = Privilege::find();
    // Before the long work: without root there is nothing to show.
    privilege
        .command("true", &[])
        .context("the demo runs waitscope")?;
    build::release(workspace)?;
    let stage = Stage::build(workspace, options)?;
    for (round, scene) in (1..).zip(&SCENES) {
        stage.move_upstreams_on(round)?;
        let arguments = scene.arguments.join(" ");
        say(format_args!(
            "\n== gitsync --jobs {} {arguments}: {}",
            options.jobs, scene.about
        ));
        run(&mut stage.profiled(workspace, privilege, scene)?)?;
    }
    Ok(())
}

/// The repositories, their server, and the clones that gitsync keeps.
struct Stage<'a> {
    options: &'a Options,
    around: Surroundings,
    upstreams: Vec<Upstream>,
    clones: PathBuf,
    gitsync: PathBuf,
    _daemon: GitDaemon,
}

impl<'a> Stage<'a> {
    fn build(workspace: &Workspace, options: &'a Options) -> Result<Self> {
        let folder = workspace.path("target/demo");
        wipe(&folder)?;
        if let Some(records) = &options.record {
            create_folder(records)?;
        }
        let around = Surroundings::create(&folder)?;
        let served = folder.join("upstream");
        create_folder(&served)?;
        say(format_args!("making {} repositories", options.repos));
        let names: Vec<String> = (0..options.repos).map(repository_name).collect();
        let upstreams = (0..)
            .zip(&names)
            .map(|(number, name)| Upstream::create(&around, served.join(name), number))
            .collect::<Result<_>>()?;
        let daemon = GitDaemon::start(&around, &served, &folder.join("daemon.log"))?;
        let urls: Vec<String> = names.iter().map(|name| daemon.url(name)).collect();
        let list = folder.join("urls");
        fs::write(&list, urls.join("\n"))
            .with_context(|| format!("cannot write {}", list.display()))?;
        let stage = Self {
            options,
            around,
            upstreams,
            clones: folder.join("clones"),
            gitsync: workspace.path("examples/gitsync/gitsync"),
            _daemon: daemon,
        };
        stage.clone_all(&list)?;
        Ok(stage)
    }

    /// gitsync's first run; its last line sums up.
    fn clone_all(&self, list: &Path) -> Result<()> {
        let mut command = self.around.command(&self.gitsync);
        command.arg("--list").arg(list);
        let told = output_of(command.args(self.workers()).arg(&self.clones))?;
        say(told.lines().last().unwrap_or_default());
        Ok(())
    }

    fn move_upstreams_on(&self, round: u64) -> Result<()> {
        for upstream in &self.upstreams {
            upstream.move_on(&self.around, round)?;
        }
        Ok(())
    }

    /// `waitscope run -- gitsync …`.
    fn profiled(
        &self,
        workspace: &Workspace,
        privilege: Privilege,
        scene: &Scene,
    ) -> Result<Command> {
        let variables = self.around.variables();
        let mut command = privilege.command(workspace.waitscope(), &variables)?;
        command.arg("run");
        if let Some(records) = &self.options.record {
            let file = format!("gitsync-{}.wsc", scene.name);
            command.arg("--record").arg(records.join(file));
        }
        command.arg("--").arg(&self.gitsync).args(self.workers());
        command.args(scene.arguments).arg(&self.clones);
        Ok(command)
    }

    fn workers(&self) -> [String; 2] {
        ["--jobs".to_owned(), self.options.jobs.to_string()]
    }
}

fn repository_name(number: u64) -> String {
    format!("repo-{:02}.git", number + 1)
}

/// Leaves an empty folder.
fn wipe(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    create_folder(folder)
}

fn create_folder(folder: impl AsRef<OsStr>) -> Result<()> {
    let folder = Path::new(folder.as_ref());
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}
