//! The live tests in guests: one per kernel, emulated, with nothing but an
//! initramfs.

mod apt;
mod console;
mod cpio;
mod files;
mod initramfs;
mod kernel;
mod libraries;
mod mirror;
mod outcome;
mod plan;
mod programs;
mod qemu;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use self::initramfs::Initramfs;
use self::kernel::Kernel;
use self::mirror::Supply;
use self::outcome::{Outcome, table};
use self::programs::Programs;
use self::qemu::Qemu;
use crate::run::say;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Kernels to boot: 5.10, 6.1, 6.12, 7.2 or all
    #[arg(
        long,
        value_name = "VERSION",
        value_delimiter = ',',
        default_value = "all"
    )]
    #[arg(value_parser = parse_kernels)]
    kernel: Vec<Kernels>,
    /// Each kernel in these states of lockdown
    #[arg(long, value_enum, value_delimiter = ',', default_value = "none")]
    lockdown: Vec<Lockdown>,
    /// Only these test programs (truth, attach, …); all when not given
    #[arg(long, value_name = "NAME", conflicts_with = "exec")]
    test: Vec<OsString>,
    /// How long one guest may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
    /// Run ARGS as a program with arguments instead of the tests (waitscope,
    /// truth and actor are in PATH)
    #[arg(long, requires = "arguments")]
    exec: bool,
    /// Arguments for the test programs: names to filter by, --nocapture, …
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

impl Options {
    fn kernels(&self) -> impl Iterator<Item = Kernel> {
        self.kernel.iter().flat_map(|Kernels(these)| these).copied()
    }
}

/// One word of `--kernel`.
#[derive(Clone, Debug)]
struct Kernels(Vec<Kernel>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Lockdown {
    None,
    Integrity,
    Confidentiality,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    ensure!(
        cfg!(target_arch = "x86_64"),
        "guests are x86-64 machines and run what is built here, which is not for x86-64"
    );
    let supply = Supply::new(workspace);
    let qemu = Qemu::get(&supply)?;
    // All of them before any work that a failure here would waste.
    let images = options
        .kernels()
        .map(|kernel| Ok((kernel, kernel.image(&supply)?)))
        .collect::<Result<Vec<_>>>()?;
    say("== static build, for the guests");
    let programs = Programs::build(workspace, &options.test)?;
    let plan = plan::of(workspace, &programs, options)?;
    let initramfs = Initramfs::write(workspace, &programs, &plan)?;
    let mut outcomes = Vec::new();
    for (kernel, image) in &images {
        for lockdown in &options.lockdown {
            let guest = Guest {
                label: label(*kernel, *lockdown),
                settings: settings(*lockdown),
                limit: Duration::from_secs(options.timeout),
            };
            outcomes.push(guest.boot(workspace, &qemu, image, &initramfs)?);
        }
    }
    conclude(&outcomes)
}

struct Guest {
    label: String,
    /// The kernel's command line.
    settings: String,
    limit: Duration,
}

impl Guest {
    fn boot(
        self,
        workspace: &Workspace,
        qemu: &Qemu,
        image: &Path,
        initramfs: &Initramfs,
    ) -> Result<Outcome> {
        say(format_args!("== guest {}", self.label));
        let mut command = qemu.guest(image, initramfs.path(), &self.settings);
        let log = format!("console/{}.log", self.label.replace(' ', "-"));
        let log = files::cache(workspace).join(log);
        let seen = console::follow(&mut command, &self.label, io::stdout(), &log, self.limit)?;
        let outcome = Outcome::of(self.label, &seen);
        if !outcome.verdict.is_told() {
            say(format_args!(
                "== {}: {}; its last lines:",
                outcome.label, outcome.verdict
            ));
            for line in &seen.tail {
                say(line);
            }
        }
        Ok(outcome)
    }
}

fn conclude(outcomes: &[Outcome]) -> Result<()> {
    // A closed stdout does not change the result.
    let _ = write!(io::stdout(), "\n{}", table(outcomes));
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|outcome| !outcome.passed())
        .map(|outcome| outcome.label.as_str())
        .collect();
    ensure!(failed.is_empty(), "not passed on: {}", failed.join(", "));
    Ok(())
}

fn label(kernel: Kernel, lockdown: Lockdown) -> String {
    match lockdown {
        Lockdown::None => kernel.to_string(),
        locked => format!("{kernel} {locked}"),
    }
}

/// Emulated CPUs count one clock, which kernels do not know: without being told
/// some take it for unsynchronized, and then their schedulers' clocks go by
/// ticks, 4 ms apart.
///
/// Lockdown comes first among Debian's security modules, so naming it suffices.
fn settings(lockdown: Lockdown) -> String {
    let mut settings = "console=ttyS0 quiet panic=-1 tsc=reliable".to_owned();
    if lockdown != Lockdown::None {
        settings += &format!(" lockdown={lockdown}");
    }
    settings
}

impl fmt::Display for Lockdown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "none",
            Self::Integrity => "integrity",
            Self::Confidentiality => "confidentiality",
        })
    }
}

fn parse_kernels(text: &str) -> Result<Kernels, String> {
    if text == "all" {
        return Ok(Kernels(Kernel::ALL.to_vec()));
    }
    let known = Kernel::ALL
        .into_iter()
        .find(|kernel| kernel.to_string() == text);
    let known = known.ok_or("there are guests for 5.10, 6.1, 6.12 and 7.2, or all")?;
    Ok(Kernels(vec![known]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_named_by_their_versions() {
        assert_eq!(parse_kernels("all").unwrap().0, Kernel::ALL);
        assert_eq!(parse_kernels("6.1").unwrap().0, [Kernel::V6_1]);
        assert_eq!(parse_kernels("6.12").unwrap().0, [Kernel::V6_12]);
        assert!(parse_kernels("6").is_err());
        assert!(parse_kernels("").is_err());
    }

    #[test]
    fn lockdown_goes_onto_the_command_line_and_into_the_label() {
        assert_eq!(
            settings(Lockdown::None),
            "console=ttyS0 quiet panic=-1 tsc=reliable"
        );
        assert_eq!(
            settings(Lockdown::Integrity),
            "console=ttyS0 quiet panic=-1 tsc=reliable lockdown=integrity"
        );
        assert_eq!(label(Kernel::V5_10, Lockdown::None), "5.10");
        assert_eq!(
            label(Kernel::V7_2, Lockdown::Confidentiality),
            "7.2 confidentiality"
        );
    }
}
