//! The machine that guests run on: QEMU 10 or newer, by software emulation.
//!
//! With QEMU 7.2 guests with two CPUs crashed now and then while probes were
//! attached (kernel text patching under emulation); with 10.0 they do not.
//! Hardware help is never used: where this is developed /dev/kvm hangs, and
//! results would depend on its presence.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::run::{Shown, look, say};
use crate::setup::{Apt, DebianSource};
use crate::vm::files;

const PROGRAM: &str = "qemu-system-x86_64";
const PACKAGE: &str = "qemu-system-x86";
const OLDEST_MAJOR: u64 = 10;
const CPUS: &str = "2";
const MEMORY: &str = "1G";
/// Below those who measure on the same machine.
const NICENESS: &str = "10";
/// Folders of an unpacked tree that hold shared libraries.
const LIBRARIES: [&str; 2] = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
/// Folders of an unpacked tree that hold firmware.
const FIRMWARE: [&str; 2] = ["usr/share/qemu", "usr/share/seabios"];

/// An emulator that runs.
pub(crate) struct Qemu {
    program: PathBuf,
    /// The tree it was unpacked into; none when it is the machine's own.
    tree: Option<PathBuf>,
}

impl Qemu {
    /// The machine's own if it is new enough, else the cache's, fetched unless
    /// it is there.
    pub(crate) fn get(debian: &DebianSource<'_>) -> Result<Self> {
        let own = Self {
            program: PROGRAM.into(),
            tree: None,
        };
        if own.fits() {
            return Ok(own);
        }
        let tree = files::cache(debian.workspace).join("qemu");
        let unpacked = Self {
            program: tree.join("usr/bin").join(PROGRAM),
            tree: Some(tree.clone()),
        };
        // A cached one may miss a library that another machine had installed.
        if !unpacked.fits() {
            fetch(debian, &tree).context("cannot fetch QEMU")?;
            ensure!(
                unpacked.fits(),
                "`{}` does not run or is older than QEMU {OLDEST_MAJOR}",
                Shown(&unpacked.version_command())
            );
        }
        Ok(unpacked)
    }

    /// A guest that boots `image`: its console is stdout, and its second serial port
    /// writes the file `results`.
    pub(crate) fn guest(
        &self,
        image: &Path,
        initramfs: &Path,
        results: &Path,
        settings: &str,
    ) -> Command {
        let mut port = OsString::from("file:");
        port.push(results);
        let mut command = Command::new("nice");
        command.args(["-n", NICENESS]).arg(&self.program);
        self.set_up(&mut command);
        command
            .args(["-accel", "tcg,thread=multi", "-cpu", "max"])
            .args(["-smp", CPUS, "-m", MEMORY])
            // Only serial ports: firmware keeps off them, no network, no screen.
            .args(["-nodefaults", "-display", "none", "-monitor", "none"])
            .args(["-no-reboot", "-serial", "stdio", "-serial"])
            .arg(port)
            .arg("-kernel")
            .arg(image)
            .arg("-initrd")
            .arg(initramfs)
            .args(["-append", settings])
            .stdin(Stdio::null());
        command
    }

    fn fits(&self) -> bool {
        let told = look(&mut self.version_command());
        told.as_deref().and_then(major) >= Some(OLDEST_MAJOR)
    }

    fn version_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        self.set_up(&mut command);
        command.arg("--version");
        command
    }

    fn set_up(&self, command: &mut Command) {
        let Some(tree) = &self.tree else { return };
        command.env("LD_LIBRARY_PATH", joined(tree, &LIBRARIES));
        for folder in FIRMWARE {
            command.arg("-L").arg(tree.join(folder));
        }
    }
}

/// As in a search path; the checkout's path has no colon, or cargo would not work.
fn joined(tree: &Path, folders: &[&str]) -> OsString {
    let paths: Vec<OsString> = folders
        .iter()
        .map(|folder| tree.join(folder).into_os_string())
        .collect();
    paths.join(std::ffi::OsStr::new(":"))
}

/// From the machine's own suite and its backports, so that its libraries serve.
fn fetch(debian: &DebianSource<'_>, tree: &Path) -> Result<()> {
    say("fetching QEMU");
    let scratch = files::cache(debian.workspace).join("fetch/qemu");
    files::empty(&scratch)?;
    let mirror = debian.mirror()?;
    let backports = format!("{}-backports", mirror.own);
    let sources = [mirror.suite(&mirror.own), mirror.suite(&backports)];
    let security = mirror.security(&mirror.own);
    let sources: Vec<String> = sources.into_iter().chain(security).collect();
    let apt = Apt::beside_installed(&scratch.join("apt"), &sources)?;
    apt.update()?;
    let unpacked = scratch.join("tree");
    apt.unpack_with_needs(PACKAGE, &backports, &unpacked)?;
    files::remove(tree)?;
    files::place(&unpacked, tree)?;
    files::remove(&scratch)
}

/// Of `QEMU emulator version MAJOR.MINOR.PATCH (…)`.
fn major(told: &str) -> Option<u64> {
    let (_, rest) = told.split_once("version ")?;
    rest.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_decides() {
        for (told, expect) in [
            (
                "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\n",
                Some(10),
            ),
            ("QEMU emulator version 7.2.22 (Debian 1:7.2)", Some(7)),
            ("QEMU emulator version", None),
            ("", None),
        ] {
            assert_eq!(major(told), expect, "{told:?}");
        }
    }

    #[test]
    fn an_unpacked_one_finds_its_own_libraries_and_firmware() {
        let qemu = Qemu {
            program: "/t/usr/bin/qemu".into(),
            tree: Some("/t".into()),
        };
        let guest = qemu.guest(
            Path::new("/k"),
            Path::new("/i"),
            Path::new("/r"),
            "console=ttyS0 quiet",
        );
        let shown = Shown(&guest).to_string();
        assert!(
            shown.starts_with(
                "nice -n 10 /t/usr/bin/qemu -L /t/usr/share/qemu -L /t/usr/share/seabios \
                 -accel tcg,thread=multi "
            ),
            "{shown}"
        );
        assert!(
            shown.ends_with("-serial file:/r -kernel /k -initrd /i -append 'console=ttyS0 quiet'"),
            "{shown}"
        );
        let libraries = guest.get_envs().find_map(|(_, value)| value);
        let expect = "/t/usr/lib/x86_64-linux-gnu:/t/lib/x86_64-linux-gnu";
        assert_eq!(libraries, Some(expect.as_ref()));
    }
}
