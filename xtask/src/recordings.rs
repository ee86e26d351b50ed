//! Small recordings of Debian's own programs under a load of known shape: one for each script in
//! `tests/programs`.
//!
//! A script sets `command` to the words that are observed and may define `prepare`, which runs
//! before, and `load`, which runs beside them: when it is over, the command is ended by SIGTERM.
//! All run in an empty folder; `sources` names the scripts' own. The shell is theirs: they are
//! what a person would type.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::build;
use crate::privilege::Privilege;
use crate::run::{output_of, run, say};
use crate::vm::files;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these, by their names in tests/programs
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Where the recordings go, as DIR/NAME.wsc
    #[arg(long, value_name = "DIR", default_value = "target/recordings")]
    into: PathBuf,
}

/// What the repository holds of each: a recording is read by every golden test.
const LARGEST: u64 = 150_000;
/// Far beyond what any of them takes, s: a server that never comes up is not waited for.
const PATIENCE: &str = "60";

/// What a script leaves out: a command without a load ends by itself.
const DEFAULTS: &str = "set -eu; prepare() { :; }; load() { exit 0; }; . \"$sources/$0.sh\"; ";

pub(crate) fn make(workspace: &Workspace, options: &Options) -> Result<()> {
    let privilege = Privilege::find();
    build::release(workspace)?;
    let sources = workspace.path("tests/programs");
    let into = workspace.path("").join(&options.into);
    files::create(&into)?;
    for name in chosen(&sources, &options.names)? {
        let folder = workspace.path("target/recordings/work").join(&name);
        files::empty(&folder)?;
        let program = Program {
            name: &name,
            sources: &sources,
            folder: &folder,
            privilege,
        };
        let recording = into.join(format!("{name}.wsc"));
        program
            .record(workspace, &recording)
            .with_context(|| format!("no recording of {name}"))?;
        say(format_args!("{}", recording.display()));
    }
    Ok(())
}

/// The names asked for, or all.
fn chosen(sources: &Path, names: &[String]) -> Result<Vec<String>> {
    let is_script = |path: &PathBuf| path.extension().is_some_and(|end| end == "sh");
    let scripts = files::entries(sources)?.into_iter().filter(is_script);
    let all: Vec<String> = scripts
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    if names.is_empty() {
        return Ok(all);
    }
    for name in names {
        ensure!(
            all.contains(name),
            "there is no program {name}: choose from {}",
            all.join(", ")
        );
    }
    Ok(names.to_vec())
}

/// One script, and where it runs.
struct Program<'a> {
    name: &'a str,
    sources: &'a Path,
    folder: &'a Path,
    privilege: Privilege,
}

impl Program<'_> {
    fn record(&self, workspace: &Workspace, recording: &Path) -> Result<()> {
        run(&mut self.shell("prepare")?)?;
        let words = output_of(&mut self.shell("echo $command")?)?;
        let mut observed = self.privilege.command(workspace.waitscope(), &[])?;
        observed.current_dir(self.folder);
        observed.arg("run").arg("--record").arg(recording);
        observed
            .args(["-o", "report.txt", "--"])
            .args(words.split_whitespace());
        observed.stdout(File::create(self.folder.join("stdout"))?);
        observed.stderr(File::create(self.folder.join("stderr"))?);
        let mut observed = observed.spawn().context("cannot start waitscope")?;
        // By the shell, which may be root where we are not.
        let loaded = run(self
            .shell("load; kill -TERM \"$1\"")?
            .arg(observed.id().to_string()));
        observed.wait()?;
        loaded?;
        let size = fs::metadata(recording)?.len();
        ensure!(
            size <= LARGEST,
            "it has {size} bytes, more than {LARGEST}: make the load smaller"
        );
        Ok(())
    }

    /// A part of the script.
    fn shell(&self, part: &str) -> Result<Command> {
        let sources = [("sources", self.sources.as_os_str())];
        let mut shell = self.privilege.command("timeout", &sources)?;
        shell.current_dir(self.folder);
        shell.args([
            PATIENCE,
            "sh",
            "-c",
            &format!("{DEFAULTS}{part}"),
            self.name,
        ]);
        Ok(shell)
    }
}
