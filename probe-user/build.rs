//! Builds the kernel probes and leaves them at `$OUT_DIR/waitscope-probes`.
//!
//! The eBPF target has no prebuilt `core`, so a compiler with the standard
//! library's source is needed. Routes, first match wins: a ready object named by
//! `WAITSCOPE_EBPF_OBJ`; a rustup nightly with `rust-src`; the distribution's
//! `/usr/bin/rustc` with its library source.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use aya_build::{Package, Toolchain, build_ebpf};

const OBJECT_ENV: &str = "WAITSCOPE_EBPF_OBJ";
const OBJECT: &str = "waitscope-probes";
const SYSTEM_RUSTC: &str = "/usr/bin/rustc";
const SYSTEM_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library";
/// The oldest Rust 1.x that builds the eBPF crates.
const OLDEST_MINOR: u32 = 87;
const LIBRARY_IN_SYSROOT: &str = "lib/rustlib/src/rust/library";

fn main() {
    if let Err(error) = build() {
        // One line: cargo reads directives line by line.
        let message = format!("{error:#}").replace('\n', " ");
        println!("cargo::error={message}");
    }
}

fn build() -> Result<()> {
    println!("cargo::rerun-if-env-changed={OBJECT_ENV}");
    println!("cargo::rerun-if-changed=build.rs");
    let root = workspace_root()?;
    let object = PathBuf::from(required_env("OUT_DIR")?).join(OBJECT);
    if let Some(ready) = env::var_os(OBJECT_ENV) {
        return copy_ready_object(&root.join(ready), &object);
    }

    // Beside probe-ebpf itself, which aya-build names. The workspace has the profile
    // and the versions that the probes are built with.
    for other in ["probe-common", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(other).display());
    }
    prefer_installed_linker(&root)?;
    // aya-build shows the nested cargo's progress lines as warnings.
    set_env("CARGO_TERM_QUIET", "true");
    if nightly_has_library_source() {
        compile(&root, Toolchain::Nightly)?;
    } else if system_rustc_fits() {
        compile_with_system_rustc(&root)?;
    } else {
        bail!(
            "no compiler with the standard library's source to build the probes with: run \
             `cargo xtask setup` (it installs Debian's rustc-web and rust-web-src), or \
             `rustup toolchain install nightly --component rust-src`"
        );
    }
    ensure!(
        object.exists(),
        "the build of probe-ebpf left no {} (is AYA_BUILD_SKIP set?)",
        object.display()
    );
    Ok(())
}

fn copy_ready_object(ready: &Path, object: &Path) -> Result<()> {
    println!("cargo::rerun-if-changed={}", ready.display());
    fs::copy(ready, object).with_context(|| format!("{OBJECT_ENV}: copy {}", ready.display()))?;
    Ok(())
}

fn compile(root: &Path, toolchain: Toolchain<'_>) -> Result<()> {
    let directory = root.join("probe-ebpf");
    let log: &[&str] = &["log"];
    let wants_log = env::var_os("CARGO_FEATURE_PROBE_LOG").is_some();
    let package = Package {
        name: "probe-ebpf",
        root_dir: directory
            .to_str()
            .context("the path of the checkout is not UTF-8")?,
        features: if wants_log { log } else { &[] },
        ..Package::default()
    };
    build_ebpf([package], toolchain)
}

/// The distribution's compiler under the active toolchain's cargo.
///
/// `RUSTC` (which cargo gives to build scripts) would override the choice made
/// here, and so would a wrapper; aya-build removes `RUSTC` and clippy's wrapper
/// from the nested cargo, the rest goes here.
fn compile_with_system_rustc(root: &Path) -> Result<()> {
    set_env("CARGO_BUILD_RUSTC", SYSTEM_RUSTC);
    set_env("RUSTC_BOOTSTRAP", "1");
    for wrapper in ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"] {
        remove_env(wrapper);
    }
    let toolchain = active_toolchain()?;
    compile(root, Toolchain::Custom(&toolchain))
}

/// The rustup toolchain this build runs under; without rustup the name is not
/// used, since aya-build then runs plain `cargo`.
fn active_toolchain() -> Result<String> {
    if let Ok(name) = env::var("RUSTUP_TOOLCHAIN") {
        return Ok(name);
    }
    let Some(shown) = stdout_of("rustup", &["show", "active-toolchain"]) else {
        return Ok(String::new());
    };
    let name = shown.split_whitespace().next();
    Ok(name
        .context("`rustup show active-toolchain` names none")?
        .to_owned())
}

fn nightly_has_library_source() -> bool {
    stdout_of("rustup", &["run", "nightly", "rustc", "--print", "sysroot"])
        .is_some_and(|sysroot| Path::new(sysroot.trim()).join(LIBRARY_IN_SYSROOT).is_dir())
}

/// A distribution may carry a compiler that is too old beside a newer toolchain.
fn system_rustc_fits() -> bool {
    let version = stdout_of(SYSTEM_RUSTC, &["--version"]);
    let minor = version.as_deref().and_then(|text| {
        let release = text.strip_prefix("rustc 1.")?;
        release.split('.').next()?.parse::<u32>().ok()
    });
    Path::new(SYSTEM_LIBRARY).is_dir() && minor >= Some(OLDEST_MINOR)
}

/// The output of a command that exists and succeeds.
fn stdout_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        // A look must not download a toolchain.
        .env("RUSTUP_AUTO_INSTALL", "0")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout));
    text?.ok()
}

/// Puts the linker that `cargo xtask setup` installs in front, so that plain
/// `cargo build` and `cargo clippy` work as well.
fn prefer_installed_linker(root: &Path) -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    let tools = tools(root).join("bin");
    let mut directories: Vec<PathBuf> = env::split_paths(&path).collect();
    if tools.join("bpf-linker").exists() {
        directories.insert(0, tools);
    }
    ensure!(
        directories
            .iter()
            .any(|directory| directory.join("bpf-linker").exists()),
        "bpf-linker is not installed: run `cargo xtask setup`"
    );
    set_env("PATH", env::join_paths(directories)?);
    Ok(())
}

/// As `Workspace::tools` in xtask has it.
fn tools(root: &Path) -> PathBuf {
    let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let set = set.filter(|folder| folder.is_absolute());
    let cache = set.or_else(|| Some(env::home_dir()?.join(".cache")));
    cache.map_or_else(
        || root.join("target/tools"),
        |it| it.join("waitscope/tools"),
    )
}

fn workspace_root() -> Result<PathBuf> {
    let manifest = PathBuf::from(required_env("CARGO_MANIFEST_DIR")?);
    let root = manifest.parent().context("probe-user has no parent")?;
    Ok(root.to_owned())
}

fn required_env(name: &str) -> Result<OsString> {
    env::var_os(name).with_context(|| format!("{name} is not set; run this through cargo"))
}

fn set_env(name: &str, value: impl AsRef<OsStr>) {
    // SAFETY: no thread exists yet; aya-build starts its own later.
    unsafe { env::set_var(name, value) }
}

fn remove_env(name: &str) {
    // SAFETY: no thread exists yet; aya-build starts its own later.
    unsafe { env::remove_var(name) }
}
