//! The live tests in guests: one per kernel and lockdown, emulated, with nothing
//! but an initramfs.

mod console;
mod cpio;
pub(crate) mod files;
mod initramfs;
mod kernel;
mod libraries;

mod options;
mod outcome;
mod plan;
mod programs;
mod qemu;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use self::initramfs::Initramfs;
pub(crate) use self::options::{Common, Options};
use self::options::{Round, Selection};
use self::outcome::{Outcome, table};
use self::programs::Programs;
use self::qemu::Qemu;
use crate::kernels::{self, Observation};
use crate::run::say;
use crate::setup::DebianSource;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    ensure!(
        is_possible(),
        "guests are x86-64 machines and run what is built here, which is not for x86-64"
    );
    let setup = GuestSetup::prepare(workspace, options)?;
    let host = if options.exec {
        None
    } else {
        kernels::host(&setup.programs.waitscope)?
    };
    conclude(workspace, host, &setup.boot_all()?, options.common.update)
}

/// After the tests on this machine: every guest, if there can be guests.
pub(crate) fn matrix(
    workspace: &Workspace,
    common: &Common,
    host: Option<Observation>,
) -> Result<()> {
    let outcomes = if is_possible() {
        let options = Options::matrix(common);
        let setup = GuestSetup::prepare(workspace, &options);
        let setup = setup.context("no guests can be booted; without --guests none is needed")?;
        setup.boot_all()?
    } else {
        say("== no guests: they are x86-64 machines, and this is none");
        Vec::new()
    };
    conclude(workspace, host, &outcomes, common.update)
}

fn is_possible() -> bool {
    cfg!(target_arch = "x86_64")
}

/// All that guests are booted from.
struct GuestSetup<'a> {
    workspace: &'a Workspace,
    options: &'a Options,
    qemu: Qemu,
    /// With the kernel's image.
    rounds: Vec<(Round, PathBuf)>,
    programs: Programs,
}

impl<'a> GuestSetup<'a> {
    fn prepare(workspace: &'a Workspace, options: &'a Options) -> Result<Self> {
        let debian = DebianSource::new(workspace);
        let qemu = Qemu::get(&debian)?;
        let rounds = options.rounds();
        let selection = Selection::of(&rounds);
        // All of them before any work that a failure here would waste.
        let rounds = rounds
            .into_iter()
            .map(|round| {
                let image = round.kernel.image(&debian)?;
                Ok((round, image))
            })
            .collect::<Result<_>>()?;
        say("== release build of the tests, for the guests");
        Ok(Self {
            workspace,
            options,
            qemu,
            rounds,
            programs: Programs::build(workspace, &selection)?,
        })
    }

    /// One after the other: an emulated machine takes all cores of ours.
    fn boot_all(&self) -> Result<Vec<Outcome>> {
        let rounds = self.rounds.iter();
        rounds
            .map(|(round, image)| self.boot(round, image))
            .collect()
    }

    fn boot(&self, round: &Round, image: &Path) -> Result<Outcome> {
        let label = round.label();
        say(format_args!("== guest {label}"));
        let programs = self.programs.only(&round.tests);
        let plan = plan::of(self.workspace, &programs, self.options)?;
        let python = self.options.python;
        let initramfs = Initramfs::write(self.workspace, &programs, &plan, python)?;
        let name = label.replace(' ', "-");
        let file = |end| files::cache(self.workspace).join(format!("console/{name}.{end}"));
        let (log, results) = (file("log"), file("results"));
        let settings = round.settings();
        let path = initramfs.path();
        let mut command = self.qemu.guest(image, path, &results, &settings);
        let limit = Duration::from_secs(self.options.common.timeout);
        let mut follow =
            || console::follow(&mut command, &label, io::stdout(), &log, &results, limit);
        let mut seen = follow()?;
        if seen.is_broken() {
            say(format_args!(
                "== {label}: a fault of the emulator, so once more"
            ));
            seen = follow()?;
        }
        let outcome = Outcome::of(round, &seen);
        if !outcome.verdict.is_result() {
            let verdict = &outcome.verdict;
            say(format_args!("== {label}: {verdict}; its last lines:"));
            seen.tail().iter().for_each(say);
        }
        Ok(outcome)
    }
}

fn conclude(
    workspace: &Workspace,
    host: Option<Observation>,
    outcomes: &[Outcome],
    update: bool,
) -> Result<()> {
    if !outcomes.is_empty() {
        // A closed stdout does not change the result.
        let _ = write!(io::stdout(), "\n{}", table(outcomes));
    }
    // Again, and last: the console of a dozen guests is long.
    for outcome in outcomes.iter().filter(|outcome| !outcome.failed.is_empty()) {
        say(format_args!("== what failed on {}", outcome.label));
        outcome.failed.iter().for_each(say);
    }
    let guests = outcomes
        .iter()
        .filter_map(|outcome| outcome.observation.clone());
    let observed: Vec<Observation> = host.into_iter().chain(guests).collect();
    let compared = kernels::compare_or_update(workspace, &observed, update);
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| !outcome.passed())
        .map(|outcome| outcome.label.as_str())
        .collect();
    if failed.is_empty() {
        return compared;
    }
    if let Err(error) = compared {
        say(format_args!("error: {error:#}"));
    }
    bail!("not passed on: {}", failed.join(", "));
}
