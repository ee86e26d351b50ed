//! What claims are checked on: recordings and reports that are there, a command, or the
//! runs that a claim file says how to make.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use nix::libc::SIGINT;

use super::{
    super::{
        Usage, analysis_settings, report,
        run::{command, plain_options},
    },
    claims::Claims,
    scripts::Scripts,
};
use crate::{
    child::{mask::Mask, streams::Streams},
    claim::{
        file::{DeclaredRun, Given, SCRIPT},
        packs::{self, Pack},
    },
    cli,
    document::{CheckedRun, Document, Exit},
    observe::{self, Observed, Options, recorder::Recording},
};

/// The words of the command line, by what they are.
pub struct Inputs {
    /// Claim files.
    pub claims: Vec<PathBuf>,
    /// Claims that come with waitscope.
    pub packs: Vec<&'static Pack>,
    /// Recordings and reports, with their names.
    pub runs: Vec<(Option<String>, PathBuf)>,
    has_command: bool,
}

/// A run that is to be made.
pub struct Command {
    name: String,
    words: Vec<OsString>,
    /// As `--fds`.
    fds: bool,
    /// Where its recording is kept.
    pub recording: Option<PathBuf>,
}

/// A run that was made or read.
pub struct Run {
    /// As expressions call it.
    name: String,
    document: Document,
    recording: Option<PathBuf>,
}

impl Inputs {
    /// A claim file ends in .toml; all else is a run.
    pub fn new(arguments: &cli::Check) -> Result<Inputs> {
        let is_claims = |path: &&PathBuf| path.extension().is_some_and(|e| e == "toml");
        let (claims, runs): (Vec<&PathBuf>, Vec<&PathBuf>) =
            arguments.files.iter().partition(is_claims);
        let packs = arguments.pack.iter().map(|name| pack(name));
        let inputs = Inputs {
            claims: claims.into_iter().cloned().collect(),
            packs: packs.collect::<Result<_>>()?,
            runs: runs.into_iter().map(|path| named(path)).collect(),
            has_command: !arguments.cmd.is_empty(),
        };
        inputs.check(arguments)?;
        Ok(inputs)
    }

    fn check(&self, arguments: &cli::Check) -> Result<()> {
        let wrong = |sentence: &str| bail!(Usage(sentence.to_owned()));
        if self.claims.is_empty() && self.packs.is_empty() {
            return wrong(
                "no claims are given: a claim file, whose name ends in .toml, or --pack NAME",
            );
        }
        if self.has_command && !self.runs.is_empty() {
            return wrong("claims are checked on a command or on what was recorded, not on both");
        }
        if !self.runs.is_empty() && arguments.record.is_some() {
            return wrong("--record is for runs that are made");
        }
        let unnamed = self.runs.iter().filter(|(name, _)| name.is_none()).count();
        if unnamed > 0 && self.runs.len() > 1 {
            return wrong("of several runs each needs its name: NAME=FILE");
        }
        let mut names = self.names();
        names.sort_unstable();
        match names.windows(2).find(|two| two[0] == two[1]) {
            Some(two) => wrong(&format!("the run {} is given twice", two[0])),
            None => Ok(()),
        }
    }

    /// Of the runs that have names.
    pub fn names(&self) -> Vec<String> {
        self.runs
            .iter()
            .filter_map(|(name, _)| name.clone())
            .collect()
    }

    /// Which runs there will be.
    pub fn given<'a>(&self, names: &'a [String]) -> Given<'a> {
        match (names, self.has_command || !self.runs.is_empty()) {
            ([], true) => Given::One,
            ([], false) => Given::None,
            _ => Given::Named(names),
        }
    }

    /// The runs that are to be made, in the order of the files: the command, and what they
    /// say how to make and was not given.
    pub fn commands(
        &self,
        claims: &Claims,
        arguments: &cli::Check,
        scripts: &mut Scripts,
    ) -> Result<Vec<Command>> {
        let mut commands: Vec<Command> = Vec::new();
        if self.has_command {
            let name = claims.only_run().to_owned();
            commands.push(Command::new(
                &name,
                arguments.cmd.clone(),
                false,
                arguments,
            )?);
        }
        let mut given: Vec<String> = self.names();
        if self.has_command || self.runs.iter().any(|(name, _)| name.is_none()) {
            given.push(claims.only_run().to_owned());
        }
        for (file, name) in claims.files().zip(claims.names()) {
            let own = file.runs.iter();
            let own = own.filter(|run| !run.command.is_empty() && !given.contains(&run.name));
            let own: Vec<&DeclaredRun> = own.collect();
            let script = match &file.script {
                Some(script) if !own.is_empty() => Some(scripts.write(&name, script)?),
                _ => None,
            };
            for run in own {
                let words = run.command.iter().map(|word| match &script {
                    Some(path) if word == SCRIPT => path.into(),
                    _ => word.into(),
                });
                let command = Command::new(&run.name, words.collect(), run.fds, arguments)?;
                match commands.iter_mut().find(|known| known.name == run.name) {
                    None => commands.push(command),
                    // Exact counts prove all that others do.
                    Some(same) if same.words == command.words => same.fds |= command.fds,
                    Some(_) => bail!(Usage(format!(
                        "these files have different commands for the run {}: check them one by one",
                        run.name
                    ))),
                }
            }
        }
        Ok(commands)
    }
}

