//! The main job on real input: gitsync pulls from a local server under waitscope.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use gitsync_stage::daemon::GitDaemon;
use gitsync_stage::stage::{Stage, gitsync};

use crate::build;
use crate::claims;
use crate::privilege::Privilege;
use crate::run::{run, say};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many repositories to serve
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=999))]
    repos: u64,
    /// How many gitsync pulls at a time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: u64,
    /// Keep each run's recording here, as DIR/gitsync-MODE.wsc, and not in target/demo
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
    let show = Show::prepare(options, workspace.path("target/demo"))?;
    let runs = claims::named(&show.play(workspace, privilege)?);
    say("\n== what is said of such pools, and what the first, third and fourth run prove of it");
    let mut check = privilege.command(workspace.waitscope(), &[])?;
    // By the exit code some claims are wrong, which is what they are there for.
    check.args(["check", "--pack", "gitsync"]).args(runs);
    check.status().context("cannot run waitscope")?;
    Ok(())
}

/// Runs of 32 jobs, as `check` is given them; their recordings are in `folder`.
pub(crate) fn recorded(workspace: &Workspace, folder: &Path) -> Result<Vec<String>> {
    let options = Options {
        repos: 48,
        jobs: 32,
        record: Some(folder.to_owned()),
    };
    let show = Show::prepare(&options, folder.join("stage"))?;
    Ok(claims::named(&show.play(workspace, Privilege::find())?))
}

/// The repositories, their server, and the clones that gitsync keeps.
struct Show<'a> {
    options: &'a Options,
    stage: Stage,
    clones: PathBuf,
    recordings: PathBuf,
    _daemon: GitDaemon,
}

impl<'a> Show<'a> {
    fn prepare(options: &'a Options, folder: PathBuf) -> Result<Self> {
        wipe(&folder)?;
        let recordings = options.record.clone();
        let recordings = recordings.unwrap_or_else(|| folder.join("recordings"));
        create_folder(&recordings)?;
        say(format_args!("making {} repositories", options.repos));
        let stage = Stage::build(&folder, options.repos)?;
        let daemon = stage.serve("daemon.log", None)?;
        let clones = folder.join("clones");
        say(stage.clone_all(&daemon, options.jobs, &clones)?);
        Ok(Self {
            options,
            stage,
            clones,
            recordings,
            _daemon: daemon,
        })
    }

    /// All scenes, one after the other; returns their recordings.
    fn play(&self, workspace: &Workspace, privilege: Privilege) -> Result<Vec<(&str, PathBuf)>> {
        let mut recordings = Vec::new();
        for (round, scene) in (1..).zip(&SCENES) {
            self.stage.move_on(round)?;
            let arguments = scene.arguments.join(" ");
            say(format_args!(
                "\n== gitsync --jobs {} {arguments}: {}",
                self.options.jobs, scene.about
            ));
            let recording = self.recordings.join(format!("gitsync-{}.wsc", scene.name));
            run(&mut self.profiled(workspace, privilege, scene, &recording)?)?;
            recordings.push((scene.name, recording));
        }
        Ok(recordings)
    }

    /// `waitscope run -- gitsync …`.
    fn profiled(
        &self,
        workspace: &Workspace,
        privilege: Privilege,
        scene: &Scene,
        recording: &Path,
    ) -> Result<Command> {
        let variables = self.stage.around().variables();
        let mut command = privilege.command(workspace.waitscope(), &variables)?;
        command.args(["run", "--record"]).arg(recording);
        command.arg("--").arg(gitsync());
        command.arg("--jobs").arg(self.options.jobs.to_string());
        command.args(scene.arguments).arg(&self.clones);
        Ok(command)
    }
}

/// Leaves an empty folder.
fn wipe(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    create_folder(folder)
}

fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}
