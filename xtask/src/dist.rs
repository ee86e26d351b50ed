//! What is handed out: a static binary for each architecture that can be linked here, as an
//! archive and as a package for Debian, with their checksums.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::run::{look, run, say};
use crate::workspace::Workspace;

const FOLDER: &str = "target/dist";
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
/// Shells, and where Debian has their completions.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/waitscope"),
    ("zsh", "usr/share/zsh/vendor-completions/_waitscope"),
    ("fish", "usr/share/fish/vendor_completions.d/waitscope.fish"),
];

/// One binary.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    triple: &'static str,
    /// As Debian names the architecture.
    debian: &'static str,
    /// The C compiler that links it.
    linker: &'static str,
}

const TARGETS: [Target; 2] = [
    Target {
        triple: "x86_64-unknown-linux-musl",
        debian: "amd64",
        linker: "musl-gcc",
    },
    Target {
        triple: "aarch64-unknown-linux-musl",
        debian: "arm64",
        linker: "aarch64-linux-musl-gcc",
    },
];

impl Target {
    fn arch(&self) -> &str {
        self.triple.split('-').next().unwrap_or_default()
    }

    /// What an environment variable of cargo's for it begins with.
    fn variable(&self, name: &str) -> String {
        let triple = self.triple.to_uppercase().replace('-', "_");
        format!("CARGO_TARGET_{triple}_{name}")
    }
}

/// Builds everything that can be built here; what cannot is said.
pub(crate) fn make(workspace: &Workspace) -> Result<()> {
    let folder = workspace.path(FOLDER).join("out");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut made = 0;
    for target in &TARGETS {
        match missing(workspace, target) {
            Some(missing) => say(format_args!("no {}: {missing}", target.triple)),
            None => {
                package(workspace, target, &folder)?;
                made += 1;
            }
        }
    }
    ensure!(made > 0, "nothing could be built");
    checksums(&folder)?;
    say(format_args!("see {}", folder.display()));
    Ok(())
}

/// What keeps a target from being built here.
fn missing(workspace: &Workspace, target: &Target) -> Option<String> {
    if look(Command::new(target.linker).arg("--version")).is_none() {
        return Some(format!("there is no linker {}", target.linker));
    }
    let native = target.arch() == std::env::consts::ARCH;
    let prebuilt = format!("probe-ebpf/prebuilt/{}.o.zst", target.arch());
    if !native && !workspace.path(&prebuilt).exists() {
        return Some(format!("there is no {prebuilt}"));
    }
    None
}

/// Builds one binary, without a library that it would load; says what it was built for: GNU's
/// C library, linked in, where the toolchain has not the standard library for musl.
fn build(workspace: &Workspace, target: &Target) -> Result<(PathBuf, String)> {
    let gnu = target.triple.replace("musl", "gnu");
    let is_musl = has_library(target);
    let triple = if is_musl { target.triple } else { &gnu };
    say(format_args!("== {triple}"));
    let mut cargo = workspace.cargo()?;
    cargo.args(["build", "--release", "--package", "waitscope", "--target"]);
    cargo.args([triple, "--target-dir"]);
    cargo.arg(workspace.path(FOLDER));
    if is_musl {
        cargo.env(target.variable("LINKER"), target.linker);
        let compiler = format!("CC_{}", target.triple.replace('-', "_"));
        cargo.env(compiler, target.linker);
    }
    let variable = triple.to_uppercase().replace('-', "_");
    cargo.env(
        format!("CARGO_TARGET_{variable}_RUSTFLAGS"),
        "-Ctarget-feature=+crt-static",
    );
    run(&mut cargo)?;
    let folder = workspace.path(FOLDER).join(triple);
    let binary = folder.join("release/waitscope");
    let segments =
        look(Command::new("readelf").arg("-lW").arg(&binary)).context("readelf failed")?;
    ensure!(
        !segments.contains("INTERP"),
        "{} is not static",
        binary.display()
    );
    Ok((binary, triple.to_owned()))
}

/// Whether the toolchain has the standard library for it (`rustup target add`).
fn has_library(target: &Target) -> bool {
    let mut ask = Command::new("rustc");
    let folder = look(ask.args(["--print", "target-libdir", "--target", target.triple]));
    folder.is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

/// The archive and the package of one target.
fn package(workspace: &Workspace, target: &Target, folder: &Path) -> Result<()> {
    let (binary, triple) = build(workspace, target)?;
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("waitscope-{version}-{triple}");
    let tree = folder.join(&name);
    let file = |path: &str| -> Result<PathBuf> {
        let path = tree.join(path);
        let parent = path.parent().context("a file lies in a folder")?;
        fs::create_dir_all(parent)?;
        Ok(path)
    };
    fs::copy(&binary, file("usr/bin/waitscope")?)?;
    for licence in LICENCES {
        let path = format!("usr/share/doc/waitscope/{licence}");
        fs::copy(workspace.path(licence), file(&path)?)?;
    }
    // What runs here says it for all.
    let native = workspace.waitscope();
    let manual = file("usr/share/man/man1/waitscope.1")?;
    run(Command::new(&native)
        .arg("man")
        .arg(manual.parent().unwrap_or(&manual)))?;
    for (shell, path) in SHELLS {
        let script = look(Command::new(&native).args(["completions", shell]));
        fs::write(file(path)?, script.context("waitscope completions failed")?)?;
    }
    deb(&tree, target, version, folder)?;
    let archive = format!("{name}.tar.gz");
    run(Command::new("tar").current_dir(folder).args([
        "--owner=0",
        "--group=0",
        "--sort=name",
        "-czf",
        &archive,
        &name,
    ]))?;
    fs::remove_dir_all(&tree)?;
    Ok(())
}

/// A package of a tree, where Debian's tool for that is.
fn deb(tree: &Path, target: &Target, version: &str, folder: &Path) -> Result<()> {
    if look(Command::new("dpkg-deb").arg("--version")).is_none() {
        say("no package for Debian: there is no dpkg-deb");
        return Ok(());
    }
    let control = tree.join("DEBIAN");
    fs::create_dir(&control)?;
    let text = format!(
        "Package: waitscope\nVersion: {version}\nArchitecture: {}\nSection: devel\n\
         Priority: optional\nMaintainer: the waitscope developers <waitscope@localhost>\n\
         Description: off-CPU profiler that says what every thread waited for\n \
         Follows a process tree and says where each nanosecond of every thread went, who ended\n \
         each wait and what was behind it.\n",
        target.debian
    );
    fs::write(control.join("control"), text)?;
    fs::set_permissions(&control, fs::Permissions::from_mode(0o755))?;
    let package = folder.join(format!("waitscope_{version}_{}.deb", target.debian));
    run(Command::new("dpkg-deb")
        .args(["--root-owner-group", "--build"])
        .arg(tree)
        .arg(package))?;
    fs::remove_dir_all(control)?;
    Ok(())
}

/// `SHA256SUMS`, as sha256sum(1) checks it.
fn checksums(folder: &Path) -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name());
    }
    names.sort();
    let sums = look(Command::new("sha256sum").current_dir(folder).args(names));
    match sums {
        Some(sums) => Ok(fs::write(folder.join("SHA256SUMS"), sums)?),
        None => bail!("sha256sum failed"),
    }
}