/// The pack of a name.
pub fn pack(name: &str) -> Result<&'static Pack> {
    packs::find(name).ok_or_else(|| {
        let names: Vec<&str> = packs::PACKS.iter().map(|pack| pack.name).collect();
        let sentence = format!("there is no pack {name:?}, but {}", names.join(", "));
        Usage(sentence).into()
    })
}

/// `NAME=FILE`, or a file alone. A path with `=` in it is one with a folder: `./a=b`.
fn named(path: &Path) -> (Option<String>, PathBuf) {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let text = path.to_str().and_then(|text| text.split_once('='));
    match text.filter(|(name, _)| is_name(name)) {
        Some((name, file)) => (Some(name.to_owned()), PathBuf::from(file)),
        None => (None, path.to_owned()),
    }
}

impl Command {
    fn new(name: &str, words: Vec<OsString>, fds: bool, arguments: &cli::Check) -> Result<Command> {
        let recording = arguments
            .record
            .as_ref()
            .map(|folder| folder.join(format!("{name}.wsc")));
        if let Some(folder) = arguments.record.as_ref().filter(|folder| !folder.is_dir()) {
            bail!(Usage(format!("there is no folder {}", folder.display())));
        }
        Ok(Command {
            name: name.to_owned(),
            words,
            fds,
            recording,
        })
    }

    fn options(&self, arguments: &cli::Check) -> Options {
        let observation = &arguments.observation;
        Options {
            recording: self.recording.clone().map(Recording::whole),
            exact_descriptors: self.fds || observation.fds,
            ..plain_options(
                command(self.words.clone(), observation, Streams::default()),
                observation,
                analysis_settings(&arguments.analysis, &[]),
            )
        }
    }
}

/// Reads them all, or makes them one after the other.
pub fn all(
    inputs: &Inputs,
    claims: &Claims,
    commands: &[Command],
    arguments: &cli::Check,
) -> Result<Vec<Run>> {
    let settings = analysis_settings(&arguments.analysis, &[]);
    let mut runs = Vec::new();
    for (name, path) in &inputs.runs {
        runs.push(Run {
            name: name.clone().unwrap_or_else(|| claims.only_run().to_owned()),
            document: report::read(path, &arguments.analysis, &settings)?,
            recording: Some(path.clone()),
        });
    }
    for (at, command) in commands.iter().enumerate() {
        let run =
            made(command, arguments).with_context(|| format!("making the run {}", command.name))?;
        let is_last = at + 1 == commands.len();
        if !is_last && run.document.exit == Some(Exit::Signal(SIGINT)) {
            bail!(
                "run {} was interrupted: the others are not made",
                command.name
            );
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Runs a command. The observation blocks every signal; the next one shall begin as this one.
fn made(command: &Command, arguments: &cli::Check) -> Result<Run> {
    let mask = Mask::EMPTY.block()?;
    let observed = observe::observe(
        &command.options(arguments),
        observe::reports::interim(|_| {}),
    );
    mask.set()?;
    let (observed, _is_over) = observed?;
    let Observed {
        document,
        recording,
    } = observed;
    recording?;
    Ok(Run {
        name: command.name.clone(),
        document,
        recording: command.recording.clone(),
    })
}

impl Run {
    /// As expressions call it, and what was seen.
    pub fn named(&self) -> (&str, &Document) {
        (&self.name, &self.document)
    }

    /// What the verdicts say of it.
    pub fn described(&self) -> CheckedRun {
        let document = &self.document;
        CheckedRun {
            name: self.name.clone(),
            command: document.command.clone(),
            recording: self
                .recording
                .as_ref()
                .map(|path| path.display().to_string()),
            exit: document.exit,
            wall_ns: document.wall_ns,
            coverage: document.coverage.clone(),
        }
    }
}
