//! apt with sources, lists and caches of its own, which needs no root and leaves
//! the machine's as they are. Packages are unpacked, never installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::run::{output_of, run};
use crate::vm::files;

/// apt that works under one folder.
pub(crate) struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    /// With the machine's sources.
    pub(crate) fn of_machine(folder: &Path) -> Result<Self> {
        files::create(&folder.join("lists/partial"))?;
        files::create(&folder.join("cache/archives/partial"))?;
        let folder = folder.to_owned();
        let at = |name: &str| folder.join(name).display().to_string();
        let options = vec![
            format!("Dir::State::lists={}", at("lists")),
            format!("Dir::Cache={}", at("cache")),
            // The machine's locks are root's, and guard what this leaves alone.
            "Debug::NoLocking=1".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
        ];
        Ok(Self { folder, options })
    }

    /// With these sources; what is installed counts as there.
    pub(crate) fn beside_installed(folder: &Path, sources: &[String]) -> Result<Self> {
        let mut apt = Self::of_machine(folder)?;
        let list = folder.join("sources.list");
        files::place_bytes(&list, sources.join("\n").as_bytes())?;
        apt.options
            .push(format!("Dir::Etc::sourcelist={}", list.display()));
        apt.options.push("Dir::Etc::sourceparts=-".to_owned());
        Ok(apt)
    }

    /// With these sources; nothing counts as there.
    pub(crate) fn without_packages(folder: &Path, sources: &[String]) -> Result<Self> {
        let mut apt = Self::beside_installed(folder, sources)?;
        let status = folder.join("status");
        files::place_bytes(&status, b"")?;
        apt.options
            .push(format!("Dir::State::status={}", status.display()));
        Ok(apt)
    }

    fn command(&self, program: &str) -> Result<Command> {
        let folder = self.folder.to_str();
        // apt separates words in its settings by spaces.
        ensure!(
            folder.is_some_and(|path| !path.contains(char::is_whitespace)),
            "apt cannot work in a checkout whose path has a space: {}",
            self.folder.display()
        );
        let mut command = Command::new(program);
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("--quiet=2");
        for option in &self.options {
            command.args(["--option", option]);
        }
        Ok(command)
    }

    /// Fetches every list; one that cannot be had is a failure.
    pub(crate) fn update(&self) -> Result<()> {
        run(self.command("apt-get")?.args(["--error-on=any", "update"]))
    }

    /// Fetches the lists that can be had. Of each this gives the fields, one
    /// list a line.
    pub(crate) fn lists(&self, fields: &str) -> Result<String> {
        run(self.command("apt-get")?.arg("update"))?;
        let mut command = self.command("apt-get")?;
        command.args(["indextargets", "--format", fields]);
        output_of(command.arg("Created-By: Packages"))
    }

    /// Packages whose names begin so, one per line.
    pub(crate) fn names(&self, prefix: &str) -> Result<String> {
        output_of(self.command("apt-cache")?.args(["pkgnames", prefix]))
    }

    /// Unpacks one package into `tree`.
    pub(crate) fn unpack(&self, package: &str, debs: &Path, tree: &Path) -> Result<()> {
        files::create(debs)?;
        run(self
            .command("apt-get")?
            // The folder is ours, where apt's own user could not write anyway.
            .args(["--option", "APT::Sandbox::User=root"])
            .args(["download", package])
            .current_dir(debs))?;
        extract_all(debs, tree)
    }

    /// Unpacks a package and all it needs beside what is installed.
    pub(crate) fn unpack_with_needs(&self, package: &str, suite: &str, tree: &Path) -> Result<()> {
        let mut command = self.command("apt-get")?;
        command.args([
            "install",
            "--download-only",
            "--yes",
            "--no-install-recommends",
        ]);
        run(command.args(["--target-release", suite, package]))?;
        extract_all(&self.folder.join("cache/archives"), tree)
    }
}

fn extract_all(debs: &Path, tree: &Path) -> Result<()> {
    files::create(tree)?;
    let is_package = |path: &PathBuf| path.extension().is_some_and(|end| end == "deb");
    for deb in files::entries(debs)?.into_iter().filter(is_package) {
        run(Command::new("dpkg-deb").arg("--extract").arg(deb).arg(tree))?;
    }
    Ok(())
}
